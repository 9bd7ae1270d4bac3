//! URIs: sip, sips, tel, and the shape of all others (RFC 3261 §19.1, RFC 3966).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    header::{param, params},
    malformed::Malformed,
    text::{hex_digit, is_token_byte, port, split_once, unescaped},
};

/// The schemes that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other: only its text is known.
    Other,
}

/// A URI laid over its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The whole text.
    pub text: &'a [u8],
    /// Which kind.
    pub scheme: Scheme,
    /// The scheme as written, without the colon.
    pub scheme_text: &'a [u8],
    /// The user part as written, escapes included; for `tel:` the number.
    pub user: Option<&'a [u8]>,
    /// The password as written.
    pub password: Option<&'a [u8]>,
    /// A name or an address, IPv6 in brackets; empty for `tel:`; for other schemes all that follows the colon.
    pub host: &'a [u8],
    /// The port, if one was written.
    pub port: Option<u16>,
    /// What follows the first `;` behind the host.
    pub params: &'a [u8],
    /// What follows the `?`.
    pub headers: &'a [u8],
}

impl<'a> Uri<'a> {
    /// Reads a URI without brackets. Errs with [`Malformed::Uri`].
    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(text).ok_or(Malformed::Uri)
    }

    fn read(text: &'a [u8]) -> Option<Self> {
        let marks = Marks::of(text)?;
        let (scheme_text, rest) = (text.get(..marks.scheme)?, text.get(marks.scheme + 1..)?);
        let scheme = match scheme_text {
            [b's' | b'S', b'i' | b'I', b'p' | b'P'] => Scheme::Sip,
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S'] => Scheme::Sips,
            [b't' | b'T', b'e' | b'E', b'l' | b'L'] => Scheme::Tel,
            [first, others @ ..]
                if first.is_ascii_alphabetic()
                    && others.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)) =>
            {
                Scheme::Other
            }
            _ => return None,
        };
        let bare = Self {
            text,
            scheme,
            scheme_text,
            user: None,
            password: None,
            host: b"",
            port: None,
            params: b"",
            headers: b"",
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => bare.read_sip(&marks),
            Scheme::Tel => bare.read_tel(rest),
            Scheme::Other => (!rest.is_empty()).then_some(Self { host: rest, ..bare }),
        }
    }

    fn read_sip(self, marks: &Marks) -> Option<Self> {
        if marks.odd {
            return None;
        }
        let text = self.text;
        let (mut user, mut password, mut host) = (None, None, marks.scheme + 1);
        if marks.at > 0 {
            let userinfo = text.get(host..marks.at)?;
            if marks.percent && !escapes_are_whole(userinfo) {
                return None;
            }
            match marks.password {
                0 => user = Some(userinfo),
                colon => (user, password) = (text.get(host..colon), text.get(colon + 1..marks.at)),
            }
            host = marks.at + 1;
        }
        let or = |mark, other| if mark > 0 { mark } else { other };
        let headers = or(marks.headers, text.len());
        let params = or(marks.params, headers);
        let (host, port_text) = split_host_port(text.get(host..params)?)?;
        let port = match port_text {
            Some(text) => Some(port(text)?),
            None => None,
        };
        let after = |at: usize, end: usize| text.get(at + 1..end).unwrap_or_default();
        let (params, headers) = (after(params, headers), after(headers, text.len()));
        // `sip:@host` is sent by phones that hide their user.
        let user = user.filter(|user| !user.is_empty());
        Some(Self { user, password, host, port, params, headers, ..self })
    }

    fn read_tel(self, rest: &'a [u8]) -> Option<Self> {
        let (number, params) = split_once(rest, b';').unwrap_or((rest, b""));
        let digits = number.strip_prefix(b"+").unwrap_or(number);
        let dialled = |byte: &u8| byte.is_ascii_hexdigit() || b"*#-.()".contains(byte);
        (!digits.is_empty() && digits.iter().all(dialled)).then_some(Self { user: Some(number), params, ..self })
    }

    /// A parameter's value as written, empty for a flag.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    /// An embedded header's value as written, escapes included (RFC 3261 §19.1.1).
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().find(|(candidate, _)| escaped_eq_ignore_case(candidate, name.as_bytes())).map(|(_, value)| value)
    }

    /// The embedded headers, names and values as written.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        self.headers
            .split(|&byte| byte == b'&')
            .filter(|header| !header.is_empty())
            .map(|header| split_once(header, b'=').unwrap_or((header, b"")))
    }

    /// The host as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.scheme {
            Scheme::Sip | Scheme::Sips => host_ip(self.host),
            Scheme::Tel | Scheme::Other => None,
        }
    }

    /// `sip:` or `sips:`.
    pub const fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part cut at its first `;`: a number, and what its parameters are (RFC 3261 §19.1.6).
    pub fn user_params(&self) -> (&'a [u8], &'a [u8]) {
        let user = self.user.unwrap_or_default();
        split_once(user, b';').unwrap_or((user, b""))
    }

    /// The same resource by the rules of RFC 3261 §19.1.4; other schemes than sip and sips by their text.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        // With a parameter that stands twice, which must not be, the rules below would tell it from itself.
        if self.text == other.text {
            return true;
        }
        match (self.scheme, other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
                both(self.user, other.user, user_eq)
                    && both(self.password, other.password, user_eq)
                    && host_eq(self.host, other.host)
                    && self.port == other.port
                    && params_match(self, other)
                    && params_match(other, self)
                    && headers_match(self, other)
                    && headers_match(other, self)
            }
            (Scheme::Tel, Scheme::Tel) => tel_eq(self, other),
            (Scheme::Other, Scheme::Other) => {
                self.scheme_text.eq_ignore_ascii_case(other.scheme_text) && self.host == other.host
            }
            (Scheme::Sip | Scheme::Sips | Scheme::Tel | Scheme::Other, _) => false,
        }
    }
}

