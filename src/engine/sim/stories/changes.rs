//! Calls that change while they are up: hold, music from the other side, both at once (RFC 5359 §2.1).
use super::office::*;
use super::phone::{Dial, HoldStyle, Stage};

/// RFC 5359 §2.1, Call Hold.
#[test]
fn hold_and_resume_from_either_side() {
    for (style, method) in [
        (HoldStyle::SendOnly, "INVITE"),
        (HoldStyle::Inactive, "INVITE"),
        (HoldStyle::ZeroAddress, "INVITE"),
        (HoldStyle::SendOnly, "UPDATE"),
    ] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        for (holder, held) in [(alice, bob), (bob, alice)] {
            office.holds_so(holder, Some(style), method);
            assert_eq!(office.call(holder).answered, Some((200, "OK".into())), "{style:?}");
            let heard = &office.call(held).media.heard;
            assert_eq!(heard, if style == HoldStyle::Inactive { "inactive" } else { "sendonly" }, "{style:?}");
            office.holds_so(holder, None, method);
            office.talk(alice, bob);
        }
        office.ends();
    }
}

#[test]
fn both_hold_and_resume_one_after_the_other() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(alice);
    office.holds(bob);
    office.resumes(alice);
    assert!(!office.call(alice).media.is_open(), "Bob still holds");
    office.resumes(bob);
    assert!(office.call(bob).media.is_open());
    office.resumes(alice);
    office.talk(alice, bob);
    office.hangs_up(alice);
    office.ends();
}

/// Both at once: each is told 491, and each tries again in its own time (RFC 3261 §14.1).
#[test]
fn both_hold_at_the_same_moment() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    for end in [alice, bob] {
        office.with(end.who, |phone| phone.hold(end.no, Some(HoldStyle::SendOnly), "INVITE"));
    }
    office.settles();
    for end in [alice, bob] {
        assert_eq!(office.call(end).answered.as_ref().map(|a| a.0), Some(491));
    }
    office.passes(secs(10));
    for end in [alice, bob] {
        assert_eq!(office.call(end).answered.as_ref().map(|a| a.0), Some(200));
    }
    office.resumes(alice);
    office.resumes(bob);
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_change_that_asks_for_the_offer() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(ALICE, |phone| phone.ask_for_offer(alice.no));
    office.settles();
    assert_eq!(office.call(alice).answered, Some((200, "OK".into())));
    office.talk(alice, bob);
    office.holds(bob);
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// What was refused is forgotten: the call goes on with what was agreed before (RFC 3261 §14.1).
#[test]
fn a_change_that_is_refused_changes_nothing() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[BOB.0].manners.refuses_changes = Some(488);
    office.holds(alice);
    assert_eq!(office.call(alice).answered.as_ref().map(|a| a.0), Some(488));
    office.phones[BOB.0].manners.refuses_changes = None;
    // Bob asks anew what Alice offers: what she held with was never agreed.
    office.with(ALICE, |phone| phone.calls.get_mut(&alice.no).unwrap().media.holding = None);
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// A change that is under way when the other side leaves.
#[test]
fn he_leaves_while_she_holds() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(ALICE, |phone| phone.hold(alice.no, Some(HoldStyle::SendOnly), "INVITE"));
    office.passes(millis(7));
    office.with(BOB, |phone| phone.hang_up(bob.no));
    office.settles();
    assert!(office.call(alice).is_over());
    office.ends();
}

/// She takes her own change back (RFC 3261 §9.2: only the re-INVITE is over).
#[test]
fn a_change_is_cancelled() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[BOB.0].crash();
    office.with(ALICE, |phone| phone.hold(alice.no, Some(HoldStyle::SendOnly), "INVITE"));
    office.settles();
    office.with(ALICE, |phone| phone.cancel_change(alice.no));
    office.settles();
    assert_eq!(office.call(alice).answered.as_ref().map(|a| a.0), Some(487));
    office.phones[BOB.0].crashed = false;
    office.with(BOB, |phone| phone.calls.get_mut(&bob.no).unwrap().stage = Stage::Up);
    office.passes(secs(5));
    office.phones[BOB.0].complaints.clear();
    office.resumes(alice);
    assert_eq!(office.call(alice).answered.as_ref().map(|a| a.0), Some(200), "the next change is as good as any");
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn digits_reach_the_other_side() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(ALICE, |phone| phone.press(alice.no, '5'));
    office.settles();
    assert_eq!(office.call(alice).answered, Some((200, "OK".into())));
    assert_eq!(office.call(bob).passed, ["Signal=5\r\nDuration=100\r\n"]);
    office.ends();
}

/// A digit that is never answered does not stop those after it.
#[test]
fn a_digit_gets_lost() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[BOB.0].crash();
    office.with(ALICE, |phone| phone.press(alice.no, '5'));
    office.passes(secs(40));
    office.phones[BOB.0].crashed = false;
    office.with(BOB, |phone| phone.calls.get_mut(&bob.no).unwrap().stage = Stage::Up);
    office.with(ALICE, |phone| phone.press(alice.no, '6'));
    office.settles();
    assert_eq!(office.call(alice).answered, Some((200, "OK".into())));
    assert_eq!(office.call(bob).passed, ["Signal=6\r\nDuration=100\r\n"]);
    office.ends();
}

/// RFC 4916: who understands changed From fields is told by them.
#[test]
fn a_digit_while_nobody_is_there() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.hears_music(alice);
    office.with(ALICE, |phone| phone.press(alice.no, '5'));
    office.settles();
    assert_eq!(office.call(alice).answered, Some((200, "OK".into())), "taken, and dropped");
    office.ends();
}

/// A late offer and a hold by the caller right after.
#[test]
fn hold_after_a_late_offer() {
    let mut office = office();
    let alice = office.dials_so(ALICE, "1002", &Dial { late_offer: true, ..Dial::default() });
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.holds(alice);
    assert_eq!(office.call(bob).media.heard, "sendonly");
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}
