//! Callbacks and what people have chosen: do not disturb, forwarding; and what a restart leaves of them.
use super::completion::{asks, bob_is_busy, called_back, dials_code, ends, recalls, rings, states};
use super::forward::chooses;
use super::office::*;
use super::phone::Stage;
use super::world::World;
use crate::base::Room;
use crate::corridor::Moment;
use crate::settings::{CompletionForwarded, Settings};
use crate::wire::media::Phrase;

fn with_wishes(settings: &mut Settings) {
    with_callbacks(settings);
    with_choices(settings);
    settings.lines[1].busy_limit = Some(1);
}

fn all_sign_in(office: &mut World) {
    for who in [ALICE, BOB, CAROL, DAVE] {
        office.with(who, |phone| phone.register());
    }
    office.settles();
}

/// Alice does not wish to be disturbed when Bob is free: she is called back afterwards; unless a callback may disturb.
#[test]
fn who_is_not_to_be_disturbed_is_called_back_later() {
    for overrides in [false, true] {
        let mut office = office_with(|settings| {
            with_wishes(settings);
            settings.completion.override_dnd = overrides;
        });
        let (bob, _) = office.connects(BOB, CAROL);
        asks(&mut office, ALICE, "1002");
        chooses(&mut office, ALICE, "*78");
        office.hangs_up(bob);
        office.passes(secs(30));
        if !overrides {
            assert_eq!(states(&office), [("busy", "suspended", 1)]);
            assert!(office.heard(ALICE, "INVITE").is_empty());
            chooses(&mut office, ALICE, "*79");
            called_back(&mut office, ALICE, BOB);
        } else {
            assert_eq!(office.heard(ALICE, "INVITE").len(), 1);
            dials_code(&mut office, ALICE, "*86");
        }
        office.ends();
    }
}

/// Bob is busy because he does not wish to be disturbed: he is free when he does again.
#[test]
fn who_is_not_to_be_disturbed_is_not_free() {
    let mut office = office_with(with_wishes);
    chooses(&mut office, BOB, "*78");
    asks(&mut office, ALICE, "1002");
    office.passes(secs(60));
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    chooses(&mut office, BOB, "*79");
    called_back(&mut office, ALICE, BOB);
    office.ends();
}

/// Bob has sent all his calls to Carol, who does not answer: nobody is called back, or for Carol, or for him.
#[test]
fn a_call_that_was_sent_on() {
    for forwarded in [CompletionForwarded::Reject, CompletionForwarded::Follow, CompletionForwarded::Wait] {
        let mut office = office_with(|settings| {
            with_wishes(settings);
            settings.completion.forwarded = forwarded;
        });
        chooses(&mut office, BOB, "*721003");
        office.dials(ALICE, "1002");
        office.passes(secs(61));
        let told = dials_code(&mut office, ALICE, "*66").0;
        if forwarded == CompletionForwarded::Reject {
            assert_eq!(told, Phrase::NoCallbackPossible);
            office.ends();
            continue;
        }
        assert_eq!(told, Phrase::WillCallBack);
        let whom = if forwarded == CompletionForwarded::Follow { CAROL } else { BOB };
        let (one, _) = office.connects(whom, DAVE);
        office.hangs_up(one);
        called_back(&mut office, ALICE, whom);
        office.ends();
    }
}

/// What was sent out over a trunk comes to nothing there: nobody is called back.
#[test]
fn a_call_that_was_sent_outside() {
    let mut office = office_with(|settings| {
        with_wishes(settings);
        settings.completion.forwarded = CompletionForwarded::Follow;
    });
    chooses(&mut office, BOB, "*728555");
    let alice = office.dials(ALICE, "1002");
    let end = office.latest(CARRIER, Stage::Ringing).expect("it rings outside");
    office.with(CARRIER, |phone| phone.refuse(end.no, 486));
    office.settles();
    assert!(office.call(alice).is_over());
    assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::NoCallbackPossible);
    office.ends();
}

/// Bob sends his calls on while somebody waits for him: a callback is for him, and goes nowhere else; nor does a phone of his
/// send it on.
#[test]
fn a_callback_is_never_sent_on() {
    let mut office = office_with(with_wishes);
    let (bob, _) = office.connects(BOB, CAROL);
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    chooses(&mut office, BOB, "*728555");
    office.passes(secs(6));
    let alice = office.answers(ALICE);
    assert!(rings(&office, BOB) && !rings(&office, CARRIER));
    office.passes(secs(61));
    assert!(!rings(&office, CARRIER) && recalls(&office) == [("busy", "target_no_answer", 1)]);
    office.passes(secs(2));
    assert!(office.call(alice).is_over());
    office.ends();
}

/// While Alice's phone rings for the callback Bob's line is kept for her, where the settings say so.
#[test]
fn a_line_is_kept_for_who_is_called_back() {
    for reserves in [true, false] {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.reserve_target = reserves);
        asks(&mut office, ALICE, "1002");
        office.hangs_up(bob);
        office.passes(secs(6));
        assert!(rings(&office, ALICE));
        let dave = office.dials(DAVE, "1002");
        assert_eq!(office.call(dave).is_over(), reserves);
        if reserves {
            assert_eq!(office.ended(dave), "486 1002 is busy");
        } else {
            office.hangs_up(dave);
        }
        let alice = office.answers(ALICE);
        let bob = office.answers(BOB);
        office.talk(alice, bob);
        office.ends();
    }
}

