//! Media before the answer: reliable provisional responses (RFC 3262) and UPDATE (RFC 3311), in every pairing of legs.
use super::network::{Fault, Weather};
use super::office::*;
use super::phone::{Dial, Reliable, Stage};
use super::world::{End, Who, World};

const EACH: [Option<Reliable>; 3] = [None, Some(Reliable::Supported), Some(Reliable::Required)];

/// Alice calls Bob, who sends before he answers.
fn rings_early(office: &mut World, late_offer: bool) -> (End, End) {
    office.phones[BOB.0].manners.early_media = true;
    let alice = office.dials_so(ALICE, "1002", &Dial { late_offer, ..Dial::default() });
    let bob = office.latest(BOB, Stage::Ringing).expect("Bob rings");
    (alice, bob)
}

/// Whether both send to each other, whatever the stage.
fn hear_each_other(office: &World, one: End, other: End) -> bool {
    let (a, b) = (&office.call(one).media, &office.call(other).media);
    office.sends_to(one) == Some(b.at) && office.sends_to(other) == Some(a.at)
}

/// Each leg has its own way; the sound is the same.
#[test]
fn early_media_in_every_pairing() {
    for (caller, called) in EACH.into_iter().flat_map(|caller| EACH[..2].iter().map(move |&called| (caller, called))) {
        let mut office = office();
        office.phones[ALICE.0].manners.reliable = caller;
        office.phones[BOB.0].manners.reliable = called;
        let (alice, bob) = rings_early(&mut office, false);
        assert!(hear_each_other(&office, alice, bob), "{caller:?} {called:?}: before the answer");
        assert_eq!(office.call(alice).agreed, caller.is_some(), "reliably, if she can");
        assert_eq!(office.heard(BOB, "PRACK").len(), usize::from(called.is_some()));
        office.answers(BOB);
        office.talk(alice, bob);
        office.holds(alice);
        office.resumes(alice);
        office.talk(alice, bob);
        office.hangs_up(bob);
        office.ends();
    }
}

/// Who requires reliability gets it for a plain 180 as well.
#[test]
fn ringing_alone_is_reliable_for_who_requires_it() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    let (alice, bob) = office.connects(ALICE, BOB);
    let ringing: Vec<_> = office.answers_to(ALICE, "INVITE").into_iter().filter(|m| m.status() == Some(180)).collect();
    assert_eq!(ringing.len(), 1);
    assert_eq!((ringing[0].field("Require"), ringing[0].body.as_str()), ("100rel", ""));
    assert_eq!(office.answers_to(ALICE, "PRACK").len(), 1);
    office.talk(alice, bob);
    office.ends();
}

/// She makes no offer; Bob's comes before he answers, and her answer goes to him in the PRACK.
#[test]
fn a_late_offer_is_agreed_on_before_the_answer() {
    let mut office = office();
    for who in [ALICE, BOB] {
        office.phones[who.0].manners.reliable = Some(Reliable::Supported);
    }
    let (alice, bob) = rings_early(&mut office, true);
    assert!(office.call(alice).agreed && office.call(bob).agreed && hear_each_other(&office, alice, bob));
    assert!(!office.last(BOB, "PRACK").body.is_empty(), "her answer, end to end");
    office.answers(BOB);
    office.talk(alice, bob);
    assert!(office.last(BOB, "ACK").body.is_empty(), "everything was said before");
    office.ends();
}

/// A caller who could not answer an early offer is not made one.
#[test]
fn a_late_offer_where_only_one_side_can() {
    for (caller, called) in [(None, Some(Reliable::Supported)), (Some(Reliable::Supported), None)] {
        let mut office = office();
        office.phones[ALICE.0].manners.reliable = caller;
        office.phones[BOB.0].manners.reliable = called;
        let alice = office.dials_so(ALICE, "1002", &Dial { late_offer: true, ..Dial::default() });
        let offered = office.last(BOB, "INVITE").field("Supported").contains("100rel");
        assert_eq!(offered, caller.is_some());
        let bob = office.answers(BOB);
        office.talk(alice, bob);
        office.ends();
    }
}

/// Nobody acknowledges: the call is given up after 32 s, and Bob stops ringing.
#[test]
fn no_prack_ever_comes() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    office.phones[ALICE.0].manners.no_prack = true;
    let (alice, bob) = rings_early(&mut office, false);
    office.passes(secs(31));
    let again = office.answers_to(ALICE, "INVITE").iter().filter(|m| m.status() == Some(183)).count();
    assert_eq!(again, 6, "at once, then after pauses of 0.5, 1, 2, 4 and 8 s");
    office.passes(secs(2));
    assert_eq!(office.ended(alice), "504 Nobody Acknowledged The Provisional Response");
    assert!(office.call(bob).is_over());
    office.ends();
}

