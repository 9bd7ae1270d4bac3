//! Transfer: blind, attended, and while the target rings (RFC 5589; RFC 5359 §§2.4, 2.5).
use super::office::*;
use super::phone::{Dial, Stage, refer_to};
use super::world::{End, Who, World};
use crate::settings::TransferSettings;

pub(super) fn notified(office: &World, end: End) -> Vec<&str> {
    office.call(end).notified.iter().map(String::as_str).collect()
}

pub(super) fn counted(office: &World, kind: &str, result: &str) -> u64 {
    let snapshot = office.snapshot();
    let mut counts = snapshot.counters.transfers.iter();
    counts.find(|(k, r, _)| (*k, *r) == (kind, result)).map_or(0, |(.., n)| n)
}

fn recalled(office: &World) -> Vec<(&'static str, u64)> {
    let snapshot = office.snapshot();
    snapshot.counters.recalls.iter().filter(|(.., n)| *n > 0).map(|(result, _, n)| (result, n)).collect()
}

/// Alice talks to Bob, who holds her and calls Carol; Carol answers. RFC 5359 §2.2, Consultation Hold, as far as the word
/// with Carol.
pub(super) fn bob_consults(office: &mut World) -> (End, End, End, End) {
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let (second, carol) = office.connects(BOB, CAROL);
    (alice, bob, second, carol)
}

const TO_CAROL: &str = "<sip:1003@pbx.test>";

/// RFC 5359 §2.4, Transfer - Unattended: whoever called whom, held or not, with music on hold or without.
#[test]
fn a_call_is_transferred_blindly() {
    for (caller_transfers, holds, music) in
        [(false, true, false), (true, true, false), (false, false, false), (false, true, true), (true, true, true)]
    {
        let mut office = office_with(|settings| settings.media.hold_music = music);
        let (alice, bob) = office.connects(ALICE, BOB);
        let (transferor, transferee, name) = if caller_transfers { (alice, bob, "Bob") } else { (bob, alice, "Alice") };
        if holds {
            office.holds(transferor);
        }
        assert_eq!(office.refers(transferor, TO_CAROL), (200, "OK".into()));
        let rings = office.latest(CAROL, Stage::Ringing).expect("Carol rings");
        assert!(office.call(rings).shown.contains(name), "{}", office.call(rings).shown);
        let number = &office.phones[transferor.who.0].number;
        assert_eq!(office.last(CAROL, "INVITE").field("Referred-By"), format!("<sip:{number}@pbx.test>"));
        let carol = office.answers(CAROL);
        office.talk(transferee, carol);
        assert_eq!(
            notified(&office, transferor),
            [
                "active: SIP/2.0 100 Trying",
                "active: SIP/2.0 180 Ringing",
                "terminated: SIP/2.0 200 OK | Contact: <sip:1003@pbx.test>"
            ]
        );
        assert!(office.call(transferor).is_over(), "its part is done");
        assert_eq!(counted(&office, "blind", "ok"), 1);
        office.hangs_up(carol);
        assert!(office.call(transferee).is_over());
        office.ends();
    }
}

/// The target is busy, away, declines, does not answer: the call is as it was, and can be taken back.
#[test]
fn a_failed_transfer_gives_the_call_back() {
    for (to, refuses, words, result) in [
        (TO_CAROL, Some(486), "486 Busy Here", "busy"),
        (TO_CAROL, Some(603), "603 Decline", "rejected"),
        (TO_CAROL, None, "480 Nobody answered", "no_answer"),
        ("<sip:2001@pbx.test>", None, "480 2001 is not registered", "unreachable"),
    ] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        assert_eq!(office.refers(bob, to), (200, "OK".into()));
        match (refuses, office.latest(CAROL, Stage::Ringing)) {
            (Some(status), rings) => office.with(CAROL, |phone| phone.refuse(rings.unwrap().no, status)),
            (None, _) => office.passes(secs(61)),
        }
        office.settles();
        assert_eq!(notified(&office, bob).last(), Some(&format!("terminated: SIP/2.0 {words}").as_str()));
        assert_eq!(counted(&office, "blind", result), 1);
        assert!(office.phones[CAROL.0].calls.values().all(super::phone::Call::is_over));
        office.resumes(bob);
        office.talk(alice, bob);
        // And may be tried again.
        office.holds(bob);
        assert_eq!(office.refers(bob, "<sip:1004@pbx.test>"), (200, "OK".into()));
        let dave = office.answers(DAVE);
        office.talk(alice, dave);
        office.ends();
    }
}