/// The server is killed, whatever a request is doing: the next one has it, and finds out anew who is free.
#[test]
fn what_was_asked_for_outlives_the_server() {
    for state in ["queued", "ready", "suspended", "recalling", "connecting"] {
        let mut office = office_with(with_wishes);
        let (bob, _) = office.connects(BOB, CAROL);
        assert_eq!(asks(&mut office, ALICE, "1002"), "1");
        if state == "suspended" {
            office.connects(ALICE, DAVE);
        }
        if state != "queued" {
            office.hangs_up(bob);
            office.passes(if state == "ready" { secs(1) } else { secs(6) });
        }
        if state == "connecting" {
            office.answers(ALICE);
        }
        assert_eq!(states(&office), [("busy", state, 1)]);
        for who in [ALICE, BOB, CAROL, DAVE] {
            // Whoever talked hears nothing any more, and hangs up.
            office.with(who, |phone| phone.crash());
        }
        let mut settings = settings();
        with_wishes(&mut settings);
        office.restarts(settings, secs(30));
        assert_eq!(states(&office), [("busy", "queued", 1)], "{state}");
        for who in [ALICE, BOB, CAROL, DAVE] {
            office.with(who, |phone| phone.boot());
        }
        all_sign_in(&mut office);
        assert_eq!(states(&office), [("busy", "ready", 1)], "{state}");
        called_back(&mut office, ALICE, BOB);
        assert_eq!(ends(&office), [("busy", "done", 1)]);
        assert!(office.kept.is_empty(), "nothing is kept of it any more");
        office.ends();
    }
}

/// Order, deadlines and attempts are as they were; whoever did not answer has not come back because the server has.
#[test]
fn a_restart_changes_nothing_of_what_was_asked_for() {
    let mut office = office_with(with_wishes);
    let (bob, carol) = office.connects(BOB, CAROL);
    for (who, place) in [(ALICE, "1"), (DAVE, "2")] {
        assert_eq!(asks(&mut office, who, "1002"), place);
    }
    office.hangs_up(bob);
    assert!(office.call(carol).is_over());
    let unanswered = office.dials(ALICE, "1003");
    office.passes(secs(61));
    assert!(office.call(unanswered).is_over());
    assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::WillCallBack);
    let mut other = settings();
    with_wishes(&mut other);
    other.completion.target_guard = secs(1);
    office.restarts(other, secs(30));
    all_sign_in(&mut office);
    office.passes(secs(2));
    assert!(rings(&office, ALICE) && !rings(&office, DAVE), "she asked first");
    office.passes(secs(30));
    assert!(!rings(&office, CAROL));
    assert_eq!(states(&office).iter().find(|(kind, ..)| *kind == "no_reply"), Some(&("no_reply", "queued", 1)));
    dials_code(&mut office, ALICE, "*86");
    dials_code(&mut office, DAVE, "*86");
    assert!(office.kept.is_empty());
    office.ends();
}

/// A panic at a deadline: while the line is to be called, while a phone rings for the callback, when the time is up. The
/// request is served, tried again, or over, and nothing is left.
#[test]
fn a_panic_loses_no_request() {
    for moment in [Moment::Before, Moment::After] {
        for state in ["ready", "recalling", "queued"] {
            let mut office = office_with(|settings| {
                with_wishes(settings);
                settings.completion.busy_lifetime = secs(150);
                settings.completion.recall_pause = secs(20);
            });
            let (bob, _) = office.connects(BOB, CAROL);
            asks(&mut office, ALICE, "1002");
            if state != "queued" {
                office.hangs_up(bob);
                office.passes(if state == "ready" { secs(1) } else { secs(6) });
            }
            assert_eq!(states(&office), [("busy", state, 1)]);
            office.panics_in(Room::Feature, moment);
            office.passes(secs(6));
            assert_eq!(rings(&office, ALICE), state == "ready", "{state} {moment:?}");
            office.passes(secs(150));
            assert!(states(&office).is_empty(), "{state} {moment:?}");
            office.ends();
        }
    }
}

/// A request that would have expired while the server was down has.
#[test]
fn deadlines_go_on_while_the_server_is_down() {
    let mut office = office_with(with_wishes);
    office.connects(BOB, CAROL);
    asks(&mut office, ALICE, "1002");
    for who in [ALICE, BOB, CAROL, DAVE] {
        office.with(who, |phone| phone.crash());
    }
    let mut other = settings();
    with_wishes(&mut other);
    office.restarts(other.clone(), secs(1_800));
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    office.restarts(other, secs(1_800));
    assert_eq!((states(&office), ends(&office)), (vec![], vec![("busy", "expired", 1)]));
    assert!(office.kept.is_empty());
    office.ends();
}
