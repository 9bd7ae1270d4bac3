//! Media that goes through the server: who wants it, who needs it, and that nothing else about a call is another.
use std::time::Duration;

use super::network::Fault;
use super::office::*;
use super::phone::{Dial, Manners, Reliable, Stage};
use super::world::{End, Who, World, address};
use crate::counters::{CallDirection, Shed};
use crate::input::Input;
use crate::session::News;
use crate::settings::MediaWay;
use crate::wire::media::MediaEvent;

/// An office where Bob's line asks for it.
fn office_where_bob_is_relayed() -> World {
    office_with(|settings| settings.lines[BOB.0].media = Some(MediaWay::Relay))
}

/// A phone whose media is behind a translator that its signalling shows nothing of.
fn hides(office: &mut World, who: Who) {
    office.phones[who.0].media_at = Some(address("192.168.7.7:0").ip());
}

/// From now on the phone has these streams besides the sound in its call.
fn carries(office: &mut World, end: End, streams: &str) {
    office.phones[end.who.0].calls.get_mut(&end.no).unwrap().media.streams = streams.into();
}

/// The description that a phone was sent last.
fn told(office: &World, who: Who) -> String {
    let requests = office.heard(who, "INVITE").into_iter().chain(office.heard(who, "ACK"));
    let mut all = requests.chain(office.answers_to(who, "INVITE"));
    all.rfind(|message| !message.body.is_empty()).expect("a description").body
}

fn ports_in_use(office: &World) -> u64 {
    office.snapshot().gauges.rtp_ports
}

#[test]
fn a_line_that_asks_for_it_is_relayed_whoever_calls() {
    for (caller, called) in [(ALICE, BOB), (BOB, ALICE), (CARRIER, BOB), (BOB, CARRIER)] {
        let mut office = office_where_bob_is_relayed();
        let number = if called == CARRIER { "8123".to_owned() } else { office.phones[called.0].number.clone() };
        let one = office.dials(caller, &number);
        assert_eq!(ports_in_use(&office), 2);
        let other = office.answers(called);
        office.talk_through_us(one, other);
        for (holder, held) in [(one, other), (other, one)] {
            office.holds(holder);
            assert_eq!(office.call(held).media.heard, "sendonly");
            office.resumes(holder);
            office.talk_through_us(one, other);
        }
        office.hangs_up(one);
        assert_eq!((office.ended(other), ports_in_use(&office)), ("BYE ", 0));
        office.ends();
    }
}

#[test]
fn a_trunk_that_asks_for_it_is_relayed() {
    let mut office = office_with(|settings| settings.trunks[0].media = MediaWay::Relay);
    let alice = office.dials(ALICE, "8123");
    let carrier = office.answers(CARRIER);
    office.talk_through_us(alice, carrier);
    let (bob, carol) = office.connects(BOB, CAROL);
    assert_eq!(office.call(bob).media.to, Some(office.call(carol).media.at), "whoever does not ask is not");
    office.ends();
}

/// Only where media goes is another: each sees the other's lines as they were.
#[test]
fn each_is_told_what_the_other_said() {
    let mut office = office_where_bob_is_relayed();
    office.phones[ALICE.0].streams = "m=video 29000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=rtcp:29005\r\n\
        m=image 0 udptl t38\r\n"
        .into();
    let alice = office.dials(ALICE, "1002");
    let offer = told(&office, BOB);
    let lines: Vec<_> = offer.lines().filter(|line| !line.starts_with("o=")).collect();
    assert_eq!(lines[..3], ["v=0", "s=-", "c=IN IP4 10.0.0.1"]);
    let expected = [
        "t=0 0",
        "m=audio 30004 RTP/AVP 0 8 101",
        "a=rtpmap:101 telephone-event/8000",
        "a=sendrecv",
        "m=video 30006 RTP/AVP 97",
        "a=rtpmap:97 H264/90000",
        "a=rtcp:30007",
        "m=image 0 udptl t38",
    ];
    assert_eq!(lines[3..], expected);
    assert_eq!(ports_in_use(&office), 4, "two streams, two sides");
    // Bob has no video: what was taken for it is free again.
    let bob = office.answers(BOB);
    office.talk_through_us(alice, bob);
    assert_eq!(ports_in_use(&office), 2);
    office.ends();
}

/// She adds a stream in the middle of the call, and ends it again.
#[test]
fn streams_come_and_go() {
    let mut office = office_where_bob_is_relayed();
    let (alice, bob) = office.connects(ALICE, BOB);
    let video = "m=video 29000 RTP/AVP 97\r\n";
    carries(&mut office, bob, &video.replace("29000", "29100"));
    carries(&mut office, alice, video);
    office.holds_so(alice, None, "INVITE");
    assert_eq!((ports_in_use(&office), office.call(alice).answered.clone()), (4, Some((200, "OK".into()))));
    let second: Vec<_> = office.relayed.values().flatten().map(|far| far.rtp.port()).filter(|p| *p >= 29_000).collect();
    assert_eq!(second.len(), 2, "each side's: {second:?}");
    office.talk_through_us(alice, bob);
    for end in [alice, bob] {
        carries(&mut office, end, &video.replace("29000", "0"));
    }
    office.holds_so(alice, None, "INVITE");
    assert_eq!(ports_in_use(&office), 2);
    office.talk_through_us(alice, bob);
    office.ends();
}

