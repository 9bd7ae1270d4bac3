//! Transfers and pickups at their corners: what crosses them, and who may not.
use super::office::*;
use super::phone::{Dial, Reliable, Stage};
use super::world::{End, World};
use crate::settings::MediaWay;

const TO_CAROL: &str = "<sip:1003@pbx.test>";

/// Alice talks to Bob, who holds her and rings Carol.
fn bob_rings_carol(office: &mut World, dial: &Dial) -> (End, End, End) {
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    (alice, bob, office.dials_so(BOB, "1003", dial))
}

fn late_offer() -> Dial {
    Dial { late_offer: true, ..Dial::default() }
}

/// Whom a transfer brought back to Bob no guest takes, neither by the code nor by naming the call.
#[test]
fn a_guest_does_not_take_a_call_that_comes_back() {
    let mut office = office_with_pickup(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, TO_CAROL);
    office.hangs_up(bob);
    office.passes(secs(61));
    let rings = office.latest(BOB, Stage::Ringing).unwrap();
    let guest = office.dials(DAVE, "**1002");
    assert_eq!(office.ended(guest), "480 There is no ringing call to pick up");
    let lines = format!("Replaces: {}\r\n", office.call(rings).named_from_afar());
    let guest = office.dials_so(DAVE, "1002", &Dial { lines, ..Dial::default() });
    assert_eq!(office.ended(guest), "403 You may not take this call over");
    let carol = office.dials(CAROL, "**1002");
    office.talk(alice, carol);
    office.ends();
}

/// He was told an orbit, transfers the held call to Carol instead, and hangs up: it is not parked as well.
#[test]
fn a_call_that_is_transferred_is_not_parked_by_hanging_up() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let told = office.dials(BOB, "700");
    assert_eq!(office.refers(bob, TO_CAROL).0, 200);
    let to = office.call(told).refer_to("700");
    assert_eq!(office.refers(bob, &to).0, 491);
    office.hangs_up(told);
    assert!(office.engine.features.stays().is_empty());
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    office.ends();
}

/// His call to her had no offer: her answer has it, and is acknowledged with what the transferee says.
#[test]
fn the_target_that_rang_makes_the_offer() {
    for early in [false, true] {
        let mut office = office();
        office.phones[CAROL.0].manners.early_media = early;
        if early {
            for who in [BOB, CAROL] {
                office.phones[who.0].manners.reliable = Some(Reliable::Supported);
            }
        }
        let (alice, bob, second) = bob_rings_carol(&mut office, &late_offer());
        let to = office.call(second).refer_to("1003");
        assert_eq!(office.refers(bob, &to).0, 200);
        let carol = office.answers(CAROL);
        office.passes(secs(60));
        office.talk(alice, carol);
        office.ends();
    }
}

