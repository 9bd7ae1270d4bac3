//! CSeq and RAck.

use crate::wire::{
    malformed::Malformed,
    method::Method,
    text::{is_blank, is_token, number, trim},
};

/// The number and method that order the requests of a dialog (RFC 3261 §20.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2^32; RFC 3261 §8.1.1.5 wants it below 2^31, which is not insisted on.
    pub number: u32,
    /// The method.
    pub method: Method,
    /// The method as written.
    pub method_text: &'a [u8],
}

impl<'a> CSeq<'a> {
    /// Reads a CSeq value: digits, blanks, a method.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let (digits, method_text) = split_blank(trim(value)).ok_or(Malformed::CSeq)?;
        let number = number(digits).ok_or(Malformed::CSeq)?;
        if !is_token(method_text) {
            return Err(Malformed::CSeq);
        }
        Ok(Self { number, method: Method::parse(method_text), method_text })
    }
}

/// What a PRACK acknowledges: the RSeq and the CSeq of the provisional response (RFC 3262 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The RSeq of the response.
    pub rseq: u32,
    /// The CSeq of the response.
    pub cseq: CSeq<'a>,
}

impl<'a> RAck<'a> {
    /// Reads a RAck value.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let (digits, rest) = split_blank(trim(value)).ok_or(Malformed::RAck)?;
        let rseq = number(digits).ok_or(Malformed::RAck)?;
        let cseq = CSeq::parse(rest).map_err(|_| Malformed::RAck)?;
        Ok(Self { rseq, cseq })
    }
}

/// The first word, and what follows the blanks behind it.
fn split_blank(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| is_blank(byte))?;
    Some((text.get(..at)?, trim(text.get(at..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cseqs() {
        for (value, expected) in [
            ("1 INVITE", Some((1, Method::Invite))),
            ("\t1\tINVITE ", Some((1, Method::Invite))),
            ("0009\r\n  INVITE", Some((9, Method::Invite))),
            ("139122385 !interesting%", Some((139_122_385, Method::Other))),
            ("4294967295 BYE", Some((u32::MAX, Method::Bye))),
            ("4294967296 BYE", None),
            ("36893488147419103232 REGISTER", None),
            ("1 invite", Some((1, Method::Other))),
            ("1", None),
            ("INVITE", None),
            ("-1 INVITE", None),
            ("1 INVITE x", None),
            ("1INVITE", None),
            ("", None),
        ] {
            let found = CSeq::parse(value.as_bytes()).ok().map(|cseq| (cseq.number, cseq.method));
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn racks() {
        let rack = RAck::parse(b" 776656 1  INVITE").unwrap();
        assert_eq!((rack.rseq, rack.cseq.number, rack.cseq.method), (776_656, 1, Method::Invite));
        assert_eq!(RAck::parse(b"1 INVITE"), Err(Malformed::RAck));
    }
}