/// Nobody asks for anything: who is behind a translator is found by where its media is to be sent.
#[test]
fn a_caller_behind_a_translator_is_relayed() {
    let mut office = office();
    hides(&mut office, ALICE);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk_through_us(alice, bob);
    let (carol, dave) = office.connects(CAROL, DAVE);
    office.talk(carol, dave);
    office.ends();
}

/// That he is behind one is known when he answers: then both are told, she at once and he by a change of the call.
#[test]
fn a_called_phone_that_turns_out_to_be_behind_a_translator_is_told_anew() {
    for (update, late_offer) in [(true, false), (false, false), (true, true)] {
        let mut office = office();
        hides(&mut office, BOB);
        office.phones[BOB.0].manners.update = update;
        let alice = office.dials_so(ALICE, "1002", &Dial { late_offer, ..Dial::default() });
        assert_eq!(ports_in_use(&office), 0);
        let bob = office.answers(BOB);
        office.talk_through_us(alice, bob);
        assert!(office.heard(ALICE, "INVITE").is_empty(), "she heard it at once");
        office.ends();
    }
}

/// He transfers her before he has agreed to that change: what he agrees to later is not her path any more.
#[test]
fn who_agrees_after_a_transfer_takes_nobody_s_path() {
    let mut office = office_with(|settings| settings.lines[CAROL.0].media = Some(MediaWay::Relay));
    hides(&mut office, BOB);
    office.phones[BOB.0].manners = Manners { update: false, leaves_after_transfer: false, ..Manners::default() };
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).expect("Bob rings");
    office.with(BOB, |phone| phone.answer(bob.no));
    office.passes(Duration::from_millis(7));
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:1003@pbx.test>"));
    // After her ACK comes his 200, which is lost and said again half a second later.
    office.network.fault = Some((1, Fault::Lost));
    office.passes(Duration::from_millis(50));
    let carol = office.answers(CAROL);
    office.talk_through_us(alice, carol);
    office.passes(secs(3));
    assert_eq!(office.heard(BOB, "INVITE").len(), 3, "rung, told anew, and told again");
    office.talk_through_us(alice, carol);
    office.ends();
}

/// Whoever wants no part of it has none, translator or not.
#[test]
fn direct_is_direct() {
    let mut office = office_with(|settings| settings.media.lines = MediaWay::Direct);
    hides(&mut office, ALICE);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    office.ends();
}

/// In every pairing, from the first sound: nobody is told another port when the call is answered.
#[test]
fn early_media_goes_through_as_well() {
    let each = [None, Some(Reliable::Supported)];
    for (caller, called) in each.into_iter().flat_map(|caller| each.map(|called| (caller, called))) {
        for late_offer in [false, true] {
            let mut office = office_where_bob_is_relayed();
            office.phones[ALICE.0].manners.reliable = caller;
            office.phones[BOB.0].manners.reliable = called;
            office.phones[BOB.0].manners.early_media = true;
            let alice = office.dials_so(ALICE, "1002", &Dial { late_offer, ..Dial::default() });
            let bob = office.latest(BOB, Stage::Ringing).unwrap();
            let early = office.call(alice).media.to;
            if !late_offer {
                assert_eq!(office.sends_to(alice), Some(office.call(bob).media.at), "{caller:?} {called:?}");
            }
            office.answers(BOB);
            office.talk_through_us(alice, bob);
            assert!(early.is_none() || early == office.call(alice).media.to, "{caller:?} {called:?}");
            office.ends();
        }
    }
}

