//! Where the parts of what people hear meet: music on hold, relays, keys, prompts, and a park in the middle of it.
use super::office::*;
use super::park::{occupied, parked};
use super::phone::{Dial, HoldStyle, Stage};
use super::world::World;
use crate::counters::ParkRefusal;
use crate::input::Input;
use crate::settings::Settings;
use crate::wire::media::MediaEvent;

fn musical() -> World {
    office_with(|settings| settings.media.hold_music = true)
}

/// The port of the music on hold is somebody else's: another one, and the two are still connected.
#[test]
fn the_port_of_the_music_on_hold_cannot_be_bound() {
    for early in [false, true] {
        let mut office = musical();
        let (alice, bob) = office.connects(ALICE, BOB);
        if early {
            office.with(BOB, |phone| phone.hold(bob.no, Some(HoldStyle::SendOnly), "INVITE"));
            office.passes(millis(45));
        } else {
            office.holds(bob);
        }
        let port = *office.ports.iter().next().expect("a port for the music");
        office.media_fails(port);
        office.passes(secs(5));
        office.hears_music(alice);
        assert_ne!(office.call(alice).media.to.unwrap().port(), port);
        office.resumes(bob);
        office.talk(alice, bob);
        office.ends();
    }
}

/// And without another one: silence, but still connected.
#[test]
fn the_port_of_the_music_on_hold_cannot_be_bound_and_there_is_no_other() {
    let mut office = office_with(|settings| {
        settings.media.hold_music = true;
        settings.media.ports = 30_000..=30_001;
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.media_fails(30_000);
    office.passes(secs(5));
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// The held party parks the one that holds it.
#[test]
fn the_held_party_parks_the_holder() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.hears_music(alice);
    assert_eq!(office.refers(alice, "<sip:701@pbx.test>").0, 200);
    office.passes(secs(8));
    assert_eq!(occupied(&office), ["701"]);
    let carol = office.dials(CAROL, "701");
    office.resumes(bob);
    office.passes(secs(5));
    assert_eq!(office.call(carol).stage, Stage::Up);
    office.talk(carol, bob);
    office.ends();
}

/// He changes the call, thinks better of it, and parks it, all before her phone has answered: she is parked.
#[test]
fn a_change_that_is_taken_back_and_then_a_park() {
    for music in [false, true] {
        let mut office = office_with(|settings| settings.media.hold_music = music);
        let (alice, bob) = office.connects(ALICE, BOB);
        office.with(BOB, |phone| phone.hold(bob.no, None, "INVITE"));
        office.passes(millis(1));
        office.with(BOB, |phone| {
            phone.cancel_change(bob.no);
            phone.refer(bob.no, "<sip:701@pbx.test>");
        });
        office.passes(secs(10));
        assert_eq!(occupied(&office), ["701"]);
        office.hears_music(alice);
        assert!(office.call(bob).is_over());
        let carol = office.dials(CAROL, "701");
        office.talk(alice, carol);
        office.ends();
    }
}

/// The holder resumes by asking for an offer.
#[test]
fn resumed_without_an_offer() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.hears_music(alice);
    office.phones[BOB.0].calls.get_mut(&bob.no).unwrap().media.holding = None;
    office.with(BOB, |phone| phone.ask_for_offer(bob.no));
    office.settles();
    office.passes(secs(5));
    office.talk(alice, bob);
    // Not held any more: there is nothing that `*68` could park.
    let code = office.dials(BOB, "*68");
    assert_eq!(office.ended(code).split(' ').next(), Some("480"));
    office.talk(alice, bob);
    office.ends();
}

/// The same, but it goes on holding: she goes on hearing music.
#[test]
fn held_on_without_an_offer() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.hears_music(alice);
    office.with(BOB, |phone| phone.ask_for_offer(bob.no));
    office.settles();
    office.passes(secs(5));
    office.hears_music(alice);
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// The held party asks for an offer.
#[test]
fn the_held_party_asks_for_an_offer() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.with(ALICE, |phone| phone.ask_for_offer(alice.no));
    office.settles();
    office.hears_music(alice);
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// Her phone will not be moved: she is held as before, with her music, from the same port.
#[test]
fn a_held_party_that_will_not_be_parked_keeps_its_music() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.hears_music(alice);
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    office.refers(bob, "<sip:701@pbx.test>");
    office.passes(secs(5));
    assert_eq!(occupied(&office), [""; 0]);
    office.hears_music(alice);
    office.phones[ALICE.0].manners.refuses_changes = None;
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

fn with_exit(settings: &mut Settings) {
    settings.lots[0].exit_digit = Some('0');
    settings.lots[0].exit_destination = Some("1003".into());
}

/// Her reminder waits for another's, to the same phone; meanwhile she asks for the exit.
#[test]
fn the_exit_while_a_reminder_waits_its_turn() {
    let mut office = office_with(with_exit);
    let alice = parked(&mut office, "701");
    let dave = office.dials(DAVE, "1002");
    let bob = office.answers(BOB);
    assert_eq!(office.refers(bob, "<sip:702@pbx.test>").0, 200);
    office.passes(secs(91));
    assert!(office.latest(BOB, Stage::Ringing).is_some());
    let rung = office.latest(BOB, Stage::Ringing).unwrap();
    // Whoever is not being reminded of is queued; both press.
    office.passes(secs(1));
    let waits = if office.call(rung).shown.contains("701") { dave } else { alice };
    office.with(waits.who, |phone| phone.press(waits.no, '0'));
    office.settles();
    let carol = office.latest(CAROL, Stage::Ringing).expect("the exit rings");
    // The other reminder ends.
    office.with(BOB, |phone| phone.refuse(rung.no, 486));
    office.passes(secs(2));
    assert_eq!(office.call(carol).stage, Stage::Ringing, "the exit goes on ringing: {}", office.ended(carol));
    let carol = office.answers(CAROL);
    office.talk(waits, carol);
    office.ends();
}

/// The port of a parked caller's music is gone and no other is left; a word of comfort changes nothing about it.
#[test]
fn comfort_without_a_port() {
    let mut office = office_with(|settings| {
        settings.media.ports = 30_000..=30_001;
        settings.lots[0].comfort_prompt = true;
        with_exit(settings);
    });
    let alice = parked(&mut office, "701");
    office.media_fails(30_000);
    office.passes(secs(200));
    assert_eq!(occupied(&office), ["701"]);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.ends();
}

/// Comfort is being said while the exit rings, and somebody answers there.
#[test]
fn comfort_while_the_exit_rings() {
    let mut office = office_with(|settings| {
        settings.lots[0].comfort_prompt = true;
        with_exit(settings);
    });
    let alice = parked(&mut office, "701");
    office.passes(millis(59_500));
    let port = office.call(alice).media.to.unwrap().port();
    office.input(Input::Media(MediaEvent::Pressed { port, key: b'0', millis: 0 }));
    office.passes(millis(900));
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    office.passes(secs(10));
    office.talk(alice, carol);
    office.ends();
}

/// A key is on its way to somebody who is replaced before it was taken: the next is for whoever came.
#[test]
fn a_key_to_somebody_who_has_gone() {
    let mut office = office_with(super::keys::with_keys);
    let (alice, bob) = office.connects(ALICE, BOB);
    let named = office.call(alice).named_from_afar();
    super::keys::types(&mut office, bob, "#");
    office.phones[ALICE.0].crash();
    office.passes(secs(2));
    let dial = Dial { lines: format!("Replaces: {named}\r\n"), ..Dial::default() };
    let carol = office.dials_so(CAROL, "1001", &dial);
    office.talk(bob, carol);
    super::keys::types(&mut office, bob, "5");
    office.passes(secs(3));
    assert_eq!(super::keys::heard(&office, carol), "5");
    office.passes(secs(70));
    office.ends();
}

/// Relayed and held with music; the port of the relay fails meanwhile.
#[test]
fn a_relayed_port_fails_while_music_is_heard() {
    let mut office = office_with(|settings| {
        settings.media.hold_music = true;
        settings.media.lines = crate::settings::MediaWay::Relay;
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.hears_music(alice);
    let relayed: Vec<u16> = office.relayed.keys().copied().collect();
    relayed.into_iter().for_each(|port| office.media_fails(port));
    office.passes(secs(5));
    office.hears_music(alice);
    office.resumes(bob);
    office.talk_through_us(alice, bob);
    // And parked while held and relayed.
    office.holds(bob);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    office.passes(secs(8));
    office.hears_music(alice);
    let carol = office.dials(CAROL, "701");
    office.talk_through_us(alice, carol);
    office.ends();
}

/// Somebody takes the place of the holder, of the held one.
#[test]
fn a_held_call_is_taken_over() {
    for holder_is_replaced in [true, false] {
        let mut office = musical();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        office.hears_music(alice);
        let replaced = if holder_is_replaced { bob } else { alice };
        let named = office.call(replaced).named_from_afar();
        let dial = Dial { lines: format!("Replaces: {named}\r\n"), ..Dial::default() };
        let carol = office.dials_so(CAROL, "1002", &dial);
        office.passes(secs(5));
        assert!(office.call(replaced).is_over(), "{holder_is_replaced} {}", office.ended(carol));
        if holder_is_replaced {
            office.talk(alice, carol);
        } else {
            office.resumes(bob);
            office.talk(carol, bob);
        }
        office.ends();
    }
}

/// How many streams a phone's descriptions and those that it was sent had: never fewer than before (RFC 3264 §8).
fn streams_told(office: &World, who: super::world::Who) -> Vec<usize> {
    let requests = office.heard(who, "INVITE").into_iter().chain(office.answers_to(who, "INVITE"));
    let bodies = requests.map(|message| message.body).filter(|body| !body.is_empty());
    bodies.map(|body| body.lines().filter(|line| line.starts_with("m=")).count()).collect()
}

/// The server has no keys for a call that is encrypted: it is held as without music.
#[test]
fn an_encrypted_call_is_held() {
    let mut office = musical();
    for who in [ALICE, BOB] {
        office.phones[who.0].line = Some("RTP/SAVP 0 8 101");
    }
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    assert_eq!(office.call(alice).media.heard, "sendonly");
    assert_eq!(office.ports.len(), 0);
    office.resumes(bob);
    office.talk(alice, bob);
    for who in [ALICE, BOB] {
        assert!(streams_told(&office, who).iter().all(|streams| *streams == 1), "{:?}", streams_told(&office, who));
    }
    office.ends();
}

/// Nor can it be parked: the parker is told so, and they go on talking by the one stream that they have.
#[test]
fn an_encrypted_call_is_not_parked() {
    for way in 0..4 {
        let mut office = office_with(|settings| {
            super::keys::with_keys(settings);
            aloud(settings);
        });
        for who in [ALICE, BOB] {
            office.phones[who.0].line = Some("RTP/SAVP 0 8 101");
        }
        let (alice, bob) = office.connects(ALICE, BOB);
        match way {
            0 => {
                office.refers(bob, "<sip:701@pbx.test>");
                assert!(office.last(BOB, "NOTIFY").body.starts_with("SIP/2.0 500"));
            }
            1 => super::keys::types(&mut office, bob, "#72"),
            _ => {
                office.holds(bob);
                // Told an orbit, in a call that is not encrypted, he hangs up to have the other one parked there.
                office.phones[BOB.0].line = (way == 2).then_some("RTP/SAVP 0 8 101");
                let asked = office.dials(BOB, if way == 2 { "*68" } else { "700" });
                if way == 3 {
                    office.hangs_up(asked);
                }
                assert!(office.call(asked).is_over(), "{way}");
                office.resumes(bob);
            }
        }
        office.passes(secs(1));
        assert_eq!(occupied(&office).len(), 0, "{way}");
        assert_eq!(office.snapshot().counters.park[0].rejected.count(ParkRefusal::Media, ()), 1, "{way}");
        office.talk(alice, bob);
        for who in [ALICE, BOB] {
            assert!(streams_told(&office, who).iter().all(|streams| *streams == 1), "{way}");
        }
        office.ends();
    }
}

/// Two that talk by a codec that the server does not have: what the held one offers is refused, not left unanswered.
#[test]
fn the_held_party_offers_what_the_server_does_not_have() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.hears_music(alice);
    office.phones[ALICE.0].calls.get_mut(&alice.no).unwrap().media.line = "RTP/AVP 18 101";
    office.resumes(alice);
    assert_eq!(office.call(alice).answered.as_ref().map(|answer| answer.0), Some(488));
    office.phones[ALICE.0].calls.get_mut(&alice.no).unwrap().media.line = "RTP/AVP 0 8 101";
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// The same of a parked one, and of a caller of a code.
#[test]
fn offers_of_what_the_server_does_not_have() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.phones[ALICE.0].calls.get_mut(&alice.no).unwrap().media.line = "RTP/AVP 18 101";
    office.resumes(alice);
    assert_eq!(office.call(alice).answered.as_ref().map(|answer| answer.0), Some(488));
    office.phones[CAROL.0].line = Some("RTP/AVP 18 101");
    let carol = office.dials(CAROL, "*43");
    assert_eq!(office.ended(carol).split(' ').next(), Some("488"));
    office.ends();
}

/// Video is refused by the music; the holder's refreshed hold is not told so.
#[test]
fn a_call_with_pictures_is_held_twice() {
    let mut office = musical();
    for who in [ALICE, BOB] {
        office.phones[who.0].streams = "m=video 29000 RTP/AVP 97\r\n".into();
    }
    let (alice, bob) = office.connects(ALICE, BOB);
    for _ in 0..2 {
        office.holds(bob);
        office.hears_music(alice);
        assert_eq!(office.call(bob).media.heard, "inactive");
    }
    office.resumes(bob);
    office.talk(alice, bob);
    for who in [ALICE, BOB] {
        assert!(streams_told(&office, who).iter().all(|streams| *streams == 2), "{:?}", streams_told(&office, who));
    }
    office.ends();
}

/// Whatever hears us, its port can be somebody else's.
#[test]
fn ports_that_cannot_be_bound() {
    for number in ["*43", "*65", "700", "*68", "701"] {
        let mut office = office_with(|settings| {
            aloud(settings);
            settings.media.hold_music = true;
        });
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        let no = office.with(BOB, |phone| phone.dial(number, &Dial::default()));
        for _ in 0..40 {
            office.passes(millis(7));
            let ports: Vec<u16> = office.ports.iter().copied().collect();
            ports.iter().for_each(|port| office.media_fails(*port));
        }
        office.passes(secs(40));
        let _ = (alice, no);
        office.ends();
    }
}

/// Media of each kind of port fails for good: the pool shrinks, and nobody is left behind.
#[test]
fn ports_taken_by_others_while_calls_are_relayed_parked_and_held() {
    let mut office = office_with(|settings| {
        aloud(settings);
        settings.media.hold_music = true;
        settings.media.lines = crate::settings::MediaWay::Relay;
        settings.media.ports = 30_000..=30_009;
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk_through_us(alice, bob);
    office.holds(bob);
    office.hears_music(alice);
    let (carol, dave) = office.connects(CAROL, DAVE);
    office.talk_through_us(carol, dave);
    // All ports are taken: neither a hold nor a park of the second call gets one.
    office.holds(carol);
    office.resumes(carol);
    office.talk_through_us(carol, dave);
    office.holds(dave);
    assert_eq!(office.refers(dave, "<sip:702@pbx.test>").0, 200);
    office.passes(secs(8));
    office.resumes(dave);
    office.talk_through_us(carol, dave);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    office.passes(secs(8));
    office.hears_music(alice);
    assert!(office.call(bob).is_over());
    let bob = office.dials(BOB, "701");
    office.talk_through_us(alice, bob);
    office.ends();
}

/// She is retrieved while a word is being said to her, and the retriever changes its mind.
#[test]
fn a_retrieval_in_the_middle_of_a_word() {
    let mut office = office_with(|settings| {
        aloud(settings);
        settings.lots[0].comfort_prompt = true;
        settings.lots[0].announce_to = crate::settings::AnnounceTo::Both;
        settings.media.hold_music = true;
        super::keys::with_keys(settings);
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    super::keys::types(&mut office, bob, "#72");
    assert_eq!(occupied(&office), ["701"]);
    let carol = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
    office.passes(millis(12));
    office.with(CAROL, |phone| phone.hang_up(carol));
    office.passes(secs(61));
    office.hears_music(alice);
    assert_eq!(occupied(&office), ["701"]);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.holds(carol);
    office.hears_music(alice);
    office.resumes(carol);
    office.talk(alice, carol);
    office.ends();
}

/// Another configuration while she is held with music, comforted, and half a code is typed.
#[test]
fn other_settings_in_the_middle() {
    let with = |settings: &mut Settings| {
        settings.media.hold_music = true;
        settings.lots[0].comfort_prompt = true;
        super::keys::with_keys(settings);
    };
    let mut office = office_with(with);
    let (alice, bob) = office.connects(ALICE, BOB);
    let dave = office.dials(DAVE, "1003");
    let carol = office.answers(CAROL);
    assert_eq!(office.refers(carol, "<sip:701@pbx.test>").0, 200);
    super::keys::types(&mut office, bob, "#7");
    office.holds(bob);
    office.passes(millis(100));
    office.input(Input::Reload(Box::new(settings())));
    super::keys::types(&mut office, bob, "2");
    office.passes(secs(70));
    office.hears_music(alice);
    office.hears_music(dave);
    office.resumes(bob);
    office.talk(alice, bob);
    office.holds(bob);
    assert_eq!(office.call(alice).media.heard, "sendonly", "no music any more");
    office.input(Input::Reload(Box::new({
        let mut settings = settings();
        with(&mut settings);
        settings
    })));
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}
