//! Call park: every way into an orbit, and what each refusal leaves as it was.
use super::office::*;
use super::phone::{Dial, HoldStyle};
use super::world::{End, Who, World};
use crate::counters::{ParkRefusal, ParkWay};
use crate::session::News;
use crate::settings::{OnOccupied, Pick};

/// Somebody in an orbit of the main lot: Alice calls Bob, Bob parks her.
pub(super) fn parked(office: &mut World, orbit: &str) -> End {
    let (alice, bob) = office.connects(ALICE, BOB);
    assert_eq!(office.refers(bob, &format!("<sip:{orbit}@pbx.test>")).0, 200);
    office.hears_music(alice);
    assert_eq!(occupied(office), [orbit]);
    alice
}

/// The orbits that have a call.
pub(super) fn occupied(office: &World) -> Vec<String> {
    office.engine.features.stays().into_iter().map(|stay| stay.number).collect()
}

fn rejected(office: &World, why: ParkRefusal) -> u64 {
    office.snapshot().counters.park[0].rejected.count(why, ())
}

/// RFC 5359 §2.15, Call Park, its first half: Bob transfers Alice into an orbit. `retrieve.rs` has the second.
#[test]
fn every_transfer_that_parks() {
    for (to, orbit) in [
        ("<sip:700@pbx.test>", "701"),
        ("<sip:704@pbx.test>", "704"),
        ("sip:704@pbx.test", "704"),
        ("<sip:park+702@pbx.test>", "702"),
        ("<sip:park@pbx.test;orbit=703>", "703"),
        ("<sip:callpark@pbx.test;orbit=703>", "703"),
        ("<sip:callpark@pbx.test>;orbit=705", "705"),
        ("<sip:park@pbx.test>", "701"),
        ("<sip:*68@pbx.test>", "701"),
        ("<sip:*68702@pbx.test>", "702"),
        ("<sip:712@pbx.test>", "712"),
    ] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        let (status, phrase) = office.refers(bob, to);
        assert_eq!((status, &*phrase), (200, "OK"), "{to}: 200, not 202 (RFC 7647 §5)");
        office.hears_music(alice);
        assert_eq!(occupied(&office), [orbit], "{to}");
        let place = format!("terminated: SIP/2.0 200 OK | Contact: <sip:{orbit}@pbx.test>");
        assert_eq!(office.call(bob).notified, ["active: SIP/2.0 100 Trying".to_owned(), place]);
        let last = office.last(BOB, "NOTIFY");
        assert_eq!((last.field("Event"), last.field("Subscription-State")), ("refer", "terminated;reason=noresource"));
        assert!(office.call(bob).is_over(), "his phone hangs up by itself");
        let told = office.news.iter().any(|news| {
            matches!(news, News::Parked { orbit: at, party, parker, .. } if at == orbit && party == "Alice" && parker == "1002")
        });
        assert!(told, "{:?}", office.news);
        office.ends();
    }
}

/// The code, and the lot's number, dialled on the phone that holds.
#[test]
fn every_code_that_parks_what_is_held() {
    for (number, orbit) in [("*68", "701"), ("*68704", "704"), ("*68700", "701"), ("*68710", "711")] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        let code = office.dials(BOB, number);
        assert_eq!(occupied(&office), [orbit], "{number}");
        office.hears_music(alice);
        office.hears_music(code);
        assert_eq!(office.call(code).shown, format!("\"Parked {orbit}\" <sip:{orbit}@pbx.test>"));
        assert!(office.call(bob).is_over(), "his part of the call is over");
        office.passes(secs(3));
        assert!(office.call(code).is_over(), "he has read where it is");
        assert!(!office.call(alice).is_over());
        let parked = office.snapshot().counters.park;
        assert_eq!(parked.iter().map(|lot| lot.parked.count(ParkWay::Code, ())).sum::<u64>(), 1);
        office.ends();
    }
}

/// Of several held calls the latest; on this phone.
#[test]
fn the_latest_held_call_of_this_phone_is_parked() {
    let mut office = office();
    let second = office.add("1002", "Bob's second", "10.0.1.12:5060");
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let (carol, bob_too) = office.connects(CAROL, BOB);
    office.holds(bob_too);
    let wrong_phone = office.dials(second, "*68");
    assert_eq!(office.ended(wrong_phone), "480 There is no call to park");
    office.dials(BOB, "*68");
    office.hears_music(carol);
    assert!(!office.call(bob).is_over());
    office.dials(BOB, "*68");
    office.hears_music(alice);
    assert_eq!(occupied(&office), ["701", "702"]);
    office.ends();
}

