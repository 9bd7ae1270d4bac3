//! Messages of our own, written straight into the outbox.

use std::{net::IpAddr, ops::Range};

use crate::base::text::hex8;

use super::{
    echo::echo,
    message::Message,
    method::Method,
    name::Name,
    status::Status,
    text::{is_blank, is_token_byte},
};

/// A message in the making. What is written as a value can never become another header: line ends and control
/// characters are neutralised on the way.
#[derive(Debug)]
#[must_use = "a message needs its end"]
pub struct Compose<'o> {
    out: &'o mut Vec<u8>,
    begin: usize,
}

impl<'o> Compose<'o> {
    /// Begins a request behind whatever `out` holds.
    pub fn request(out: &'o mut Vec<u8>, method: Method, uri: &[u8]) -> Self {
        let begin = out.len();
        out.extend_from_slice(method.as_str().as_bytes());
        Self::request_line(out, begin, uri)
    }

    /// Begins a request of a method that has no name here.
    pub fn request_text(out: &'o mut Vec<u8>, method: &[u8], uri: &[u8]) -> Self {
        let begin = out.len();
        out.extend(method.iter().filter(|&&byte| is_token_byte(byte)));
        Self::request_line(out, begin, uri)
    }

    /// What stands behind the method.
    fn request_line(out: &'o mut Vec<u8>, begin: usize, uri: &[u8]) -> Self {
        out.push(b' ');
        // A blank would divide the request line anew.
        if is_tame(uri) && memchr::memchr(b' ', uri).is_none() {
            out.extend_from_slice(uri);
        } else {
            out.extend(uri.iter().filter(|&&byte| byte > b' ' && byte != 0x7f));
        }
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out, begin }
    }

    /// Begins a response; the phrase is the registered one unless another is given.
    pub fn response(out: &'o mut Vec<u8>, status: Status, reason: Option<&str>) -> Self {
        let begin = out.len();
        out.extend_from_slice(b"SIP/2.0 ");
        decimal(out, u64::from(status.code()));
        out.push(b' ');
        match reason {
            Some(reason) => tame(out, reason.as_bytes()),
            None => out.extend_from_slice(status.reason().as_bytes()),
        }
        out.extend_from_slice(b"\r\n");
        Self { out, begin }
    }

    /// A whole field.
    pub fn field(&mut self, name: Name, value: &[u8]) -> &mut Self {
        self.open(name).text(value).close()
    }

    /// A whole field whose name is not known here. Of the name only token characters are written.
    pub fn raw_field(&mut self, name_text: &[u8], value: &[u8]) -> &mut Self {
        self.out.extend(name_text.iter().filter(|&&byte| is_token_byte(byte)));
        self.out.extend_from_slice(b": ");
        self.text(value).close()
    }

    /// A whole field whose value stands in this program.
    pub fn fixed(&mut self, name: Name, value: &'static [u8]) -> &mut Self {
        self.open(name).word(value).close()
    }

    /// A whole field whose value is a number.
    pub fn number(&mut self, name: Name, number: u64) -> &mut Self {
        self.open(name).decimal(number).close()
    }

    /// A whole field whose value is all the parts, one behind the other.
    pub fn parts(&mut self, name: Name, parts: &[&[u8]]) -> &mut Self {
        self.open(name);
        for part in parts {
            self.text(part);
        }
        self.close()
    }

    /// Begins a field: `Name: `. [`Compose::close`] ends it.
    pub fn open(&mut self, name: Name) -> &mut Self {
        self.out.extend_from_slice(name.as_str().as_bytes());
        self.out.extend_from_slice(b": ");
        self
    }

    /// Part of an open field's value. Folds become a blank, other control characters as well.
    pub fn text(&mut self, text: &[u8]) -> &mut Self {
        tame(self.out, text);
        self
    }

    /// Part of an open field's value that stands in this program: it need not be looked at.
    pub fn word(&mut self, word: &'static [u8]) -> &mut Self {
        self.out.extend_from_slice(word);
        self
    }

    /// A quoted string, what must be escaped escaped.
    pub fn quoted(&mut self, text: &[u8]) -> &mut Self {
        self.out.push(b'"');
        for &byte in text {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                byte => self.out.push(if is_control(byte) { b' ' } else { byte }),
            }
        }
        self.out.push(b'"');
        self
    }

    /// A decimal number.
    pub fn decimal(&mut self, number: u64) -> &mut Self {
        decimal(self.out, number);
        self
    }

    /// Eight hexadecimal digits.
    pub fn hex8(&mut self, number: u32) -> &mut Self {
        self.out.extend_from_slice(&hex8(number));
        self
    }

    /// Ends an open field.
    pub fn close(&mut self) -> &mut Self {
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Part of an open field's value that we made ourselves, of numbers and of our own addresses; never a peer's.
    pub fn ours(&mut self, text: &[u8]) -> &mut Self {
        self.out.extend_from_slice(text);
        self
    }

    /// Header lines that are ready: each with its CRLF, from [`super::echo()`] or from us, never from a peer.
    pub fn lines(&mut self, preformatted: &[u8]) -> &mut Self {
        self.out.extend_from_slice(preformatted);
        self
    }

    /// The lines that a response repeats of its request: see [`super::echo()`].
    pub fn echo(&mut self, request: &Message<'_>, to_tag: Option<&[u8]>, received: Option<(IpAddr, u16)>) -> &mut Self {
        echo(request, to_tag, received, self.out);
        self
    }

    /// Hands out the buffer to whoever writes whole header lines into it, as [`super::echo()`] does.
    pub const fn lines_buffer(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Bytes written so far.
    pub const fn length(&self) -> usize {
        self.out.len() - self.begin
    }

    /// Ends the message with a body. The range is what the message occupies.
    pub fn body(mut self, content_type: &[u8], body: &[u8]) -> Range<usize> {
        self.field(Name::ContentType, content_type).number(Name::ContentLength, body.len() as u64).close();
        self.out.extend_from_slice(body);
        self.begin..self.out.len()
    }

    /// Ends the message without a body. The range is what the message occupies.
    pub fn end(self) -> Range<usize> {
        self.out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        self.begin..self.out.len()
    }
}

/// Ends a message that needs nothing more: [`Compose::end`] as a function for any lifetime.
pub fn bare(message: Compose<'_>) -> Range<usize> {
    message.end()
}

/// Copies a value: a line end with the blanks around it becomes one blank, any other control character, too.
pub(super) fn tame(out: &mut Vec<u8>, text: &[u8]) {
    if is_tame(text) {
        return out.extend_from_slice(text);
    }
    out.extend(unfold(text).map(|byte| if is_control(byte) { b' ' } else { byte }));
}

/// Copies a value byte for byte but for its line ends: for what must go back as it came.
pub(super) fn unfolded(out: &mut Vec<u8>, text: &[u8]) {
    if memchr::memchr2(b'\r', b'\n', text).is_none() {
        return out.extend_from_slice(text);
    }
    out.extend(unfold(text));
}

/// A run of blanks that holds a line end is one blank (RFC 3261 §7.3.1).
fn unfold(mut text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    // Bytes that are known to be no fold: a long run of blanks is looked at once.
    let mut plain = 0;
    std::iter::from_fn(move || {
        let (&first, rest) = text.split_first()?;
        if plain == 0 {
            let run = text.iter().take_while(|&&byte| is_blank(byte)).count();
            let blanks = text.get(..run).unwrap_or_default();
            if memchr::memchr2(b'\r', b'\n', blanks).is_some() {
                text = text.get(run..).unwrap_or_default();
                return Some(b' ');
            }
            plain = run.max(1);
        }
        plain -= 1;
        text = rest;
        Some(first)
    })
}

/// Surely without control characters: eight bytes are looked at in one step, and a tab is taken for one.
fn is_tame(text: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    let below = |word: u64, least: u8| word.wrapping_sub(ONES * u64::from(least)) & !word & (ONES << 7) != 0;
    let wild = |word| below(word, b' ') || below(word ^ (ONES * 0x7f), 1);
    let (words, rest) = text.as_chunks::<8>();
    // The last eight once more, rather than what is left over byte by byte.
    match (words, text.last_chunk::<8>()) {
        (words, Some(last)) => !words.iter().chain([last]).any(|word| wild(u64::from_le_bytes(*word))),
        (_, None) => !rest.iter().any(|&byte| is_control(byte)),
    }
}

const fn is_control(byte: u8) -> bool {
    byte < b' ' && byte != b'\t' || byte == 0x7f
}

/// Appends a number in decimal.
pub(super) fn decimal(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&decimal_text(number));
}

