//! Pickup: `**1002` and `*8` (RFC 5359 §2.16, without a lamp).
use super::office::*;
use super::phone::Stage;
use super::world::World;

fn counted(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    office.snapshot().counters.pickups.iter().filter(|(.., n)| *n > 0).collect()
}

/// RFC 5359 §2.16, Call Pickup, by code: Alice calls Bob; Carol, a colleague of his, answers from her desk, and sees who it is.
#[test]
fn a_colleague_answers_a_ringing_phone() {
    for (number, kind) in [("**1002", "directed"), ("*8", "group")] {
        let mut office = office_with_pickup(|_| {});
        let alice = office.dials(ALICE, "1002");
        let rings = office.latest(BOB, Stage::Ringing).unwrap();
        let carol = office.dials(CAROL, number);
        office.talk(alice, carol);
        assert!(office.call(carol).shown.contains("Alice"), "{}", office.call(carol).shown);
        assert_eq!(office.ended(rings), "CANCEL SIP;cause=200;text=\"Call completed elsewhere\"");
        assert_eq!(counted(&office), [(kind, "ok", 1)]);
        office.hangs_up(alice);
        assert!(office.call(carol).is_over());
        office.ends();
    }
}

/// Of several calls that ring, the one that has rung longest.
#[test]
fn the_group_picks_the_call_that_has_rung_longest() {
    let mut office = office_with_pickup(|_| {});
    let town = office.dials(CARRIER, "1002");
    office.passes(secs(2));
    let dave = office.dials(DAVE, "1001");
    let carol = office.dials(CAROL, "*8");
    office.talk(town, carol);
    assert!(office.latest(ALICE, Stage::Ringing).is_some(), "the other rings on");
    office.hangs_up(carol);
    let carol = office.dials(CAROL, "*8");
    office.talk(dave, carol);
    office.ends();
}

/// Two at the same moment: one of them has it, the other is told that there is nothing.
#[test]
fn two_pick_up_at_once() {
    let mut office = office_with_pickup(|_| {});
    let dave = office.dials(DAVE, "1002");
    let [alice, carol] = [ALICE, CAROL].map(|who| {
        let no = office.with(who, |phone| phone.dial("**1002", &super::phone::Dial::default()));
        super::world::End { who, no }
    });
    office.settles();
    let (winner, loser) = if office.call(alice).is_over() { (carol, alice) } else { (alice, carol) };
    office.talk(dave, winner);
    assert_eq!(office.ended(loser), "480 There is no ringing call to pick up");
    office.ends();
}

/// A guest is nobody's colleague; nothing rings; nobody has that number; one's own call.
#[test]
fn what_cannot_be_picked_up() {
    let mut office = office_with_pickup(|_| {});
    let alice = office.dials(ALICE, "1002");
    for (who, number, told) in [
        (DAVE, "**1002", "403 You may not pick up there"),
        (DAVE, "*8", "480 There is no ringing call to pick up"),
        (CAROL, "**1004", "480 There is no ringing call to pick up"),
        (CAROL, "**5555", "404 5555 does not exist"),
        (CARRIER, "*8", "480 There is no ringing call to pick up"),
        (ALICE, "**1002", "480 There is no ringing call to pick up"),
    ] {
        let refused = office.dials(who, number);
        assert_eq!(office.ended(refused), told, "{number}");
    }
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// A call that was transferred, and rings at Carol's: Alice, who is her colleague, takes it.
#[test]
fn a_transferred_call_is_picked_up() {
    let mut office = office_with_pickup(|_| {});
    let (dave, bob) = office.connects(DAVE, BOB);
    office.holds(bob);
    office.refers(bob, "<sip:1003@pbx.test>");
    let alice = office.dials(ALICE, "**1003");
    office.talk(dave, alice);
    assert!(office.latest(CAROL, Stage::Ringing).is_none());
    assert!(office.call(bob).notified.last().unwrap().starts_with("terminated: SIP/2.0 200 OK"));
    office.ends();
}

/// Bob's phone rings about a call that he left parked: Carol has the caller.
#[test]
fn a_reminder_is_picked_up() {
    for number in ["**1002", "*8"] {
        let mut office = office_with_pickup(|_| {});
        let (dave, bob) = office.connects(DAVE, BOB);
        office.refers(bob, "<sip:701@pbx.test>");
        office.passes(secs(91));
        assert!(office.latest(BOB, Stage::Ringing).is_some());
        let carol = office.dials(CAROL, number);
        office.talk(dave, carol);
        assert!(office.latest(BOB, Stage::Ringing).is_none());
        office.ends();
    }
}

/// What a callback rings, first at Alice's, who has asked, and then at Bob's: that is answered there or nowhere, and rings on.
/// Who may not pick up there at all learns nothing of it.
#[test]
fn a_callback_is_not_picked_up() {
    let mut office = office_with_callbacks(|settings| {
        with_pickup(settings);
        settings.lines[1].busy_limit = Some(1);
    });
    let (bob, _) = office.connects(BOB, DAVE);
    super::completion::asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    let mut seen = 0;
    for (who, number) in [(ALICE, "1001"), (BOB, "1002")] {
        let rings = office.latest(who, Stage::Ringing).expect("the callback rings");
        let replaces = super::phone::Dial {
            lines: format!("Replaces: {}\r\n", office.call(rings).named()),
            ..super::phone::Dial::default()
        };
        for (number, dial) in
            [(&*format!("**{number}"), Default::default()), ("*8", Default::default()), (number, replaces)]
        {
            let carol = office.dials_so(CAROL, number, &dial);
            assert_eq!(office.ended(carol), "403 A callback is answered at the phone that it rings");
            seen += 1;
        }
        let dave = office.dials(DAVE, &format!("**{number}"));
        assert_eq!(office.ended(dave), "480 There is no ringing call to pick up");
        office.answers(who);
    }
    let refused: u64 = counted(&office).iter().filter(|(_, result, _)| *result == "callback").map(|(.., n)| n).sum();
    assert_eq!(refused, seen);
    let [alice, bob] = [ALICE, BOB].map(|who| office.latest(who, Stage::Up).unwrap());
    office.talk(alice, bob);
    office.ends();
}

/// Who picked up does not wait: as if an answered phone had hung up.
#[test]
fn who_picked_up_gives_up_at_once() {
    let mut office = office_with_pickup(|_| {});
    let alice = office.dials(ALICE, "1002");
    let no = office.with(CAROL, |phone| phone.dial("**1002", &super::phone::Dial::default()));
    office.passes(millis(13));
    office.with(CAROL, |phone| phone.hang_up(no));
    office.passes(secs(2));
    let _ = alice;
    office.ends();
}
