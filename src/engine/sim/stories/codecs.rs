//! What people hear the server in: what their phone would rather have, by its own numbers.
use super::office::*;
use super::park::parked;
use super::world::{End, World};
use crate::settings::Codec;
use crate::wire::media::Voice;

/// What the server sends that end.
fn voice(office: &World, end: End) -> (Voice, Option<u8>) {
    let port = office.call(end).media.to.expect("a description").port();
    office.studio.voice(port).expect("an open port")
}

/// The phone's formats from now on.
fn speaks(office: &mut World, end: End, line: &'static str) {
    office.phones[end.who.0].calls.get_mut(&end.no).expect("a call").media.line = line;
}

fn counts(office: &World) -> [u64; 4] {
    let codecs = office.snapshot().gauges.codecs;
    [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus].map(|codec| codecs.count(codec, ()))
}

const G722: Voice = Voice::of(Codec::G722);

#[test]
fn a_wideband_phone_is_parked_and_has_wideband_music() {
    let mut office = office();
    office.phones[ALICE.0].line = Some("RTP/AVP 9 8 0 101");
    let alice = parked(&mut office, "701");
    assert!(office.last(ALICE, "INVITE").body.contains(" RTP/AVP 9 8 0 101\r\n"), "in its own order");
    assert_eq!(voice(&office, alice), (G722, Some(101)));
    assert_eq!(counts(&office), [0, 0, 1, 0]);
    // It changes its mind, and back: the same port goes on.
    let port = office.call(alice).media.to;
    for (line, expected, count) in [
        ("RTP/AVP 8 101", Voice::of(Codec::Pcma), [0, 1, 0, 0]),
        ("RTP/AVP 96 0 101\r\na=rtpmap:96 G722/8000", Voice { codec: Codec::G722, payload_type: 96 }, [0, 0, 1, 0]),
        ("RTP/AVP 0 9 101", Voice::default(), [1, 0, 0, 0]),
    ] {
        speaks(&mut office, alice, line);
        office.resumes(alice);
        assert_eq!((voice(&office, alice), counts(&office)), ((expected, Some(101)), count));
        assert_eq!(office.call(alice).media.to, port);
    }
    office.hears_music(alice);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    assert_eq!(counts(&office), [0; 4]);
    office.ends();
}

#[test]
fn opus_is_spoken_where_it_can_be() {
    const LINE: &str = "RTP/AVP 98 9 0 101 100\r\na=rtpmap:98 opus/48000/2\r\na=rtpmap:100 telephone-event/48000";
    for (spoken, expected) in [
        (Codec::ALL.to_vec(), (Voice { codec: Codec::Opus, payload_type: 98 }, Some(100))),
        (Codec::USUAL.to_vec(), (G722, Some(101))),
    ] {
        let mut office = office_with(|settings| settings.media.codecs = spoken);
        office.phones[ALICE.0].line = Some(LINE);
        let alice = office.dials(ALICE, "*43");
        assert_eq!(voice(&office, alice), expected);
        let answer = office.answers_to(ALICE, "INVITE").pop().expect("an answer");
        assert_eq!(answer.body.contains("a=rtpmap:98 opus/48000/2"), expected.0 != G722);
        office.ends();
    }
}
