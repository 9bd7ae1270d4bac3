//! A description laid over its bytes: the session's lines, then one section per m-line.

use std::{net::IpAddr, ops::Range};

use super::Direction;
use crate::wire::{
    malformed::Malformed,
    text::{number, split_once},
};

/// A session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdp<'a> {
    /// All of it.
    pub body: &'a [u8],
    /// Where the `o=` line lies in the body, its line end included.
    pub origin: Option<Range<usize>>,
    /// The address of the session's `c=` line, as written.
    pub connection: Option<&'a [u8]>,
    /// The session's own direction.
    pub direction: Option<Direction>,
    /// The session's lines: all before the first m-line.
    pub session: &'a [u8],
    sections: &'a [u8],
}

/// One m-line and what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media<'a> {
    /// `audio`, `video`, …
    pub kind: &'a [u8],
    /// The port; 0 for a stream that is refused or over.
    pub port: u16,
    /// How many ports, 1 if nothing is said.
    pub ports: u16,
    /// `RTP/AVP`, …
    pub proto: &'a [u8],
    /// The payload numbers, with blanks between them.
    pub formats: &'a [u8],
    /// The address of its own `c=` line, as written.
    pub connection: Option<&'a [u8]>,
    /// Its own direction.
    pub direction: Option<Direction>,
    /// All lines of the section, the m-line first.
    pub lines: &'a [u8],
}

/// Looks over a description once. Errs where it does not begin with `v=`, a line is no `x=…`, or an m-line cannot be read.
pub fn scan(body: &[u8]) -> Result<Sdp<'_>, Malformed> {
    if !body.starts_with(b"v=") {
        return Err(Malformed::Sdp);
    }
    let mut begin = 0;
    let mut origin = None;
    let mut first_section = body.len();
    for line in lines(body) {
        let range = begin..begin + line.len();
        begin = range.end;
        match content(line) {
            [] => {} // Some end with an empty line.
            [b'm', b'=', media @ ..] => {
                first_section = first_section.min(range.start);
                read_media_line(media, line).ok_or(Malformed::Sdp)?;
            }
            [b'o', b'=', ..] if origin.is_none() && range.start < first_section => origin = Some(range),
            [letter, b'=', ..] if letter.is_ascii_alphabetic() => {}
            _ => return Err(Malformed::Sdp),
        }
    }
    let (session, sections) = body.split_at_checked(first_section).ok_or(Malformed::Sdp)?;
    Ok(Sdp { body, origin, connection: connection(session), direction: own_direction(session), session, sections })
}

impl<'a> Sdp<'a> {
    /// The media sections in order.
    pub const fn media(&self) -> MediaSections<'a> {
        MediaSections { rest: self.sections }
    }

    /// The address a stream is received at: its own `c=` before the session's. None for a name.
    pub fn address_of(&self, media: &Media<'_>) -> Option<IpAddr> {
        std::str::from_utf8(media.connection.or(self.connection)?).ok()?.parse().ok()
    }

    /// A stream's direction as its writer means it: its own before the session's, and held by 0.0.0.0.
    pub fn direction_of(&self, media: &Media<'_>) -> Direction {
        let said = media.direction.or(self.direction).unwrap_or_default();
        if self.is_held_by_address(media) { said.and(Direction::SendOnly) } else { said }
    }

    /// The stream is received at 0.0.0.0: nowhere (RFC 3264 §8.4).
    pub fn is_held_by_address(&self, media: &Media<'_>) -> bool {
        self.address_of(media).is_some_and(|ip| ip.is_unspecified())
    }
}

impl<'a> Media<'a> {
    /// Neither refused nor over.
    pub const fn is_live(&self) -> bool {
        self.port != 0
    }

    /// The payload numbers.
    pub fn payloads(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        self.formats.split(|&byte| byte == b' ').filter(|format| !format.is_empty())
    }

