//! When a line is free for a callback, and for whom; and what is said of it while the line rings.
use super::completion::{asks, called_back, dials_code, recalls, rings, states};
use super::forward::chooses;
use super::office::*;
use super::phone::{Answer, Stage};
use super::world::{Who, World};
use crate::Input;
use crate::settings::Settings;

/// An office with callbacks and choices where Bob takes so many calls, and is free when he has fewer, if so wished.
fn office_of(limit: Option<usize>, below: bool) -> World {
    office_with_callbacks(|settings| {
        with_choices(settings);
        settings.lines[1].busy_limit = limit;
        settings.completion.free_below_limit = below;
    })
}

/// Bob takes two calls and has two; when one of them is over he has room, where that counts, and else when both are.
#[test]
fn a_line_with_room_is_free_where_that_counts() {
    for below in [true, false] {
        let mut office = office_of(Some(2), below);
        let (bob, _) = office.connects(BOB, CAROL);
        let (dave, _) = office.connects(DAVE, BOB);
        asks(&mut office, ALICE, "1002");
        office.passes(secs(30));
        assert_eq!(states(&office), [("busy", "queued", 1)]);
        office.hangs_up(dave);
        office.passes(secs(4));
        assert!(!rings(&office, ALICE), "the guard");
        office.passes(secs(2));
        assert_eq!(rings(&office, ALICE), below);
        if !below {
            office.hangs_up(bob);
            office.passes(secs(6));
        }
        called_back(&mut office, ALICE, BOB);
        assert_eq!(recalls(&office), [("busy", "connected", 1)]);
        office.ends();
    }
}

/// While her phone rings he takes another: he has no room any more, and she keeps her place.
#[test]
fn the_room_is_taken_while_the_callback_rings() {
    let mut office = office_of(Some(2), true);
    office.connects(BOB, CAROL);
    let (dave, _) = office.connects(DAVE, BOB);
    asks(&mut office, ALICE, "1002");
    office.hangs_up(dave);
    office.passes(secs(6));
    let (dave, _) = office.connects(DAVE, BOB);
    let alice = office.answers(ALICE);
    office.passes(secs(3));
    assert!(office.call(alice).is_over());
    assert_eq!((recalls(&office), states(&office)), (vec![("busy", "target_busy", 1)], vec![("busy", "queued", 1)]));
    office.hangs_up(dave);
    called_back(&mut office, ALICE, BOB);
    office.ends();
}

/// Bob's second call is one that nobody is to break into (`*70`): that he has room for another does not count.
#[test]
fn a_call_that_nobody_breaks_into_takes_all_the_room() {
    let mut office = office_of(Some(2), true);
    let (carol, _) = office.connects(CAROL, BOB);
    chooses(&mut office, BOB, "*70");
    let (bob, _) = office.connects(BOB, DAVE);
    asks(&mut office, ALICE, "1002");
    office.hangs_up(carol);
    office.passes(secs(30));
    assert!(!rings(&office, ALICE));
    office.hangs_up(bob);
    called_back(&mut office, ALICE, BOB);
    office.ends();
}

/// Bob's phone says busy though it has one call of three; or it does not answer. That he has room says nothing: nobody is
/// called back over and over, but when he has used his phone.
#[test]
fn a_line_with_room_that_does_not_take_a_call_must_have_been_used() {
    for busy in [true, false] {
        let mut office = office_of(Some(3), true);
        office.connects(BOB, CAROL);
        if busy {
            office.phones[BOB.0].manners.answers = Answer::Refuse(486);
            asks(&mut office, ALICE, "1002");
            office.passes(secs(6));
        } else {
            let alice = office.dials(ALICE, "1002");
            office.passes(secs(61));
            assert!(office.call(alice).is_over());
            dials_code(&mut office, ALICE, "*66");
        }
        if let Some(alice) = office.latest(ALICE, Stage::Ringing) {
            office.answers(ALICE);
            office.passes(secs(3));
            assert!(busy && office.call(alice).is_over());
        }
        let rung = office.heard(ALICE, "INVITE").len();
        office.passes(secs(1200));
        assert_eq!(office.heard(ALICE, "INVITE").len(), rung, "she is left alone");
        assert_eq!(states(&office).len(), 1, "and waits on");
        office.phones[BOB.0].manners.answers = Answer::WhenTold;
        let (dave, _) = office.connects(DAVE, BOB);
        office.hangs_up(dave);
        called_back(&mut office, ALICE, BOB);
        office.ends();
    }
}

