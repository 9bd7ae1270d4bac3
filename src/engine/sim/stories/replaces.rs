//! An INVITE with Replaces (RFC 3891): a party steps into the place of another.
use super::office::*;
use super::phone::{Dial, Stage};
use super::world::{End, Who, World};

/// `who` calls with this Replaces.
fn replaces(office: &mut World, who: Who, replaces: &str) -> End {
    office.dials_so(who, "1001", &Dial { lines: format!("Replaces: {replaces}\r\n"), ..Dial::default() })
}

/// RFC 5359 §2.16, Call Pickup, the far side of it: Carol takes Bob's call with Alice.
#[test]
fn a_colleague_takes_a_call_over() {
    for afar in [true, false] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        let call = office.call(bob);
        let named = if afar { call.named_from_afar() } else { call.named() };
        let carol = replaces(&mut office, CAROL, &named);
        office.talk(alice, carol);
        assert!(office.call(bob).is_over(), "whose place it was");
        office.holds(alice);
        office.resumes(alice);
        office.talk(alice, carol);
        office.hangs_up(carol);
        assert!(office.call(alice).is_over());
        office.ends();
    }
}

/// Bob's phone rings: Carol answers for him.
#[test]
fn a_ringing_call_is_picked_up() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    let named = format!("{};early-only", office.call(bob).named_from_afar());
    let carol = replaces(&mut office, CAROL, &named);
    office.talk(alice, carol);
    assert_eq!(office.ended(bob), "CANCEL SIP;cause=200;text=\"Call completed elsewhere\"");
    office.hangs_up(alice);
    assert!(office.call(carol).is_over());
    office.ends();
}

/// What RFC 3891 §3 refuses, and how.
#[test]
fn what_cannot_be_replaced() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let named = office.call(bob).named_from_afar();
    let tables = [
        (format!("{named};early-only"), "486 The Call Was Answered"),
        ("nobody;to-tag=1;from-tag=2".into(), "481 No Call To Replace"),
        ("nobody;to-tag=1".into(), "400 Malformed Replaces"),
        (format!("{named}\r\nReplaces: {named}"), "400 One Replaces, And No Join"),
        (format!("{named}\r\nJoin: {named}"), "400 One Replaces, And No Join"),
        (named.replace("to-tag=", "to-tag=0"), "481 No Call To Replace"),
    ];
    for (value, told) in tables {
        let carol = replaces(&mut office, CAROL, &value);
        assert_eq!(office.ended(carol), told, "{value}");
        office.talk(alice, bob);
    }
    for (lines, told) in [
        (format!("Join: {named}\r\n"), "488 Calls Are Not Joined Here"),
        (format!("Require: join\r\nJoin: {named}\r\n"), "420 Bad Extension"),
    ] {
        let carol = office.dials_so(CAROL, "1001", &Dial { lines, ..Dial::default() });
        assert_eq!(office.ended(carol), told);
        office.talk(alice, bob);
    }
    // Dave is a guest, and no colleague of Bob's.
    let dave = replaces(&mut office, DAVE, &named);
    assert_eq!(office.ended(dave), "403 You may not take this call over");
    office.talk(alice, bob);
    office.hangs_up(bob);
    let late = replaces(&mut office, CAROL, &named);
    assert_eq!(office.ended(late), "603 The Call To Replace Has Ended");
    office.passes(secs(33));
    let later = replaces(&mut office, CAROL, &named);
    assert_eq!(office.ended(later), "481 No Call To Replace");
    // Who calls has not been called: nobody can answer for her.
    let ringing = office.dials(ALICE, "1002");
    let named = office.call(ringing).named();
    let carol = replaces(&mut office, CAROL, &named);
    assert_eq!(office.ended(carol), "481 No Call To Replace");
    office.ends();
}

/// Somebody who is not known at all is asked who it is, before anything is looked up.
#[test]
fn a_stranger_replaces_nobody() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let named = office.call(bob).named_from_afar();
    office.phones[CAROL.0].password = None;
    let carol = replaces(&mut office, CAROL, &named);
    assert_eq!(office.ended(carol), "401 no password");
    office.talk(alice, bob);
    office.ends();
}

/// A parked call that is named is fetched, whatever number is dialled.
#[test]
fn a_parked_call_is_fetched_by_its_dialog() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    let named = office.call(alice).named();
    let carol = replaces(&mut office, CAROL, &named);
    office.talk(alice, carol);
    assert!(office.engine.features.stays().is_empty());
    office.ends();
}

/// Whoever leaves while the call changes hands, and whenever: nobody hangs on to nothing.
#[test]
fn leaving_while_the_call_changes_hands() {
    for after in (0..60).step_by(3) {
        for leaver in 0..3 {
            for ringing in [false, true] {
                let mut office = office();
                let alice = office.dials(ALICE, "1002");
                if !ringing {
                    office.answers(BOB);
                }
                let stage = if ringing { Stage::Ringing } else { Stage::Up };
                let bob = office.latest(BOB, stage).unwrap();
                let lines = format!("Replaces: {}\r\n", office.call(bob).named_from_afar());
                let no = office.with(CAROL, |phone| phone.dial("1001", &Dial { lines, ..Dial::default() }));
                let carol = End { who: CAROL, no };
                office.passes(millis(after));
                let end = [alice, bob, carol][leaver];
                office.with(end.who, |phone| phone.hang_up(end.no));
                office.passes(secs(3));
                let up = [alice, bob, carol].into_iter().filter(|&end| office.call(end).stage == Stage::Up);
                let up: Vec<_> = up.collect();
                assert!(up.is_empty() || up.len() == 2, "{leaver} left after {after} ms (ringing: {ringing}): {up:?}");
                if let [one, other] = up[..] {
                    office.talk(one, other);
                }
                office.ends();
            }
        }
    }
}

/// The other side refuses the change: the call is as it was, and the newcomer is told.
#[test]
fn the_other_side_will_not_change() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    let named = office.call(bob).named_from_afar();
    let carol = replaces(&mut office, CAROL, &named);
    assert_eq!(office.ended(carol), "500 The call could not be connected");
    office.talk(alice, bob);
    office.ends();
}
