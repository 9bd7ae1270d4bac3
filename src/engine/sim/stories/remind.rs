//! Reminders: whom they ring, when, and what they say; rounds, chains, fallbacks; and every race with a retrieval.
use super::office::*;
use super::park::{occupied, parked};
use super::phone::{Answer, Dial, Stage};
use super::world::{End, Who, World};
use crate::counters::{ParkEnd, ReminderResult, ReminderRung};
use crate::settings::{DeclineMeans, Fallback, ReminderTarget, ReminderUri, ReminderWhenBusy};

fn reminders(office: &World, rung: ReminderRung, result: ReminderResult) -> u64 {
    office.snapshot().counters.park[0].reminders.count(rung, result)
}

fn stays(office: &World, end: ParkEnd) -> u64 {
    office.snapshot().counters.park[0].ended.count(end, ())
}

/// When, in seconds from now, each INVITE reaches somebody within the next so many seconds.
fn rung(office: &mut World, whom: &[Who], within: u64) -> Vec<(u64, Who)> {
    let began = office.now;
    office.ladder.clear();
    office.passes(secs(within));
    let mut all = Vec::new();
    for &who in whom {
        let invites = office.ladder.to(office.phones[who.0].address);
        let invites = invites.filter(|rung| rung.message().is_some_and(|m| m.method() == Some("INVITE")));
        all.extend(invites.map(|rung| (rung.at.since(began).as_secs(), who)));
    }
    all.sort_by_key(|(at, who)| (*at, who.0));
    all
}

