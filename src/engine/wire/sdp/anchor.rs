//! Descriptions of our own, for a leg whose media ends with us (RFC 3264 §§5, 6, 8).

use std::net::SocketAddr;

use arrayvec::ArrayVec;

use super::{
    Direction,
    edit::{write, write_session},
    live_audio,
    scan::{Media, Sdp, lines, payload_type, scan},
};
use crate::settings::Codec;
use crate::wire::media::Voice;

/// The telephone-event payload type that we choose where the peer has none yet, beside codecs of 8 kHz.
pub const OUR_EVENTS: u8 = 101;
/// The clocks of telephone-event beside those codecs (RFC 4733 §2.1), and the payload types that we choose where the peer
/// has none yet.
const EVENTS: [Events; 2] =
    [Events { clock: 8_000, payload_type: OUR_EVENTS }, Events { clock: 48_000, payload_type: 110 }];

/// Keys as events.
#[derive(Clone, Copy)]
struct Events {
    clock: u32,
    payload_type: u8,
}

/// What we can speak on one stream.
struct Formats {
    /// Each codec once, in the peer's order.
    voices: ArrayVec<Voice, { Codec::ALL.len() }>,
    /// Those beside them.
    events: ArrayVec<Events, { EVENTS.len() }>,
}

impl Formats {
    /// All that we speak, the best first, by numbers of ours.
    fn ours(spoken: &[Codec]) -> Self {
        let voices: ArrayVec<_, _> = spoken.iter().copied().map(Voice::of).take(Codec::ALL.len()).collect();
        let is_beside = |events: &Events| voices.iter().any(|voice| voice.codec.clock() == events.clock);
        let events = EVENTS.into_iter().filter(is_beside).collect();
        Self { voices, events }
    }

    /// What a stream lists of all that we speak.
    fn among(media: &Media<'_>, spoken: &[Codec]) -> Self {
        let mut voices = ArrayVec::<Voice, { Codec::ALL.len() }>::new();
        for payload in media.payloads() {
            let codec = media.codec(payload).filter(|codec| spoken.contains(codec));
            let is_new = |codec: &Codec| voices.iter().all(|voice| voice.codec != *codec);
            if let Some((codec, payload_type)) = codec.filter(is_new).zip(payload_type(payload)) {
                voices.push(Voice { codec, payload_type });
            }
        }
        let listed = |Events { clock, .. }: Events| {
            let encoding = if clock == 8_000 { "telephone-event/8000" } else { "telephone-event/48000" };
            let payload_type = media.payload_of(encoding).and_then(payload_type)?;
            Some(Events { clock, payload_type })
        };
        let is_beside = |events: &Events| voices.iter().any(|voice| voice.codec.clock() == events.clock);
        let mut events: ArrayVec<_, _> = EVENTS.into_iter().filter(is_beside).filter_map(listed).collect();
        if events.is_empty() {
            // Beside Opus many list them with the clock of everything else.
            events.extend(EVENTS.into_iter().find_map(listed));
        }
        Self { voices, events }
    }

    /// What the peer would rather hear, and its keys beside that.
    fn first(&self) -> Option<(Voice, Option<u8>)> {
        let voice = *self.voices.first()?;
        let beside = self.events.iter().find(|events| events.clock == voice.codec.clock());
        Some((voice, beside.or(self.events.first()).map(|events| events.payload_type)))
    }
}

/// What the sender of a description would rather hear of all that we speak, and the payload type of its keys as events.
pub fn voice(description: &[u8], spoken: &[Codec]) -> (Voice, Option<u8>) {
    let listed = || {
        let sdp = scan(description).ok()?;
        Formats::among(&live_audio(&sdp)?, spoken).first()
    };
    listed().unwrap_or_default()
}

/// Appends an offer of our own that follows `like`, the peer's last description (may be empty): the same m-lines in the same
/// order (RFC 3264 §8). The first audio stream that we can speak lives on `at`, with those codecs of `spoken` that `like`
/// lists, in the peer's order and by its numbers; all others are refused. Where none can be spoken one is added.
pub fn anchor(
    like: &[u8],
    spoken: &[Codec],
    (at, session_id, version): (SocketAddr, u64, u64),
    direction: Direction,
    out: &mut Vec<u8>,
) {
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
            let listed = Formats::among(&media, spoken);
            let formats = if listed.voices.is_empty() { Formats::ours(spoken) } else { listed };
            write_audio(media.proto, &formats, at.port(), direction, out);
            done = true;
        } else {
            write_refused(&media, out);
        }
    }
    if !done {
        write_audio(b"RTP/AVP", &Formats::ours(spoken), at.port(), direction, out);
    }
}