/// After a transfer: what is parked already is not in the way of the next held call.
#[test]
fn a_transfer_and_then_a_code() {
    let mut office = office();
    office.phones[BOB.0].manners.leaves_after_transfer = false;
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let (carol, bob_too) = office.connects(CAROL, BOB);
    office.holds(bob_too);
    assert_eq!(office.refers(bob_too, "<sip:703@pbx.test>").0, 200);
    office.hears_music(carol);
    office.dials(BOB, "*68704");
    office.hears_music(alice);
    assert_eq!(occupied(&office), ["703", "704"]);
    office.ends();
}

#[test]
fn nothing_to_park() {
    let mut office = office();
    for number in ["*68", "*68701", "700"] {
        let bob = office.dials(BOB, number);
        assert_eq!(office.ended(bob), "480 There is no call to park");
    }
    let (_, bob) = office.connects(ALICE, BOB);
    let code = office.dials(BOB, "*68");
    assert_eq!(office.ended(code), "480 There is no call to park", "he talks, and does not hold");
    office.hangs_up(bob);
    office.ends();
}

/// Refused, in words and in every place where phones look; and the call stays as it was.
#[test]
fn a_refused_park_leaves_the_call_alone() {
    for (to, status, words, why) in [
        ("<sip:701@pbx.test>", 486, "Orbit 701 is occupied", ParkRefusal::Occupied),
        ("<sip:710@pbx.test>", 403, "You may not park here", ParkRefusal::Forbidden),
        ("<sip:799@pbx.test>", 404, "799 does not exist", ParkRefusal::Unknown),
        ("<sip:*88@pbx.test>", 403, "Transfer to *88 is not allowed", ParkRefusal::Unknown),
        ("<sip:702@elsewhere.test>", 403, "Transfer to 702 is not allowed", ParkRefusal::Unknown),
    ] {
        for held in [false, true] {
            let mut office = office_with(|settings| settings.lots[1].park_groups = vec!["bosses".into()]);
            let carol = parked(&mut office, "701");
            let (dave, bob) = office.connects(DAVE, BOB);
            if held {
                office.holds(bob);
            }
            office.ladder.clear();
            assert_eq!(office.refers(bob, to), (status, words.to_owned()), "{to}");
            let refusal = office.answers_to(BOB, "REFER").pop().unwrap();
            assert_eq!(refusal.field("Warning"), format!("399 10.0.0.1:5060 \"{words}\""));
            assert_eq!(refusal.field("Reason"), format!("SIP;cause={status};text=\"{words}\""));
            assert!(office.heard(BOB, "NOTIFY").is_empty() && office.heard(DAVE, "INVITE").is_empty());
            assert_eq!(office.call(dave).media.heard, if held { "sendonly" } else { "sendrecv" });
            office.resumes(bob);
            office.talk(dave, bob);
            office.hears_music(carol);
            let lots = office.snapshot().counters.park;
            let counted: u64 = lots.iter().map(|lot| lot.rejected.count(why, ())).sum();
            assert_eq!(counted, u64::from(why != ParkRefusal::Unknown));
            office.ends();
        }
    }
}

#[test]
fn a_full_lot() {
    for overflow in [None, Some(1)] {
        let mut office = office_with(|settings| {
            settings.lots[0].orbits.truncate(1);
            settings.lots[0].overflow = overflow;
        });
        parked(&mut office, "701");
        let (dave, bob) = office.connects(DAVE, BOB);
        let (status, phrase) = office.refers(bob, "<sip:700@pbx.test>");
        if overflow.is_some() {
            assert_eq!((status, occupied(&office)), (200, vec!["701".to_owned(), "711".to_owned()]));
        } else {
            assert_eq!((status, &*phrase), (486, "All park orbits are in use"));
            assert_eq!(rejected(&office, ParkRefusal::Full), 1);
            office.talk(dave, bob);
        }
        office.ends();
    }
}

#[test]
fn occupied_may_mean_the_next_free_one() {
    let mut office = office_with(|settings| settings.lots[0].on_occupied = OnOccupied::NextFree);
    parked(&mut office, "701");
    let (_, bob) = office.connects(DAVE, BOB);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    assert_eq!(occupied(&office), ["701", "702"]);
    office.ends();
}

