//! Callbacks: `*66` and `*86`, for a line that was busy, did not answer, or was not there.
use super::office::*;
use super::phone::{Answer, Stage};
use super::world::{End, Who, World};
use crate::session::{News, State};
use crate::settings::Settings;
use crate::wire::media::{Announcement, Phrase};

/// Everybody but Bob is free; he has one call at a time, and has it with Carol.
pub(super) fn bob_is_busy(change: impl FnOnce(&mut Settings)) -> (World, End) {
    let mut office = office_with_callbacks(|settings| {
        settings.lines[1].busy_limit = Some(1);
        change(settings);
    });
    let (bob, _) = office.connects(BOB, CAROL);
    (office, bob)
}

/// Somebody meets a line that is busy, and asks for a callback. The place in the queue.
pub(super) fn asks(office: &mut World, who: Who, number: &str) -> String {
    let failed = office.dials(who, number);
    assert!(office.call(failed).is_over(), "it failed");
    let (phrase, place) = dials_code(office, who, "*66");
    assert_eq!(phrase, Phrase::WillCallBack);
    place
}

/// A line is free: whoever asked is called back from now on, and answers; so does the line, and the two talk.
pub(super) fn called_back(office: &mut World, by: Who, target: Who) -> (End, End) {
    office.passes(secs(6));
    let (one, other) = (office.answers(by), office.answers(target));
    office.talk(one, other);
    (one, other)
}

/// Dials a code, and listens until the end. What is heard.
pub(super) fn dials_code(office: &mut World, who: Who, code: &str) -> (Phrase, String) {
    let end = office.dials(who, code);
    let Announcement { phrase, number, .. } = office.studio.said.last().expect("something is said").1;
    office.passes(secs(3));
    assert!(office.call(end).is_over(), "{code} hangs up");
    (phrase, number.to_string())
}

pub(super) fn recalls(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    office.snapshot().counters.completion.recalls.iter().filter(|(.., n)| *n > 0).collect()
}

pub(super) fn ends(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    office.snapshot().counters.completion.ended.iter().filter(|(.., n)| *n > 0).collect()
}

pub(super) fn rings(office: &World, who: Who) -> bool {
    office.latest(who, Stage::Ringing).is_some()
}

/// What requests are doing, as the gauges have it.
pub(super) fn states(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    office.snapshot().gauges.completions.iter().filter(|(.., n)| *n > 0).collect()
}

/// Bob hangs up; five seconds later Alice's phone rings and shows why; she answers, and Bob's phone rings with her name.
#[test]
fn who_met_a_busy_line_is_called_back_when_it_is_free() {
    let (mut office, bob) = bob_is_busy(|_| {});
    assert_eq!(asks(&mut office, ALICE, "1002"), "1");
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    office.hangs_up(bob);
    office.passes(millis(4_500));
    assert!(!rings(&office, ALICE), "Bob may want to dial");
    assert_eq!(states(&office), [("busy", "ready", 1)]);
    office.passes(secs(1));
    assert!(rings(&office, ALICE) && !rings(&office, BOB), "first who asked");
    assert_eq!(states(&office), [("busy", "recalling", 1)]);
    let invite = office.last(ALICE, "INVITE");
    assert!(invite.field("From").starts_with("\"Callback: Bob\" <sip:1002@pbx.test>"), "{}", invite.field("From"));
    let alerts: Vec<_> = invite.all("Alert-Info").collect();
    assert_eq!(alerts, ["<urn:alert:service:recall:callback>", "<http://pbx.invalid>;info=callback"]);
    assert_eq!(invite.field("Call-Info"), "<sip:1002@pbx.test>;purpose=info");
    let alice = office.answers(ALICE);
    let heard = office.studio.said.last().unwrap().1;
    assert_eq!((heard.phrase, &*heard.number), (Phrase::Calling, "1002"));
    assert_eq!(states(&office), [("busy", "connecting", 1)]);
    let invite = office.last(BOB, "INVITE");
    assert!(invite.field("From").starts_with("\"Alice\" <sip:1001@pbx.test>"), "{}", invite.field("From"));
    assert_eq!(invite.field("P-Asserted-Identity"), "\"Alice\" <sip:1001@pbx.test>");
    assert!(invite.field("Alert-Info").is_empty(), "for Bob it is a call like any other");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert_eq!((recalls(&office), ends(&office)), (vec![("busy", "connected", 1)], vec![("busy", "done", 1)]));
    let told = office.news.iter().find_map(|news| {
        let News::CompletionEnded { waited, attempts, .. } = news else { return None };
        Some((waited.as_secs(), *attempts))
    });
    assert_eq!(told, Some((9, 0)));
    office.hangs_up(bob);
    assert!(office.call(alice).is_over());
    office.ends();
}