    /// The values of all attributes of that name; empty for a flag.
    pub fn attributes<'n>(&self, name: &'n [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        attributes(self.lines).filter(move |(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    /// What a payload number stands for, as `PCMU/8000`.
    pub fn rtpmap(&self, payload: &[u8]) -> Option<&'a [u8]> {
        self.attributes(b"rtpmap")
            .find_map(|value| split_once(value, b' ').filter(|(number, _)| *number == payload))
            .map(|(_, encoding)| encoding.trim_ascii())
    }

    /// The payload number of the first format of that encoding, as `telephone-event/8000`, in any case.
    pub fn payload_of(&self, encoding: &str) -> Option<&'a [u8]> {
        self.payloads()
            .find(|payload| self.rtpmap(payload).is_some_and(|found| is_encoding(found, encoding.as_bytes())))
    }

    /// The length of a packet in milliseconds.
    pub fn ptime(&self) -> Option<u32> {
        self.attributes(b"ptime").next().and_then(|value| number(value.trim_ascii()))
    }
}

/// The same encoding; one channel may be said or not.
fn is_encoding(found: &[u8], wanted: &[u8]) -> bool {
    let found = found.strip_suffix(b"/1").unwrap_or(found);
    found.eq_ignore_ascii_case(wanted)
}

/// The media sections of a description.
#[derive(Debug, Clone)]
pub struct MediaSections<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for MediaSections<'a> {
    type Item = Media<'a>;

    fn next(&mut self) -> Option<Media<'a>> {
        let mut length = 0;
        for line in lines(self.rest) {
            if length > 0 && line.starts_with(b"m=") {
                break;
            }
            length += line.len();
        }
        let (section, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        let first = content(lines(section).next()?);
        read_media_line(first.get(2..)?, section)
    }
}

/// The lines of a text, line ends included.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
}

pub(super) const fn lines(text: &[u8]) -> Lines<'_> {
    Lines { rest: text }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!line.is_empty()).then_some(line)
    }
}

/// A line without its end.
pub(super) fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line's end as it was written.
pub(super) fn line_end(line: &[u8]) -> &[u8] {
    line.get(content(line).len()..).unwrap_or_default()
}

/// The attributes among the lines: name and value.
pub(super) fn attributes(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(text)
        .filter_map(|line| content(line).strip_prefix(b"a="))
        .map(|line| split_once(line, b':').unwrap_or((line, b"")))
}

/// The direction that a line states, if it is one that does.
pub(super) fn direction_line(line: &[u8]) -> Option<Direction> {
    Direction::parse(content(line).strip_prefix(b"a=")?.trim_ascii_end())
}

/// The address of a `c=` line: without its TTL.
pub(super) fn connection_line(line: &[u8]) -> Option<&[u8]> {
    let address =
        content(line).strip_prefix(b"c=")?.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).nth(2)?;
    Some(split_once(address, b'/').map_or(address, |(address, _)| address))
}

fn own_direction(text: &[u8]) -> Option<Direction> {
    lines(text).find_map(direction_line)
}

fn connection(text: &[u8]) -> Option<&[u8]> {
    lines(text).find_map(connection_line)
}

/// `audio 49170/2 RTP/AVP 0 8`; at least one format must stand.
fn read_media_line<'a>(line: &'a [u8], section: &'a [u8]) -> Option<Media<'a>> {
    let (kind, rest) = split_once(line, b' ')?;
    let (ports, rest) = split_once(rest.trim_ascii_start(), b' ')?;
    let (proto, formats) = split_once(rest.trim_ascii_start(), b' ')?;
    let (port, count) = split_once(ports, b'/').unwrap_or((ports, b"1"));
    let formats = formats.trim_ascii();
    if kind.is_empty() || proto.is_empty() || formats.is_empty() {
        return None;
    }
    Some(Media {
        kind,
        port: u16::try_from(number(port)?).ok()?,
        ports: u16::try_from(number(count)?).ok()?,
        proto,
        formats,
        connection: connection(section),
        direction: own_direction(section),
        lines: section,
    })
}