#[test]
fn colleagues_are_not_parked_where_that_is_so() {
    let mut office = office_with(|settings| settings.lots[0].park_external_only = true);
    let (alice, bob) = office.connects(ALICE, BOB);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 403);
    office.talk(alice, bob);
    office.hangs_up(bob);
    let (carrier, bob) = office.connects_over(CARRIER, "1002", BOB);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    office.hears_music(carrier);
    office.ends();
}

/// RFC 3515 §2.4.2.
#[test]
fn two_refer_to_are_one_too_many() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    for to in ["<sip:701@pbx.test>\r\nRefer-To: <sip:702@pbx.test>", "nonsense <"] {
        assert_eq!(office.refers(bob, to).0, 400);
    }
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_call_that_rings_cannot_be_parked() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, super::phone::Stage::Ringing).unwrap();
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>"));
    office.settles();
    assert_eq!(office.call(bob).answered.as_ref().map(|a| a.0), Some(481));
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// The one who is to be parked holds, too.
#[test]
fn both_hold_and_one_parks() {
    for style in [HoldStyle::SendOnly, HoldStyle::Inactive] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds_so(alice, Some(style), "INVITE");
        office.holds(bob);
        assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
        office.hears_music(alice);
        office.resumes(alice);
        office.hears_music(alice);
        assert!(office.call(alice).media.is_open(), "she hears it now");
        let carol = office.dials(CAROL, "701");
        office.talk(alice, carol);
        office.ends();
    }
}

/// The hold is not even acknowledged everywhere when the transfer comes.
#[test]
fn a_transfer_straight_after_the_hold() {
    for pause in [0, 1, 6, 11, 16, 21, 26] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.with(BOB, |phone| phone.hold(bob.no, Some(HoldStyle::SendOnly), "INVITE"));
        office.passes(millis(pause));
        assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200, "{pause}");
        office.passes(secs(5));
        office.hears_music(alice);
        assert_eq!(occupied(&office), ["701"]);
        office.ends();
    }
}

/// Both sides park each other at the same moment: one comes through.
#[test]
fn each_parks_the_other() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(ALICE, |phone| phone.refer(alice.no, "<sip:701@pbx.test>"));
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:702@pbx.test>"));
    office.settles();
    assert_eq!(office.call(alice).answered.as_ref().map(|a| a.0), Some(200));
    assert_eq!(office.call(bob).answered.as_ref().map(|a| a.0), Some(491));
    office.hears_music(bob);
    assert_eq!(occupied(&office), ["701"]);
    office.ends();
}

/// Two parkers, one orbit.
#[test]
fn two_park_into_one_orbit() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let (carol, dave) = office.connects(CAROL, DAVE);
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>"));
    office.with(DAVE, |phone| phone.refer(dave.no, "<sip:701@pbx.test>"));
    office.settles();
    office.hears_music(alice);
    assert_eq!(office.call(dave).answered, Some((486, "Orbit 701 is occupied".into())));
    office.talk(carol, dave);
    office.ends();
}

/// Her phone will not be moved: they go on talking, and the transfer is reported as failed.
#[test]
fn a_phone_that_cannot_be_parked() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200, "tried");
    let told = office.call(bob).notified.last().unwrap();
    assert_eq!(told, "terminated: SIP/2.0 500 The call could not be parked");
    office.talk(alice, bob);
    assert!(occupied(&office).is_empty());
    assert_eq!(rejected(&office, ParkRefusal::Media), 1);
    office.phones[ALICE.0].manners.refuses_changes = None;
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200, "and again, when she can");
    office.hears_music(alice);
    office.ends();
}

#[test]
fn no_media_port_is_left() {
    let mut office = office_with(|settings| settings.media.ports = 30_000..=30_001);
    parked(&mut office, "701");
    let (dave, bob) = office.connects(DAVE, BOB);
    office.refers(bob, "<sip:702@pbx.test>");
    assert_eq!(office.call(bob).notified.last().unwrap(), "terminated: SIP/2.0 500 The call could not be parked");
    office.talk(dave, bob);
    office.ends();
}

