//! Descriptions, asked and edited.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::*;
use crate::settings::Codec;
use crate::wire::media::Voice;

const PHONE: &str = "v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 8 0 97\r\na=rtpmap:97 telephone-event/8000\r\na=ptime:30\r\na=sendrecv\r\n\
    m=video 4002/2 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\na=recvonly\r\n";

fn text(out: &[u8]) -> &str {
    std::str::from_utf8(out).unwrap()
}

#[test]
fn a_description_is_read() {
    let sdp = scan(PHONE.as_bytes()).unwrap();
    let media: Vec<_> = sdp.media().collect();
    let [audio, video] = media[..] else { panic!("two streams") };
    assert_eq!((audio.kind, audio.port, audio.ports, audio.proto), (&b"audio"[..], 4000, 1, &b"RTP/AVP"[..]));
    assert_eq!((audio.formats, audio.ptime()), (&b"8 0 97"[..], Some(30)));
    assert_eq!((audio.rtpmap(b"97"), audio.rtpmap(b"9")), (Some(&b"telephone-event/8000"[..]), None));
    assert_eq!(audio.payload_of("Telephone-Event/8000"), Some(&b"97"[..]));
    assert_eq!((video.ports, video.connection), (2, Some(&b"2001:db8::1"[..])));
    assert_eq!((audio.direction, video.direction), (Some(Direction::SendRecv), Some(Direction::RecvOnly)));
    assert_eq!(&PHONE[sdp.origin.unwrap()], "o=alice 1 1 IN IP4 192.0.2.1\r\n");
    assert_eq!(address(PHONE.as_bytes()), Some("192.0.2.1:4000".parse().unwrap()));
}

/// The stream that an answer of ours takes is the one that is asked about.
#[test]
fn of_several_audio_streams_the_one_we_speak_counts() {
    let both =
        "v=0\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 8\r\na=sendonly\r\n";
    assert_eq!(address(both.as_bytes()), Some("192.0.2.1:4002".parse().unwrap()));
    assert_eq!(direction(both.as_bytes()), Direction::SendOnly);
    assert_eq!(voice(both.as_bytes(), &Codec::USUAL).0, Voice::of(Codec::Pcma));
    let encrypted = &both[..both.find("m=audio 4002").unwrap()];
    assert_eq!(address(encrypted.as_bytes()), Some("192.0.2.1:4000".parse().unwrap()));
}

#[test]
fn what_is_no_description() {
    for body in [
        "",
        "hello",
        "o=- 1 1 IN IP4 h\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio x RTP/AVP 0\r\n",
        "v=0\r\nm=audio 70000 RTP/AVP 0\r\n",
        "v=0\r\nm=audio 1 RTP/AVP\r\n",
        "v=0\r\n<xml>\r\n",
    ] {
        assert!(scan(body.as_bytes()).is_err(), "{body:?}");
        let mut out = Vec::new();
        Cut::at_origin(body.as_bytes()).rewrite(1, 1, Ipv4Addr::LOCALHOST.into(), &mut out);
        assert_eq!(text(&out), body);
        assert_eq!(direction(body.as_bytes()), Direction::SendRecv);
        assert_eq!(address(body.as_bytes()), None);
    }
}

