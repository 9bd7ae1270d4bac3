//! Descriptions, asked and edited.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::*;

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
    let both =
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
    let tail = "a=ptime:20\r\na=sendonly\r\n";
    for (like, expected) in [
        (String::new(), format!("m=audio 20000 RTP/AVP 0 8 101\r\n{both}{tail}")),
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
        ("v=0\r\nm=audio 9 RTP/AVP 18\r\n".to_owned(), format!("m=audio 20000 RTP/AVP 0 8 101\r\n{both}{tail}")),
        (
            "v=0\r\nm=audio 9 RTP/SAVP 0\r\n".to_owned(),
            format!("m=audio 0 RTP/SAVP 0\r\nm=audio 20000 RTP/AVP 0 8 101\r\n{both}{tail}"),
        ),
    ] {
        let mut out = Vec::new();
        anchor(like.as_bytes(), at(), 5, 6, Direction::SendOnly, &mut out);
        assert_eq!(text(&out), format!("{head}{expected}"), "{like}");
        assert!(scan(&out).is_ok());
    }
}

#[test]
fn an_answer_of_our_own_takes_one_audio_stream() {
    let mut out = Vec::new();
    let offer = PHONE.replace("t=0 0", "t=3338481189 3370017201").replace("a=sendrecv", "a=sendonly");
    assert!(anchor_answer(offer.as_bytes(), at(), 5, 6, Direction::SendRecv, &mut out));
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
        assert!(!anchor_answer(refused.as_bytes(), at(), 5, 6, Direction::SendRecv, &mut out) && out.is_empty());
    }
}
