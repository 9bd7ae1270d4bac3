//! A description laid over its bytes: the session's lines, then one section per m-line.

use std::{net::IpAddr, ops::Range};

use super::Direction;
use crate::settings::Codec;
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
    let mut sdp = Sdp { body, origin: None, connection: None, direction: None, session: body, sections: b"" };
    let (mut begin, mut in_session) = (0, true);
    for line in lines(body) {
        let range = begin..begin + line.len();
        begin = range.end;
        match content(line) {
            [] => {} // Some end with an empty line.
            [b'm', b'=', media @ ..] => {
                MediaLine::read(media).ok_or(Malformed::Sdp)?;
                if std::mem::take(&mut in_session) {
                    (sdp.session, sdp.sections) = body.split_at_checked(range.start).ok_or(Malformed::Sdp)?;
                }
            }
            [letter, b'=', ..] if letter.is_ascii_alphabetic() => match letter {
                b'o' if in_session && sdp.origin.is_none() => sdp.origin = Some(range),
                b'c' if in_session && sdp.connection.is_none() => sdp.connection = connection_line(line),
                b'a' if in_session && sdp.direction.is_none() => sdp.direction = direction_line(line),
                _ => {}
            },
            _ => return Err(Malformed::Sdp),
        }
    }
    Ok(sdp)
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

    /// The codec of ours that a payload number stands for: what is said of it, or else what it always means (RFC 3551 §6).
    pub fn codec(&self, payload: &[u8]) -> Option<Codec> {
        match self.rtpmap(payload) {
            Some(found) => {
                // Both channels must be written even where one is sent (RFC 7587 §7), which some forget.
                let found = found.strip_suffix(b"/2").unwrap_or(found);
                let is = |codec: &Codec| is_encoding(found, codec.encoding().trim_end_matches("/2").as_bytes());
                Codec::ALL.iter().copied().find(is)
            }
            None => Codec::of_payload_type(payload_type(payload)?),
        }
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

/// A payload number, as RTP has it.
pub(super) fn payload_type(payload: &[u8]) -> Option<u8> {
    u8::try_from(number(payload)?).ok().filter(|payload_type| *payload_type < 128)
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
        read_section(section)
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

/// What an m-line says: `audio 49170/2 RTP/AVP 0 8`.
struct MediaLine<'a> {
    kind: &'a [u8],
    port: u16,
    ports: u16,
    proto: &'a [u8],
    formats: &'a [u8],
}

impl<'a> MediaLine<'a> {
    /// At least one format must stand.
    fn read(line: &'a [u8]) -> Option<Self> {
        let (kind, rest) = word(line)?;
        let (ports, rest) = word(rest.trim_ascii_start())?;
        let (proto, formats) = word(rest.trim_ascii_start())?;
        let (port, count) = match ports.iter().position(|&byte| byte == b'/') {
            Some(at) => (ports.get(..at)?, ports.get(at + 1..)?),
            None => (ports, &b"1"[..]),
        };
        let formats = formats.trim_ascii();
        if kind.is_empty() || proto.is_empty() || formats.is_empty() {
            return None;
        }
        let port = u16::try_from(number(port)?).ok()?;
        Some(Self { kind, port, ports: u16::try_from(number(count)?).ok()?, proto, formats })
    }
}

/// Before and after the first blank: words are short.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b' ')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A section, its m-line first.
fn read_section(section: &[u8]) -> Option<Media<'_>> {
    let first = content(lines(section).next()?);
    let MediaLine { kind, port, ports, proto, formats } = MediaLine::read(first.get(2..)?)?;
    let (connection, direction) = (connection(section), own_direction(section));
    Some(Media { kind, port, ports, proto, formats, connection, direction, lines: section })
}