#[test]
fn what_a_reminder_says() {
    let mut office = office();
    let hidden = Dial { from: Some("\"Mum\" <sip:+4930123@carrier.test>".into()), ..Dial::default() };
    let carrier = office.dials_so(CARRIER, "1002", &hidden);
    let bob = office.answers(BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.passes(secs(91));
    let invite = office.last(BOB, "INVITE");
    assert!(
        invite.field("From").starts_with("\"Park 701: Mum\" <sip:+4930123@pbx.test>;tag="),
        "{}",
        invite.field("From")
    );
    assert_eq!(invite.field("P-Asserted-Identity"), "\"Mum\" <sip:+4930123@pbx.test>");
    let alerts: Vec<_> = invite.all("Alert-Info").collect();
    assert_eq!(alerts, ["<urn:alert:service:recall:hold>", "<http://pbx.invalid>;info=park-reminder"], "URN first");
    assert_eq!(invite.field("Call-Info"), "<sip:701@pbx.test>;purpose=info");
    assert_eq!(invite.field("Subject"), "Park reminder, 90 s");
    assert!(invite.field("Diversion").starts_with("<sip:701@pbx.test>"));
    let bob = office.answers(BOB);
    office.talk(carrier, bob);
    assert_eq!(office.call(bob).shown, "\"Mum\" <sip:+4930123@pbx.test>", "once they talk it shows who it is");
    assert_eq!((stays(&office, ParkEnd::Reclaimed), occupied(&office).len()), (1, 0));
    assert_eq!(reminders(&office, ReminderRung::Device, ReminderResult::Answered), 1);
    office.hangs_up(carrier);
    office.ends();
}

#[test]
fn a_reminder_of_somebody_who_is_hidden() {
    let mut office = office();
    let hidden = Dial { lines: "Privacy: id\r\n".into(), ..Dial::default() };
    office.dials_so(ALICE, "1002", &hidden);
    let bob = office.answers(BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.ladder.clear();
    office.passes(secs(91));
    let invite = office.last(BOB, "INVITE");
    let from = invite.field("From");
    assert!(from.starts_with("\"Park 701: Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), "{from}");
    assert!(!format!("{invite:?}").contains("1001") && invite.field("P-Asserted-Identity").is_empty());
    office.ends();
}

#[test]
fn a_reminder_may_name_the_orbit() {
    let mut office = office_with(|settings| settings.lots[0].reminder_uri = ReminderUri::Orbit);
    parked(&mut office, "704");
    office.passes(secs(91));
    assert!(office.last(BOB, "INVITE").field("From").starts_with("\"Park 704: Alice\" <sip:704@pbx.test>;tag="));
    office.ends();
}

/// Device, user, alternate; three rounds with pauses between; then nothing more, and the call is still there.
#[test]
fn rounds_and_chain() {
    let mut office = office_with(|settings| settings.lots[0].alternate = Some("1003".into()));
    let second = office.add("1002", "Bob's second", "10.0.1.12:5060");
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(second, |phone| phone.register());
    office.refers(bob, "<sip:701@pbx.test>");
    let everybody = [BOB, CAROL, DAVE, second];
    let round = |from: u64| [(from, BOB), (from + 20, BOB), (from + 20, second), (from + 40, CAROL)];
    let wanted: Vec<_> = [89, 89 + 90, 89 + 180].into_iter().flat_map(round).collect();
    assert_eq!(rung(&mut office, &everybody, 1000), wanted);
    assert_eq!(reminders(&office, ReminderRung::Device, ReminderResult::NoAnswer), 3);
    assert_eq!(reminders(&office, ReminderRung::User, ReminderResult::NoAnswer), 3);
    assert_eq!(reminders(&office, ReminderRung::Alternate, ReminderResult::NoAnswer), 3);
    office.hears_music(alice);
    let cancel = office.last(BOB, "CANCEL");
    assert!(!cancel.field("Reason").contains("elsewhere"), "a missed call is right here");
    let dave = office.dials(DAVE, "701");
    office.talk(alice, dave);
    office.ends();
}

#[test]
fn no_reminder_where_none_is_wanted() {
    let mut office = office_with(|settings| settings.lots[0].first_reminder = secs(0));
    parked(&mut office, "701");
    assert_eq!(rung(&mut office, &[BOB, CAROL], 4000), []);
    office.ends();
}

/// An orbit may have its own first reminder.
#[test]
fn an_orbit_of_its_own() {
    let mut office = office_with(|settings| settings.lots[0].orbits[1].first_reminder = Some(secs(10)));
    parked(&mut office, "702");
    assert_eq!(rung(&mut office, &[BOB], 12), [(9, BOB)]);
    office.ends();
}

/// Whoever is not there is skipped at once.
#[test]
fn the_parker_is_gone() {
    let mut office = office_with(|settings| settings.lots[0].alternate = Some("1003".into()));
    parked(&mut office, "701");
    office.with(BOB, |phone| phone.unregister());
    assert_eq!(rung(&mut office, &[BOB, CAROL], 95), [(89, CAROL)]);
    assert_eq!(reminders(&office, ReminderRung::Device, ReminderResult::Unregistered), 1);
    assert_eq!(reminders(&office, ReminderRung::User, ReminderResult::Unregistered), 1);
    office.ends();
}

/// Another phone of the parker's rings, where the one that parked is gone.
#[test]
fn the_parkers_phone_is_gone() {
    let mut office = office();
    let second = office.add("1002", "Bob's second", "10.0.1.12:5060");
    parked(&mut office, "701");
    office.with(BOB, |phone| phone.unregister());
    office.with(second, |phone| phone.register());
    assert_eq!(rung(&mut office, &[BOB, second], 95), [(89, second)]);
    office.ends();
}

/// Refusals go on to the next target at once, and are counted as what they are.
#[test]
fn refusals_lead_to_the_next() {
    for (status, result) in [
        (486, ReminderResult::Busy),
        (600, ReminderResult::Busy),
        (603, ReminderResult::Declined),
        (480, ReminderResult::Unregistered),
        (404, ReminderResult::Unregistered),
        (302, ReminderResult::Unregistered),
        (500, ReminderResult::Failed),
    ] {
        let mut office = office_with(|settings| {
            settings.lots[0].alternate = Some("1003".into());
            settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerDevice, ReminderTarget::Alternate];
        });
        let alice = parked(&mut office, "701");
        office.phones[BOB.0].manners.answers = Answer::Refuse(status);
        assert_eq!(rung(&mut office, &[BOB, CAROL], 95), [(89, BOB), (89, CAROL)], "{status}");
        assert_eq!(reminders(&office, ReminderRung::Device, result), 1, "{status}");
        let carol = office.answers(CAROL);
        office.talk(alice, carol);
        office.ends();
    }
}

#[test]
fn what_a_decline_means() {
    for (means, wanted) in [
        (DeclineMeans::NextTarget, vec![(89, BOB), (89, CAROL), (139, BOB), (139, CAROL)]),
        (DeclineMeans::Snooze, vec![(89, BOB), (119, BOB), (149, BOB)]),
        (DeclineMeans::RetrieveNoMore, vec![(89, BOB), (89, CAROL), (139, CAROL)]),
    ] {
        let mut office = office_with(|settings| {
            settings.lots[0].alternate = Some("1003".into());
            settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerDevice, ReminderTarget::Alternate];
            settings.lots[0].decline_means = means;
        });
        parked(&mut office, "701");
        office.phones[BOB.0].manners.answers = Answer::Refuse(603);
        assert_eq!(rung(&mut office, &[BOB, CAROL], 165), wanted, "{means:?}");
        office.ends();
    }
}

/// The parker is on a call.
#[test]
fn the_parker_talks() {
    for (mode, wanted) in [
        (ReminderWhenBusy::CallWaiting, vec![(89, BOB)]),
        (ReminderWhenBusy::Skip, vec![(89, CAROL)]),
        (ReminderWhenBusy::WaitIdle, vec![]),
    ] {
        let mut office = office_with(|settings| {
            settings.lots[0].alternate = Some("1003".into());
            settings.lots[0].reminder_when_busy = mode;
        });
        let alice = parked(&mut office, "701");
        let (dave, bob) = office.connects(DAVE, BOB);
        office.passes(millis(100));
        assert_eq!(rung(&mut office, &[BOB, CAROL], 95), wanted, "{mode:?}");
        office.talk(dave, bob);
        if mode == ReminderWhenBusy::WaitIdle {
            office.hangs_up(dave);
            assert!(office.latest(BOB, Stage::Ringing).is_some(), "within a second of his last word");
            let bob = office.answers(BOB);
            office.talk(alice, bob);
        }
        office.ends();
    }
}

/// He never hangs up: the next target after the time that a ring has.
#[test]
fn a_parker_who_talks_for_ever() {
    let mut office = office_with(|settings| {
        settings.lots[0].alternate = Some("1003".into());
        settings.lots[0].reminder_when_busy = ReminderWhenBusy::WaitIdle;
    });
    parked(&mut office, "701");
    office.connects(DAVE, BOB);
    assert_eq!(rung(&mut office, &[BOB, CAROL], 140), [(129, CAROL)], "device, then user, 20 s each");
    office.ends();
}

/// No phone shows a missed call.
#[test]
fn fetched_while_the_reminder_rings() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    assert_eq!(office.last(BOB, "CANCEL").field("Reason"), "SIP;cause=200;text=\"Call completed elsewhere\"");
    assert_eq!(reminders(&office, ReminderRung::Device, ReminderResult::Superseded), 1);
    office.ends();
}

/// His 200 and the claim cross, at every moment: one of them has the call, the other never hears it.
#[test]
fn the_parkers_answer_and_a_claim_cross() {
    for lead in 0..30 {
        let mut office = office();
        let alice = parked(&mut office, "701");
        office.passes(secs(91));
        let ringing = office.latest(BOB, Stage::Ringing).unwrap();
        let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
        office.passes(millis(lead));
        office.with(BOB, |phone| phone.answer(ringing.no));
        office.passes(secs(1));
        let carol = End { who: CAROL, no };
        if office.call(carol).stage == Stage::Up {
            office.talk(alice, carol);
            assert!(office.call(ringing).is_over(), "{lead}");
            assert!(
                [
                    "BYE SIP;cause=200;text=\"Call completed elsewhere\"",
                    "CANCEL SIP;cause=200;text=\"Call completed elsewhere\""
                ]
                .contains(&office.ended(ringing)),
                "{}",
                office.ended(ringing)
            );
            let told: Vec<_> = office.heard(BOB, "INVITE");
            assert_eq!(told.len(), 2, "his call and his reminder: no media of hers after");
        } else {
            office.talk(alice, ringing);
            assert!(office.ended(carol).starts_with("480 "), "{}", office.ended(carol));
        }
        assert!(occupied(&office).is_empty());
        office.ends();
    }
}

#[test]
fn she_hangs_up_while_the_reminder_rings() {
    for missed in [true, false] {
        let mut office = office_with(|settings| settings.lots[0].missed_call_on_abandon = missed);
        let alice = parked(&mut office, "701");
        office.passes(secs(91));
        office.hangs_up(alice);
        let reason = if missed { "" } else { "SIP;cause=200;text=\"Call completed elsewhere\"" };
        assert_eq!(office.last(BOB, "CANCEL").field("Reason"), reason);
        assert_eq!((occupied(&office).len(), stays(&office, ParkEnd::Abandoned)), (0, 1));
        office.ends();
    }
}

/// He answers the reminder, but her phone will not be moved: parked as before.
#[test]
fn the_reminder_is_answered_in_vain() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    let bob = office.answers(BOB);
    assert!(office.call(bob).is_over());
    office.phones[ALICE.0].manners.refuses_changes = None;
    office.passes(millis(500));
    office.hears_music(alice);
    assert_eq!(occupied(&office), ["701"]);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// He answers the reminder and hangs up at once.
#[test]
fn the_reminder_is_answered_and_left() {
    for pause in [0, 6, 11] {
        let mut office = office();
        let alice = parked(&mut office, "701");
        office.passes(secs(91));
        let ringing = office.latest(BOB, Stage::Ringing).unwrap();
        office.with(BOB, |phone| phone.answer(ringing.no));
        office.passes(millis(pause));
        office.with(BOB, |phone| phone.hang_up(ringing.no));
        office.settles();
        if !office.call(alice).is_over() {
            office.hears_music(alice);
            assert_eq!(occupied(&office), ["701"], "{pause}");
        }
        office.ends();
    }
}

#[test]
fn a_reminder_at_every_phone_of_the_parker() {
    let mut office = office_with(|settings| settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerUser]);
    let second = office.add("1002", "Bob's second", "10.0.1.12:5060");
    let alice = parked(&mut office, "701");
    office.with(second, |phone| phone.register());
    office.passes(secs(91));
    assert!(office.latest(BOB, Stage::Ringing).is_some());
    let bob = office.answers(second);
    office.talk(alice, bob);
    assert_eq!(office.last(BOB, "CANCEL").field("Reason"), "SIP;cause=200;text=\"Call completed elsewhere\"");
    office.ends();
}

