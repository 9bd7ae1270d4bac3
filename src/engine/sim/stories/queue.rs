//! Several who want to be called back: their order, their number, and who may ask at all.
use super::completion::{asks, bob_is_busy, called_back, dials_code, ends, recalls, rings, states};
use super::office::*;
use super::world::{Who, World};
use crate::counters::CompletionVia;
use crate::settings::{CallbackRights, Settings};
use crate::wire::media::Phrase;

/// What was asked by code, and what came of it.
fn asked(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    let asked = &office.snapshot().counters.completion.asked[CompletionVia::Code as usize];
    asked.iter().filter(|(.., n)| *n > 0).collect()
}

/// A phone of one of the many lines.
fn many(office: &mut World, place: usize) -> Who {
    let number = format!("20{place:02}");
    let who = office.add(&number, &number, &format!("10.0.2.{}:5060", place + 1));
    office.phones[who.0].password = Some("many".into());
    office.with(who, |phone| phone.register());
    office.settles();
    who
}

/// Three wait for Bob: each is called when he has spoken with the one before, or when that one was called in vain.
#[test]
fn who_asked_first_is_called_first() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let eve = many(&mut office, 0);
    for (who, place) in [(ALICE, "1"), (DAVE, "2"), (eve, "3")] {
        assert_eq!(asks(&mut office, who, "1002"), place);
    }
    office.hangs_up(bob);
    office.passes(secs(6));
    assert!(rings(&office, ALICE) && !rings(&office, DAVE) && !rings(&office, eve));
    let alice = office.answers(ALICE);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.hangs_up(bob);
    office.passes(secs(6));
    assert!(rings(&office, DAVE) && !rings(&office, eve));
    office.passes(secs(20));
    assert!(!rings(&office, DAVE) && rings(&office, eve), "at once, for he has been free all the while");
    let eve = office.answers(eve);
    let bob = office.answers(BOB);
    office.talk(eve, bob);
    office.hangs_up(bob);
    office.passes(secs(320));
    let dave = office.answers(DAVE);
    let bob = office.answers(BOB);
    office.talk(dave, bob);
    assert_eq!(ends(&office), [("busy", "done", 3)]);
    office.ends();
}

/// One waits for three: only one callback rings at a time.
#[test]
fn one_callback_at_a_time() {
    let mut office = office_with_callbacks(|settings| {
        settings.lines.iter_mut().for_each(|line| line.busy_limit = Some(1));
    });
    let (bob, _) = office.connects(BOB, CAROL);
    asks(&mut office, ALICE, "1002");
    asks(&mut office, ALICE, "1003");
    office.hangs_up(bob);
    office.passes(secs(6));
    assert_eq!(office.heard(ALICE, "INVITE").len(), 1);
    let alice = office.answers(ALICE);
    office.answers(BOB);
    assert_eq!(states(&office), [("busy", "suspended", 1)]);
    office.hangs_up(alice);
    called_back(&mut office, ALICE, CAROL);
    office.ends();
}

/// Alice waits for Bob and Bob for Alice: the older wish is fulfilled, whoever is free last, and the other is void.
#[test]
fn two_who_want_each_other_are_connected_once() {
    for alice_is_last in [true, false] {
        let mut office = office_with_callbacks(|settings| {
            settings.lines[0].busy_limit = Some(2);
            settings.lines[1].busy_limit = Some(2);
        });
        let town = office.dials(CARRIER, "1001");
        office.answers(ALICE);
        let (bob, _) = office.connects(BOB, CAROL);
        let (second, _) = office.connects(BOB, DAVE);
        asks(&mut office, ALICE, "1002");
        office.hangs_up(second);
        let other = office.dials(CARRIER, "1001");
        office.answers(ALICE);
        asks(&mut office, BOB, "1001");
        office.hangs_up(other);
        let (first, last) = if alice_is_last { (bob, town) } else { (town, bob) };
        office.hangs_up(first);
        office.passes(secs(30));
        office.hangs_up(last);
        office.passes(secs(6));
        assert!(rings(&office, ALICE) && !rings(&office, BOB));
        let alice = office.answers(ALICE);
        let bob = office.answers(BOB);
        office.talk(alice, bob);
        assert_eq!(ends(&office), [("busy", "done", 1), ("busy", "superseded", 1)]);
        office.ends();
    }
}

