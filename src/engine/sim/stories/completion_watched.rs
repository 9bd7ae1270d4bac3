//! Callbacks that a telephone watches for, and calls by itself when it may (RFC 6910).
use super::completion::{bob_is_busy, ends, recalls, rings, states};
use super::office::*;
use super::phone::{Stage, Subscribe};
use super::world::{Who, World};

/// Somebody's telephone watches for a line to be free.
pub(super) fn watches(office: &mut World, who: Who, number: &str, expires: u32) -> u32 {
    let ask = Subscribe { event: "call-completion".into(), expires: Some(expires), lines: String::new() };
    let no = office.with(who, |phone| phone.watch(number, ask));
    office.settles();
    no
}

/// What it was told last, by line; the number that it may call.
pub(super) fn told(office: &World, who: Who, no: u32) -> (String, String) {
    let body = &office.phones[who.0].lamps[&no].told.last().expect("a NOTIFY").body;
    let line = |name: &str| body.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    let uri = line("cc-URI: sip:");
    (line("cc-state: "), uri.split('@').next().unwrap_or_default().to_owned())
}

fn is_over(office: &World, who: Who, no: u32) -> bool {
    office.phones[who.0].lamps[&no].over.is_some()
}

/// Alice's telephone has read in the refusal that it may ask. Bob is free: it is told, calls by itself with the number that
/// stands there, and is connected though nobody is to disturb him. Then there is nothing left to watch.
#[test]
fn a_telephone_that_watches_calls_when_it_may() {
    let (mut office, bob) = bob_is_busy(with_choices);
    let refused = office.dials(ALICE, "1002");
    assert!(office.call(refused).is_over());
    let refusal = office.answers_to(ALICE, "INVITE").pop().unwrap();
    assert_eq!(refusal.field("Call-Info"), "<sip:1002@pbx.test>;purpose=call-completion;m=BS");
    let lamp = watches(&mut office, ALICE, "1002;m=BS", 3600);
    assert_eq!(told(&office, ALICE, lamp).0, "queued");
    office.hangs_up(bob);
    office.passes(secs(4));
    assert_eq!(told(&office, ALICE, lamp).0, "queued");
    office.passes(secs(2));
    let (state, number) = told(&office, ALICE, lamp);
    assert_eq!(state, "ready");
    assert!(!rings(&office, ALICE), "nobody calls her");
    assert_eq!(states(&office), [("busy", "recalling", 1)]);
    let alice = office.dials(ALICE, &number);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert!(is_over(&office, ALICE, lamp));
    assert_eq!((recalls(&office), ends(&office)), (vec![("busy", "connected", 1)], vec![("busy", "done", 1)]));
    office.ends();
}

/// The number of the line does as well; and if he is busy again, she keeps her place.
#[test]
fn who_meets_a_busy_line_again_keeps_its_place() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let lamp = watches(&mut office, ALICE, "1002", 3600);
    office.hangs_up(bob);
    office.passes(secs(6));
    assert_eq!(told(&office, ALICE, lamp).0, "ready");
    let alice = office.dials(ALICE, "1002");
    let rung = office.latest(BOB, Stage::Ringing).unwrap();
    office.with(BOB, |phone| phone.refuse(rung.no, 486));
    office.settles();
    assert!(office.ended(alice).starts_with("486"));
    office.passes(secs(1));
    assert_eq!(told(&office, ALICE, lamp).0, "queued");
    assert_eq!(recalls(&office), [("busy", "target_busy", 1)]);
    office.passes(secs(6));
    let (state, number) = told(&office, ALICE, lamp);
    assert_eq!(state, "ready");
    let alice = office.dials(ALICE, &number);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// She does not call: the next one may, and she is queued again. A number that is somebody else's place leads nowhere.
