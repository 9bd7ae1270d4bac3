//! Keys pressed in a call: what they do, and what the other party hears of them.
use super::office::*;
use super::park::{occupied, parked};
use super::phone::Stage;
use super::studio::Heard;
use super::world::{End, Who, World};
use crate::counters::{Excess, KeyMethod, ParkRefusal, ParkWay};
use crate::input::Input;
use crate::settings::{Dtmf, KeyOperation, KeySettings, MediaWay, Settings};
use crate::wire::media::{MediaEvent, Phrase};

pub(super) fn with_keys(settings: &mut Settings) {
    let code = |keys: &str, operation| KeySettings { keys: keys.into(), operation };
    settings.keys = vec![code("#72", KeyOperation::Park), code("*0", KeyOperation::HangUp)];
    settings.lines[1].incall_features = true;
}

/// Presses one key after the other.
pub(super) fn types(office: &mut World, by: End, keys: &str) {
    for key in keys.chars() {
        office.with(by.who, |phone| phone.press(by.no, key));
        office.settles();
        assert_eq!(office.call(by).answered, Some((200, "OK".into())), "{key}");
    }
}

/// The call that rings there.
fn rings(office: &World, who: Who) -> Option<End> {
    office.latest(who, Stage::Ringing)
}

/// The keys that a party heard.
pub(super) fn heard(office: &World, by: End) -> String {
    let signal = |body: &String| body.strip_prefix("Signal=").and_then(|rest| rest.chars().next());
    office.call(by).passed.iter().filter_map(signal).collect()
}