/// One refuses, the other still rings.
#[test]
fn one_of_two_phones_refuses_the_reminder() {
    let mut office = office_with(|settings| settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerUser]);
    let second = office.add("1002", "Bob's second", "10.0.1.12:5060");
    let alice = parked(&mut office, "701");
    office.with(second, |phone| phone.register());
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    office.passes(secs(95));
    let bob = office.answers(second);
    office.talk(alice, bob);
    office.ends();
}

/// One reminder at a time rings a phone, the oldest call first.
#[test]
fn reminders_take_turns() {
    let mut office = office_with(|settings| settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerDevice]);
    let mut waiting = Vec::new();
    for (who, orbit) in [(ALICE, "703"), (CAROL, "702"), (DAVE, "701")] {
        let (party, bob) = office.connects(who, BOB);
        office.refers(bob, &format!("<sip:{orbit}@pbx.test>"));
        waiting.push(party);
    }
    office.passes(secs(88));
    for party in waiting {
        office.passes(secs(6));
        let ringing = office.phones[BOB.0].calls.values().filter(|call| call.stage == Stage::Ringing).count();
        assert_eq!(ringing, 1);
        let bob = office.answers(BOB);
        office.talk(party, bob);
        office.hangs_up(bob);
    }
    office.ends();
}