/// He answers before her PRACK is here: the 200 waits for it (RFC 3262 §3).
#[test]
fn the_answer_waits_for_the_prack() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    office.phones[ALICE.0].manners.no_prack = true;
    let (alice, bob) = rings_early(&mut office, false);
    office.answers(BOB);
    assert_eq!(office.call(alice).stage, Stage::Calling, "not before the PRACK");
    office.phones[ALICE.0].manners.no_prack = false;
    office.passes(secs(2));
    office.talk(alice, bob);
    office.ends();
}

/// The call is answered while a reliable 180 waits for its PRACK, which comes before the ACK: neither takes the other's
/// place (RFC 3262 §3).
#[test]
fn a_prack_after_the_answer() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    office.phones[ALICE.0].manners.no_prack = true;
    office.phones[ALICE.0].manners.no_ack = true;
    let (alice, bob) = office.connects(ALICE, BOB);
    let ringing = office.answers_to(ALICE, "INVITE").into_iter().find(|m| m.status() == Some(180)).unwrap();
    let lines = format!("RAck: {} 2 INVITE\r\n", ringing.field("RSeq"));
    office.with(ALICE, |phone| phone.say(alice.no, "PRACK", &lines));
    office.settles();
    assert_eq!(office.call(alice).answered, Some((200, "OK".into())));
    office.phones[ALICE.0].manners.no_ack = false;
    let accepted = office.answers_to(ALICE, "INVITE").iter().filter(|m| m.status() == Some(200)).count();
    office.passes(secs(3));
    let again = office.answers_to(ALICE, "INVITE").iter().filter(|m| m.status() == Some(200)).count();
    assert!(again > accepted, "the 200 still waits for its ACK, and is repeated");
    assert_eq!(office.call(bob).stage, Stage::Up);
    office.passes(secs(40));
    office.ends();
}

/// PRACKs that acknowledge nothing of ours (RFC 3262 §3).
#[test]
fn a_prack_for_nothing() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    let (alice, _) = rings_early(&mut office, false);
    for (rack, told) in [
        ("RAck: 1 1 INVITE\r\n", (481, "No Such Response")),
        ("RAck: 1 INVITE\r\n", (400, "Missing Or Malformed RAck")),
        ("", (400, "Missing Or Malformed RAck")),
    ] {
        office.with(ALICE, |phone| phone.say(alice.no, "PRACK", rack));
        office.settles();
        assert_eq!(office.call(alice).answered, Some((told.0, told.1.to_owned())), "{rack}");
    }
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.with(ALICE, |phone| phone.say(alice.no, "PRACK", "RAck: 1 1 INVITE\r\n"));
    office.settles();
    assert_eq!(office.call(alice).answered.as_ref().map(|told| told.0), Some(481));
    office.ends();
}