/// Bob's phone itself says that it is busy: he talks by another line of his.
#[test]
fn the_same_where_the_phone_says_busy() {
    let mut office = office_with_callbacks(|_| {});
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    asks(&mut office, ALICE, "1002");
    office.passes(secs(3));
    assert!(rings(&office, ALICE), "he has no call that we know of");
    let alice = office.answers(ALICE);
    office.passes(secs(2));
    assert_eq!(office.ended(alice), "BYE ", "and is busy all the same");
    office.passes(secs(600));
    assert_eq!(recalls(&office), [("busy", "target_busy", 1)], "not before he has used his phone again");
    office.phones[BOB.0].manners.answers = Answer::WhenTold;
    let (bob, _) = office.connects(BOB, CAROL);
    office.hangs_up(bob);
    called_back(&mut office, ALICE, BOB);
    office.ends();
}

/// Who does not answer is rung once more after a pause, and then no more; a phone that refuses counts as well.
#[test]
fn who_does_not_answer_twice_is_not_called_again() {
    for refuses in [None, Some(480), Some(486)] {
        let (mut office, bob) = bob_is_busy(|_| {});
        asks(&mut office, ALICE, "1002");
        if let Some(status) = refuses {
            office.phones[ALICE.0].manners.answers = Answer::Refuse(status);
        }
        office.hangs_up(bob);
        office.passes(secs(26));
        assert!(!rings(&office, ALICE), "no longer than 20 s");
        assert_eq!(states(&office), [("busy", "suspended", 1)]);
        office.passes(secs(270));
        assert_eq!(office.heard(ALICE, "INVITE").len(), 1);
        office.passes(secs(60));
        assert_eq!(office.heard(ALICE, "INVITE").len(), 2);
        assert_eq!(recalls(&office), [("busy", "caller_no_answer", 2)]);
        assert_eq!(ends(&office), [("busy", "failed", 1)]);
        office.ends();
    }
}

/// Alice talks when Bob is free: he is not kept from others, and she comes first when she has hung up.
#[test]
fn who_is_on_the_telephone_is_called_back_afterwards() {
    let (mut office, bob) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    let (alice, _) = office.connects(ALICE, DAVE);
    office.hangs_up(bob);
    office.passes(secs(30));
    assert_eq!(states(&office), [("busy", "suspended", 1)]);
    office.hangs_up(alice);
    called_back(&mut office, ALICE, BOB);
    assert_eq!(recalls(&office), [("busy", "connected", 1), ("busy", "caller_busy", 1)]);
    office.ends();
}

/// Alice has gone home when Bob is free: she is called back when her phone is registered again.
#[test]
fn who_has_no_phone_is_called_back_when_it_has_one() {
    let (mut office, bob) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    office.with(ALICE, |phone| phone.unregister());
    office.settles();
    office.hangs_up(bob);
    office.passes(secs(30));
    assert_eq!(states(&office), [("busy", "suspended", 1)]);
    office.with(ALICE, |phone| phone.register());
    called_back(&mut office, ALICE, BOB);
    office.ends();
}

/// Within the five seconds Bob calls somebody, or is called: he is not free.
#[test]
fn a_line_that_is_used_within_the_guard_is_not_free() {
    for bob_dials in [true, false] {
        let (mut office, bob) = bob_is_busy(|_| {});
        asks(&mut office, ALICE, "1002");
        office.hangs_up(bob);
        office.passes(secs(3));
        let bob = if bob_dials { office.connects(BOB, DAVE).0 } else { office.connects(DAVE, BOB).1 };
        office.passes(secs(60));
        assert!(!rings(&office, ALICE));
        office.hangs_up(bob);
        office.passes(secs(6));
        office.answers(ALICE);
        office.answers(BOB);
        office.ends();
    }
}