/// Bob hangs up as soon as his transfer is accepted, or while Carol rings: Alice hears music, and then Carol.
#[test]
fn the_transferor_may_leave_first() {
    for early in [true, false] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        if early {
            office.with(BOB, |phone| {
                phone.refer(bob.no, TO_CAROL);
                phone.hang_up(bob.no);
            });
            office.settles();
        } else {
            office.refers(bob, TO_CAROL);
            office.passes(secs(2));
            office.hangs_up(bob);
        }
        office.hears_music(alice);
        let carol = office.answers(CAROL);
        office.talk(alice, carol);
        office.ends();
    }
}

/// Carol does not answer, Bob has hung up: his phone rings, and shows whose call comes back.
#[test]
fn nobody_answers_and_the_transferor_is_recalled() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, TO_CAROL);
    office.hangs_up(bob);
    office.hears_music(alice);
    office.passes(secs(61));
    assert!(office.latest(CAROL, Stage::Ringing).is_none());
    let rings = office.latest(BOB, Stage::Ringing).unwrap();
    assert_eq!(office.call(rings).shown, "\"Transfer 1003: Alice\" <sip:1001@pbx.test>");
    let invite = office.last(BOB, "INVITE");
    assert_eq!(invite.field("Alert-Info"), "<urn:alert:service:recall:transfer>");
    assert_eq!(invite.field("Subject"), "Transfer recall, 0 s");
    let back = office.answers(BOB);
    office.talk(alice, back);
    assert_eq!(recalled(&office), [("reclaimed", 1)]);
    office.hangs_up(alice);
    assert!(office.call(back).is_over());
    office.ends();
}

/// Nobody can fetch such a call, and no lot knows of it.
#[test]
fn a_recalled_call_is_in_nobodys_lot() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, TO_CAROL);
    office.hangs_up(bob);
    let rings = office.latest(CAROL, Stage::Ringing).unwrap();
    office.with(CAROL, |phone| phone.refuse(rings.no, 486));
    office.settles();
    assert!(office.latest(BOB, Stage::Ringing).is_some(), "at once");
    let dave = office.dials(DAVE, "*88");
    assert!(office.call(dave).is_over(), "nothing to fetch");
    assert!(office.snapshot().gauges.lots.iter().all(|lot| lot.parked + lot.reminding == 0));
    assert!(!office.news.iter().any(|news| matches!(news, crate::session::News::Parked { .. })));
    // He does not answer either: her call ends.
    office.passes(secs(70));
    assert!(office.call(alice).is_over());
    assert_eq!(recalled(&office), [("dropped", 1)]);
    office.ends();
}

/// Where recalls are not wanted nobody is left to take the call back.
#[test]
fn without_recalls_the_call_ends() {
    let mut office = office_with(|settings| settings.transfers.recall = false);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, TO_CAROL);
    office.hangs_up(bob);
    office.passes(secs(61));
    assert!(office.call(alice).is_over());
    assert_eq!(office.latest(BOB, Stage::Ringing), None);
    office.ends();
}

/// She does not wait for him.
#[test]
fn the_transferee_hangs_up_during_the_recall() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:2001@pbx.test>");
    office.refers(bob, TO_CAROL);
    office.hangs_up(bob);
    office.passes(secs(61));
    assert!(office.latest(BOB, Stage::Ringing).is_some());
    office.hangs_up(alice);
    assert_eq!(office.latest(BOB, Stage::Ringing), None);
    assert_eq!(recalled(&office), [("abandoned", 1)]);
    office.ends();
}

/// The caller does not wait: Carol rings no more, and Bob is told.
#[test]
fn the_transferee_hangs_up_while_the_target_rings() {
    for transferor_left in [false, true] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.refers(bob, TO_CAROL);
        if transferor_left {
            office.hangs_up(bob);
        }
        office.hangs_up(alice);
        assert!(office.latest(CAROL, Stage::Ringing).is_none());
        assert!(office.call(bob).is_over());
        assert_eq!(counted(&office, "blind", "cancelled"), 1);
        office.ends();
    }
}

/// Right after the hold, not waiting for its answer.
#[test]
fn a_transfer_straight_after_the_hold_waits_for_it() {
    for music in [false, true] {
        let mut office = office_with(|settings| settings.media.hold_music = music);
        let (alice, bob) = office.connects(ALICE, BOB);
        office.with(BOB, |phone| {
            phone.hold(bob.no, Some(super::phone::HoldStyle::SendOnly), "INVITE");
            phone.refer(bob.no, TO_CAROL);
        });
        office.settles();
        assert_eq!(office.call(bob).answered, Some((200, "OK".into())));
        let carol = office.answers(CAROL);
        office.talk(alice, carol);
        office.ends();
    }
}

