//! Who somebody is, as shown to the other side (RFC 3325, RFC 4916).
use crate::base::text::{self, Name, Number};
use crate::settings::{Transport, TrunkSettings};
use crate::wire::uri::write_user;
use crate::wire::{Message, Name as Field, NameAddr, address_text, decimal_text};
use arrayvec::ArrayVec;

/// A person as others see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The display name; may be empty.
    pub name: Name,
    /// The number, or the name before the `@`.
    pub number: Number,
    /// They asked not to be shown (RFC 3323).
    pub private: bool,
}

impl Identity {
    /// Somebody with a number and a name.
    pub fn new(number: &str, name: &str) -> Self {
        Self { name: text::cut(name), number: text::cut(number), private: false }
    }

    /// Who a request says it is from. P-Asserted-Identity counts only from peers that are trusted to assert.
    pub(crate) fn of(request: &Message<'_>, trusted: bool) -> Option<Self> {
        let private = request.values(Field::Privacy).any(|value| {
            value.split(|&b| b == b';').any(|token| {
                [&b"id"[..], b"user", b"header"].iter().any(|t| crate::wire::text::trim(token).eq_ignore_ascii_case(t))
            })
        });
        let asserted = request.values(Field::PAssertedIdentity).next().filter(|_| trusted);
        let from = match asserted {
            Some(asserted) => NameAddr::parse(asserted).ok()?,
            None => request.from().ok()?,
        };
        Some(Self { private, ..Self::of_address(&from)? })
    }

    /// Who an address names; nothing if the number is too long for us.
    pub(crate) fn of_address(address: &NameAddr<'_>) -> Option<Self> {
        let mut name = Name::new();
        for c in address.display_chars() {
            if name.try_push(c).is_err() {
                break;
            }
        }
        let uri = address.uri().ok()?;
        let (user, _) = uri.user_params();
        let mut number = Number::new();
        for byte in crate::wire::text::unescaped(user) {
            number.try_push(if byte.is_ascii_graphic() { char::from(byte) } else { '_' }).ok()?;
        }
        Some(Self { name, number, private: false })
    }

    /// What people read: the name, else the number.
    pub fn shown(&self) -> &str {
        if self.private {
            "Anonymous"
        } else if self.name.is_empty() {
            &self.number
        } else {
            &self.name
        }
    }

    /// Writes the address as others may see it: `"Alice" <sip:1001@pbx.test>`.
    pub(crate) fn write(&self, out: &mut Vec<u8>, domain: &str) {
        if self.private {
            write_quoted(if self.name.is_empty() { "Anonymous" } else { &self.name }, out);
            out.extend_from_slice(b" <sip:anonymous@anonymous.invalid>");
        } else {
            self.write_asserted(out, domain);
        }
    }

    /// Writes the address as it is.
    pub(crate) fn write_asserted(&self, out: &mut Vec<u8>, domain: &str) {
        if !self.name.is_empty() {
            write_quoted(&self.name, out);
            out.push(b' ');
        }
        write_number(&self.number, domain, out);
    }
}

/// Writes `<sip:1001@pbx.test>`.
pub(crate) fn write_number(number: &str, domain: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<sip:");
    write_user(number, out);
    out.push(b'@');
    out.extend_from_slice(domain.as_bytes());
    out.push(b'>');
}

/// `sip:123@192.0.2.1:5060`, with the transport where it is not UDP.
pub(crate) fn trunk_uri(number: &str, trunk: &TrunkSettings) -> ArrayVec<u8, 320> {
    // A number of 64 bytes, each escaped, and the longest address fit.
    let mut uri = ArrayVec::new();
    uri.extend(*b"sip:");
    write_user(number, &mut uri);
    let (ip, port) = (trunk.address.ip(), trunk.address.port());
    let (before, after): (&[u8], &[u8]) = if ip.is_ipv6() { (b"@[", b"]:") } else { (b"@", b":") };
    for part in [before, &address_text(ip), after, &decimal_text(port.into())] {
        uri.extend(part.iter().copied());
    }
    match trunk.transport {
        Transport::Udp => {}
        Transport::Tcp => uri.extend(*b";transport=tcp"),
    }
    uri
}

/// Writes a display name as a quoted string (RFC 3261 §25.1).
fn write_quoted(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in name.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 | 0x7f => out.push(b' '),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(identity: Identity) -> String {
        let mut out = Vec::new();
        identity.write(&mut out, "pbx.test");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_and_numbers_cannot_break_out() {
        for (number, name, text) in [
            ("1001", "Alice", "\"Alice\" <sip:1001@pbx.test>"),
            ("1001", "", "<sip:1001@pbx.test>"),
            ("a>b", "A \"B\"\r\nX: y", "\"A \\\"B\\\"  X: y\" <sip:a%3Eb@pbx.test>"),
            ("*68", "Zoë", "\"Zoë\" <sip:*68@pbx.test>"),
        ] {
            assert_eq!(written(Identity::new(number, name)), text);
        }
        let hidden = Identity { private: true, ..Identity::new("1001", "") };
        assert_eq!(written(hidden), "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
    }
}