/// The fallback rings; if it cannot be reached the call is kept.
#[test]
fn the_fallback() {
    for (number, who) in [("1004", DAVE), ("8777", CARRIER)] {
        let mut office = office_with(|settings| {
            settings.lots[0].reminder_rounds = 1;
            settings.lots[0].fallback = Fallback::Number(number.into());
            settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerDevice];
        });
        let alice = parked(&mut office, "701");
        assert_eq!(rung(&mut office, &[BOB, who], 115), [(89, BOB), (109, who)]);
        assert!(office.last(who, "INVITE").field("From").contains("Park 701: Alice"));
        let end = office.answers(who);
        office.talk(alice, end);
        assert_eq!((stays(&office, ParkEnd::Fallback), occupied(&office).len()), (1, 0));
        office.ends();
    }
}

#[test]
fn a_fallback_that_fails_keeps_the_call() {
    for number in ["1004", "5555", "2001"] {
        let mut office = office_with(|settings| {
            settings.lots[0].reminder_rounds = 1;
            settings.lots[0].fallback = Fallback::Number(number.into());
        });
        let alice = parked(&mut office, "701");
        office.phones[DAVE.0].manners.answers = Answer::Refuse(486);
        office.passes(secs(400));
        office.hears_music(alice);
        let carol = office.dials(CAROL, "701");
        office.talk(alice, carol);
        office.ends();
    }
}

