//! Addresses: `"Display" <uri>;params`, as in From, To, Contact, Route, Refer-To (RFC 3261 §20.10).

use smallvec::SmallVec;

use super::{
    params::{Params, param, params},
    via::quotes_close,
};
use crate::wire::{
    malformed::Malformed,
    text::{is_blank, q_thousandths, quoted_end, saturating_number, trim},
    uri::Uri,
};

/// What a malformed duration counts as, in seconds (RFC 3261 §10.2.1.1).
const MALFORMED_EXPIRES: u32 = 3600;

/// An address with its field's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes included; empty if there is none.
    pub display: &'a [u8],
    /// The URI's text, without brackets.
    pub uri: &'a [u8],
    /// The field's parameters, not the URI's: what follows the first `;` behind the URI.
    pub params: &'a [u8],
}

impl<'a> NameAddr<'a> {
    /// Reads one address (not a list). The URI is looked into by [`NameAddr::uri`].
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(trim(value)).ok_or(Malformed::Address)
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        if value.first() == Some(&b'"') {
            let (display, rest) = value.split_at_checked(quoted_end(value)?)?;
            return Self::read_bracketed(display, trim(rest).strip_prefix(b"<")?);
        }
        let first = memchr::memchr2(b'<', b';', value);
        if let Some(at) = first
            && value.get(at) == Some(&b'<')
        {
            let display = trim(value.get(..at)?);
            // Dots and spaces are forgiven, what could hide another field is not (RFC 4475 §3.1.2.15).
            let hiding = |byte: &u8| matches!(byte, b'"' | b',' | b'>' | b'\\');
            if display.iter().any(hiding) {
                return None;
            }
            return Self::read_bracketed(display, value.get(at + 1..)?);
        }
        // Without brackets all parameters are the field's, and the URI has neither `?` nor `,`.
        let (uri, params) = value.split_at_checked(first.unwrap_or(value.len()))?;
        let uri = trim(uri);
        if uri.is_empty() || uri.iter().any(|&byte| is_blank(byte) || matches!(byte, b'?' | b',' | b'"' | b'>')) {
            return None;
        }
        Self { display: b"", uri, params: b"" }.with_params(params)
    }

    fn read_bracketed(display: &'a [u8], rest: &'a [u8]) -> Option<Self> {
        let (uri, rest) = crate::wire::text::split_once(rest, b'>')?;
        if uri.is_empty() {
            return None;
        }
        Self { display, uri, params: b"" }.with_params(trim(rest))
    }

    fn with_params(self, rest: &'a [u8]) -> Option<Self> {
        match rest {
            [] => Some(self),
            [b';', params @ ..] if quotes_close(params) => Some(Self { params: trim(params), ..self }),
            _ => None,
        }
    }

    /// The tag, if it is there and not empty.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }

    /// A parameter's value as written, empty for a flag.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    /// All parameters.
    pub const fn params(&self) -> Params<'a> {
        params(self.params)
    }

    /// The URI, parsed.
    pub fn uri(&self) -> Result<Uri<'a>, Malformed> {
        Uri::parse(self.uri)
    }

    /// The `expires` parameter in seconds; malformed ones count as an hour (RFC 3261 §10.2.1.1).
    pub fn expires(&self) -> Option<u32> {
        self.param("expires").map(|text| {
            let text = crate::wire::text::unquote(text).unwrap_or(text);
            saturating_number(text).unwrap_or(MALFORMED_EXPIRES)
        })
    }

    /// The `q` parameter in thousandths; 1000 where absent or malformed.
    pub fn q(&self) -> u16 {
        self.param("q").and_then(q_thousandths).unwrap_or(1000)
    }

    /// The display name as it is meant: without quotes and backslashes, Latin-1 where it is not UTF-8, no control characters.
    pub fn display_chars(&self) -> DisplayChars<'a> {
        let (inner, quoted) = match self.display {
            [b'"', inner @ .., b'"'] => (inner, true),
            _ => (self.display, false),
        };
        DisplayChars { rest: Spelling::of(inner), quoted }
    }

    /// Appends the display name as UTF-8; see [`NameAddr::display_chars`].
    pub fn display_text(&self, out: &mut Vec<u8>) {
        let mut buffer = [0; 4];
        for char in self.display_chars() {
            out.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
        }
    }
}

/// The characters of a display name.
#[derive(Debug, Clone)]
pub struct DisplayChars<'a> {
    rest: Spelling<'a>,
    quoted: bool,
}

/// UTF-8 where it is valid as a whole; else every byte is a character of Latin-1.
#[derive(Debug, Clone)]
enum Spelling<'a> {
    Utf8(std::str::Chars<'a>),
    Latin1(std::slice::Iter<'a, u8>),
}

impl<'a> Spelling<'a> {
    fn of(text: &'a [u8]) -> Self {
        std::str::from_utf8(text).map_or_else(|_| Self::Latin1(text.iter()), |text| Self::Utf8(text.chars()))
    }

    fn next(&mut self) -> Option<char> {
        match self {
            Self::Utf8(chars) => chars.next(),
            Self::Latin1(bytes) => bytes.next().map(|&byte| char::from(byte)),
        }
    }
}

impl Iterator for DisplayChars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            let mut char = self.rest.next()?;
            if self.quoted && char == '\\' {
                char = self.rest.next()?;
            }
            match char {
                '\t' => return Some(' '),
                char if !char.is_control() => return Some(char),
                _ => {}
            }
        }
    }
}