/// Her side is being changed from his when the park wants it: 491 is a matter of time only.
#[test]
fn glare_while_parking() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(ALICE, |phone| phone.hold(alice.no, Some(HoldStyle::SendOnly), "INVITE"));
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>"));
    office.passes(secs(8));
    office.hears_music(alice);
    assert_eq!(occupied(&office), ["701"]);
    office.ends();
}

/// A phone that is always just changing something itself: not for ever.
#[test]
fn endless_glare() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[ALICE.0].manners.refuses_changes = Some(491);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    office.passes(secs(90));
    assert_eq!(office.call(bob).notified.last().unwrap(), "terminated: SIP/2.0 500 The call could not be parked");
    office.talk(alice, bob);
    assert!(occupied(&office).is_empty());
    office.ends();
}

/// He cancels the code before it has answered: what is parked stays parked, and is not lost.
#[test]
fn the_code_is_cancelled_midway() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let no = office.with(BOB, |phone| phone.dial("*68", &Dial::default()));
    office.passes(millis(22));
    office.with(BOB, |phone| phone.hang_up(no));
    office.passes(secs(5));
    assert!(office.call(End { who: BOB, no }).is_over());
    if occupied(&office).is_empty() {
        office.resumes(bob);
        office.talk(alice, bob);
    } else {
        office.hears_music(alice);
    }
    office.ends();
}

#[test]
fn he_hangs_up_while_his_call_is_on_its_way_in() {
    for pause in [6, 11, 16] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>"));
        office.passes(millis(pause));
        office.with(BOB, |phone| phone.hang_up(bob.no));
        office.settles();
        office.hears_music(alice);
        assert_eq!(occupied(&office), ["701"]);
        office.ends();
    }
}

#[test]
fn she_hangs_up_while_she_is_on_her_way_in() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>"));
    office.passes(millis(7));
    office.with(ALICE, |phone| phone.hang_up(alice.no));
    office.settles();
    assert!(office.call(bob).is_over() && occupied(&office).is_empty());
    assert_eq!(office.call(bob).notified.last().unwrap(), "terminated: SIP/2.0 480 The caller hung up");
    office.ends();
}

/// A phone that does not hang up after its transfer is helped.
#[test]
fn a_parker_that_stays_is_hung_up() {
    let mut office = office();
    office.phones[BOB.0].manners.leaves_after_transfer = false;
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.passes(secs(3));
    assert!(!office.call(bob).is_over());
    office.passes(secs(2));
    assert_eq!(office.ended(bob), "BYE ");
    office.hears_music(alice);
    office.ends();
}

/// The RTP port was somebody else's: another one, and nobody is lost.
#[test]
fn media_fails_and_is_moved() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    let port = *office.ports.first().unwrap();
    office.media_fails(port);
    office.settles();
    office.hears_music(alice);
    assert_ne!(office.ports.first(), Some(&port));
    let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
    office.passes(millis(12));
    let port = *office.ports.first().unwrap();
    office.media_fails(port);
    office.settles();
    office.talk(alice, End { who: CAROL, no });
    office.passes(secs(5));
    office.talk(alice, End { who: CAROL, no });
    office.ends();
}

/// A number rests before the system gives it again; who names it need not wait.
#[test]
fn an_orbit_rests() {
    let mut office = office_with(|settings| {
        settings.lots[0].cooldown = secs(5);
        settings.lots[0].pick = Pick::Lowest;
    });
    let alice = parked(&mut office, "701");
    office.hangs_up(alice);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:700@pbx.test>");
    assert_eq!(occupied(&office), ["702"]);
    office.hangs_up(alice);
    parked(&mut office, "701");
    office.ends();
}

#[test]
fn a_drained_server_parks_nobody() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.command(crate::Command::Drain);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>"), (503, "Park is not available".into()));
    office.talk(alice, bob);
    office.ends();
}

/// A stop finds a call in an orbit, its reminder ringing, and a code being answered.
#[test]
fn a_stop_empties_the_orbits() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    assert!(office.latest(BOB, super::phone::Stage::Ringing).is_some());
    office.command(crate::Command::Stop);
    assert!(office.call(alice).is_over() && occupied(&office).is_empty() && office.engine.is_idle());
    office.ends();
}

/// What a phone of the office is called with, in a test that is about something else.
impl World {
    pub(super) fn connects_over(&mut self, from: Who, number: &str, to: Who) -> (End, End) {
        let caller = self.dials(from, number);
        (caller, self.answers(to))
    }
}