/// Alice cannot be moved when Carol has answered: then it was Bob who called her.
#[test]
fn a_target_that_answered_in_vain_talks_to_who_called_it() {
    let mut office = office();
    let (alice, bob, second) = bob_rings_carol(&mut office, &Dial::default());
    let to = office.call(second).refer_to("1003");
    assert_eq!(office.refers(bob, &to).0, 200);
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    let carol = office.answers(CAROL);
    office.passes(secs(3));
    office.talk(second, carol);
    office.hangs_up(carol);
    office.phones[ALICE.0].manners.refuses_changes = None;
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// A lamp's pickup: the ringing call is named.
#[test]
fn a_transferred_call_that_rings_is_taken_by_naming_it() {
    let mut office = office();
    let (dave, bob) = office.connects(DAVE, BOB);
    office.holds(bob);
    office.refers(bob, TO_CAROL);
    let rings = office.latest(CAROL, Stage::Ringing).unwrap();
    let lines = format!("Replaces: {}\r\n", office.call(rings).named());
    let alice = office.dials_so(ALICE, "1003", &Dial { lines, ..Dial::default() });
    office.talk(dave, alice);
    office.ends();
}

/// Somebody outside does not send a line's party out again at our expense.
#[test]
fn who_called_over_a_trunk_transfers_to_none() {
    let mut office = office_with(|settings| settings.transfers.from_trunks = true);
    let town = office.dials(CARRIER, "1002");
    let bob = office.answers(BOB);
    assert_eq!(office.refers(town, "<sip:85551234@pbx.test>").0, 403);
    office.talk(town, bob);
    office.ends();
}

/// The server could not answer this caller while the two are joined: it goes on ringing.
#[test]
fn who_speaks_nothing_of_ours_is_not_picked_up() {
    let mut office = office_with_pickup(|_| {});
    office.phones[ALICE.0].line = Some("RTP/SAVP 0 8 101");
    let alice = office.dials(ALICE, "1002");
    let rings = office.latest(BOB, Stage::Ringing).unwrap();
    let replaces = Dial { lines: format!("Replaces: {}\r\n", office.call(rings).named()), ..Dial::default() };
    for (number, dial, kind) in
        [("**1002", Dial::default(), "directed"), ("*8", Dial::default(), "group"), ("1002", replaces, "replaces")]
    {
        let carol = office.dials_so(CAROL, number, &dial);
        assert_eq!(office.ended(carol), "488 This call can be answered at the phone that rings only");
        let counted: Vec<_> =
            office.snapshot().counters.pickups.iter().filter(|(k, _, n)| *k == kind && *n > 0).collect();
        assert_eq!(counted, [(kind, "not_answerable", 1)]);
        assert_eq!(office.call(rings).stage, Stage::Ringing, "Bob's phone rings on");
    }
    assert!(!office.call(alice).is_over());
    let bob = office.answers(BOB);
    assert_eq!([alice, bob].map(|end| office.call(end).stage), [Stage::Up; 2]);
    office.ends();
}

/// Whoever picked a transferred call up, without an offer, gives up at any moment: the call is as it was.
#[test]
fn who_picked_up_gives_up_at_any_moment() {
    for (after, held) in (0..60).step_by(4).flat_map(|after| [(after, false), (after, true)]) {
        let mut office = office_with_pickup(|_| {});
        let (dave, bob) = office.connects(DAVE, BOB);
        if held {
            office.holds(bob);
        }
        office.refers(bob, TO_CAROL);
        let no = office.with(ALICE, |phone| phone.dial("**1003", &late_offer()));
        office.passes(millis(after));
        office.with(ALICE, |phone| phone.hang_up(no));
        office.passes(secs(60));
        if !office.call(bob).is_over() {
            if held {
                office.resumes(bob);
            }
            office.talk(dave, bob);
        }
        office.ends();
    }
}

/// A word with the target was a call like any other, whoever ends it.
#[test]
fn a_consultation_that_ends_in_between_has_not_failed() {
    let mut office = office();
    let (_, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let (second, carol) = office.connects(BOB, CAROL);
    let to = office.call(second).refer_to("1003");
    office.with(BOB, |phone| phone.refer(bob.no, &to));
    office.passes(millis(12));
    office.hangs_up(carol);
    office.passes(secs(1));
    let ended = office.snapshot().counters.calls;
    let failed = |(_, cause, n): (_, &str, u64)| if cause == "failure" { n } else { 0 };
    assert_eq!(ended.iter().flat_map(|calls| calls.ended.iter()).map(failed).sum::<u64>(), 0);
    office.ends();
}

/// Where the call went is told, unless that is somebody's secret.
#[test]
fn a_hidden_number_is_not_told_to_the_transferor() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let lines = "Privacy: id\r\nP-Asserted-Identity: <sip:4930999@10.0.9.1>\r\n".into();
    let town = office.dials_so(CARRIER, "1002", &Dial { lines, ..Dial::default() });
    let second = office.answers(BOB);
    let to = office.call(second).refer_to("1003");
    assert_eq!(office.refers(bob, &to).0, 200);
    office.talk(alice, town);
    assert!(office.call(bob).notified.iter().all(|told| !told.contains("4930")), "{:?}", office.call(bob).notified);
    office.ends();
}

/// The server goes down: who rings is still answered, wherever.
#[test]
fn a_ringing_call_is_picked_up_while_the_server_drains() {
    let mut office = office_with_pickup(|_| {});
    let alice = office.dials(ALICE, "1002");
    office.command(crate::input::Command::Drain);
    let carol = office.dials(CAROL, "**1002");
    office.talk(alice, carol);
    office.ends();
}

/// Two of the four hang up, one after the other, at every moment: nobody is left alone, nothing is left over.
#[test]
fn any_two_hang_up_at_any_moment() {
    for (relay, semi) in [(false, false), (false, true), (true, false), (true, true)] {
        for (first, second, after) in
            (0..4).flat_map(|one| (0..4).flat_map(move |two| [0, 8, 12, 22].map(|at| (one, two, at))))
        {
            let mut office = office_with(|settings| {
                settings.media.hold_music = first % 2 == 0;
                settings.media.lines = if relay { MediaWay::Relay } else { MediaWay::Auto };
            });
            let (alice, bob, other) = bob_rings_carol(&mut office, &Dial::default());
            let carol = if semi { office.latest(CAROL, Stage::Ringing).unwrap() } else { office.answers(CAROL) };
            let to = office.call(other).refer_to("1003");
            office.with(BOB, |phone| phone.refer(bob.no, &to));
            if semi {
                office.settles();
                office.with(CAROL, |phone| phone.answer(carol.no));
            }
            office.passes(millis(after));
            let all = [alice, bob, other, carol];
            for end in [all[first], all[second]] {
                office.with(end.who, |phone| phone.hang_up(end.no));
                office.passes(millis(3));
            }
            office.passes(secs(120));
            let alone = office.engine.exchange.seen().len() % 2;
            assert_eq!(alone, 0, "relay {relay}, semi {semi}: {first} and {second} hang up after {after} ms");
            office.ends();
        }
    }
}

/// One caller goes from hand to hand: back to Bob, to Carol, to Bob again, into an orbit, to Dave, and then sends him on.
#[test]
fn a_call_goes_from_hand_to_hand() {
    for way in [MediaWay::Auto, MediaWay::Relay] {
        let mut office = office_with_pickup(|settings| (settings.media.hold_music, settings.media.lines) = (true, way));
        let (alice, bob) = office.connects(ALICE, BOB);
        office.refers(bob, TO_CAROL);
        office.hangs_up(bob);
        office.passes(secs(61));
        let back = office.answers(BOB);
        office.talk(alice, back);
        office.refers(back, TO_CAROL);
        let carol = office.answers(CAROL);
        office.talk(alice, carol);
        office.holds(alice);
        assert_eq!(office.refers(alice, "<sip:1002@pbx.test>").0, 200);
        let bob = office.answers(BOB);
        office.talk(carol, bob);
        office.refers(bob, "<sip:701@pbx.test>");
        office.hears_music(carol);
        let dave = office.dials(DAVE, "701");
        office.talk(carol, dave);
        assert_eq!(office.refers(carol, "<sip:1001@pbx.test>").0, 200);
        let alice = office.answers(ALICE);
        office.talk(dave, alice);
        office.hangs_up(dave);
        assert!(office.call(alice).is_over());
        office.ends();
    }
}

/// Alice holds Bob, who sends her on all the same: Carol hears her when she is back.
#[test]
fn a_transferee_that_holds_is_heard_when_it_resumes() {
    for music in [false, true] {
        let mut office = office_with(|settings| settings.media.hold_music = music);
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(alice);
        office.refers(bob, TO_CAROL);
        let carol = office.answers(CAROL);
        office.passes(secs(6));
        office.resumes(alice);
        office.talk(alice, carol);
        office.ends();
    }
}