/// Asking again changes nothing; or takes the request back, where the settings say so.
#[test]
fn asking_twice() {
    for toggle in [false, true] {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.toggle = toggle);
        asks(&mut office, DAVE, "1002");
        assert_eq!(asks(&mut office, ALICE, "1002"), "2");
        let again = dials_code(&mut office, ALICE, "*66");
        if toggle {
            assert_eq!(again.0, Phrase::CallbackCancelled);
            assert_eq!(ends(&office), [("busy", "cancelled", 1)]);
        } else {
            assert_eq!(again, (Phrase::WillCallBack, "2".into()));
        }
        assert_eq!(asked(&office), [("busy", "accepted", 2), ("busy", "duplicate", 1)]);
        dials_code(&mut office, ALICE, "*86");
        dials_code(&mut office, DAVE, "*86");
        office.hangs_up(bob);
        office.ends();
    }
}

/// `*86` takes all back, or the last alone.
#[test]
fn taking_back_all_or_the_last() {
    for last in [false, true] {
        let mut office = office_with_callbacks(|settings| {
            settings.lines.iter_mut().for_each(|line| line.busy_limit = Some(1));
            settings.completion.cancel_last = last;
        });
        let (bob, _) = office.connects(BOB, CAROL);
        asks(&mut office, ALICE, "1003");
        asks(&mut office, ALICE, "1002");
        assert_eq!(dials_code(&mut office, ALICE, "*86").0, Phrase::CallbackCancelled);
        assert_eq!(states(&office).len(), usize::from(last));
        office.hangs_up(bob);
        office.passes(secs(6));
        if last {
            office.answers(ALICE);
            assert!(rings(&office, CAROL), "the first of the two stands");
        }
        office.ends();
    }
}

/// What cannot be asked for, and what is said of it.
#[test]
fn what_is_refused() {
    type Case = (&'static str, fn(&mut Settings), Phrase, &'static str, &'static str);
    let cases: [Case; 9] = [
        ("1002", |s| s.completion.enabled = false, Phrase::NotAllowed, "403", "not_allowed"),
        ("1002", |s| s.lines[0].callbacks.ask = false, Phrase::NotAllowed, "403", "not_allowed"),
        ("1002", |s| s.lines[1].callbacks.give = false, Phrase::NoCallbackPossible, "403", "not_allowed"),
        ("8555", |_| {}, Phrase::NoCallbackPossible, "403", "not_allowed"),
        ("701", |_| {}, Phrase::NoCallbackPossible, "403", "not_allowed"),
        ("700", |_| {}, Phrase::NoCallbackPossible, "403", "not_allowed"),
        ("5555", |_| {}, Phrase::NoCallbackPossible, "403", "not_allowed"),
        ("1002", |s| s.completion.max_per_target = 0, Phrase::TooManyCallbacks, "480", "limit"),
        ("1002", |s| s.completion.max_total = 0, Phrase::TooManyCallbacks, "480", "limit"),
    ];
    for (number, change, phrase, status, counted) in cases {
        let (mut office, _) = bob_is_busy(change);
        let failed = office.dials(ALICE, number);
        if number == "8555" {
            office.latest(CARRIER, super::phone::Stage::Ringing).expect("it rings outside");
            office.with(CARRIER, |phone| {
                let (&no, _) = phone.calls.iter().next_back().expect("a call");
                phone.refuse(no, 486);
            });
            office.settles();
        }
        assert!(office.call(failed).is_over(), "{number}");
        let code = office.dials(ALICE, "*66");
        assert_eq!(office.studio.said.last().unwrap().1.phrase, phrase, "{number}");
        office.passes(secs(2));
        assert!(office.ended(code).starts_with(status), "{number}: {}", office.ended(code));
        assert_eq!(asked(&office).iter().map(|(_, result, n)| (*result, *n)).collect::<Vec<_>>(), [(counted, 1)]);
        office.ends();
    }
}

/// Nothing has failed, or too long ago; somebody outside asks; there is nothing to take back.
#[test]
fn what_there_is_nothing_for() {
    let (mut office, _) = bob_is_busy(|_| {});
    assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::NoCallToReturn);
    assert_eq!(dials_code(&mut office, ALICE, "*86").0, Phrase::NoCallback);
    office.dials(ALICE, "1002");
    office.passes(secs(601));
    assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::NoCallToReturn);
    office.dials(CARRIER, "1002");
    assert_eq!(dials_code(&mut office, CARRIER, "*66").0, Phrase::NotAllowed);
    let counted = &office.snapshot().counters.codes;
    let refused: u64 = counted
        .iter()
        .flat_map(|table| table.iter())
        .filter(|(result, ..)| *result == "refused")
        .map(|(.., n)| n)
        .sum();
    assert_eq!(refused, 4);
    office.ends();
}