/// The same user part: case counts, escapes of unreserved characters do not (RFC 3261 §19.1.4).
pub fn user_eq(one: &[u8], other: &[u8]) -> bool {
    one == other || symbols(one).eq(symbols(other))
}

/// The same host: names in any case, addresses by value.
pub fn host_eq(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other) || host_ip(one).is_some_and(|ip| host_ip(other) == Some(ip))
}

/// A host as an address: IPv4 in dots, IPv6 in brackets.
pub fn host_ip(host: &[u8]) -> Option<IpAddr> {
    match host {
        [b'[', inner @ .., b']'] => Some(IpAddr::V6(std::str::from_utf8(inner).ok()?.parse().ok()?)),
        _ => ipv4(host).map(IpAddr::V4),
    }
}

/// Four numbers up to 255, without leading zeros, and dots between them.
fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut octets, mut place, mut digits) = ([0_u8; 4], 0, 0);
    for &byte in text {
        if byte == b'.' {
            if digits == 0 {
                return None;
            }
            (place, digits) = (place + 1, 0);
            continue;
        }
        let octet = octets.get_mut(place)?;
        if !byte.is_ascii_digit() || digits > 0 && *octet == 0 {
            return None;
        }
        *octet = octet.checked_mul(10)?.checked_add(byte - b'0')?;
        digits += 1;
    }
    (place == 3 && digits > 0).then(|| octets.into())
}

/// Where a URI's parts are divided, found in one look. A place is 0 where there is none: the scheme stands there.
#[derive(Default)]
struct Marks {
    /// The colon behind the scheme.
    scheme: usize,
    /// The colon between user and password.
    password: usize,
    /// There is an escape in the user part.
    percent: bool,
    /// The first `@`. One in the headers must be escaped, but seldom is (`?Replaces=1@host`).
    at: usize,
    /// The first `;` behind the host.
    params: usize,
    /// The first `?` behind the host.
    headers: usize,
    /// There is an `@` in the parameters.
    odd: bool,
}

impl Marks {
    /// Nothing if there is no scheme, or a byte that may not stand anywhere.
    fn of(text: &[u8]) -> Option<Self> {
        let (mut marks, mut at) = (Self::default(), 0);
        let mark = |byte: &u8| MARKS[usize::from(*byte)];
        while let Some(step) = text.get(at..)?.iter().position(|byte| mark(byte) != Mark::Nothing) {
            at += step;
            match text.get(at).map_or(Mark::Nothing, mark) {
                Mark::Nothing => {}
                Mark::Colon if marks.scheme == 0 => marks.scheme = at,
                Mark::Colon if marks.at == 0 && marks.password == 0 => marks.password = at,
                Mark::Colon => {}
                Mark::Percent => marks.percent |= marks.at == 0,
                Mark::At if marks.at == 0 && marks.scheme > 0 => {
                    // What looked like parameters was the user's.
                    (marks.at, marks.params, marks.headers) = (at, 0, 0);
                }
                Mark::At if marks.params > 0 && marks.headers == 0 => marks.odd = true,
                Mark::At => {}
                Mark::Semicolon if marks.params == 0 && marks.headers == 0 => marks.params = at,
                Mark::Semicolon => {}
                Mark::Question if marks.headers == 0 => marks.headers = at,
                Mark::Question => {}
                Mark::Nowhere => return None,
            }
            at += 1;
        }
        (marks.scheme > 0).then_some(marks)
    }
}

/// What a byte means to whoever looks for a URI's parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Nothing,
    Colon,
    Percent,
    At,
    Semicolon,
    Question,
    /// It may not stand anywhere in a URI.
    Nowhere,
}

static MARKS: [Mark; 256] = {
    let mut table = [Mark::Nothing; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = match byte as u8 {
            b':' => Mark::Colon,
            b'%' => Mark::Percent,
            b'@' => Mark::At,
            b';' => Mark::Semicolon,
            b'?' => Mark::Question,
            b'<' | b'>' | b'"' | 0x7f | ..=b' ' => Mark::Nowhere,
            _ => Mark::Nothing,
        };
        byte += 1;
    }
    table
};

/// May stand in a host's name or IPv4 address. Underscores are against RFC 1123 and in use.
static HOST_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