/// While Alice's phone rings Bob takes another call: she is told, and keeps her place; unless the settings say otherwise.
#[test]
fn a_line_that_is_busy_again_keeps_the_queue() {
    for retain in [true, false] {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.retain = retain);
        asks(&mut office, ALICE, "1002");
        office.hangs_up(bob);
        office.passes(secs(6));
        let (bob, _) = office.connects(BOB, DAVE);
        let alice = office.answers(ALICE);
        let heard = office.studio.said.last().unwrap().1.phrase;
        assert_eq!(heard == Phrase::BusyAgain, retain);
        office.passes(secs(2));
        assert!(office.call(alice).is_over());
        office.hangs_up(bob);
        office.passes(secs(6));
        assert_eq!(rings(&office, ALICE), retain);
        if retain {
            let alice = office.answers(ALICE);
            let bob = office.answers(BOB);
            office.talk(alice, bob);
        } else {
            assert_eq!(ends(&office), [("busy", "failed", 1)]);
        }
        office.ends();
    }
}

/// Alice answers, and Bob does not: that is the end, or the beginning of a request for when he does.
#[test]
fn nobody_answers_who_was_busy() {
    for chain in [false, true] {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.chain_no_reply = chain);
        asks(&mut office, ALICE, "1002");
        office.hangs_up(bob);
        office.passes(secs(6));
        let alice = office.answers(ALICE);
        office.passes(secs(61));
        assert_eq!(office.studio.said.last().unwrap().1.phrase, Phrase::NobodyAnswers);
        office.passes(secs(2));
        assert!(office.call(alice).is_over() && !rings(&office, BOB));
        assert_eq!(recalls(&office), [("busy", "target_no_answer", 1)]);
        if chain {
            assert_eq!(states(&office), [("no_reply", "queued", 1)]);
            let (bob, _) = office.connects(BOB, CAROL);
            office.hangs_up(bob);
            office.passes(secs(6));
            office.answers(ALICE);
            office.answers(BOB);
            assert_eq!(ends(&office), [("no_reply", "done", 1)]);
        } else {
            assert_eq!(ends(&office), [("busy", "failed", 1)]);
        }
        office.ends();
    }
}

/// Nobody answers, and the phone is free all the while: not before Bob has used it is he there. That others ring it in vain
/// says nothing.
#[test]
fn who_did_not_answer_is_called_when_the_phone_was_used() {
    for gives_up in [true, false] {
        let mut office = office_with_callbacks(|_| {});
        let alice = office.dials(ALICE, "1002");
        if gives_up {
            office.passes(secs(5));
            office.hangs_up(alice);
        } else {
            office.passes(secs(61));
        }
        assert_eq!(dials_code(&mut office, ALICE, "*66").0, Phrase::WillCallBack);
        office.passes(secs(120));
        assert_eq!(states(&office), [("no_reply", "queued", 1)]);
        let carol = office.dials(CAROL, "1002");
        office.hangs_up(carol);
        office.passes(secs(60));
        assert!(!rings(&office, ALICE));
        let code = office.dials(BOB, "*43");
        office.hangs_up(code);
        called_back(&mut office, ALICE, BOB);
        assert_eq!(ends(&office), [("no_reply", "done", 1)]);
        office.ends();
    }
}

/// No phone of Bob's is registered: Alice is called back when one is. And who goes home while somebody waits for him is
/// waited for until he comes back.
#[test]
fn who_is_not_there_is_called_when_he_is() {
    let mut office = office_with_callbacks(|_| {});
    office.with(BOB, |phone| phone.unregister());
    office.settles();
    asks(&mut office, ALICE, "1002");
    assert_eq!(states(&office), [("not_registered", "queued", 1)]);
    office.passes(secs(60));
    office.with(BOB, |phone| phone.register());
    office.passes(secs(3));
    office.with(BOB, |phone| phone.unregister());
    office.passes(secs(60));
    assert!(!rings(&office, ALICE), "he has gone again");
    office.with(BOB, |phone| phone.register());
    called_back(&mut office, ALICE, BOB);
    assert_eq!(ends(&office), [("not_registered", "done", 1)]);
    office.ends();
}

/// A request lives for so long, whatever it waits for.
#[test]
fn what_is_asked_for_expires() {
    let (mut office, bob) = bob_is_busy(|settings| settings.completion.busy_lifetime = secs(600));
    asks(&mut office, ALICE, "1002");
    office.passes(secs(590));
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    office.passes(secs(10));
    assert_eq!((states(&office), ends(&office)), (vec![], vec![("busy", "expired", 1)]));
    office.hangs_up(bob);
    office.passes(secs(30));
    assert!(!rings(&office, ALICE));
    office.ends();
}

