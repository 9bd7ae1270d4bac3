//! Edits that touch one thing and leave all else byte for byte.

use std::{
    io::Write,
    net::{IpAddr, SocketAddr},
};

use super::{
    super::compose::{address_text, decimal},
    Direction,
    scan::{Media, connection_line, direction_line, line_end, lines, scan},
};

/// A body cut at its `o=` line.
#[derive(Debug, Clone, Copy)]
pub struct Cut<'a> {
    before: &'a [u8],
    origin: &'a [u8],
    after: &'a [u8],
}

impl<'a> Cut<'a> {
    /// Cuts it. One without origin is not cut: all of it is what comes before.
    pub fn at_origin(body: &'a [u8]) -> Self {
        let cut = |range: std::ops::Range<usize>| {
            let (before, origin) = (body.get(..range.start)?, body.get(range.clone())?);
            Some(Self { before, origin, after: body.get(range.end..)? })
        };
        // Nearly everybody writes it second, as the grammar has it (RFC 8866 §9): then the rest need not be looked at.
        let second = || {
            let begin = b"v=0\r\n".len();
            let length = lines(body.strip_prefix(b"v=0\r\n")?).next().filter(|line| line.starts_with(b"o="))?.len();
            Some(begin..begin + length)
        };
        let origin = second().or_else(|| scan(body).ok()?.origin);
        origin.and_then(cut).unwrap_or(Self { before: body, origin: b"", after: b"" })
    }

    /// Everything but the `o=` line: two bodies that agree in both parts describe the same session.
    pub const fn rest(&self) -> (&'a [u8], &'a [u8]) {
        (self.before, self.after)
    }

    /// Appends the body with an origin of our own: `o=- <session_id> <version> IN IP4 <host>`; as it is without one.
    pub fn rewrite(&self, session_id: u64, version: u64, host: IpAddr, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before);
        if !self.origin.is_empty() {
            out.extend_from_slice(b"o=- ");
            decimal(out, session_id);
            out.push(b' ');
            decimal(out, version);
            for part in [b" IN ", family(host).as_bytes(), b" ", &address_text(host), line_end(self.origin)] {
                out.extend_from_slice(part);
            }
        }
        out.extend_from_slice(self.after);
    }
}

/// Appends the body with `direction` on every live audio and video stream, and no other direction on them. The session's
/// own direction goes; live streams of other kinds that relied on it get it as theirs.
pub fn with_direction(body: &[u8], direction: Direction, out: &mut Vec<u8>) {
    let Ok(sdp) = scan(body) else {
        return out.extend_from_slice(body);
    };
    copy_without_direction(sdp.session, out);
    for media in sdp.media() {
        let ours = media.kind == b"audio" || media.kind == b"video";
        match (media.is_live(), ours, media.direction, sdp.direction) {
            (true, true, _, _) => set_direction(&media, direction, out),
            (true, false, None, Some(session)) => set_direction(&media, session, out),
            (true, false, _, _) | (false, _, _, _) => out.extend_from_slice(media.lines),
        }
    }
}

/// Appends the body with every 0.0.0.0 replaced by `last_good`, and what it meant said in words: streams that were held
/// by their address become `sendonly`, or `inactive` if they did not send either (RFC 3264 §8.4).
pub fn unhold_address(body: &[u8], last_good: IpAddr, out: &mut Vec<u8>) {
    let Ok(sdp) = scan(body) else {
        return out.extend_from_slice(body);
    };
    for line in lines(sdp.session) {
        copy_with_address(line, last_good, out);
    }
    for media in sdp.media() {
        let held = media.is_live() && sdp.is_held_by_address(&media);
        for line in lines(media.lines) {
            if !(held && direction_line(line).is_some()) {
                copy_with_address(line, last_good, out);
            }
        }
        if held {
            write_direction(&media, sdp.direction_of(&media), out);
        }
    }
}

/// Writes an `IN` address type.
pub(super) const fn family(ip: IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}

/// Writes formatted text. A Vec cannot refuse it.
pub(super) fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Writes the session's lines of a description of our own.
pub(super) fn write_session(at: SocketAddr, session_id: u64, version: u64, times: &[u8], out: &mut Vec<u8>) {
    let (ip, family) = (at.ip(), family(at.ip()));
    write(out, format_args!("v=0\r\no=- {session_id} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\n"));
    out.extend_from_slice(times);
    out.extend_from_slice(b"\r\n");
}

fn copy_without_direction(text: &[u8], out: &mut Vec<u8>) {
    for line in lines(text).filter(|line| direction_line(line).is_none()) {
        out.extend_from_slice(line);
    }
}

fn copy_with_address(line: &[u8], last_good: IpAddr, out: &mut Vec<u8>) {
    let unspecified = connection_line(line)
        .and_then(|address| std::str::from_utf8(address).ok()?.parse::<IpAddr>().ok())
        .is_some_and(|ip| ip.is_unspecified());
    if unspecified {
        write(out, format_args!("c=IN {} {last_good}", family(last_good)));
        out.extend_from_slice(line_end(line));
    } else {
        out.extend_from_slice(line);
    }
}

fn set_direction(media: &Media<'_>, direction: Direction, out: &mut Vec<u8>) {
    copy_without_direction(media.lines, out);
    write_direction(media, direction, out);
}

/// Ends a section with its direction, in the line ends that it is written in.
fn write_direction(media: &Media<'_>, direction: Direction, out: &mut Vec<u8>) {
    if out.ends_with(b"\r") {
        out.push(b'\n'); // Half a line end, at the end of the body.
    } else if !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    let first = lines(media.lines).next().unwrap_or_default();
    let end = Some(line_end(first)).filter(|end| end.ends_with(b"\n")).unwrap_or(b"\r\n");
    out.extend_from_slice(b"a=");
    out.extend_from_slice(direction.as_str().as_bytes());
    out.extend_from_slice(end);
}