/// The Contacts of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contacts<'a> {
    /// `*`: all that are registered (RFC 3261 §10.2.2).
    Star,
    /// All that are listed; empty where there is no Contact.
    List(SmallVec<[NameAddr<'a>; 4]>),
}

impl<'a> Contacts<'a> {
    /// Collects the values of all Contact fields. Errs if one cannot be read or `*` is not alone.
    pub fn collect(values: impl Iterator<Item = &'a [u8]>) -> Result<Self, Malformed> {
        let mut list = SmallVec::new();
        let mut star = false;
        for value in values {
            if star || value == b"*" && !list.is_empty() {
                return Err(Malformed::Contact);
            }
            if value == b"*" {
                star = true;
            } else {
                let contact = NameAddr::parse(value).map_err(|_| Malformed::Contact)?;
                contact.uri().map_err(|_| Malformed::Contact)?;
                list.push(contact);
            }
        }
        Ok(if star { Self::Star } else { Self::List(list) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        type Row<'a> = (&'a str, Option<(&'a str, &'a str, Option<&'a str>)>);
        let table: [Row<'_>; 24] = [
            ("sip:a@b", Some(("", "sip:a@b", None))),
            ("sip:a@b;tag=x", Some(("", "sip:a@b", Some("x")))),
            ("\r\n sip:a@b ;   tag    = 1918181833n", Some(("", "sip:a@b", Some("1918181833n")))),
            ("<sip:a@b;tag=uri>;tag=ab/cd==", Some(("", "sip:a@b;tag=uri", Some("ab/cd==")))),
            ("<sip:a@b> ; tag = x", Some(("", "sip:a@b", Some("x")))),
            ("\"J \\\\\\\"\"   <sip:a@b>\r\n  ;\r\n  tag = 98", Some(("\"J \\\\\\\"\"", "sip:a@b", Some("98")))),
            ("caller<sip:a@b>", Some(("caller", "sip:a@b", None))),
            ("J. Rosenberg <sip:a@b>", Some(("J. Rosenberg", "sip:a@b", None))),
            ("\"<x>, y;z\" <sip:a@b>;tag=1", Some(("\"<x>, y;z\"", "sip:a@b", Some("1")))),
            ("<tel:+49123>;tag=1", Some(("", "tel:+49123", Some("1")))),
            ("tel:+49123;tag=1", Some(("", "tel:+49123", Some("1")))),
            ("isbn:2983792873;tag=1", Some(("", "isbn:2983792873", Some("1")))),
            ("<sip:a@b>;x=\"<;tag=no>\"", Some(("", "sip:a@b", None))),
            ("sip:a@b;x=\"<\";tag=1", Some(("", "sip:a@b", Some("1")))),
            ("sip:a@b;tag=", Some(("", "sip:a@b", None))),
            ("\"Mr. J. User <sip:a@b>", None),
            ("sip:a@b?Route=x", None),
            ("Bell, Alexander <sip:a@b>", None),
            ("<sip:a@b", None),
            ("<>", None),
            ("<sip:a@b> x", None),
            ("\"x\" sip:a@b", None),
            ("sip:a@b c", None),
            ("", None),
        ];
        for (value, expected) in table {
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            let found = NameAddr::parse(value.as_bytes()).ok();
            let found = found.map(|found| (text(found.display), text(found.uri), found.tag().map(text)));
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn display_names_become_clean_text() {
        for (value, expected) in [
            (&b"\"A \\\"b\\\" \\\\\" <sip:a@b>"[..], "A \"b\" \\"),
            (b"\"J\xc3\xb6rg\" <sip:a@b>", "J\u{f6}rg"),
            (b"\"J\xf6rg\" <sip:a@b>", "J\u{f6}rg"),
            (b"J\xf6rg <sip:a@b>", "J\u{f6}rg"),
            (b"\"a\\\x07b\r\n\tc\x7f\" <sip:a@b>", "ab c"),
            (b"%Z%45 <sip:a@b>", "%Z%45"),
            (b"<sip:a@b>", ""),
            (b"\"\" <sip:a@b>", ""),
        ] {
            let mut out = Vec::new();
            NameAddr::parse(value).unwrap().display_text(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn contact_parameters() {
        let contact = |value| NameAddr::parse(value).unwrap();
        let rich = contact(b"<sip:a@b>;+sip.instance=\"<urn:uuid:0>\";methods=\"A,B\";q=0.33;ob;alias=1.2.3.4~5060~1");
        assert_eq!(rich.param("+sip.instance"), Some(&b"\"<urn:uuid:0>\""[..]));
        assert_eq!((rich.q(), rich.param("ob"), rich.expires()), (330, Some(&b""[..]), None));
        assert_eq!(contact(b"<sip:a@b>;expires=36893488147419103232").expires(), Some(u32::MAX));
        assert_eq!(contact(b"<sip:a@b>;expires=soon").expires(), Some(3600));
        assert_eq!(contact(b"<sip:a@b>;expires=0").expires(), Some(0));
    }
}