/// `*86` takes everything back, whatever it is doing; or the last alone.
#[test]
fn a_request_is_taken_back_in_each_state() {
    for state in ["queued", "ready", "suspended", "recalling", "connecting"] {
        let (mut office, bob) = bob_is_busy(|_| {});
        let second = office.add("1001", "Alice's second", "10.0.1.11:5060");
        office.with(second, |phone| phone.register());
        office.settles();
        asks(&mut office, ALICE, "1002");
        let talks = (state == "suspended").then(|| office.connects(ALICE, DAVE).0);
        if state != "queued" {
            office.hangs_up(bob);
            office.passes(if state == "ready" { secs(1) } else { secs(6) });
        }
        let answered = (state == "connecting").then(|| office.answers(ALICE));
        assert_eq!(states(&office), [("busy", state, 1)]);
        assert_eq!(dials_code(&mut office, second, "*86").0, Phrase::CallbackCancelled);
        assert_eq!((states(&office), ends(&office)), (vec![], vec![("busy", "cancelled", 1)]), "{state}");
        assert!(!rings(&office, ALICE) && !rings(&office, BOB), "{state}");
        assert!(answered.is_none_or(|alice| office.call(alice).is_over()), "{state}");
        assert!(talks.is_none_or(|alice| office.call(alice).stage == Stage::Up), "{state}");
        office.passes(secs(60));
        assert!(!rings(&office, ALICE), "{state}");
        assert_eq!(dials_code(&mut office, ALICE, "*86").0, Phrase::NoCallback);
        office.ends();
    }
}

/// Alice changes her mind while Bob's phone rings.
#[test]
fn who_was_called_back_hangs_up_too_soon() {
    let (mut office, bob) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    let alice = office.answers(ALICE);
    assert!(rings(&office, BOB));
    office.hangs_up(alice);
    assert!(!rings(&office, BOB));
    assert_eq!(ends(&office), [("busy", "cancelled", 1)]);
    office.ends();
}

/// First the phone that the callback was asked for from, and after eight seconds all of the line's; one answers, and the
/// others show no missed call.
#[test]
fn all_phones_ring_after_a_while() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let second = office.add("1001", "Alice's second", "10.0.1.11:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(7));
    assert!(rings(&office, ALICE) && !rings(&office, second));
    office.passes(secs(7));
    let own = office.latest(ALICE, Stage::Ringing).expect("it rings still");
    let alice = office.answers(second);
    assert_eq!(office.ended(own), "CANCEL SIP;cause=200;text=\"Call completed elsewhere\"");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// The two have found each other by other means: nobody is called any more.
#[test]
fn who_have_talked_are_not_called() {
    for bob_calls in [true, false] {
        let (mut office, bob) = bob_is_busy(|_| {});
        asks(&mut office, ALICE, "1002");
        office.hangs_up(bob);
        let (one, other) = if bob_calls { (BOB, ALICE) } else { (ALICE, BOB) };
        let (one, _) = office.connects(one, other);
        assert_eq!(ends(&office), [("busy", "superseded", 1)]);
        office.hangs_up(one);
        office.passes(secs(60));
        assert!(!rings(&office, ALICE));
        office.ends();
    }
}

/// While her phone rings for the callback Bob calls Alice himself.
#[test]
fn a_call_comes_before_the_callback() {
    let (mut office, bob) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    let callback = office.latest(ALICE, Stage::Ringing).expect("it rings");
    let bob = office.dials(BOB, "1001");
    let alice = office.answers(ALICE);
    assert_ne!(alice, callback);
    office.talk(bob, alice);
    assert!(office.call(callback).is_over(), "nobody needs to be told any more");
    assert_eq!(ends(&office), [("busy", "superseded", 1)]);
    office.ends();
}

/// Who was called back, and who answered, are parties of an ordinary call: it can be held, parked and fetched.
#[test]
fn a_completed_call_is_a_call_like_any_other() {
    let (mut office, bob) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    let alice = office.answers(ALICE);
    let bob = office.answers(BOB);
    office.holds(bob);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>"), (200, "OK".into()));
    office.hears_music(alice);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    let states: Vec<State> = office.engine.exchange.seen().iter().map(|session| session.state).collect();
    assert!(states.iter().all(|state| *state == State::Connected), "{states:?}");
    office.ends();
}
