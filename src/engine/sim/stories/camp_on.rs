//! A caller meets a line that is busy, and is told: it presses a key to be called back, or stays on the line.
use super::completion::{bob_is_busy, called_back, ends, recalls, rings, states};
use super::office::*;
use super::phone::{Answer, Dial, Stage};
use super::studio::Heard;
use super::world::{End, World};
use crate::counters::CompletionVia;
use crate::input::Input;
use crate::settings::{CompletionOffer, Settings};
use crate::wire::media::{MediaEvent, Phrase, Sound};

/// A caller presses a key: as an event, at the port where it hears us.
fn presses(office: &mut World, end: End, key: u8) {
    let port = office.call(end).media.to.expect("it hears us").port();
    office.input(Input::Media(MediaEvent::Pressed { port, key, millis: 100 }));
    office.settles();
}

fn hears(office: &World, end: End) -> Option<Phrase> {
    match office.hears_from_us(end)? {
        Heard::Speech { what, .. } => Some(what.phrase),
        Heard::Endless(_) => None,
    }
}

fn offered(how: CompletionOffer) -> impl FnOnce(&mut Settings) {
    move |settings| settings.completion.offer = how
}

/// In early media, or after an answer: whoever is told presses 5, hears that it is done, and is called back.
#[test]
fn a_key_asks_for_a_callback() {
    for how in [CompletionOffer::Early, CompletionOffer::Answered] {
        let (mut office, bob) = bob_is_busy(offered(how));
        let alice = office.dials(ALICE, "1002");
        let answered = how == CompletionOffer::Answered;
        assert_eq!(office.call(alice).stage == Stage::Up, answered);
        assert_eq!(hears(&office, alice), Some(Phrase::BusyPressFive));
        presses(&mut office, alice, b'4');
        assert_eq!(hears(&office, alice), Some(Phrase::BusyPressFive), "that is another key");
        presses(&mut office, alice, b'5');
        assert_eq!(hears(&office, alice), Some(Phrase::WillCallBack));
        presses(&mut office, alice, b'5');
        office.passes(secs(2));
        let end = if answered { "BYE " } else { "486 You will be called back" };
        assert_eq!(office.ended(alice), end);
        let asked = office.snapshot().counters.completion.asked[CompletionVia::Digit as usize].clone();
        assert_eq!(asked.iter().filter(|(.., n)| *n > 0).collect::<Vec<_>>(), [("busy", "accepted", 1)]);
        office.hangs_up(bob);
        called_back(&mut office, ALICE, BOB);
        office.ends();
    }
}

/// Each failure has its words. Who presses nothing is refused as ever; who gives up meanwhile may still dial the code.
#[test]
fn the_caller_is_told_why() {
    for (phrase, words, kind) in [
        (Phrase::BusyPressFive, "486 1002 is busy", "busy"),
        (Phrase::NoReplyPressFive, "480 Nobody answered", "no_reply"),
        (Phrase::AwayPressFive, "480 1002 is not registered", "not_registered"),
    ] {
        for gives_up in [false, true] {
            let mut office = office_with_callbacks(|settings| {
                settings.completion.offer = CompletionOffer::Early;
                settings.lines[1].busy_limit = Some(1);
            });
            let bob = (kind == "busy").then(|| office.connects(BOB, CAROL).0);
            if kind == "not_registered" {
                office.with(BOB, |phone| phone.unregister());
                office.settles();
            }
            let alice = office.dials(ALICE, "1002");
            if kind == "no_reply" {
                office.passes(secs(60));
            }
            assert_eq!(hears(&office, alice), Some(phrase));
            if gives_up {
                office.hangs_up(alice);
            } else {
                office.passes(secs(4));
                assert_eq!(office.ended(alice), words);
            }
            // RFC 6910 §7.1: in the final response, and in at least one before it.
            let mode = match kind {
                "busy" => "BS",
                "no_reply" => "NR",
                _ => "NL",
            };
            let said = format!("<sip:1002@pbx.test>;purpose=call-completion;m={mode}");
            let told = office.answers_to(ALICE, "INVITE");
            let with_it: Vec<u16> =
                told.iter().filter(|it| it.field("Call-Info") == said).filter_map(|it| it.status()).collect();
            assert_eq!(with_it.first(), Some(&183));
            assert_eq!(with_it.len(), if gives_up { 1 } else { 2 }, "{with_it:?}");
            assert_eq!(super::completion::dials_code(&mut office, ALICE, "*66").0, Phrase::WillCallBack);
            assert_eq!(states(&office), [(kind, "queued", 1)]);
            super::completion::dials_code(&mut office, ALICE, "*86");
            bob.into_iter().for_each(|bob| office.hangs_up(bob));
            office.ends();
        }
    }
}

