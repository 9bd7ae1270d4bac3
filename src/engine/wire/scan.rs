//! The first look over a datagram: start line, header lines, body (RFC 3261 §§7, 18.3).

use super::{
    malformed::Malformed,
    message::{Message, Slot, Slots, Start},
    method::Method,
    name::Name,
    status::Status,
    text::{is_token, number, trim, trim_end, trim_start},
};

/// Header lines beyond this are not looked at.
const MOST_HEADERS: usize = 512;

const VERSION: &[u8] = b"SIP/2.0";

/// Indexes one datagram. Errs only where nothing could be answered; all other mistakes are kept for `check`.
pub(super) fn scan(datagram: &[u8]) -> Result<Message<'_>, Malformed> {
    let leading = datagram.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = datagram.get(leading..).unwrap_or_default();
    if bytes.is_empty() {
        return Err(Malformed::Empty);
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(Malformed::TooLarge);
    }
    let mut scanner = Scanner { bytes, at: 0, returns: 0, fault: None };
    let (line, _) = scanner.line().ok_or(Malformed::StartLine)?;
    let start = scanner.start_line(line)?;
    // Large as it is, it is made where it is wanted.
    let mut read = Ok(Message::new(bytes, start));
    if let Ok(message) = &mut read {
        scanner.headers(&mut message.slots);
        if !message.has(Name::Via) {
            return Err(Malformed::MissingVia);
        }
        (message.body, message.fault) = (bytes.get(scanner.at..).unwrap_or_default(), scanner.fault);
        message.read();
        frame(message);
    }
    read
}

/// Cuts the body out: bytes beyond Content-Length are not the message's (RFC 3261 §18.3).
fn frame(message: &mut Message<'_>) {
    let rest = message.body;
    match declared_length(message) {
        Ok(length) => message.content_length = length,
        Err(fault) => return message.note(fault),
    }
    if let Some(length) = message.content_length {
        match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
            Some(body) => message.body = body,
            None => message.note(Malformed::Truncated),
        }
    }
}

/// Content-Length may stand twice if it says the same.
pub(super) fn declared_length(message: &Message<'_>) -> Result<Option<u32>, Malformed> {
    message.fields(Name::ContentLength).try_fold(None, |before, value| {
        let length = number(value).ok_or(Malformed::ContentLength)?;
        match before {
            Some(before) if before != length => Err(Malformed::ContentLengthConflict),
            _ => Ok(Some(length)),
        }
    })
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Carriage returns that stood before a line end.
    returns: usize,
    fault: Option<Malformed>,
}

impl<'a> Scanner<'a> {
    fn note(&mut self, fault: Malformed) {
        self.fault.get_or_insert(fault);
    }

    /// The next line without its end, and where it begins. None, and nothing consumed, if it has no end.
    fn line(&mut self) -> Option<(&'a [u8], usize)> {
        let begin = self.at;
        let rest = self.bytes.get(begin..)?;
        // A bare LF ends a line, too: what some take for a line end must never be part of a value.
        let end = memchr::memchr(b'\n', rest)?;
        self.at = begin + end + 1;
        let line = rest.get(..end)?;
        match line.strip_suffix(b"\r") {
            Some(line) => {
                self.returns += 1;
                Some((line, begin))
            }
            None => Some((line, begin)),
        }
    }

    /// A bare CR ends no line, but some take it for an end.
    fn look_for_bare_returns(&mut self) {
        let head = self.bytes.get(..self.at).unwrap_or_default();
        if memchr::memchr_iter(b'\r', head).count() != self.returns {
            self.note(Malformed::BareReturn);
        }
    }

    fn start_line(&mut self, line: &'a [u8]) -> Result<Start<'a>, Malformed> {
        if line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) {
            return status_line(line);
        }
        // Method and version are at the ends, so that a URI with blanks in it can still be answered.
        let first = memchr::memchr(b' ', line).ok_or(Malformed::StartLine)?;
        let last = memchr::memrchr(b' ', line.trim_ascii_end()).ok_or(Malformed::StartLine)?;
        let (method_text, version) = (line.get(..first), line.get(last + 1..));
        let (Some(method_text), Some(version)) = (method_text, version) else {
            return Err(Malformed::StartLine);
        };
        if first == last || !is_token(method_text) || !version.get(..4).is_some_and(|v| v.eq_ignore_ascii_case(b"SIP/"))
        {
            return Err(Malformed::StartLine);
        }
        let uri = line.get(first + 1..last).unwrap_or_default();
        if !version.trim_ascii_end().eq_ignore_ascii_case(VERSION) {
            self.note(Malformed::Version);
        } else if version.len() != VERSION.len() || uri != trim(uri) || uri.is_empty() {
            self.note(Malformed::StartLine);
        }
        Ok(Start::Request { method: Method::parse(method_text), method_text, uri })
    }

    /// The header lines up to the blank one, folds taken in.
    fn headers(&mut self, slots: &mut Slots) {
        loop {
            let Some((line, begin)) = self.line() else {
                self.note(Malformed::Unterminated);
                // Half a line is not believed, nor is it a body.
                self.at = self.bytes.len();
                return;
            };
            if line.is_empty() {
                self.look_for_bare_returns();
                return;
            }
            let mut header = line;
            if matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
                while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) && self.line().is_some() {}
                header = self.bytes.get(begin..self.at).unwrap_or_default();
            }
            if slots.len() == MOST_HEADERS {
                self.note(Malformed::TooManyHeaders);
                continue;
            }
            match read_header(header, begin) {
                Some(slot) => slots.push(slot),
                None => self.note(Malformed::HeaderLine),
            }
        }
    }
}

/// `Name [blanks] : value`, which stands at `begin`.
fn read_header(line: &[u8], begin: usize) -> Option<Slot> {
    let (name, after) = super::text::split_once(line, b':')?;
    // Blanks before the colon, but no line end: that would be another line's blank.
    let blanks = name.iter().rev().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
    let name_text = name.get(..name.len() - blanks)?;
    let name = Name::parse(name_text);
    if name == Name::Other && !is_token(name_text) {
        return None;
    }
    let tail = trim_start(after);
    // The datagram's length fits.
    let value_begin = (begin + line.len() - tail.len()) as u32;
    let value_end = value_begin + trim_end(tail).len() as u32;
    let name_length = u16::try_from(name_text.len()).ok()?;
    Some(Slot { name, name_length, begin: begin as u32, value_begin, value_end })
}

/// `SIP/2.0 200 OK`; the phrase may be empty, and even its blank may be missing.
fn status_line(line: &[u8]) -> Result<Start<'_>, Malformed> {
    let (version, rest) = super::text::split_once(line, b' ').ok_or(Malformed::StartLine)?;
    if !version.eq_ignore_ascii_case(VERSION) {
        return Err(Malformed::Version);
    }
    let (code, reason) = super::text::split_once(rest, b' ').unwrap_or((rest, b""));
    let code = if code.len() == 3 { number(code) } else { None };
    let status = code.and_then(|code| u16::try_from(code).ok()).and_then(Status::new).ok_or(Malformed::StatusCode)?;
    Ok(Start::Response { status, reason })
}