#[test]
fn directions() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (session, media, expected) in [
        ("c=IN IP4 1.1.1.1\n", "m=audio 1 RTP/AVP 0\n", SendRecv),
        ("c=IN IP4 1.1.1.1\na=sendonly\n", "m=audio 1 RTP/AVP 0\n", SendOnly),
        ("c=IN IP4 1.1.1.1\na=sendonly\n", "m=audio 1 RTP/AVP 0\na=recvonly\n", RecvOnly),
        ("c=IN IP4 0.0.0.0\n", "m=audio 1 RTP/AVP 0\n", SendOnly),
        ("c=IN IP4 0.0.0.0\n", "m=audio 1 RTP/AVP 0\na=recvonly\n", Inactive),
        ("c=IN IP4 0.0.0.0\n", "m=audio 1 RTP/AVP 0\na=inactive\n", Inactive),
        ("c=IN IP4 0.0.0.0\n", "m=audio 1 RTP/AVP 0\nc=IN IP4 1.1.1.1\n", SendRecv),
        ("c=IN IP4 1.1.1.1\n", "m=audio 1 RTP/AVP 0\nc=IN IP6 ::\n", SendOnly),
        ("c=IN IP4 1.1.1.1\n", "m=audio 0 RTP/AVP 0\n", Inactive),
        ("c=IN IP4 1.1.1.1\n", "m=audio 0 RTP/AVP 0\nm=audio 2 RTP/AVP 0\na=sendonly \n", SendOnly),
        ("c=IN IP4 1.1.1.1\n", "m=video 1 RTP/AVP 0\na=sendonly\nm=audio 2 RTP/AVP 0\n", SendRecv),
    ] {
        let body = format!("v=0\no=- 1 1 IN IP4 h\ns=-\n{session}t=0 0\n{media}");
        assert_eq!(direction(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn the_origin_changes_and_nothing_else() {
    let mut out = Vec::new();
    Cut::at_origin(PHONE.as_bytes()).rewrite(7, 9, Ipv4Addr::new(10, 0, 0, 1).into(), &mut out);
    assert_eq!(text(&out), PHONE.replace("o=alice 1 1 IN IP4 192.0.2.1", "o=- 7 9 IN IP4 10.0.0.1"));
    assert_eq!(Cut::at_origin(&out).rest(), Cut::at_origin(PHONE.as_bytes()).rest());
    out.clear();
    let unix = PHONE.replace("\r\n", "\n");
    Cut::at_origin(unix.as_bytes()).rewrite(7, 9, "2001:db8::1".parse().unwrap(), &mut out);
    assert_eq!(text(&out), unix.replace("o=alice 1 1 IN IP4 192.0.2.1", "o=- 7 9 IN IP6 2001:db8::1"));
    assert_ne!(Cut::at_origin(&out).rest(), Cut::at_origin(PHONE.as_bytes()).rest());
    assert_eq!(Cut::at_origin(b"\xff\x00").rest(), (&b"\xff\x00"[..], &b""[..]));
}

#[test]
fn a_direction_is_set_on_every_live_stream() {
    let mut out = Vec::new();
    with_direction(PHONE.as_bytes(), Direction::SendOnly, &mut out);
    let expected = PHONE.replace("a=sendrecv", "a=sendonly").replace("a=recvonly", "a=sendonly");
    assert_eq!(text(&out), expected);

    let session = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\na=recvonly\r\nt=0 0\r\n";
    let streams = "m=audio 0 RTP/AVP 0\r\nm=image 5 udptl t38\r\nm=audio 7 RTP/AVP 0";
    out.clear();
    with_direction(format!("{session}{streams}").as_bytes(), Direction::Inactive, &mut out);
    assert_eq!(
        text(&out),
        "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=image 5 udptl t38\r\na=recvonly\r\n\
         m=audio 7 RTP/AVP 0\r\na=inactive\r\n"
    );
    // A body that breaks off within a line end gets whole ones.
    out.clear();
    with_direction(b"v=0\r\nm=audio 7 RTP/AVP 0\r", Direction::Inactive, &mut out);
    assert_eq!(text(&out), "v=0\r\nm=audio 7 RTP/AVP 0\r\na=inactive\r\n");
}

#[test]
fn hold_by_address_becomes_hold_by_word() {
    let good = IpAddr::from([192, 0, 2, 9]);
    for (held, expected) in [
        (
            "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\nm=audio 1 RTP/AVP 0\na=sendrecv\na=ptime:20\n",
            "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 1 RTP/AVP 0\na=ptime:20\na=sendonly\n",
        ),
        (
            "v=0\ns=-\nc=IN IP4 1.1.1.1\nm=audio 1 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=recvonly\nm=video 2 RTP/AVP 31\na=recvonly\n",
            "v=0\ns=-\nc=IN IP4 1.1.1.1\nm=audio 1 RTP/AVP 0\nc=IN IP4 192.0.2.9\na=inactive\nm=video 2 RTP/AVP 31\na=recvonly\n",
        ),
        ("v=0\ns=-\nc=IN IP4 1.1.1.1\nm=audio 1 RTP/AVP 0\n", "v=0\ns=-\nc=IN IP4 1.1.1.1\nm=audio 1 RTP/AVP 0\n"),
    ] {
        let mut out = Vec::new();
        unhold_address(held.as_bytes(), good, &mut out);
        assert_eq!(text(&out), expected);
    }
}

fn at() -> SocketAddr {
    "10.0.0.1:20000".parse().unwrap()
}

#[test]
fn an_offer_of_our_own_mirrors_the_peers_streams() {
    let head = "v=0\r\no=- 5 6 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n";
    let ours = "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
    let tail = "a=ptime:20\r\na=sendonly\r\n";
    for (like, expected) in [
        (String::new(), format!("m=audio 20000 RTP/AVP 9 0 8 101\r\n{ours}{tail}")),
        (
            PHONE.to_owned(),
            format!(
                "m=audio 20000 RTP/AVP 8 0 97\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\n{tail}m=video 0 RTP/AVP 31\r\n"
            ),
        ),
        (
            "v=0\r\nm=video 7 RTP/AVP 31\r\nm=audio 0 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n".to_owned(),
            format!(
                "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/AVP 0\r\nm=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n{tail}"
            ),
        ),
        ("v=0\r\nm=audio 9 RTP/AVP 18\r\n".to_owned(), format!("m=audio 20000 RTP/AVP 9 0 8 101\r\n{ours}{tail}")),
        (
            "v=0\r\nm=audio 9 RTP/SAVP 0\r\n".to_owned(),
            format!("m=audio 0 RTP/SAVP 0\r\nm=audio 20000 RTP/AVP 9 0 8 101\r\n{ours}{tail}"),
        ),
    ] {
        let mut out = Vec::new();
        anchor(like.as_bytes(), &Codec::USUAL, (at(), 5, 6), Direction::SendOnly, &mut out);
        assert_eq!(text(&out), format!("{head}{expected}"), "{like}");
        assert!(scan(&out).is_ok());
    }
}

#[test]
fn an_answer_of_our_own_takes_one_audio_stream() {
    let mut out = Vec::new();
    let offer = PHONE.replace("t=0 0", "t=3338481189 3370017201").replace("a=sendrecv", "a=sendonly");
    assert!(anchor_answer(offer.as_bytes(), &Codec::USUAL, (at(), 5, 6), Direction::SendRecv, &mut out));
    assert_eq!(
        text(&out),
        "v=0\r\no=- 5 6 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=3338481189 3370017201\r\n\
         m=audio 20000 RTP/AVP 8 0 97\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 telephone-event/8000\r\n\
         a=fmtp:97 0-15\r\na=ptime:20\r\na=recvonly\r\nm=video 0 RTP/AVP 31\r\n"
    );
    for refused in [
        "",
        "v=0\r\n",
        "v=0\r\nm=audio 9 RTP/AVP 18\r\n",
        "v=0\r\nm=audio 0 RTP/AVP 0\r\n",
        "v=0\r\nm=audio 9 RTP/SAVP 0\r\n",
        "v=0\r\nm=video 9 RTP/AVP 31\r\n",
    ] {
        let mut out = Vec::new();
        let answered = anchor_answer(refused.as_bytes(), &Codec::USUAL, (at(), 5, 6), Direction::SendRecv, &mut out);
        assert!(!answered && out.is_empty());
    }
}

/// An audio stream of these formats, described so.
fn stream(formats: &str, maps: &[&str]) -> String {
    let maps: String = maps.iter().map(|map| format!("a=rtpmap:{map}\r\n")).collect();
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP {formats}\r\n{maps}"
    )
}

/// The formats that a description of our own lists, each with what is said of it.
fn listed(own: &[u8]) -> Vec<String> {
    let sdp = scan(own).unwrap();
    let media = live_audio(&sdp).unwrap();
    let said = |payload: &[u8]| format!("{} {}", text(payload), text(media.rtpmap(payload).unwrap()));
    media.payloads().map(said).collect()
}

#[test]
fn codecs_are_taken_in_the_peers_order_and_by_its_numbers() {
    const KEYS: &str = "101 telephone-event/8000";
    const WIDE: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma];
    for (spoken, formats, maps, expected, voice) in [
        // Static numbers need no map.
        (
            &Codec::USUAL[..],
            "18 9 8 0",
            &[][..],
            &["9 G722/8000", "8 PCMA/8000", "0 PCMU/8000"][..],
            (Codec::G722, 9, None),
        ),
        (&Codec::USUAL, "8 9 101", &[KEYS], &["8 PCMA/8000", "9 G722/8000", KEYS], (Codec::Pcma, 8, Some(101))),
        // Numbers are the peer's own, also where another would do; a codec that is listed twice is taken once.
        (&Codec::USUAL, "98 8", &["98 pcma/8000/1"], &["98 PCMA/8000"], (Codec::Pcma, 98, None)),
        (&Codec::USUAL, "0 96", &["0 iLBC/8000", "96 G722/8000"], &["96 G722/8000"], (Codec::G722, 96, None)),
        // Opus only where it is spoken.
        (&Codec::USUAL, "107 0", &["107 opus/48000/2"], &["0 PCMU/8000"], (Codec::Pcmu, 0, None)),
        (&WIDE, "0 107", &["107 OPUS/48000/2"], &["0 PCMU/8000", "107 opus/48000/2"], (Codec::Pcmu, 0, None)),
        (&WIDE, "98", &["98 opus/48000"], &["98 opus/48000/2"], (Codec::Opus, 98, None)),
        // Keys have the clock of the codec beside them; where there are none of that, any.
        (
            &WIDE,
            "98 9 100 101",
            &["98 opus/48000/2", "100 telephone-event/48000", KEYS],
            &["98 opus/48000/2", "9 G722/8000", KEYS, "100 telephone-event/48000"],
            (Codec::Opus, 98, Some(100)),
        ),
        (
            &WIDE,
            "9 98 100 101",
            &["98 opus/48000/2", "100 telephone-event/48000", KEYS],
            &["9 G722/8000", "98 opus/48000/2", KEYS, "100 telephone-event/48000"],
            (Codec::G722, 9, Some(101)),
        ),
        (&WIDE, "98 101", &["98 opus/48000/2", KEYS], &["98 opus/48000/2", KEYS], (Codec::Opus, 98, Some(101))),
        (
            &Codec::USUAL,
            "98 9 100 101",
            &["98 opus/48000/2", "100 telephone-event/48000", KEYS],
            &["9 G722/8000", KEYS],
            (Codec::G722, 9, Some(101)),
        ),
    ] {
        let peer = stream(formats, maps);
        let mut own = Vec::new();
        assert!(anchor_answer(peer.as_bytes(), spoken, (at(), 5, 6), Direction::SendRecv, &mut own));
        assert_eq!(listed(&own), expected, "{peer}");
        assert!(text(&own).contains("sprop-stereo=0") == text(&own).contains("opus"), "{peer}");
        own.clear();
        anchor(peer.as_bytes(), spoken, (at(), 5, 6), Direction::SendRecv, &mut own);
        assert_eq!(listed(&own), expected, "an offer that follows {peer}");
        let (codec, payload_type, events) = voice;
        assert_eq!(super::voice(peer.as_bytes(), spoken), (Voice { codec, payload_type }, events), "{peer}");
    }
}

#[test]
fn what_we_do_not_speak_is_answered_with_nothing_and_offered_what_we_do() {
    const SPOKEN: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma];
    for (formats, maps) in [
        ("18", &[][..]),
        ("300", &["300 PCMU/8000"]),
        ("8", &["8 G729/8000"]),
        ("x", &["x PCMU/8000"]),
        ("9", &["9 G722/16000"]),
    ] {
        let peer = stream(formats, maps);
        let mut own = Vec::new();
        assert!(!is_answerable(peer.as_bytes(), &SPOKEN), "{peer}");
        assert!(!anchor_answer(peer.as_bytes(), &SPOKEN, (at(), 5, 6), Direction::SendRecv, &mut own));
        anchor(peer.as_bytes(), &SPOKEN, (at(), 5, 6), Direction::SendRecv, &mut own);
        let keys = ["101 telephone-event/8000", "110 telephone-event/48000"];
        let ours = [&["111 opus/48000/2", "9 G722/8000", "0 PCMU/8000", "8 PCMA/8000"][..], &keys].concat();
        assert_eq!(listed(&own), ours, "{peer}");
        assert_eq!(super::voice(peer.as_bytes(), &SPOKEN), (Voice::default(), None));
    }
}