#[test]
fn who_does_not_call_lets_the_next_one() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let alice = watches(&mut office, ALICE, "1002", 3600);
    let dave = watches(&mut office, DAVE, "1002", 3600);
    office.hangs_up(bob);
    office.passes(secs(6));
    assert_eq!((told(&office, ALICE, alice).0, told(&office, DAVE, dave).0), ("ready".into(), "queued".into()));
    let not_his = office.dials(DAVE, &told(&office, ALICE, alice).1);
    assert!(office.ended(not_his).starts_with("404"), "{}", office.ended(not_his));
    office.passes(secs(21));
    assert_eq!((told(&office, ALICE, alice).0, told(&office, DAVE, dave).0), ("queued".into(), "ready".into()));
    let call = office.dials(DAVE, &told(&office, DAVE, dave).1);
    let bob = office.answers(BOB);
    office.talk(call, bob);
    office.ends();
}

/// It watches no more: nobody is called back. It watches again: the one before is over, and its place is kept.
#[test]
fn watching_is_asking() {
    let (mut office, _) = bob_is_busy(|_| {});
    let first = watches(&mut office, ALICE, "1002", 3600);
    let second = watches(&mut office, DAVE, "1002", 3600);
    let again = watches(&mut office, ALICE, "1002", 3600);
    office.passes(secs(2));
    assert!(is_over(&office, ALICE, first) && !is_over(&office, ALICE, again) && !is_over(&office, DAVE, second));
    assert_eq!(states(&office), [("busy", "queued", 2)]);
    office.with(ALICE, |phone| phone.watch_on(again, 0));
    office.settles();
    assert_eq!((states(&office), ends(&office)), (vec![("busy", "queued", 1)], vec![("busy", "cancelled", 1)]));
    // Asking again makes it no longer: an hour is an hour.
    office.passes(secs(1800));
    office.with(DAVE, |phone| phone.watch_on(second, 3600));
    office.settles();
    let granted = office.phones[DAVE.0].lamps[&second].granted;
    assert!(granted.is_some_and(|seconds| seconds < 1810), "{granted:?}");
    office.passes(secs(1810));
    assert_eq!(states(&office), []);
    // A look without a wish.
    let look = watches(&mut office, ALICE, "1002", 0);
    assert!(is_over(&office, ALICE, look) && states(&office).is_empty());
    office.ends();
}

/// Nobody is called back there; not there; not by this one; and too many wait.
#[test]
fn who_may_not_ask() {
    let (mut office, _) = bob_is_busy(|settings| {
        settings.completion.max_per_target = 1;
        settings.lines[2].callbacks.give = false;
    });
    for (who, number, status) in [(ALICE, "1003", 403), (ALICE, "1001", 403), (ALICE, "701", 404), (ALICE, "5555", 404)]
    {
        let no = watches(&mut office, who, number, 3600);
        assert_eq!(
            office.phones[who.0].lamps[&no].answered.as_ref().map(|(status, _)| *status),
            Some(status),
            "{number}"
        );
    }
    watches(&mut office, ALICE, "1002", 3600);
    let full = watches(&mut office, DAVE, "1002", 3600);
    assert_eq!(office.phones[DAVE.0].lamps[&full].answered, Some((480, "Too Many Wait Already".into())));
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    office.ends();
}

