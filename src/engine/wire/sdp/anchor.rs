//! Descriptions of our own, for a leg whose media ends with us (RFC 3264 §§5, 6, 8).

use std::net::SocketAddr;

use arrayvec::ArrayVec;

use super::{
    Direction,
    edit::{write, write_session},
    scan::{Media, Sdp, lines, scan},
};

/// The telephone-event payload that we choose where the peer has none yet.
pub const OUR_EVENTS: u8 = 101;
const OUR_EVENTS_TEXT: &[u8] = b"101";

/// What we can speak on one stream.
struct Codecs<'a> {
    /// `0` and `8`, in the peer's order.
    voice: ArrayVec<&'a [u8], 2>,
    /// The payload number of telephone-event.
    events: Option<&'a [u8]>,
}

impl<'a> Codecs<'a> {
    fn ours() -> Self {
        Self { voice: ArrayVec::from([&b"0"[..], &b"8"[..]]), events: Some(OUR_EVENTS_TEXT) }
    }

    /// Those of ours that a stream lists.
    fn among(media: &Media<'a>) -> Self {
        let mut voice = ArrayVec::new();
        for payload in media.payloads().filter(|payload| matches!(*payload, b"0" | b"8")) {
            if !voice.contains(&payload) && voice.try_push(payload).is_err() {
                break;
            }
        }
        Self { voice, events: media.payload_of("telephone-event/8000") }
    }
}

/// Appends an offer of our own that follows `like`, the peer's last description (may be empty): the same m-lines in the same
/// order (RFC 3264 §8). The first audio stream that we can speak lives on `at`, with those of PCMU and PCMA that `like`
/// lists and the peer's number for telephone-event; all others are refused. Where none can be spoken one is added.
pub fn anchor(like: &[u8], at: SocketAddr, session_id: u64, version: u64, direction: Direction, out: &mut Vec<u8>) {
    write_session(at, session_id, version, b"t=0 0", out);
    let sdp = scan(like).ok();
    let mut done = false;
    // A live stream first; else one that is over may be revived (RFC 3264 §8.1).
    let chosen = sdp.as_ref().and_then(|sdp| {
        sdp.media()
            .position(|media| media.is_live() && is_speakable(&media))
            .or_else(|| sdp.media().position(|media| is_speakable(&media)))
    });
    for (index, media) in sdp.iter().flat_map(Sdp::media).enumerate() {
        if Some(index) == chosen {
            let listed = Codecs::among(&media);
            let codecs = if listed.voice.is_empty() { Codecs::ours() } else { listed };
            write_audio(media.proto, &codecs, at.port(), direction, out);
            done = true;
        } else {
            write_refused(&media, out);
        }
    }
    if !done {
        write_audio(b"RTP/AVP", &Codecs::ours(), at.port(), direction, out);
    }
}

/// Appends our answer to `offer` (RFC 3264 §6): its m-lines mirrored, the first audio stream that we can speak taken, all
/// others refused; the direction is what the offer and `limit` both allow. False, and nothing appended, if there is no
/// such stream.
pub fn anchor_answer(
    offer: &[u8],
    at: SocketAddr,
    session_id: u64,
    version: u64,
    limit: Direction,
    out: &mut Vec<u8>,
) -> bool {
    let Ok(sdp) = scan(offer) else { return false };
    let Some(chosen) = sdp.media().position(|media| is_acceptable(&media)) else {
        return false;
    };
    // The times of an answer are those of the offer (RFC 3264 §6).
    let times = lines(sdp.session).find(|line| line.starts_with(b"t=")).map_or(&b"t=0 0"[..], super::scan::content);
    write_session(at, session_id, version, times, out);
    for (index, media) in sdp.media().enumerate() {
        if index == chosen {
            let direction = sdp.direction_of(&media).answer(limit);
            write_audio(media.proto, &Codecs::among(&media), at.port(), direction, out);
        } else {
            write_refused(&media, out);
        }
    }
    true
}

/// Whether we have an answer to this offer.
pub fn is_answerable(offer: &[u8]) -> bool {
    scan(offer).is_ok_and(|sdp| sdp.media().any(|media| is_acceptable(&media)))
}

/// Whether what was described can become a stream of ours, without one more than there were.
pub fn is_anchorable(like: &[u8]) -> bool {
    scan(like).is_ok_and(|sdp| sdp.media().any(|media| is_speakable(&media)))
}

fn is_acceptable(media: &Media<'_>) -> bool {
    media.is_live() && is_speakable(media) && !Codecs::among(media).voice.is_empty()
}

fn is_speakable(media: &Media<'_>) -> bool {
    media.kind == b"audio" && is_plain_rtp(media.proto)
}

/// RTP without encryption: what our media threads speak.
pub(super) fn is_plain_rtp(proto: &[u8]) -> bool {
    matches!(proto, b"RTP/AVP" | b"RTP/AVPF")
}

fn write_audio(proto: &[u8], codecs: &Codecs<'_>, port: u16, direction: Direction, out: &mut Vec<u8>) {
    write(out, format_args!("m=audio {port} "));
    out.extend_from_slice(proto);
    for payload in codecs.voice.iter().chain(&codecs.events) {
        out.push(b' ');
        out.extend_from_slice(payload);
    }
    out.extend_from_slice(b"\r\n");
    for payload in &codecs.voice {
        let encoding = if *payload == b"0" { "0 PCMU/8000" } else { "8 PCMA/8000" };
        write(out, format_args!("a=rtpmap:{encoding}\r\n"));
    }
    if let Some(events) = codecs.events {
        for (attribute, value) in [(&b"a=rtpmap:"[..], &b" telephone-event/8000\r\n"[..]), (b"a=fmtp:", b" 0-15\r\n")] {
            out.extend_from_slice(attribute);
            out.extend_from_slice(events);
            out.extend_from_slice(value);
        }
    }
    write(out, format_args!("a=ptime:20\r\na={}\r\n", direction.as_str()));
}

/// A stream that we do not take: the same m-line on port 0 (RFC 3264 §6).
fn write_refused(media: &Media<'_>, out: &mut Vec<u8>) {
    for part in [b"m=", media.kind, b" 0 ", media.proto, b" ", media.formats, b"\r\n"] {
        out.extend_from_slice(part);
    }
}