/// How many calls a phone takes whose line has no limit nobody knows: it is free when it has none.
#[test]
fn a_line_without_a_limit_is_free_when_it_has_no_call() {
    let mut office = office_of(None, true);
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    let (bob, _) = office.connects(BOB, CAROL);
    let (other, _) = office.connects(BOB, DAVE);
    asks(&mut office, ALICE, "1002");
    office.phones[BOB.0].manners.answers = Answer::WhenTold;
    office.hangs_up(other);
    office.passes(secs(30));
    assert!(!rings(&office, ALICE));
    office.hangs_up(bob);
    called_back(&mut office, ALICE, BOB);
    office.ends();
}

/// Nobody is to disturb Bob but Alice (`disturbed_by`): for her he is free, though Dave stands before her in the queue. He
/// has his turn when everybody may.
#[test]
fn a_line_is_free_for_whom_it_may_be_disturbed_by() {
    let mut office = office_with_callbacks(|settings| {
        with_choices(settings);
        settings.lines[1].busy_limit = Some(1);
        settings.lines[1].profile.get_or_insert_default().disturbed_by = vec!["1001".into()];
    });
    let (bob, _) = office.connects(BOB, CAROL);
    assert_eq!(asks(&mut office, DAVE, "1002"), "1");
    assert_eq!(asks(&mut office, ALICE, "1002"), "2");
    office.hangs_up(bob);
    chooses(&mut office, BOB, "*78");
    office.passes(secs(6));
    assert!(rings(&office, ALICE) && !rings(&office, DAVE));
    let (_, bob) = called_back(&mut office, ALICE, BOB);
    office.hangs_up(bob);
    office.passes(secs(60));
    assert!(!rings(&office, DAVE));
    chooses(&mut office, BOB, "*79");
    called_back(&mut office, DAVE, BOB);
    office.ends();
}

/// That Alice may disturb him is said in the configuration while she waits.
#[test]
fn a_line_may_be_disturbed_by_somebody_from_now_on() {
    let change = |settings: &mut Settings, by: &[&str]| {
        with_callbacks(settings);
        with_choices(settings);
        let profile = settings.lines[1].profile.get_or_insert_default();
        profile.do_not_disturb = true;
        profile.disturbed_by = by.iter().map(|&number| number.into()).collect();
    };
    let mut office = office_with(|settings| change(settings, &["1003"]));
    asks(&mut office, ALICE, "1002");
    office.passes(secs(60));
    assert!(!rings(&office, ALICE));
    let mut other = settings();
    change(&mut other, &["1001"]);
    office.input(Input::Reload(Box::new(other)));
    called_back(&mut office, ALICE, BOB);
    office.ends();
}

/// What Alice, or somebody else, was told of callbacks in provisional responses and in the final one.
fn told(office: &World, who: Who) -> Vec<(u16, String)> {
    let answers = office.answers_to(who, "INVITE").into_iter().filter(|it| !matches!(it.status(), Some(100 | 401)));
    answers.map(|it| (it.status().unwrap(), it.field("Call-Info").to_owned())).collect()
}

/// Where it is wished, whoever may ask for a callback is told so while the line rings: once, and not in the answer. The
/// refusal says why it was one.
#[test]
fn who_hears_a_line_ring_is_told_of_callbacks() {
    let says = |mode: &str| format!("<sip:1002@pbx.test>;purpose=call-completion;m={mode}");
    for (tells, reliable) in [(true, false), (true, true), (false, false)] {
        let mut office = office_with_callbacks(|settings| {
            settings.completion.tell_ringing = tells;
            settings.lines[3].callbacks.ask = false;
        });
        if reliable {
            office.phones[ALICE.0].manners.reliable = Some(super::phone::Reliable::Supported);
        }
        let alice = office.dials(ALICE, "1002");
        let bob = office.answers(BOB);
        let ringing = if tells { says("NR") } else { String::new() };
        assert_eq!(told(&office, ALICE), [(180, ringing.clone()), (200, String::new())]);
        office.hangs_up(bob);
        assert!(office.call(alice).is_over());
        office.ladder.clear();
        office.dials(ALICE, "1002");
        let rung = office.latest(BOB, Stage::Ringing).unwrap();
        office.with(BOB, |phone| phone.refuse(rung.no, 486));
        office.settles();
        assert_eq!(told(&office, ALICE), [(180, ringing.clone()), (486, says("BS"))]);
        // A person has said no: nothing will come of asking again.
        office.ladder.clear();
        office.dials(ALICE, "1002");
        let rung = office.latest(BOB, Stage::Ringing).unwrap();
        office.with(BOB, |phone| phone.refuse(rung.no, 603));
        office.settles();
        assert_eq!(told(&office, ALICE), [(180, ringing), (603, String::new())]);
        for who in [DAVE, CARRIER] {
            let caller = office.dials(who, "1002");
            assert_eq!(told(&office, who), [(180, String::new())], "no callbacks for these");
            office.hangs_up(caller);
        }
        office.ends();
    }
}