/// Nobody is offered what it could not have: a caller from outside, one without the right, one that cannot hear us.
#[test]
fn who_is_not_asked_is_refused_at_once() {
    for how in [CompletionOffer::Silent, CompletionOffer::Early, CompletionOffer::Answered] {
        let (mut office, _) = bob_is_busy(offered(how));
        let town = office.dials(CARRIER, "1002");
        assert_eq!(office.ended(town), "486 1002 is busy");
        let deaf = office.dials_so(DAVE, "1002", &Dial { late_offer: true, ..Dial::default() });
        if how != CompletionOffer::Answered {
            assert_eq!(office.ended(deaf), "486 1002 is busy");
        }
        office.ends();
    }
    let (mut office, _) = bob_is_busy(|settings| {
        settings.completion.offer = CompletionOffer::Early;
        settings.lines[0].callbacks.ask = false;
    });
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "486 1002 is busy");
    office.ends();
}

fn may_stay(settings: &mut Settings) {
    settings.completion.camp_on = true;
}

/// Who stays on the line hears music, and is connected at once when Bob is free; his phone shows the caller.
#[test]
fn who_stays_on_the_line_is_connected_when_it_is_free() {
    for who in [ALICE, CARRIER] {
        let (mut office, bob) = bob_is_busy(may_stay);
        let caller = office.dials(who, "1002");
        assert_eq!(hears(&office, caller), Some(if who == ALICE { Phrase::BusyStay } else { Phrase::Comfort }));
        office.passes(secs(60));
        assert!(matches!(office.hears_from_us(caller), Some(Heard::Endless(Sound::Music(_)))));
        assert_eq!(states(&office), [("busy", "queued", 1)]);
        office.hangs_up(bob);
        office.passes(millis(100));
        assert!(rings(&office, BOB));
        let name = if who == ALICE { "1001" } else { "4930123" };
        assert!(office.last(BOB, "INVITE").field("From").contains(name));
        let bob = office.answers(BOB);
        office.talk(caller, bob);
        assert_eq!((recalls(&office), ends(&office)), (vec![("busy", "connected", 1)], vec![("busy", "done", 1)]));
        office.ends();
    }
}

/// A key, and who waits is called back instead, in its place; hanging up, and nobody is.
#[test]
fn who_waits_may_leave() {
    for (key, leaves) in [(Some(b'5'), true), (Some(b'0'), false), (None, true)] {
        let (mut office, bob) = bob_is_busy(may_stay);
        let alice = office.dials(ALICE, "1002");
        let dave = office.dials(DAVE, "1002");
        office.passes(secs(10));
        match key {
            Some(key) => presses(&mut office, alice, key),
            None => office.hangs_up(alice),
        }
        office.passes(secs(3));
        assert_eq!(office.call(alice).is_over(), leaves);
        office.hangs_up(bob);
        office.passes(secs(6));
        match key {
            Some(b'5') => {
                let alice = office.answers(ALICE);
                let bob = office.answers(BOB);
                office.talk(alice, bob);
                office.hangs_up(bob);
                office.settles();
            }
            Some(_) => {
                let bob = office.answers(BOB);
                office.talk(alice, bob);
                office.hangs_up(bob);
                office.settles();
            }
            None => assert_eq!(ends(&office), [("busy", "cancelled", 1)]),
        }
        let bob = office.answers(BOB);
        office.talk(dave, bob);
        office.ends();
    }
}

/// Bob's phone says that it is busy, without a call of ours: he is not rung again before he has used it, and whoever waits
/// waits on.
#[test]
fn who_waits_for_a_phone_that_refuses_waits_on() {
    let mut office = office_with_callbacks(may_stay);
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(60));
    assert_eq!(office.heard(BOB, "INVITE").len(), 1);
    office.phones[BOB.0].manners.answers = Answer::WhenTold;
    let (bob, _) = office.connects(BOB, CAROL);
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    office.hangs_up(bob);
    office.passes(secs(60));
    assert_eq!(office.heard(BOB, "INVITE").len(), 2, "once more, and he is busy again");
    office.hears_music(alice);
    office.hangs_up(alice);
    assert_eq!(ends(&office), [("busy", "cancelled", 1)]);
    office.ends();
}

/// Who waits as long as may be, and who is not answered, is hung up on.
#[test]
fn nobody_waits_for_ever() {
    let (mut office, bob) = bob_is_busy(|settings| {
        may_stay(settings);
        settings.completion.busy_lifetime = secs(600);
    });
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(601));
    assert!(office.call(alice).is_over());
    assert_eq!(ends(&office), [("busy", "expired", 1)]);
    let alice = office.dials(ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(62));
    assert!(office.call(alice).is_over() && !rings(&office, BOB));
    assert_eq!(recalls(&office), [("busy", "target_no_answer", 1)]);
    office.ends();
}

/// There is no room in the queue: as if nobody could wait.
#[test]
fn a_queue_that_is_full() {
    let (mut office, bob) = bob_is_busy(|settings| {
        may_stay(settings);
        settings.completion.max_per_target = 1;
    });
    let alice = office.dials(ALICE, "1002");
    let dave = office.dials(DAVE, "1002");
    assert_eq!(office.ended(dave), "486 1002 is busy");
    office.hangs_up(bob);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}
