//! Session descriptions: a scanner of lines, and edits that leave all else byte for byte (RFC 8866, RFC 3264).
//!
//! Nothing is kept parsed: every question walks over the lines once. Lines end with CRLF or LF, as the sender pleased.

mod anchor;
mod direction;
mod edit;
mod relay;
mod scan;

pub use anchor::{OUR_EVENTS, anchor, anchor_answer, is_anchorable, is_answerable, voice};
pub use direction::Direction;
pub use edit::{Cut, unhold_address, with_direction};
pub use relay::{STREAMS, StreamSet, events, is_at, is_audio, receivers, relay, relayable, reports};
pub use scan::{Lines, Media, MediaSections, Sdp, scan};

use std::net::SocketAddr;

/// What the sender of the body wants of its first live audio stream: the media's own direction before the session's.
/// An address of 0.0.0.0 counts as hold (RFC 2543, RFC 3264 §8.4): it takes receiving away.
///
/// [`Direction::SendRecv`] where there is no description, [`Direction::Inactive`] where no audio stream lives.
pub fn direction(body: &[u8]) -> Direction {
    let Ok(sdp) = scan(body) else {
        return Direction::SendRecv;
    };
    live_audio(&sdp).map_or(Direction::Inactive, |media| sdp.direction_of(&media))
}

/// Where the first live audio stream is to be received; none if there is no such stream, or its address is a name.
pub fn address(body: &[u8]) -> Option<SocketAddr> {
    let sdp = scan(body).ok()?;
    let media = live_audio(&sdp)?;
    Some(SocketAddr::new(sdp.address_of(&media)?, media.port))
}

/// Whether the first live audio stream is to be received at 0.0.0.0: nowhere (RFC 3264 §8.4).
pub fn is_held_by_address(body: &[u8]) -> bool {
    // Nearly all have nothing anywhere that could mean it.
    let perhaps = [&b"0.0.0.0"[..], b"::", b"0:0"].iter().any(|words| memchr::memmem::find(body, words).is_some());
    perhaps && address(body).is_some_and(|address| address.ip().is_unspecified())
}

/// The first audio stream that is not refused; of several the first that we could speak, as an answer of ours takes it.
pub fn live_audio<'a>(sdp: &Sdp<'a>) -> Option<Media<'a>> {
    let live = || sdp.media().filter(|media| media.is_live() && media.kind == b"audio");
    live().find(|media| anchor::is_plain_rtp(media.proto)).or_else(|| live().next())
}

#[cfg(test)]
mod tests;
