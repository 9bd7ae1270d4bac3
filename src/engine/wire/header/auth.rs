//! Digest credentials and challenges (RFC 3261 §§20.7, 20.44, RFC 7616, RFC 8760).

use crate::wire::{
    malformed::Malformed,
    text::{cut, hexadecimal, is_blank, is_token, split_once, trim, unquoted_eq},
};

/// What an Authorization or Proxy-Authorization says. All texts are as written, quotes included where there were some:
/// compare with [`unquoted_eq`], read with [`crate::wire::text::unquoted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Who.
    pub username: &'a [u8],
    /// Where.
    pub realm: &'a [u8],
    /// The server's nonce.
    pub nonce: &'a [u8],
    /// The digest-uri: to be hashed byte for byte as it stands between its quotes.
    pub uri: &'a [u8],
    /// The answer, in hexadecimal.
    pub response: &'a [u8],
    /// `MD5`, `SHA-256`, …; absent means MD5.
    pub algorithm: Option<&'a [u8]>,
    /// The client's nonce.
    pub cnonce: Option<&'a [u8]>,
    /// Returned as the server gave it.
    pub opaque: Option<&'a [u8]>,
    /// `auth`, `auth-int`.
    pub qop: Option<&'a [u8]>,
    /// The nonce count as written: it is hashed so.
    pub nc: Option<&'a [u8]>,
    /// The username is a hash of its own (RFC 7616 §3.4.4).
    pub userhash: bool,
}

/// The scheme of credentials or of a challenge, `Digest` for one; and what follows it.
pub fn credentials_scheme(value: &[u8]) -> (&[u8], &[u8]) {
    let value = trim(value);
    let end = value.iter().position(|&byte| is_blank(byte)).unwrap_or(value.len());
    value.split_at_checked(end).unwrap_or((value, b""))
}

impl<'a> Credentials<'a> {
    /// Reads the value of one field. None of another scheme than Digest (ask [`credentials_scheme`] first):
    /// those err as malformed, too.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(value).ok_or(Malformed::Credentials)
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        let (scheme, rest) = credentials_scheme(value);
        if !scheme.eq_ignore_ascii_case(b"Digest") {
            return None;
        }
        let mut found = Found::default();
        let mut rest = Some(rest);
        while let Some(text) = rest {
            let (item, tail) = cut(text, b',');
            rest = tail;
            let item = trim(item);
            if item.is_empty() {
                continue;
            }
            let (name, value) = split_once(item, b'=')?;
            found.take(trim(name), trim(value))?;
        }
        found.finish()
    }

    /// The nonce count: eight hexadecimal digits.
    pub fn nc(&self) -> Option<u32> {
        self.nc.and_then(hexadecimal)
    }
}

/// What was met so far.
#[derive(Default)]
struct Found<'a> {
    username: Option<&'a [u8]>,
    realm: Option<&'a [u8]>,
    nonce: Option<&'a [u8]>,
    uri: Option<&'a [u8]>,
    response: Option<&'a [u8]>,
    algorithm: Option<&'a [u8]>,
    cnonce: Option<&'a [u8]>,
    opaque: Option<&'a [u8]>,
    qop: Option<&'a [u8]>,
    nc: Option<&'a [u8]>,
    userhash: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    /// None if it stood before, or is neither a token nor a whole quoted string.
    fn take(&mut self, name: &[u8], value: &'a [u8]) -> Option<()> {
        const NAMES: [&[u8]; 11] = [
            b"username",
            b"realm",
            b"nonce",
            b"uri",
            b"response",
            b"algorithm",
            b"cnonce",
            b"opaque",
            b"qop",
            b"nc",
            b"userhash",
        ];
        if !is_token(name) || value.is_empty() || !is_value(value) {
            return None;
        }
        let slots = [
            &mut self.username,
            &mut self.realm,
            &mut self.nonce,
            &mut self.uri,
            &mut self.response,
            &mut self.algorithm,
            &mut self.cnonce,
            &mut self.opaque,
            &mut self.qop,
            &mut self.nc,
            &mut self.userhash,
        ];
        for (known, slot) in NAMES.into_iter().zip(slots) {
            if known.eq_ignore_ascii_case(name) {
                return slot.replace(value).is_none().then_some(());
            }
        }
        Some(()) // An extension.
    }

    fn finish(self) -> Option<Credentials<'a>> {
        Some(Credentials {
            username: self.username?,
            realm: self.realm?,
            nonce: self.nonce?,
            uri: self.uri?,
            response: self.response?,
            algorithm: self.algorithm,
            cnonce: self.cnonce,
            opaque: self.opaque,
            qop: self.qop,
            nc: self.nc,
            userhash: self.userhash.is_some_and(|value| unquoted_eq(value, b"true")),
        })
    }
}

/// A quoted string to its end, or text without quotes and blanks.
fn is_value(value: &[u8]) -> bool {
    if value.first() == Some(&b'"') {
        return crate::wire::text::quoted_end(value) == Some(value.len());
    }
    !value.iter().any(|&byte| is_blank(byte) || byte == b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests() {
        let value = b"Digest username=\"a\\\"b, c\", realm=\"r\", nonce=\"n==\",\r\n uri=\"sip:h;transport=udp\" , \
            response=\"00ff\", algorithm=SHA-256, cnonce=\"x\", qop=auth, nc=0000000a, opaque=\"\", future=1";
        let found = Credentials::parse(value).unwrap();
        assert!(unquoted_eq(found.username, b"a\"b, c"));
        assert_eq!(found.uri, b"\"sip:h;transport=udp\"");
        assert_eq!((found.nc(), found.algorithm, found.qop), (Some(10), Some(&b"SHA-256"[..]), Some(&b"auth"[..])));
        assert_eq!(found.opaque, Some(&b"\"\""[..]));
        assert!(!found.userhash);
    }

    #[test]
    fn what_is_no_digest() {
        let base = "Digest username=u,realm=r,nonce=n,uri=u,response=r";
        assert!(Credentials::parse(base.as_bytes()).is_ok());
        for wrong in [
            "",
            "NoOneKnowsThisScheme opaque-data=here",
            "Digest",
            "Digest username=u",
            "Digest username",
            &format!("{base},nonce=n"),
            &format!("{base},nc="),
            &format!("{base},cnonce=\"open"),
            &format!("{base},cnonce=\"a\"b"),
        ] {
            assert_eq!(Credentials::parse(wrong.as_bytes()), Err(Malformed::Credentials), "{wrong}");
        }
        assert_eq!(credentials_scheme(b" Digest  a=b"), (&b"Digest"[..], &b"  a=b"[..]));
    }
}
