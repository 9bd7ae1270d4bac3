//! Descriptions: each edit does what it says, and leaves all else byte for byte.
use crate::place;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use switchyard_engine::settings::Codec;
use switchyard_engine::wire::sdp::{
    Cut, Direction, Sdp, address, anchor, anchor_answer, direction, is_held_by_address, live_audio, scan,
    unhold_address, with_direction,
};

const DIRECTIONS: [Direction; 4] = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

/// A body.
pub fn sdp(body: &[u8]) {
    let at = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 4000);
    if let Ok(sdp) = scan(body) {
        lies_inside(body, &sdp);
        for wanted in DIRECTIONS {
            is_directed(body, &sdp, wanted);
        }
        is_unheld(body);
    }
    origin_alone_changes(body);
    is_anchored(body, at);
}

fn lies_inside(body: &[u8], sdp: &Sdp<'_>) {
    let mut end = place(body, sdp.session).end;
    for media in sdp.media() {
        let section = place(body, media.lines);
        assert_eq!(section.start, end, "sections stand one behind the other");
        end = section.end;
        for part in [media.kind, media.proto, media.formats] {
            assert!(part.is_empty() || section.contains(&place(body, part).start));
        }
        for payload in media.payloads() {
            place(media.formats, payload);
        }
    }
    assert_eq!(end, body.len(), "and nothing is left");
    if let Some(origin) = &sdp.origin {
        assert!(body[origin.clone()].starts_with(b"o="));
        assert!(origin.end <= sdp.session.len());
    }
}

/// Lines without their ends, and without those that an edit is about.
fn lines_but(body: &[u8], edited: impl Fn(&[u8]) -> bool) -> Vec<&[u8]> {
    let lines = body.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.is_empty() && !edited(line)).collect()
}

fn is_direction(line: &[u8]) -> bool {
    let said = line.strip_prefix(b"a=").map(<[u8]>::trim_ascii);
    said.is_some_and(|said| [&b"sendrecv"[..], b"sendonly", b"recvonly", b"inactive"].contains(&said))
}

fn is_directed(body: &[u8], sdp: &Sdp<'_>, wanted: Direction) {
    let mut once = Vec::new();
    with_direction(body, wanted, &mut once);
    let edited = scan(&once).expect("a description still");
    assert_eq!(lines_but(&once, is_direction), lines_but(body, is_direction), "all else is as it was");
    assert_eq!(edited.media().count(), sdp.media().count());
    for (before, after) in sdp.media().zip(edited.media()) {
        let ours = before.is_live() && (before.kind == b"audio" || before.kind == b"video");
        let before = before.direction.or(sdp.direction).unwrap_or_default();
        let after_said = after.direction.or(edited.direction).unwrap_or_default();
        if ours {
            assert_eq!(after.direction, Some(wanted));
        } else if after.is_live() {
            assert_eq!(after_said, before, "streams of other kinds go on as they did");
        }
    }
    let mut twice = Vec::new();
    with_direction(&once, wanted, &mut twice);
    assert_eq!(once, twice, "what is done needs no doing");
}

fn is_unheld(body: &[u8]) {
    let mut out = Vec::new();
    let unspecified = address(body).is_some_and(|address| address.ip().is_unspecified());
    assert_eq!(is_held_by_address(body), unspecified, "what is looked for first is there");
    unhold_address(body, Ipv4Addr::new(192, 0, 2, 9).into(), &mut out);
    let (before, after) = (scan(body).expect("as it was"), scan(&out).expect("a description still"));
    let edited = |line: &[u8]| line.starts_with(b"c=") || is_direction(line);
    assert_eq!(lines_but(&out, edited), lines_but(body, edited), "all else is as it was");
    for (before_media, after_media) in before.media().zip(after.media()) {
        assert!(!after.is_held_by_address(&after_media), "nobody is held by an address");
        if before_media.is_live() && before.is_held_by_address(&before_media) {
            assert_eq!(after.direction_of(&after_media), before.direction_of(&before_media), "but in words");
        }
    }
}

fn origin_alone_changes(body: &[u8]) {
    let (head, tail) = Cut::at_origin(body).rest();
    let mut out = Vec::new();
    Cut::at_origin(body).rewrite(7, 9, Ipv4Addr::LOCALHOST.into(), &mut out);
    // Where it stands second, what follows need not be a description that can be read.
    let second = body.strip_prefix(b"v=0\r\n").is_some_and(|rest| rest.starts_with(b"o="));
    if second || scan(body).is_ok_and(|sdp| sdp.origin.is_some()) {
        assert!(out.starts_with(head) && out.ends_with(tail));
        let line = out[head.len()..out.len() - tail.len()].trim_ascii_end();
        assert_eq!(line, b"o=- 7 9 IN IP4 127.0.0.1");
        assert_eq!(Cut::at_origin(&out).rest(), (head, tail));
    } else {
        assert_eq!(out, body);
    }
}

/// Our own descriptions: as many streams as the peer has, one of them alive, where and how we want it.
fn is_anchored(body: &[u8], at: SocketAddr) {
    let streams = |body: &[u8]| scan(body).map_or(0, |sdp| sdp.media().count());
    let mut out = Vec::new();
    for wanted in DIRECTIONS {
        out.clear();
        anchor(body, Codec::ALL, (at, 1, 2), wanted, &mut out);
        assert_eq!((direction(&out), address(&out)), (wanted, Some(at)));
        let sdp = scan(&out).expect("our own can be read");
        assert_eq!(sdp.media().filter(switchyard_engine::wire::sdp::Media::is_live).count(), 1);
        assert!(live_audio(&sdp).is_some_and(|audio| audio.payloads().next().is_some()));
        assert!((streams(body)..=streams(body) + 1).contains(&sdp.media().count()));
    }
    out.clear();
    if anchor_answer(body, Codec::ALL, (at, 1, 2), Direction::SendRecv, &mut out) {
        assert_eq!((streams(&out), address(&out)), (streams(body), Some(at)));
    } else {
        assert!(out.is_empty());
    }
}