/// A number in decimal: 2^64 has 20 digits.
pub(crate) fn decimal_text(mut number: u64) -> arrayvec::ArrayVec<u8, 20> {
    let mut digits = arrayvec::ArrayVec::new();
    loop {
        digits.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits.reverse();
    digits
}

/// An address as it stands in a description or a parameter: IPv6 without brackets.
pub(crate) fn address_text(address: IpAddr) -> arrayvec::ArrayVec<u8, 45> {
    let mut text = arrayvec::ArrayVec::new();
    match address {
        IpAddr::V4(v4) => {
            for (place, octet) in v4.octets().into_iter().enumerate() {
                if place > 0 {
                    text.push(b'.');
                }
                if octet >= 100 {
                    text.push(b'0' + octet / 100);
                }
                if octet >= 10 {
                    text.push(b'0' + octet / 10 % 10);
                }
                text.push(b'0' + octet % 10);
            }
        }
        // The longest is an IPv4 address in IPv6's clothes, and fits.
        IpAddr::V6(v6) => drop(std::io::Write::write_fmt(&mut text, format_args!("{v6}"))),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    #[test]
    fn a_request_is_written_and_read_back() {
        let mut out = b"before".to_vec();
        let mut request = Compose::request(&mut out, Method::Invite, b"sip:bob@h");
        request.field(Name::Via, b"SIP/2.0/UDP h;branch=z9hG4bK1").parts(Name::CallId, &[b"a", b"@", b"b"]);
        request.open(Name::From).quoted(b"A \"B\" \\").text(b" <sip:a@h>;tag=").hex8(0xab).close();
        request.number(Name::MaxForwards, 70).raw_field(b"X-Y", b"z").lines(b"To: <sip:bob@h>\r\n");
        let range = request.body(b"application/sdp", b"v=0\r\n");
        assert_eq!(range, 6..out.len());
        let expected = "INVITE sip:bob@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: a@b\r\n\
            From: \"A \\\"B\\\" \\\\\" <sip:a@h>;tag=000000ab\r\nMax-Forwards: 70\r\nX-Y: z\r\nTo: <sip:bob@h>\r\n\
            Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
        assert_eq!(std::str::from_utf8(&out[range]).unwrap(), expected);
        let message = Message::parse(&out[6..]).unwrap();
        assert_eq!((message.body(), message.from_tag()), (&b"v=0\r\n"[..], Some(&b"000000ab"[..])));
    }

    #[test]
    fn nothing_can_be_injected() {
        for value in
            ["a\r\nX: y", "a\nX: y", "a\rX: y", "a\r\n\r\nbody", "a\0b\x7f", "a\r\n  b\t\r\n\tc", "\r\n", "\n\n\n"]
        {
            let mut out = Vec::new();
            let mut response = Compose::response(&mut out, Status::OK, Some(value));
            response.field(Name::Via, b"SIP/2.0/UDP h").field(Name::Subject, value.as_bytes());
            response.open(Name::From).quoted(value.as_bytes()).close().raw_field(value.as_bytes(), value.as_bytes());
            let range = response.end();
            let lines = out[range].split(|&byte| byte == b'\n').count();
            assert_eq!(lines, 8, "{value:?}");
            assert_eq!(memchr::memchr_iter(b'\r', &out).count(), 7, "{value:?}");
            assert!(!out.contains(&0));
        }
        let mut out = Vec::new();
        let range = Compose::request(&mut out, Method::Bye, b"sip:a@h SIP/2.0\r\nX: y").end();
        assert!(out[range].starts_with(b"BYE sip:a@hSIP/2.0X:y SIP/2.0\r\n"));
    }

    #[test]
    fn what_is_tame_has_no_control_characters() {
        for length in 0..40 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut text = vec![b'~'; length];
                    text[place] = byte;
                    let tab = byte == b'\t' && length >= 8;
                    assert_eq!(is_tame(&text), !is_control(byte) && !tab, "{byte} at {place} of {length}");
                }
            }
        }
    }

    #[test]
    fn folds_become_one_blank() {
        let mut out = Vec::new();
        tame(&mut out, b"a \r\n\t b\tc  d\r\ne");
        assert_eq!(out, b"a b\tc  d e");
    }

    /// As long as a datagram can be, and looked at once: else this would take minutes.
    #[test]
    fn a_run_of_blanks_is_looked_at_once() {
        let text = [&b"a\r\n b"[..], &[b' '; 60_000], b"c"].concat();
        for _ in 0..100 {
            let mut out = Vec::new();
            tame(&mut out, &text);
            assert_eq!((out.len(), out.get(..4)), (60_004, Some(&b"a b "[..])));
        }
    }

    #[test]
    fn decimals() {
        for number in [0, 9, 10, 4711, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn addresses() {
        let widest = "1234:5678:9abc:def0:1234:5678:9abc:def0";
        for text in ["0.0.0.0", "192.0.2.107", "255.255.255.255", "::1", "2001:db8::9", "::ffff:192.0.2.107", widest] {
            assert_eq!(address_text(text.parse().unwrap()).as_slice(), text.as_bytes());
        }
    }
}