#[test]
fn the_fallback_may_be_to_let_go() {
    let mut office = office_with(|settings| {
        settings.lots[0].reminder_rounds = 2;
        settings.lots[0].fallback = Fallback::AnnounceDrop;
    });
    let alice = parked(&mut office, "701");
    office.passes(secs(178));
    office.hears_music(alice);
    office.passes(secs(60));
    assert!(office.ended(alice).starts_with("BYE"));
    assert_eq!((stays(&office, ParkEnd::Dropped), occupied(&office).len()), (1, 0));
    office.ends();
}

/// `max_park_time`: the fallback at once; where that is to keep the call, one more round.
#[test]
fn the_longest_stay() {
    let mut office = office_with(|settings| {
        settings.lots[0].max_park_time = secs(30);
        settings.lots[0].fallback = Fallback::Number("1004".into());
    });
    parked(&mut office, "701");
    assert_eq!(rung(&mut office, &[BOB, DAVE], 35), [(29, DAVE)]);
    office.ends();
    let mut office = office_with(|settings| {
        settings.lots[0].max_park_time = secs(300);
        settings.lots[0].reminder_rounds = 1;
        settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerDevice];
    });
    let alice = parked(&mut office, "701");
    assert_eq!(rung(&mut office, &[BOB], 500), [(89, BOB), (299, BOB)]);
    office.hears_music(alice);
    office.ends();
}

/// An outside party parked: the chain begins with the alternate.
#[test]
fn an_outside_party_parks() {
    let mut office = office_with(|settings| settings.lots[0].alternate = Some("1003".into()));
    let (carrier, alice) = office.connects_over(CARRIER, "1001", ALICE);
    assert_eq!(office.refers(carrier, "<sip:701@pbx.test>").0, 200);
    office.hears_music(alice);
    assert_eq!(rung(&mut office, &[CARRIER, CAROL], 95), [(89, CAROL)]);
    office.ends();
}

/// A retrieval within a few milliseconds of the reminder, before and after: one call, one winner.
#[test]
fn a_claim_at_the_moment_of_the_reminder() {
    for offset in 0..40 {
        let mut office = office();
        let alice = parked(&mut office, "701");
        office.passes(millis(89_790 + offset));
        let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
        office.passes(millis(700));
        office.talk(alice, End { who: CAROL, no });
        assert!(office.latest(BOB, Stage::Ringing).is_none(), "{offset}");
        office.ends();
    }
}

/// Whoever says busy or declines has heard of it: the same phone does not ring again before the next round.
#[test]
fn a_phone_that_refused_rests_until_the_next_round() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    assert_eq!(rung(&mut office, &[BOB], 115), [(89, BOB)], "as a device, and not as a user again");
    assert_eq!(rung(&mut office, &[BOB], 30), [(4, BOB)], "the next round");
    assert_eq!(reminders(&office, ReminderRung::Device, ReminderResult::Busy), 2);
    assert_eq!(reminders(&office, ReminderRung::User, ReminderResult::Busy), 0);
    office.hangs_up(alice);
    office.ends();
}
