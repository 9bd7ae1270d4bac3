//! The main stories on a network that loses, doubles and disorders: whatever is lost is said again, and it ends well.
use super::network::Weather;
use super::office::*;
use super::phone::{HoldStyle, Stage};
use super::world::{End, Who, World};
use crate::settings::MediaWay;
use std::time::Duration;

/// Waits until it is so, but not for ever.
fn until(office: &mut World, what: &str, is: impl Fn(&World) -> bool) {
    for _ in 0..400 {
        if is(office) {
            return;
        }
        office.passes(millis(100));
    }
    panic!("{what}: not within 40 s");
}

/// Makes a call and answers it.
fn connects(office: &mut World, from: Who, number: &str, to: Who) -> (End, End) {
    let caller = office.dials(from, number);
    until(office, "it rings", |office| office.latest(to, Stage::Ringing).is_some());
    let called = office.latest(to, Stage::Ringing).unwrap();
    office.with(to, |phone| phone.answer(called.no));
    until(office, "both are up", |office| office.call(caller).stage == Stage::Up && talk(office, caller, called));
    (caller, called)
}

/// Whether each sends to the other.
fn talk(office: &World, one: End, other: End) -> bool {
    let (a, b) = (&office.call(one).media, &office.call(other).media);
    office.sends_to(one) == Some(b.at) && office.sends_to(other) == Some(a.at) && a.is_open() && b.is_open()
}

fn hears_music(office: &World, end: End) -> bool {
    let call = office.call(end);
    let own = |port| office.ports.contains(&port) && !office.relayed.contains_key(&port);
    call.stage == Stage::Up && call.media.to.is_some_and(|to| own(to.port()))
}

fn in_all_weathers(story: impl Fn(&mut World)) {
    for seed in 1..=60 {
        // At every other office everything goes through the server.
        let lines = if seed % 2 == 0 { MediaWay::Relay } else { MediaWay::Auto };
        let mut office = rough_office_with(seed, |settings| settings.media.lines = lines);
        if seed % 3 == 0 {
            // Far away, and hardly anything arrives in order.
            office.network.weather = Weather { delay: millis(150), jitter: millis(400), ..Weather::ROUGH };
        }
        story(&mut office);
        office.ends();
    }
}

#[test]
fn a_call() {
    in_all_weathers(|office| {
        let (alice, bob) = connects(office, ALICE, "1002", BOB);
        office.with(ALICE, |phone| phone.hang_up(alice.no));
        until(office, "he hears of it", |office| office.call(bob).is_over());
    });
}

#[test]
fn a_call_that_is_given_up() {
    in_all_weathers(|office| {
        let alice = office.dials(ALICE, "1002");
        office.passes(millis(300));
        office.with(ALICE, |phone| phone.hang_up(alice.no));
        until(office, "it is over", |office| office.call(alice).is_over());
        until(office, "nowhere does it ring", |office| office.latest(BOB, Stage::Ringing).is_none());
    });
}

#[test]
fn hold_and_resume() {
    in_all_weathers(|office| {
        let (alice, bob) = connects(office, ALICE, "1002", BOB);
        office.passes(secs(1));
        office.with(BOB, |phone| phone.hold(bob.no, Some(HoldStyle::SendOnly), "INVITE"));
        until(office, "she is held", |office| office.call(alice).media.heard == "sendonly");
        until(office, "he knows", |office| office.call(bob).answered.as_ref().is_some_and(|a| a.0 == 200));
        office.passes(secs(1));
        office.with(BOB, |phone| phone.hold(bob.no, None, "INVITE"));
        until(office, "they talk", |office| talk(office, alice, bob));
    });
}

#[test]
fn park_and_fetch() {
    in_all_weathers(|office| {
        let (alice, bob) = connects(office, ALICE, "1002", BOB);
        office.passes(secs(1));
        office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>"));
        until(office, "she is parked", |office| hears_music(office, alice));
        until(office, "he is gone", |office| office.call(bob).is_over());
        office.passes(secs(1));
        let carol = office.dials(CAROL, "701");
        until(office, "they talk", |office| office.call(carol).stage == Stage::Up && talk(office, alice, carol));
        office.with(ALICE, |phone| phone.hang_up(alice.no));
        until(office, "she hears of it", |office| office.call(carol).is_over());
    });
}

#[test]
fn park_by_code_and_reminder() {
    in_all_weathers(|office| {
        let (alice, bob) = connects(office, ALICE, "1002", BOB);
        office.passes(secs(1));
        office.with(BOB, |phone| phone.hold(bob.no, Some(HoldStyle::SendOnly), "INVITE"));
        until(office, "she is held", |office| office.call(alice).media.heard == "sendonly");
        until(office, "he knows", |office| office.call(bob).answered.as_ref().is_some_and(|a| a.0 == 200));
        office.dials(BOB, "*68");
        until(office, "she is parked", |office| hears_music(office, alice));
        office.passes(Duration::from_secs(80));
        until(office, "he is reminded", |office| office.latest(BOB, Stage::Ringing).is_some());
        let bob = office.latest(BOB, Stage::Ringing).unwrap();
        office.with(BOB, |phone| phone.answer(bob.no));
        until(office, "they talk", |office| talk(office, alice, bob));
    });
}

#[test]
fn over_the_trunk() {
    in_all_weathers(|office| {
        let (bob, carrier) = connects(office, BOB, "84930123", CARRIER);
        office.with(CARRIER, |phone| phone.hang_up(carrier.no));
        until(office, "he hears of it", |office| office.call(bob).is_over());
    });
}