/// Her telephone says that Alice is away: Dave may call first. When she is back it is her turn; and when nothing more is heard of
/// what it said, too.
#[test]
fn who_is_away_is_passed_over() {
    const AWAY: &str = "<presence><tuple id=\"1\"><status><basic>closed</basic></status></tuple></presence>";
    const BACK: &str = "<presence><tuple id=\"1\"><status><basic>open</basic></status></tuple></presence>";
    let (mut office, bob) = bob_is_busy(|_| {});
    let alice = watches(&mut office, ALICE, "1002", 3600);
    let dave = watches(&mut office, DAVE, "1002", 3600);
    let (_, place) = told(&office, ALICE, alice);
    let publishes = |office: &mut World, who: Who, lines: &str, body: &str| {
        let place = place.clone();
        office.with(who, |phone| phone.publish(&place, lines, body));
        office.settles();
        office.answers_to(who, "PUBLISH").pop().expect("an answer")
    };
    let answer = publishes(&mut office, ALICE, "Expires: 600\r\n", AWAY);
    let tag = answer.field("SIP-ETag").to_owned();
    assert_eq!((answer.status(), answer.field("Expires"), tag.len()), (Some(200), "600", 32));
    assert_eq!(states(&office), [("busy", "queued", 1), ("busy", "suspended", 1)]);
    office.hangs_up(bob);
    office.passes(secs(6));
    assert_eq!((told(&office, ALICE, alice).0, told(&office, DAVE, dave).0), ("queued".into(), "ready".into()));
    // Somebody else's place is none of his business; another state than the one that we know; a body of neither kind.
    assert_eq!(publishes(&mut office, DAVE, "", AWAY).status(), Some(404));
    assert_eq!(publishes(&mut office, ALICE, "SIP-If-Match: other\r\n", BACK).status(), Some(412));
    let lines = format!("SIP-If-Match: {tag}\r\n");
    assert_eq!(publishes(&mut office, ALICE, &lines, "").status(), Some(200));
    assert_eq!(states(&office), [("busy", "suspended", 1), ("busy", "recalling", 1)]);
    assert_eq!(publishes(&mut office, ALICE, &lines, BACK).status(), Some(200));
    office.passes(secs(20));
    assert_eq!((told(&office, ALICE, alice).0, told(&office, DAVE, dave).0), ("ready".into(), "queued".into()));
    assert_eq!(publishes(&mut office, ALICE, "Expires: 60\r\n", AWAY).status(), Some(200));
    office.passes(secs(2));
    assert_eq!(told(&office, ALICE, alice).0, "queued", "what it may is taken back");
    office.passes(secs(70));
    assert_eq!(told(&office, ALICE, alice).0, "ready");
    office.ends();
}

/// RFC 5359 §2.17, Automatic Redial: Alice's telephone watches Bob's calls, and calls him when he has none. Some say in the event
/// what for, and want to hear it again.
#[test]
fn a_telephone_redials_by_itself() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let refused = office.dials(ALICE, "1002");
    assert!(office.call(refused).is_over());
    let event = "dialog;purpose=call-completion";
    let ask = Subscribe { event: event.into(), expires: Some(600), lines: String::new() };
    let lamp = office.with(ALICE, |phone| phone.watch("1002", ask));
    office.settles();
    let state = |office: &World| office.phones[ALICE.0].lamps[&lamp].shows().lights[0].state.clone();
    assert_eq!(state(&office), "confirmed");
    assert_eq!(office.phones[ALICE.0].lamps[&lamp].told[0].field("Event"), event);
    office.hangs_up(bob);
    office.passes(secs(2));
    assert_eq!(state(&office), "terminated");
    let alice = office.dials(ALICE, "1002");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// A key with a lamp: pressed, it blinks until Bob is free, is lit while Alice is called back, and dark when they talk. Pressed
/// while it blinks, it takes the wish back.
#[test]
fn a_key_asks_and_its_lamp_tells() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let ask = Subscribe { event: "dialog".into(), expires: Some(600), lines: String::new() };
    let lamp = office.with(ALICE, |phone| phone.watch("cc+1002", ask));
    office.settles();
    let shows = |office: &mut World| {
        office.passes(secs(1));
        office.phones[ALICE.0].lamps[&lamp].shows().lights[0].state.clone()
    };
    let presses = |office: &mut World| {
        let call = office.dials(ALICE, "cc+1002");
        office.passes(secs(3));
        assert!(office.call(call).is_over());
    };
    assert_eq!(shows(&mut office), "terminated");
    presses(&mut office);
    assert_eq!((shows(&mut office), states(&office)), ("early".into(), vec![("busy", "queued", 1)]));
    presses(&mut office);
    assert_eq!((shows(&mut office), states(&office)), ("terminated".into(), vec![]));
    presses(&mut office);
    office.hangs_up(bob);
    office.passes(secs(6));
    assert_eq!(shows(&mut office), "confirmed");
    let alice = office.answers(ALICE);
    office.passes(secs(2));
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert_eq!(shows(&mut office), "terminated");
    office.ends();
}
