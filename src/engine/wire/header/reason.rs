//! Reason: why a call ended (RFC 3326).

use super::params::params;
use crate::wire::{
    malformed::Malformed,
    text::{cut, is_token, number, trim},
};

/// One Reason value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, …
    pub protocol: &'a [u8],
    /// A status code or a Q.850 cause.
    pub cause: Option<u32>,
    /// The text as written, quotes included.
    pub text: Option<&'a [u8]>,
}

impl<'a> Reason<'a> {
    /// Reads one value (not a list).
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let (protocol, rest) = cut(trim(value), b';');
        let protocol = trim(protocol);
        if !is_token(protocol) {
            return Err(Malformed::Reason);
        }
        let mut reason = Self { protocol, cause: None, text: None };
        for (name, value) in params(rest.unwrap_or_default()) {
            if name.eq_ignore_ascii_case(b"cause") {
                reason.cause = Some(value.and_then(number).ok_or(Malformed::Reason)?);
            } else if name.eq_ignore_ascii_case(b"text") {
                reason.text = value;
            }
        }
        Ok(reason)
    }

    /// The cause, if the protocol is SIP.
    pub fn sip(&self) -> Option<u32> {
        self.cause.filter(|_| self.protocol.eq_ignore_ascii_case(b"SIP"))
    }

    /// The cause, if the protocol is Q.850.
    pub fn q850(&self) -> Option<u32> {
        self.cause.filter(|_| self.protocol.eq_ignore_ascii_case(b"Q.850"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        let reason = Reason::parse(b" SIP ;cause=200 ;text=\"Call completed; elsewhere\"").unwrap();
        assert_eq!((reason.sip(), reason.q850()), (Some(200), None));
        assert_eq!(reason.text, Some(&b"\"Call completed; elsewhere\""[..]));
        assert_eq!(Reason::parse(b"Q.850;cause=16").unwrap().q850(), Some(16));
        assert_eq!(Reason::parse(b"Preemption").unwrap().cause, None);
        assert_eq!(Reason::parse(b"SIP;cause=x"), Err(Malformed::Reason));
        assert_eq!(Reason::parse(b""), Err(Malformed::Reason));
    }
}