/// RFC 5359 §2.5, Transfer - Attended: whichever of the two calls the REFER is said in, whoever called whom in the first.
#[test]
fn a_call_is_transferred_after_a_word_with_the_target() {
    for music in [false, true] {
        for (in_second, hold_both, called) in [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (false, false, true),
            (true, true, true),
        ] {
            let mut office = office_with(|settings| settings.media.hold_music = music);
            let (alice, bob) = if called { office.connects(BOB, ALICE) } else { office.connects(ALICE, BOB) };
            let (alice, bob) = if called { (bob, alice) } else { (alice, bob) };
            office.holds(bob);
            let (second, carol) = office.connects(BOB, CAROL);
            if hold_both {
                office.holds(second);
            }
            let (said, named) = if in_second { (second, bob) } else { (bob, second) };
            let to = office.call(named).refer_to("1003");
            assert_eq!(office.refers(said, &to), (200, "OK".into()));
            office.talk(alice, carol);
            assert!(office.call(alice).shown.contains("Carol"), "{}", office.call(alice).shown);
            assert!(office.call(carol).shown.contains("Alice"), "{}", office.call(carol).shown);
            office.passes(secs(5));
            assert!(office.call(bob).is_over() && office.call(second).is_over());
            assert_eq!(counted(&office, "attended", "ok"), 1);
            office.talk(alice, carol);
            office.hangs_up(alice);
            assert!(office.call(carol).is_over());
            office.ends();
        }
    }
}

/// RFC 5589 §7.6: the target still rings when the transfer is asked for.
#[test]
fn a_call_is_transferred_while_the_target_rings() {
    for cancels in [false, true] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        let second = office.dials(BOB, "1003");
        let to = office.call(second).refer_to("1003");
        assert_eq!(office.refers(bob, &to), (200, "OK".into()));
        if cancels {
            office.hangs_up(second);
        }
        let carol = office.answers(CAROL);
        office.talk(alice, carol);
        assert!(office.call(carol).shown.contains("Alice"), "{}", office.call(carol).shown);
        office.passes(secs(5));
        assert!(office.call(bob).is_over() && office.call(second).is_over());
        assert_eq!(counted(&office, "semi", "ok"), 1);
        office.ends();
    }
}

/// She declines: Bob has Alice as before.
#[test]
fn the_target_that_rang_declines() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let second = office.dials(BOB, "1003");
    let to = office.call(second).refer_to("1003");
    office.refers(bob, &to);
    let rings = office.latest(CAROL, Stage::Ringing).unwrap();
    office.with(CAROL, |phone| phone.refuse(rings.no, 603));
    office.settles();
    assert_eq!(notified(&office, bob).last(), Some(&"terminated: SIP/2.0 603 Decline"));
    assert!(office.call(second).is_over(), "his call to her has failed, too");
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// Alice's phone will not be told of other media: all four talk as before.
#[test]
fn the_transferee_cannot_be_moved() {
    let mut office = office();
    let (alice, bob, second, carol) = bob_consults(&mut office);
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    let to = office.call(second).refer_to("1003");
    assert_eq!(office.refers(bob, &to), (200, "OK".into()));
    assert_eq!(notified(&office, bob).last(), Some(&"terminated: SIP/2.0 488 The call could not be connected"));
    office.talk(second, carol);
    office.phones[ALICE.0].manners.refuses_changes = None;
    office.resumes(bob);
    office.talk(alice, bob);
    office.hangs_up(second);
    assert!(office.call(carol).is_over());
    office.ends();
}

/// What is refused leaves everything as it was.
#[test]
fn what_cannot_be_transferred() {
    let refused: [(&str, u16, &str); 6] = [
        ("<sip:1001@pbx.test>", 403, "A call is not transferred to its own parties"),
        ("<sip:1002@pbx.test>", 403, "A call is not transferred to its own parties"),
        ("<sip:5555@pbx.test>", 404, "5555 does not exist"),
        ("<sip:112@pbx.test>", 403, "Transfer to 112 is not allowed"),
        ("<sip:*43@pbx.test>", 403, "Transfer to *43 is not allowed"),
        ("<sip:1003@elsewhere.test>", 403, "Transfer to 1003 is not allowed"),
    ];
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    for (to, status, words) in refused {
        assert_eq!(office.refers(bob, to), (status, words.into()), "{to}");
        office.talk(alice, bob);
    }
    // Into itself, into nobody's call, into a colleague's.
    let to = office.call(bob).refer_to("1003");
    assert_eq!(office.refers(bob, &to).0, 403);
    let (carol, dave) = office.connects(CAROL, DAVE);
    let to = refer_to("1004", &office.call(carol).named_from_afar());
    assert_eq!(office.refers(bob, &to).0, 403);
    assert_eq!(office.refers(bob, "<sip:1004@pbx.test?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>").0, 404);
    office.talk(alice, bob);
    office.talk(carol, dave);
    office.ends();
}