/// Her second PRACK makes a new offer: it goes to Bob, and the answer comes back in the PRACK's 200.
#[test]
fn a_prack_with_an_offer() {
    let mut office = office();
    for who in [ALICE, BOB] {
        office.phones[who.0].manners.reliable = Some(Reliable::Supported);
    }
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    office.phones[ALICE.0].manners.prack_offers = true;
    let (alice, bob) = rings_early(&mut office, false);
    office.with(ALICE, |phone| phone.calls.get_mut(&alice.no).unwrap().media.at.set_port(29_998));
    office.with(BOB, |phone| phone.sends_early(bob.no));
    office.settles();
    assert_eq!(office.call(alice).answered, Some((200, "OK".into())));
    assert_eq!(office.last(BOB, "UPDATE").field("CSeq"), "4 UPDATE");
    assert!(hear_each_other(&office, alice, bob), "she has moved");
    office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// Either side moves its media while it rings, and the other side's phone follows.
#[test]
fn update_before_the_answer() {
    for mover in [ALICE, BOB] {
        let mut office = office();
        for who in [ALICE, BOB] {
            office.phones[who.0].manners.reliable = Some(Reliable::Supported);
        }
        let (alice, bob) = rings_early(&mut office, false);
        let end = if mover == ALICE { alice } else { bob };
        office.with(mover, |phone| {
            let media = &mut phone.calls.get_mut(&end.no).unwrap().media;
            media.at.set_port(media.at.port() + 2);
            phone.offers_early(end.no);
        });
        office.settles();
        assert_eq!(office.call(end).answered, Some((200, "OK".into())));
        assert!(hear_each_other(&office, alice, bob), "{mover:?} has moved");
        office.answers(BOB);
        office.talk(alice, bob);
        office.ends();
    }
}

/// Bob moves his media and answers in the same moment: our UPDATE and the 200 go to Alice one behind the other, and her ACK,
/// which has no answer in it, comes before the UPDATE's. It is not taken for one that should have had.
#[test]
fn an_acknowledgement_that_overtakes_the_answer_to_an_update() {
    let mut office = office();
    for who in [ALICE, BOB] {
        office.phones[who.0].manners.reliable = Some(Reliable::Supported);
    }
    let (alice, bob) = rings_early(&mut office, false);
    assert!(hear_each_other(&office, alice, bob));
    // The UPDATE is lost the first time, the 200 and its ACK are not.
    office.network.fault = Some((1, Fault::Lost));
    office.with(BOB, |phone| {
        let media = &mut phone.calls.get_mut(&bob.no).unwrap().media;
        media.at.set_port(media.at.port() + 2);
        phone.offers_early(bob.no);
    });
    office.passes(millis(20));
    office.network.fault = None;
    office.with(BOB, |phone| phone.answer(bob.no));
    office.passes(secs(3));
    office.talk(alice, bob);
    assert_eq!(office.call(bob).answered.as_ref().map(|answered| answered.0), Some(200), "the change of his");
    office.holds(bob);
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// An UPDATE with an offer that cannot be passed on: the other side never agreed reliably.
#[test]
fn update_before_the_answer_where_the_other_cannot() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    let (alice, bob) = rings_early(&mut office, false);
    office.with(ALICE, |phone| phone.offers_early(alice.no));
    office.settles();
    assert_eq!(office.call(alice).answered.as_ref().map(|told| told.0), Some(488));
    office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// Two phones ring, each sends early; whoever answers is the one she hears.
#[test]
fn of_two_that_send_early_the_one_that_answers_is_heard() {
    for answers_second in [false, true] {
        let mut office = office();
        let second = office.add("1002", "Bob too", "10.0.1.22:5060");
        office.with(second, |phone| phone.register());
        office.settles();
        for who in [ALICE, BOB, second] {
            office.phones[who.0].manners.reliable = Some(Reliable::Supported);
            office.phones[who.0].manners.early_media = true;
        }
        let alice = office.dials(ALICE, "1002");
        let bob = office.answers(if answers_second { second } else { BOB });
        office.talk(alice, bob);
        office.ends();
    }
}

/// She gives up, at every moment of a reliable setup.
#[test]
fn giving_up_at_every_moment() {
    for after in 0..40 {
        let mut office = office();
        for who in [ALICE, BOB] {
            office.phones[who.0].manners.reliable = Some(Reliable::Supported);
        }
        office.phones[BOB.0].manners.early_media = true;
        let late_offer = after % 2 == 0;
        let no = office.with(ALICE, |phone| phone.dial("1002", &Dial { late_offer, ..Dial::default() }));
        office.passes(millis(after * 2));
        office.with(ALICE, |phone| phone.hang_up(no));
        office.passes(secs(2));
        assert!(office.call(End { who: ALICE, no }).is_over());
        assert!(office.latest(BOB, Stage::Ringing).is_none(), "after {} ms", after * 2);
        office.ends();
    }
}

/// Everything is said again until it is heard.
#[test]
fn early_media_in_bad_weather() {
    for seed in 1..=60 {
        let mut office = rough_office(seed);
        if seed % 3 == 0 {
            office.network.weather = Weather { delay: millis(150), jitter: millis(400), ..Weather::ROUGH };
        }
        for who in [ALICE, BOB] {
            office.phones[who.0].manners.reliable = Some(Reliable::Supported);
        }
        office.phones[BOB.0].manners.early_media = true;
        let late_offer = seed % 2 == 0;
        let alice = office.dials_so(ALICE, "1002", &Dial { late_offer, ..Dial::default() });
        let until = |office: &mut World, what: &str, is: &dyn Fn(&World) -> bool| {
            for _ in 0..400 {
                if is(office) {
                    return;
                }
                office.passes(millis(100));
            }
            panic!("{what}: not within 40 s, seed {seed}");
        };
        let ringing = |office: &World, who: Who| office.latest(who, Stage::Ringing);
        until(&mut office, "agreed", &|office| ringing(office, BOB).is_some() && office.call(alice).agreed);
        let bob = ringing(&office, BOB).unwrap();
        office.with(BOB, |phone| phone.answer(bob.no));
        until(&mut office, "both are up", &|office| {
            office.call(alice).stage == Stage::Up && hear_each_other(office, alice, bob)
        });
        office.ends();
    }
}