#[test]
fn bob_parks_alice_with_three_keys() {
    let mut office = office_with(|settings| {
        with_keys(settings);
        aloud(settings);
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    types(&mut office, bob, "#72");
    assert_eq!(occupied(&office), ["701"]);
    office.hears_music(alice);
    let Some(Heard::Speech { what, .. }) = office.hears_from_us(bob) else { panic!("he is told where") };
    assert_eq!((what.phrase, &*what.number), (Phrase::ParkedOn, "701"));
    office.passes(secs(3));
    assert!(office.call(bob).is_over(), "he knows, and is free");
    assert!(!office.call(alice).is_over());
    assert_eq!(heard(&office, alice), "", "she heard none of it");
    let counters = office.snapshot().counters;
    assert_eq!(counters.park[0].parked.count(ParkWay::Dtmf, ()), 1);
    assert_eq!(counters.keys.count(KeyMethod::Info, ()), 3);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.ends();
}

#[test]
fn bob_hangs_up_with_two_keys() {
    let mut office = office_with(with_keys);
    let (alice, bob) = office.connects(ALICE, BOB);
    types(&mut office, bob, "*0");
    assert!(office.call(bob).is_over() && office.call(alice).is_over());
    assert_eq!(heard(&office, alice), "");
    office.ends();
}

/// A bank's menu: `#1`, `#72` typed wrong, and a star that nothing follows.
#[test]
fn what_is_no_code_arrives_unchanged_and_in_order() {
    let mut office = office_with(with_keys);
    let (alice, bob) = office.connects(ALICE, BOB);
    types(&mut office, bob, "5#1#75");
    assert_eq!(heard(&office, alice), "5#1#75");
    types(&mut office, bob, "*");
    assert_eq!(heard(&office, alice), "5#1#75", "it might be a code");
    office.passes(millis(1_100));
    assert_eq!(heard(&office, alice), "5#1#75*", "it was none");
    assert_eq!(office.call(alice).passed[1], "Signal=#\r\nDuration=100\r\n", "unchanged");
    office.talk(alice, bob);
    office.ends();
}

/// Only who may: not Alice, and no party of a trunk.
#[test]
fn keys_of_others_are_the_other_party_s_affair() {
    let mut office = office_with(with_keys);
    let (alice, bob) = office.connects(ALICE, BOB);
    types(&mut office, alice, "#72*0");
    assert_eq!(heard(&office, bob), "#72*0");
    office.talk(alice, bob);
    let (carrier, dave) = office.connects(CARRIER, DAVE);
    types(&mut office, carrier, "*0");
    assert_eq!(heard(&office, dave), "*0");
    office.ends();
}

/// The lot is full: the call goes on, and the lot has counted it.
#[test]
fn a_park_by_keys_that_is_refused_changes_nothing() {
    let mut office = office_with(|settings| {
        with_keys(settings);
        settings.lots[0].park_groups = vec!["guests".into()];
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    types(&mut office, bob, "#72");
    office.talk(alice, bob);
    assert_eq!(office.snapshot().counters.park[0].rejected.count(ParkRefusal::Forbidden, ()), 1);
    types(&mut office, bob, "1");
    assert_eq!(heard(&office, alice), "1");
    office.ends();
}

/// The other phone is gone without a word: keys are not hoarded for it.
#[test]
fn keys_for_a_phone_that_does_not_listen() {
    let mut office = office_with(with_keys);
    let (_, bob) = office.connects(ALICE, BOB);
    office.phones[ALICE.0].crash();
    for _ in 0..40 {
        types(&mut office, bob, "*");
    }
    assert!(office.snapshot().counters.excess.count(Excess::Keys, ()) > 0);
    office.passes(secs(70));
    office.hangs_up(bob);
    office.passes(secs(40));
    office.ends();
}

/// Hung up in the middle of a code: nothing is left of it.
#[test]
fn half_a_code() {
    let mut office = office_with(with_keys);
    let (_, bob) = office.connects(ALICE, BOB);
    types(&mut office, bob, "#7");
    office.hangs_up(bob);
    office.passes(secs(2));
    office.ends();
}

fn with_exit(settings: &mut Settings) {
    settings.lots[0].exit_digit = Some('0');
    settings.lots[0].exit_destination = Some("1003".into());
}

#[test]
fn alice_has_waited_enough_and_asks_for_carol() {
    let mut office = office_with(with_exit);
    let alice = parked(&mut office, "701");
    types(&mut office, alice, "5");
    assert!(rings(&office, CAROL).is_none(), "that is not the key");
    types(&mut office, alice, "00");
    assert!(rings(&office, CAROL).is_some(), "Carol's phone rings");
    office.hears_music(alice);
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    assert_eq!(occupied(&office), [""; 0]);
    office.ends();
}

/// Most phones send keys as events in their media: to whoever they talk to, the server here.
#[test]
fn keys_in_the_media() {
    let mut office = office_with(with_exit);
    let alice = parked(&mut office, "701");
    let port = office.call(alice).media.to.unwrap().port();
    office.input(Input::Media(MediaEvent::Pressed { port, key: b'5', millis: 0 }));
    assert!(rings(&office, CAROL).is_none());
    office.input(Input::Media(MediaEvent::Pressed { port, key: b'0', millis: 0 }));
    office.settles();
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    assert_eq!(office.snapshot().counters.keys.count(KeyMethod::Rfc4733, ()), 2);
    // Late: nobody is at that port any more.
    office.input(Input::Media(MediaEvent::Pressed { port, key: b'0', millis: 0 }));
    office.talk(alice, carol);
    office.ends();
}

/// Carol does not want to: Alice waits on, and Bob is reminded when he would have been.
#[test]
fn nobody_at_the_exit() {
    let mut office = office_with(with_exit);
    let alice = parked(&mut office, "701");
    office.passes(secs(30));
    types(&mut office, alice, "0");
    let carol = rings(&office, CAROL).unwrap();
    office.with(CAROL, |phone| phone.refuse(carol.no, 486));
    office.settles();
    office.passes(secs(1));
    office.hears_music(alice);
    assert!(rings(&office, BOB).is_none());
    office.passes(secs(60));
    let bob = rings(&office, BOB).expect("the first reminder, 90 seconds after the park");
    // While it rings she tries again: one thing rings at a time.
    types(&mut office, alice, "0");
    assert!(office.call(bob).is_over());
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    office.ends();
}

/// The keys that the other party was played, by who pressed them at our port.
fn played(office: &World, port: u16) -> String {
    office.studio.pressed.iter().filter(|(by, ..)| *by == port).map(|(_, key, _)| key).collect()
}

/// An office where Bob's keys mean something: so all that he says goes through the server. Whom he calls, and his port.
fn relayed() -> (World, End, End, u16) {
    let mut office = office_with(with_keys);
    let (alice, bob) = office.connects(ALICE, BOB);
    let port = office.call(bob).media.to.unwrap().port();
    (office, alice, bob, port)
}

/// Presses one key after the other, each for as many hundredths of a second.
fn plays(office: &mut World, port: u16, keys: &str) {
    for (key, millis) in keys.bytes().zip((1..).map(|length| length * 10)) {
        office.input(Input::Media(MediaEvent::Pressed { port, key, millis }));
        office.settles();
    }
}

#[test]
fn bob_parks_alice_with_three_keys_in_the_media() {
    let (mut office, alice, bob, port) = relayed();
    assert_eq!(office.studio.keys, [(port, (101, true))].into(), "his alone are looked for");
    plays(&mut office, port, "#72");
    assert_eq!(occupied(&office), ["701"]);
    office.passes(secs(3));
    assert!(office.call(bob).is_over());
    office.hears_music(alice);
    assert_eq!((played(&office, port), heard(&office, alice)), (String::new(), String::new()));
    assert_eq!(office.snapshot().counters.keys.count(KeyMethod::Rfc4733, ()), 3);
    assert!(office.studio.keys.is_empty());
    let bob = office.dials(BOB, "701");
    office.talk_through_us(alice, bob);
    let port = office.call(bob).media.to.unwrap().port();
    assert_eq!(office.studio.keys, [(port, (101, true))].into());
    office.ends();
}

#[test]
fn bob_hangs_up_with_two_keys_in_the_media() {
    let (mut office, alice, bob, port) = relayed();
    plays(&mut office, port, "*0");
    assert!(office.call(bob).is_over() && office.call(alice).is_over());
    office.ends();
}

/// Each for as long as it was pressed, and not by INFO.
#[test]
fn what_is_no_code_is_played_on() {
    let (mut office, alice, bob, port) = relayed();
    plays(&mut office, port, "5#1#75");
    assert_eq!(played(&office, port), "5#1#75");
    let lengths: Vec<u16> = office.studio.pressed.iter().map(|(.., millis)| *millis).collect();
    assert_eq!(lengths, [10, 20, 30, 40, 50, 60]);
    plays(&mut office, port, "*");
    assert_eq!(played(&office, port), "5#1#75", "it might be a code");
    office.passes(millis(1_100));
    assert_eq!((played(&office, port), heard(&office, alice)), ("5#1#75*".into(), String::new()));
    // What comes by INFO goes on by INFO.
    types(&mut office, bob, "5");
    assert_eq!(heard(&office, alice), "5");
    office.talk_through_us(alice, bob);
    office.ends();
}

/// Before she answers nothing is looked for: what he types belongs to what he hears.
#[test]
fn keys_before_the_answer_pass_untouched() {
    let mut office = office_with(|settings| {
        with_keys(settings);
        settings.lines[BOB.0].media = Some(MediaWay::Relay);
    });
    office.phones[ALICE.0].manners.early_media = true;
    let bob = office.dials(BOB, "1001");
    assert!(office.studio.keys.is_empty());
    let alice = office.answers(ALICE);
    office.talk_through_us(alice, bob);
    assert_eq!(office.studio.keys.len(), 1);
    office.ends();
}

/// She takes no keys as events, or all that she hears is encrypted: nothing is looked for.
#[test]
fn no_keys_are_looked_for_where_none_can_be() {
    for line in ["RTP/AVP 0 8", "RTP/SAVP 0 8 101"] {
        let mut office = office_with(|settings| {
            with_keys(settings);
            settings.lines[BOB.0].media = Some(MediaWay::Relay);
        });
        office.phones[ALICE.0].line = Some(line);
        let (alice, bob) = office.connects(ALICE, BOB);
        office.talk_through_us(alice, bob);
        assert!(office.studio.keys.is_empty(), "{line}");
        office.ends();
    }
}

/// While she hears our music he can press what he wants: nobody is played anything.
#[test]
fn keys_of_who_holds() {
    let mut office = office_with(|settings| {
        with_keys(settings);
        settings.media.hold_music = true;
        settings.lines[BOB.0].media = Some(MediaWay::Relay);
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    let port = office.call(bob).media.to.unwrap().port();
    office.holds(bob);
    office.hears_music(alice);
    plays(&mut office, port, "5");
    assert_eq!((played(&office, port), heard(&office, alice)), (String::new(), "5".into()), "by INFO, which is heard");
    office.resumes(bob);
    office.talk_through_us(alice, bob);
    plays(&mut office, port, "6");
    assert_eq!(played(&office, port), "6");
    office.ends();
}

/// An office where all that Bob says goes through the server, and he is told keys in this way only.
fn where_bob_is_told(dtmf: Dtmf) -> World {
    office_with(|settings| {
        settings.lines[BOB.0].media = Some(MediaWay::Relay);
        settings.lines[BOB.0].dtmf = dtmf;
    })
}

/// The payload numbers of the sound, in what a phone was told last, and what stands of events there.
fn numbers(office: &World, who: Who) -> (String, usize) {
    let requests = office.heard(who, "INVITE").into_iter().chain(office.answers_to(who, "INVITE"));
    let body = requests.rev().find(|message| !message.body.is_empty()).unwrap().body;
    let line = body.lines().find(|line| line.starts_with("m=audio")).unwrap();
    let numbers = line.split(' ').skip(3).collect::<Vec<_>>().join(" ");
    (numbers, body.matches("a=fmtp:101 0-15").count())
}

/// His phone knows INFO alone, and hers sends events: she is shown that they are received, whoever calls.
#[test]
fn events_become_infos_for_who_knows_no_events() {
    for (caller, called) in [(ALICE, BOB), (BOB, ALICE)] {
        let mut office = where_bob_is_told(Dtmf::Info);
        office.phones[BOB.0].line = Some("RTP/AVP 0 8");
        let (one, other) = office.connects(caller, called);
        let (alice, bob) = if caller == ALICE { (one, other) } else { (other, one) };
        assert_eq!(numbers(&office, ALICE), ("0 8 101".into(), 1));
        assert_eq!(numbers(&office, BOB), ("0 8 101".into(), 0), "hers is as she wrote it");
        let port = office.call(alice).media.to.unwrap().port();
        assert_eq!(office.studio.keys, [(port, (101, true))].into());
        plays(&mut office, port, "17*");
        assert_eq!((heard(&office, bob), played(&office, port)), ("17*".into(), String::new()));
        types(&mut office, bob, "5");
        assert_eq!(heard(&office, alice), "5", "she is told as he tells");
        assert_eq!(office.snapshot().counters.keys.count(KeyMethod::Rfc4733, ()), 3);
        office.talk_through_us(alice, bob);
        office.ends();
    }
}

/// He says that he receives events, but is not to be sent any.
#[test]
fn events_become_infos_where_they_are_not_wanted() {
    let mut office = where_bob_is_told(Dtmf::Info);
    let (alice, bob) = office.connects(ALICE, BOB);
    assert_eq!(numbers(&office, ALICE), ("0 8 101".into(), 0));
    let port = office.call(alice).media.to.unwrap().port();
    plays(&mut office, port, "9");
    assert_eq!((heard(&office, bob), played(&office, port)), ("9".into(), String::new()));
    office.ends();
}

/// Her phone knows INFO alone, and he wants events: he is asked whether he takes them, and she is shown what he said.
#[test]
fn infos_become_events_where_those_are_wanted() {
    for caller in [ALICE, BOB] {
        let mut office = where_bob_is_told(Dtmf::Rfc4733);
        office.phones[ALICE.0].line = Some("RTP/AVP 0 8");
        let (one, other) = office.connects(caller, if caller == ALICE { BOB } else { ALICE });
        let (alice, bob) = if caller == ALICE { (one, other) } else { (other, one) };
        assert_eq!(numbers(&office, BOB), ("0 8 101".into(), 1));
        let port = office.call(alice).media.to.unwrap().port();
        assert_eq!(office.studio.keys.get(&port), Some(&(101, false)));
        types(&mut office, alice, "12");
        assert_eq!((played(&office, port), heard(&office, bob)), ("12".into(), String::new()));
        assert_eq!(office.studio.pressed[0], (port, '1', 100), "as long as she said");
        // And hers the other way: he believes that she takes events, and she has INFO.
        let port = office.call(bob).media.to.unwrap().port();
        assert_eq!(office.studio.keys.get(&port), Some(&(101, true)));
        plays(&mut office, port, "7");
        assert_eq!((heard(&office, alice), played(&office, port)), ("7".into(), String::new()));
        office.talk_through_us(alice, bob);
        office.ends();
    }
}

/// A code of his is his alone, however his keys come, and however she is told the others.
#[test]
fn codes_are_found_whatever_becomes_of_the_rest() {
    let mut office = office_with(|settings| {
        with_keys(settings);
        settings.lines[BOB.0].media = Some(MediaWay::Relay);
        settings.lines[ALICE.0].dtmf = Dtmf::Rfc4733;
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    let port = office.call(bob).media.to.unwrap().port();
    types(&mut office, bob, "#1");
    assert_eq!((played(&office, port), heard(&office, alice)), ("#1".into(), String::new()));
    types(&mut office, bob, "#72");
    assert_eq!(occupied(&office), ["701"]);
    assert_eq!(played(&office, port), "#1");
    office.ends();
}

/// Nothing of the kind where both are told as the other tells.
#[test]
fn where_nobody_asks_nothing_is_touched() {
    let mut office = where_bob_is_told(Dtmf::Auto);
    let (alice, bob) = office.connects(ALICE, BOB);
    assert!(office.studio.keys.is_empty());
    types(&mut office, alice, "1");
    assert_eq!(heard(&office, bob), "1");
    office.ends();
}