/// While one transfer is open nothing else moves the call.
#[test]
fn one_transfer_at_a_time() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, TO_CAROL);
    assert_eq!(office.refers(bob, "<sip:1004@pbx.test>"), (491, "One REFER At A Time".into()));
    assert_eq!(office.refers(alice, "<sip:1004@pbx.test>"), (491, "This call is just being moved".into()));
    assert_eq!(office.refers(alice, "<sip:701@pbx.test>"), (491, "This call is just being moved".into()));
    let taken = Dial { lines: format!("Replaces: {}\r\n", office.call(bob).named()), ..Dial::default() };
    let dave = office.dials_so(DAVE, "1001", &taken);
    assert!(office.call(dave).is_over());
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    office.ends();
}

/// Who may transfer is configured; a trunk's party may not, and a call from a trunk does not leave by one.
#[test]
fn who_may_transfer_where() {
    let to_town = "<sip:85551234@pbx.test>";
    let from_town = |office: &mut World| {
        let caller = office.dials(CARRIER, "1002");
        (caller, office.answers(BOB))
    };
    let mut office = office();
    let (town, bob) = from_town(&mut office);
    assert_eq!(office.refers(town, TO_CAROL).0, 403, "no party behind a trunk");
    assert_eq!(office.refers(bob, to_town).0, 403, "from trunk to trunk");
    assert_eq!(office.refers(bob, TO_CAROL).0, 200);
    let carol = office.answers(CAROL);
    office.talk(town, carol);
    office.ends();

    let rights = TransferSettings {
        groups: vec!["staff".into()],
        from_trunks: true,
        trunk_to_trunk: true,
        ..TransferSettings::default()
    };
    let mut office = office_with(|settings| settings.transfers = rights);
    let (alice, dave) = office.connects(ALICE, DAVE);
    assert_eq!(office.refers(dave, TO_CAROL), (403, "You may not transfer this call there".into()), "a guest");
    assert_eq!(office.refers(alice, TO_CAROL).0, 200);
    let carol = office.answers(CAROL);
    office.talk(dave, carol);
    office.hangs_up(carol);
    let (town, bob) = from_town(&mut office);
    assert_eq!(office.refers(town, TO_CAROL).0, 200);
    let carol = office.answers(CAROL);
    office.talk(bob, carol);
    assert_eq!(counted(&office, "blind", "refused"), 1);
    office.ends();
}

/// Out over a trunk: the transferee's number is shown there, and the target's answer ends the transferor's part.
#[test]
fn a_call_is_transferred_to_town() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    assert_eq!(office.refers(bob, "<sip:85551234@pbx.test>"), (200, "OK".into()));
    let town = office.answers(CARRIER);
    office.talk(alice, town);
    office.ends();
}

/// No NOTIFY is wanted (RFC 4488).
#[test]
fn a_transfer_without_notifications() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let lines = format!(
        "Contact: <sip:1002@10.0.1.2>\r\nRefer-To: {TO_CAROL}\r\nRefer-Sub: false\r\nSupported: norefersub\r\n"
    );
    office.with(BOB, |phone| phone.say(bob.no, "REFER", &lines));
    office.settles();
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    assert!(notified(&office, bob).is_empty());
    office.passes(secs(5));
    assert!(office.call(bob).is_over(), "we hang up for him");
    office.ends();
}

/// The one who is consulted hangs up at the very moment: Bob has Alice as before.
#[test]
fn the_target_leaves_as_it_is_joined() {
    let mut office = office();
    let (alice, bob, second, carol) = bob_consults(&mut office);
    let to = office.call(second).refer_to("1003");
    office.with(BOB, |phone| phone.refer(bob.no, &to));
    office.passes(millis(12));
    office.hangs_up(carol);
    office.passes(secs(1));
    let is_over = |who: Who| office.phones[who.0].calls.values().all(super::phone::Call::is_over);
    if !is_over(ALICE) {
        assert!(notified(&office, bob).last().is_some_and(|last| last.starts_with("terminated: SIP/2.0 480")));
        office.resumes(bob);
        office.talk(alice, bob);
    }
    office.ends();
}