/// All his phones ring; those that do not get the call give their ports back.
#[test]
fn each_phone_of_a_line_has_its_own_ports() {
    let mut office = office_where_bob_is_relayed();
    let second = office.add("1002", "Bob too", "10.0.1.12:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    let alice = office.dials(ALICE, "1002");
    assert_eq!(ports_in_use(&office), 3);
    let bob = office.answers(second);
    office.talk_through_us(alice, bob);
    assert_eq!(ports_in_use(&office), 2);
    office.ends();
}

/// Parked she hears the server itself; fetched she is relayed again, by whomever.
#[test]
fn a_relayed_call_is_parked_and_fetched() {
    let mut office = office();
    hides(&mut office, ALICE);
    let (alice, bob) = office.connects(ALICE, BOB);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    office.hears_music(alice);
    assert_eq!(ports_in_use(&office), 1, "the relay's are free");
    let carol = office.dials(CAROL, "701");
    office.talk_through_us(alice, carol);
    assert_eq!(ports_in_use(&office), 2, "and so is the music's");
    office.hangs_up(alice);
    assert_eq!(office.ended(carol), "BYE ");
    office.ends();
}

/// The same where the parker is reminded, does not answer, and then does.
#[test]
fn a_reminder_that_is_answered_relays_again() {
    let mut office = office_where_bob_is_relayed();
    let (alice, bob) = office.connects(ALICE, BOB);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    office.passes(secs(135));
    assert_eq!(ports_in_use(&office), 1, "his phone has rung, and stopped");
    office.passes(secs(30));
    let bob = office.answers(BOB);
    office.talk_through_us(alice, bob);
    office.ends();
}

/// Without a port nobody is called who needs one; all others are, and those who talk go on.
#[test]
fn no_port_is_left_for_a_relayed_call() {
    let mut office = office_with(|settings| {
        settings.lines[BOB.0].media = Some(MediaWay::Relay);
        settings.media.ports = 30_000..=30_003;
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    let refused = office.dials(CAROL, "1002");
    assert_eq!(office.ended(refused).split(' ').next(), Some("503"), "{}", office.ended(refused));
    assert_eq!(office.snapshot().counters.shed.count(Shed::Ports, ()), 1);
    let (carol, dave) = office.connects(CAROL, DAVE);
    office.talk(carol, dave);
    // Nor can the call get another stream, or be parked: it stays as it was.
    carries(&mut office, alice, "m=video 29000 RTP/AVP 97\r\n");
    office.holds_so(alice, None, "INVITE");
    assert_eq!(office.call(alice).answered.as_ref().map(|answer| answer.0), Some(488));
    carries(&mut office, alice, "");
    office.refers(bob, "<sip:701@pbx.test>");
    office.talk_through_us(alice, bob);
    assert_eq!(ports_in_use(&office), 2);
    office.hangs_up(alice);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk_through_us(alice, bob);
    office.ends();
}

/// Found to be behind a translator too late for a port: it goes past the server, as it always did.
#[test]
fn no_port_is_left_for_who_turns_out_to_need_one() {
    let mut office = office_with(|settings| settings.media.ports = 30_000..=30_001);
    hides(&mut office, BOB);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    assert_eq!(ports_in_use(&office), 0);
    office.ends();
}

/// A port is somebody else's: another one is taken, and the party is told so in the middle of the call.
#[test]
fn a_port_that_cannot_be_bound_is_replaced() {
    for early in [true, false] {
        let mut office = office_where_bob_is_relayed();
        let alice = office.dials(ALICE, "1002");
        let ports: Vec<u16> = office.ports.iter().copied().collect();
        if early {
            ports.iter().for_each(|port| office.media_fails(*port));
        }
        let bob = office.answers(BOB);
        if !early {
            ports.iter().for_each(|port| office.media_fails(*port));
            office.passes(secs(10));
        }
        office.talk_through_us(alice, bob);
        assert!(ports.iter().all(|port| !office.ports.contains(port)));
        office.ends();
    }
}

/// Says what the media threads would.
fn tells(office: &mut World, end: End, event: fn(u16) -> MediaEvent) {
    let port = office.call(end).media.to.unwrap().port();
    office.input(Input::Media(event(port)));
}

fn heard(port: u16) -> MediaEvent {
    MediaEvent::Heard { port }
}

fn one_way(port: u16) -> MediaEvent {
    MediaEvent::OneWay { port }
}

#[test]
fn a_call_in_which_nobody_was_heard_is_told() {
    for (speaks, told) in [(false, 1), (true, 0)] {
        let mut office = office_where_bob_is_relayed();
        let (caller, called) = (office.dials(CARRIER, "1002"), office.answers(BOB));
        if speaks {
            tells(&mut office, called, heard);
        }
        office.hangs_up(caller);
        let nothing = News::NothingHeard { direction: CallDirection::Inbound, trunk: Some(0) };
        assert_eq!(office.news.iter().filter(|news| **news == nothing).count(), told);
        office.ends();
    }
}

#[test]
fn who_is_not_heard_is_told_unless_somebody_holds() {
    let mut office = office_where_bob_is_relayed();
    let bob = office.dials(BOB, "8123");
    office.answers(CARRIER);
    let missed = News::HeardOneWay { direction: CallDirection::Outbound, trunk: Some(0) };
    let told = |office: &World| office.news.iter().filter(|news| **news == missed).count();
    office.holds(bob);
    tells(&mut office, bob, one_way);
    assert_eq!(told(&office), 0);
    office.resumes(bob);
    tells(&mut office, bob, one_way);
    assert_eq!(told(&office), 1);
    office.ends();
}

/// What media says of a port that is nobody's any more.
#[test]
fn a_report_that_is_too_late_changes_nothing() {
    let mut office = office_where_bob_is_relayed();
    let (alice, bob) = office.connects(ALICE, BOB);
    for event in [heard, one_way, |port| MediaEvent::Failed { port }] {
        office.input(Input::Media(event(30_100)));
    }
    office.talk_through_us(alice, bob);
    office.ends();
}
