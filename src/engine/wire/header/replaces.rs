//! Replaces, Join and Target-Dialog: a dialog named from outside (RFC 3891 §6.1, RFC 3911, RFC 4538).

use super::params::params;
use crate::wire::{
    malformed::Malformed,
    text::{cut, is_blank, trim},
};

/// A dialog, seen from the receiver's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The Call-ID.
    pub call_id: &'a [u8],
    /// The receiver's own tag.
    pub to_tag: &'a [u8],
    /// The other side's tag; `0` stands for none (RFC 3891 §3).
    pub from_tag: &'a [u8],
    /// Only a dialog that is not confirmed yet may be replaced.
    pub early_only: bool,
}

impl<'a> Replaces<'a> {
    /// Reads the value. Both tags must stand, each once.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(trim(value)).ok_or(Malformed::Replaces)
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        let (call_id, rest) = cut(value, b';');
        let call_id = trim(call_id);
        if call_id.is_empty() || call_id.iter().any(|&byte| is_blank(byte) || byte == b',') {
            return None;
        }
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for (name, value) in params(rest?) {
            if name.eq_ignore_ascii_case(b"early-only") {
                early_only = true;
            } else if name.eq_ignore_ascii_case(b"to-tag") || name.eq_ignore_ascii_case(b"local-tag") {
                to_tag = once(to_tag, value)?;
            } else if name.eq_ignore_ascii_case(b"from-tag") || name.eq_ignore_ascii_case(b"remote-tag") {
                from_tag = once(from_tag, value)?;
            }
        }
        Some(Self { call_id, to_tag: to_tag?, from_tag: from_tag?, early_only })
    }
}

fn once<'a>(before: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Option<Option<&'a [u8]>> {
    let value = value.filter(|value| !value.is_empty() && !value.iter().any(|&byte| is_blank(byte) || byte == b','))?;
    before.is_none().then_some(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialogs_are_named_whole() {
        type Row<'a> = (&'a str, Option<(&'a str, &'a str, &'a str, bool)>);
        let table: [Row<'_>; 8] = [
            (
                "425928@bobster.example.org;to-tag=7743;from-tag=6472",
                Some(("425928@bobster.example.org", "7743", "6472", false)),
            ),
            ("a;from-tag=1 ;\r\n TO-TAG = 2;Early-Only;x=y", Some(("a", "2", "1", true))),
            ("a;local-tag=2;remote-tag=1", Some(("a", "2", "1", false))),
            ("a;to-tag=1", None),
            ("a;to-tag=1;from-tag=", None),
            ("a;to-tag=1;from-tag=2;to-tag=3", None),
            (";to-tag=1;from-tag=2", None),
            ("a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2", None),
        ];
        for (value, expected) in table {
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            let found = Replaces::parse(value.as_bytes()).ok();
            let found = found.map(|it| (text(it.call_id), text(it.to_tag), text(it.from_tag), it.early_only));
            assert_eq!(found, expected, "{value}");
        }
    }
}