/// Appends our answer to `offer` (RFC 3264 §6): its m-lines mirrored, the first audio stream that we can speak taken, all
/// others refused; the direction is what the offer and `limit` both allow. False, and nothing appended, if there is no
/// such stream.
pub fn anchor_answer(
    offer: &[u8],
    spoken: &[Codec],
    (at, session_id, version): (SocketAddr, u64, u64),
    limit: Direction,
    out: &mut Vec<u8>,
) -> bool {
    let Ok(sdp) = scan(offer) else { return false };
    let Some(chosen) = sdp.media().position(|media| is_acceptable(&media, spoken)) else {
        return false;
    };
    // The times of an answer are those of the offer (RFC 3264 §6).
    let times = lines(sdp.session).find(|line| line.starts_with(b"t=")).map_or(&b"t=0 0"[..], super::scan::content);
    write_session(at, session_id, version, times, out);
    for (index, media) in sdp.media().enumerate() {
        if index == chosen {
            let direction = sdp.direction_of(&media).answer(limit);
            write_audio(media.proto, &Formats::among(&media, spoken), at.port(), direction, out);
        } else {
            write_refused(&media, out);
        }
    }
    true
}

/// Whether we have an answer to this offer.
pub fn is_answerable(offer: &[u8], spoken: &[Codec]) -> bool {
    scan(offer).is_ok_and(|sdp| sdp.media().any(|media| is_acceptable(&media, spoken)))
}

/// Whether what was described can become a stream of ours, without one more than there were.
pub fn is_anchorable(like: &[u8]) -> bool {
    scan(like).is_ok_and(|sdp| sdp.media().any(|media| is_speakable(&media)))
}

fn is_acceptable(media: &Media<'_>, spoken: &[Codec]) -> bool {
    media.is_live() && is_speakable(media) && !Formats::among(media, spoken).voices.is_empty()
}

fn is_speakable(media: &Media<'_>) -> bool {
    media.kind == b"audio" && is_plain_rtp(media.proto)
}

/// RTP without encryption: what our media threads speak.
pub(super) fn is_plain_rtp(proto: &[u8]) -> bool {
    matches!(proto, b"RTP/AVP" | b"RTP/AVPF")
}

fn write_audio(proto: &[u8], formats: &Formats, port: u16, direction: Direction, out: &mut Vec<u8>) {
    write(out, format_args!("m=audio {port} "));
    out.extend_from_slice(proto);
    let voices = formats.voices.iter().map(|voice| voice.payload_type);
    for payload_type in voices.chain(formats.events.iter().map(|events| events.payload_type)) {
        write(out, format_args!(" {payload_type}"));
    }
    out.extend_from_slice(b"\r\n");
    for Voice { codec, payload_type } in &formats.voices {
        write(out, format_args!("a=rtpmap:{payload_type} {}\r\n", codec.encoding()));
        if *codec == Codec::Opus {
            // The two channels of its name say nothing of what is sent (RFC 7587 §7).
            write(out, format_args!("a=fmtp:{payload_type} stereo=0;sprop-stereo=0\r\n"));
        }
    }
    for Events { clock, payload_type } in &formats.events {
        let (name, digits) = ("telephone-event", "0-15");
        write(out, format_args!("a=rtpmap:{payload_type} {name}/{clock}\r\na=fmtp:{payload_type} {digits}\r\n"));
    }
    write(out, format_args!("a=ptime:20\r\na={}\r\n", direction.as_str()));
}

/// A stream that we do not take: the same m-line on port 0 (RFC 3264 §6).
fn write_refused(media: &Media<'_>, out: &mut Vec<u8>) {
    for part in [b"m=", media.kind, b" 0 ", media.proto, b" ", media.formats, b"\r\n"] {
        out.extend_from_slice(part);
    }
}