/// So many of one line, and so many of one line within an hour.
#[test]
fn one_line_asks_for_so_many() {
    for (own, hourly) in [(2, 20), (20, 2)] {
        let mut office = office_with_callbacks(|settings| {
            settings.completion.max_per_requester = own;
            settings.completion.max_per_hour = hourly;
            settings.completion.not_registered_lifetime = secs(1_000);
        });
        for number in ["2001", "2002"] {
            assert_eq!(asks(&mut office, ALICE, number), "1");
        }
        office.dials(ALICE, "2003");
        assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::TooManyCallbacks);
        assert_eq!(asks(&mut office, DAVE, "2003"), "1", "others may");
        office.passes(secs(1_000));
        assert!(states(&office).is_empty(), "they have expired");
        office.dials(ALICE, "2003");
        let now = dials_code(&mut office, ALICE, "*66").0;
        assert_eq!(now == Phrase::WillCallBack, hourly > 2);
        office.passes(secs(2_700));
        assert_eq!(asks(&mut office, ALICE, "2004"), "1", "an hour later");
        office.passes(secs(1_100));
        office.ends();
    }
}

/// A thousand wait, as many as may; each is called when its time has come, and nothing is left.
#[test]
fn a_thousand_wait() {
    let mut office = office_with_callbacks(|settings| {
        settings.line_ranges[0].last = 2_199;
        settings.completion.max_per_requester = 1_000;
        settings.completion.max_per_target = 1_000;
        settings.completion.max_per_hour = 1_000;
        settings.completion.not_registered_lifetime = secs(3_000);
    });
    for (who, n) in [ALICE, BOB, CAROL, DAVE].into_iter().flat_map(|who| (0..250).map(move |n| (who, n))) {
        // The lines of nobody; each twice at the most.
        let number = format!("2{:03}", n % 200);
        office.dials(who, &number);
        let code = office.dials(who, "*66");
        office.passes(millis(1_200));
        assert!(office.call(code).is_over());
        office.ladder.clear();
    }
    let waiting: u64 = office.snapshot().gauges.completions.iter().map(|(.., n)| n).sum();
    assert_eq!(waiting, 800);
    assert_eq!(asked(&office), [("not_registered", "accepted", 800), ("not_registered", "duplicate", 200)]);
    for place in 0..3 {
        many(&mut office, place);
    }
    office.passes(secs(6));
    assert!(rings(&office, ALICE), "who asked first for the first");
    office.passes(secs(3_000));
    assert!(states(&office).is_empty());
    let ended: u64 = ends(&office).iter().map(|(.., n)| n).sum();
    assert_eq!(ended, 800);
    assert!(recalls(&office).iter().any(|(_, result, _)| *result == "caller_no_answer"));
    office.ends();
}

/// Who may ask and who may be asked for is said by line, and by range.
#[test]
fn rights_are_read_again() {
    let (mut office, bob) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    let mut settings = settings();
    with_callbacks(&mut settings);
    settings.lines[1].busy_limit = Some(1);
    settings.lines[0].callbacks = CallbackRights { ask: false, give: false };
    office.input(crate::Input::Reload(Box::new(settings)));
    office.dials(ALICE, "1002");
    assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::WillCallBack, "what was asked for stands");
    dials_code(&mut office, ALICE, "*86");
    assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::NotAllowed);
    office.hangs_up(bob);
    office.ends();
}
