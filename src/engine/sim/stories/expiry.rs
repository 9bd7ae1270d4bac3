//! Session timers (RFC 4028): long calls live, and the dead are found.
use super::office::*;
use super::phone::{Dial, Stage};
use super::world::Who;

/// A call of three hours is refreshed on both legs, and nobody notices: the descriptions stay what they were.
#[test]
fn a_long_call_is_refreshed() {
    for update in [true, false] {
        let mut office = office();
        for who in [ALICE, BOB] {
            office.phones[who.0].manners.update = update;
        }
        let (alice, bob) = office.connects(ALICE, BOB);
        office.passes(secs(3 * 3600));
        for who in [ALICE, BOB] {
            let (updates, invites) = (office.heard(who, "UPDATE").len(), office.heard(who, "INVITE").len());
            let rung = usize::from(who == BOB);
            assert_eq!((updates, invites - rung), if update { (12, 0) } else { (0, 12) }, "every quarter of an hour");
        }
        office.talk(alice, bob);
        office.holds(alice);
        office.resumes(alice);
        office.talk(alice, bob);
        office.ends();
    }
}

/// Bob's phone loses power and nobody hangs up: his leg is found dead, and Alice is told.
#[test]
fn a_far_end_that_is_gone_is_found_out() {
    for crashes in [ALICE, BOB] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        let (dead, alive) = if crashes == ALICE { (alice, bob) } else { (bob, alice) };
        office.phones[dead.who.0].crash();
        office.passes(secs(900));
        assert_eq!(office.call(alive).stage, Stage::Up);
        office.passes(secs(40));
        assert_eq!(office.ended(alive), "BYE ");
        office.phones[dead.who.0].boot();
        office.ends();
    }
}

/// He has another phone by now, and knows nothing of the call: the refresh is told so.
#[test]
fn a_far_end_that_forgot_the_call() {
    let mut office = office();
    let (alice, _) = office.connects(ALICE, BOB);
    office.phones[BOB.0].crash();
    office.phones[BOB.0].boot();
    office.passes(secs(901));
    assert!(office.call(alice).is_over(), "481 at the first refresh");
    office.ends();
}

/// A parked party is refreshed as everybody is; should it be gone, its orbit is free again.
#[test]
fn a_parked_party_is_gone() {
    for update in [true, false] {
        let mut office = office_with(|settings| settings.lots[0].first_reminder = std::time::Duration::ZERO);
        office.phones[ALICE.0].manners.update = update;
        let (alice, bob) = office.connects(ALICE, BOB);
        office.refers(bob, "<sip:701@pbx.test>");
        office.passes(secs(3600));
        office.hears_music(alice);
        office.phones[ALICE.0].crash();
        office.passes(secs(940));
        assert!(office.snapshot().gauges.lots[0].parked == 0, "nobody waits there any more");
        office.phones[ALICE.0].boot();
        office.ends();
    }
}

/// An interval under 90 s is refused, with the least that is taken (§6); 90 s is taken as it is.
#[test]
fn too_short_an_interval() {
    let mut office = office();
    office.phones[ALICE.0].manners.session = Some((60, false));
    let refused = office.dials(ALICE, "1002");
    assert_eq!(office.ended(refused), "422 Session Interval Too Small");
    assert_eq!(office.answers_to(ALICE, "INVITE").pop().unwrap().field("Min-SE"), "90");
    // Who knows nothing of session timers cannot have meant it: somebody on the way added the field.
    office.phones[ALICE.0].manners.session = None;
    let dial = Dial { lines: "Session-Expires: 60\r\n".into(), ..Dial::default() };
    office.dials_so(ALICE, "1002", &dial);
    let bob = office.answers(BOB);
    office.hangs_up(bob);
    office.phones[ALICE.0].manners.session = Some((90, true));
    let (alice, _) = office.connects(ALICE, BOB);
    let answer = office.answers_to(ALICE, "INVITE").pop().unwrap();
    assert_eq!((answer.field("Session-Expires"), answer.field("Require")), ("90;refresher=uac", "timer"));
    office.with(ALICE, |phone| phone.hold(alice.no, None, "UPDATE"));
    office.settles();
    let answer = office.answers_to(ALICE, "UPDATE").pop().unwrap();
    assert_eq!(answer.field("Session-Expires"), "90;refresher=uac");
    office.ends();
}

/// Bob's phone wants a longer interval than ours: it is asked again with its own, and rings (§7.4).
#[test]
fn the_called_side_wants_a_longer_interval() {
    let mut office = office();
    office.phones[BOB.0].manners.session = Some((7200, true));
    let (alice, bob) = office.connects(ALICE, BOB);
    let invites = office.heard(BOB, "INVITE");
    let asked: Vec<_> = invites.iter().map(|m| (m.field("Session-Expires"), m.field("Min-SE"))).collect();
    assert_eq!(asked, [("1800;refresher=uac", "90"), ("7200;refresher=uac", "7200")]);
    assert_eq!(invites[0].body, invites[1].body);
    assert_eq!(invites[0].tag("From"), invites[1].tag("From"));
    office.talk(alice, bob);
    office.hangs_up(alice);
    office.ends();
}

/// It wants more than anybody lives: the call is refused, and Alice hears why.
#[test]
fn the_called_side_wants_too_long_an_interval() {
    let mut office = office();
    office.phones[BOB.0].manners.session = Some((1_000_000, true));
    let alice = office.dials(ALICE, "1002");
    assert!(office.call(alice).is_over());
    office.ends();
}

/// Who promised to refresh and does not is taken for gone a little before the interval ends (§10).
#[test]
fn a_phone_that_refreshes_itself() {
    for who in [ALICE, BOB] {
        let mut office = office();
        office.phones[who.0].manners.session = Some((300, true));
        let (alice, bob) = office.connects(ALICE, BOB);
        let (end, other) = if who == ALICE { (alice, bob) } else { (bob, alice) };
        for _ in 0..5 {
            office.passes(secs(150));
            office.with(who, |phone| phone.hold(end.no, None, "UPDATE"));
            office.settles();
            assert_eq!(office.call(end).answered, Some((200, "OK".into())));
        }
        office.talk(alice, bob);
        office.passes(secs(265));
        assert_eq!(office.call(other).stage, Stage::Up);
        office.passes(secs(5));
        assert_eq!(office.ended(end), "BYE SIP;cause=408;text=\"Request Timeout\"");
        assert!(office.call(other).is_over());
        office.ends();
    }
}

/// Ten minutes at the shortest interval, on a network that loses a twentieth: nobody is lost.
#[test]
fn refreshes_in_bad_weather() {
    for seed in 1..=30 {
        let mut office = rough_office_with(seed, |settings| settings.session_expires = secs(90));
        office.phones[ALICE.0].manners.update = seed % 2 == 0;
        let alice = office.dials(ALICE, "1002");
        for _ in 0..100 {
            office.passes(millis(100));
            if let Some(bob) = office.latest(Who(1), Stage::Ringing) {
                office.with(BOB, |phone| phone.answer(bob.no));
            }
        }
        office.passes(secs(600));
        assert_eq!(office.call(alice).stage, Stage::Up, "seed {seed}");
        office.ends();
    }
}