/// Splits `host[:port]`; none if the host is impossible. The port is not looked into.
pub(super) fn split_host_port(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    if text.first() == Some(&b'[') {
        let end = memchr::memchr(b']', text)?;
        let (host, rest) = text.split_at_checked(end + 1)?;
        let inner = host.get(1..end)?;
        std::str::from_utf8(inner).ok()?.parse::<Ipv6Addr>().ok()?;
        return match super::text::trim(rest) {
            [] => Some((host, None)),
            [b':', port @ ..] => Some((host, Some(port))),
            _ => None,
        };
    }
    let end = text.iter().position(|&byte| !HOST_BYTES[usize::from(byte)]).unwrap_or(text.len());
    let (host, rest) = text.split_at_checked(end)?;
    let port = match super::text::trim(rest) {
        [] if rest.is_empty() => None,
        [b':', port @ ..] => Some(port),
        _ => return None,
    };
    (!host.is_empty()).then_some((host, port))
}

/// No `%` without two hexadecimal digits.
fn escapes_are_whole(mut text: &[u8]) -> bool {
    while let Some(at) = memchr::memchr(b'%', text) {
        text = text.get(at + 1..).unwrap_or_default();
        match text {
            [high, low, ..] if hex_digit(*high).is_some() && hex_digit(*low).is_some() => {}
            _ => return false,
        }
    }
    true
}

/// Characters for comparison: an escaped reserved one is not the same as that character itself.
fn symbols(mut text: &[u8]) -> impl Iterator<Item = (u8, bool)> + '_ {
    std::iter::from_fn(move || {
        let (&first, rest) = text.split_first()?;
        if let [b'%', high, low, tail @ ..] = text
            && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
        {
            text = tail;
            let byte = high << 4 | low;
            return Some((byte, b";/?:@&=+$,".contains(&byte)));
        }
        text = rest;
        Some((first, false))
    })
}

fn escaped_eq_ignore_case(one: &[u8], other: &[u8]) -> bool {
    unescaped(one).map(|byte| byte.to_ascii_lowercase()).eq(unescaped(other).map(|byte| byte.to_ascii_lowercase()))
}

/// Both absent, or both there and the same.
fn both(one: Option<&[u8]>, other: Option<&[u8]>, same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Parameters that never match their own absence. RFC 3261 §19.1.4 names `transport` in its general rule and its examples.
const NEVER_IGNORED: [&[u8]; 5] = [b"user", b"ttl", b"method", b"maddr", b"transport"];

fn params_match(one: &Uri<'_>, other: &Uri<'_>) -> bool {
    params(one.params).all(|(name, value)| {
        match params(other.params).find(|(candidate, _)| escaped_eq_ignore_case(candidate, name)) {
            Some((_, theirs)) => escaped_eq_ignore_case(value.unwrap_or_default(), theirs.unwrap_or_default()),
            None => !NEVER_IGNORED.iter().any(|kept| kept.eq_ignore_ascii_case(name)),
        }
    })
}

fn headers_match(one: &Uri<'_>, other: &Uri<'_>) -> bool {
    one.headers().all(|(name, value)| {
        other.headers().any(|(candidate, theirs)| {
            escaped_eq_ignore_case(candidate, name) && unescaped(value).eq(unescaped(theirs))
        })
    })
}

/// Numbers without their visual separators, parameters in any order (RFC 3966 §4).
fn tel_eq(one: &Uri<'_>, other: &Uri<'_>) -> bool {
    let spoken = |byte: &&u8| !b"-.()".contains(byte);
    let (ours, theirs) = (one.user.unwrap_or_default(), other.user.unwrap_or_default());
    let number = ours.iter().filter(spoken).map(u8::to_ascii_lowercase);
    let covers = |one: &Uri<'_>, other: &Uri<'_>| {
        params(one.params).all(|(name, value)| {
            params(other.params).any(|(candidate, theirs)| {
                escaped_eq_ignore_case(candidate, name)
                    && escaped_eq_ignore_case(value.unwrap_or_default(), theirs.unwrap_or_default())
            })
        })
    };
    number.eq(theirs.iter().filter(spoken).map(u8::to_ascii_lowercase)) && covers(one, other) && covers(other, one)
}

/// A user part that needs no escapes: what may be written as it is (RFC 3261 §25.1 user).
pub const fn is_user_byte(byte: u8) -> bool {
    is_token_byte(byte) && byte != b'%' && byte != b'`'
        || matches!(byte, b'(' | b')' | b'&' | b'=' | b'$' | b',' | b';' | b'?' | b'/')
}

/// Writes a user part; what may not stand there is escaped (RFC 3261 §19.1.2).
pub(crate) fn write_user(user: &str, out: &mut impl Extend<u8>) {
    let hex = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble & 15)];
    for &byte in user.as_bytes() {
        if is_user_byte(byte) {
            out.extend([byte]);
        } else {
            out.extend([b'%', hex(byte >> 4), hex(byte)]);
        }
    }
}

#[cfg(test)]
mod tests;
