//! XML as documents need it: text and attribute values that cannot become anything else.
use crate::base::text::Number;
use crate::wire::decimal_text;
use crate::wire::uri::write_user;

/// What every document begins with.
pub(super) const HEAD: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n";

/// Writes text, or the value of an attribute.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            b'\'' => out.extend_from_slice(b"&apos;"),
            // There is no way to write them (XML 1.0 §2.2).
            0..0x20 | 0x7f => out.push(b' '),
            _ => out.push(byte),
        }
    }
}

/// Writes what a peer chose, of which nothing is known.
pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    text(out, &String::from_utf8_lossy(bytes));
}

/// Writes `sip:701@pbx.test`.
pub(super) fn address(out: &mut Vec<u8>, number: &Number, domain: &str) {
    let mut user = Vec::new();
    write_user(number, &mut user);
    out.extend_from_slice(b"sip:");
    bytes(out, &user);
    out.push(b'@');
    text(out, domain);
}

/// Writes a number.
pub(super) fn decimal(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&decimal_text(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        for (given, written) in [
            ("Zoë & \"Co\" <x>'", "Zoë &amp; &quot;Co&quot; &lt;x&gt;&apos;"),
            ("a\r\nb\0\u{7f}", "a  b  "),
            ("]]>", "]]&gt;"),
        ] {
            let mut out = Vec::new();
            text(&mut out, given);
            assert_eq!(String::from_utf8(out).unwrap(), written);
        }
        let mut out = Vec::new();
        address(&mut out, &Number::from("a&b>c").unwrap(), "pbx.test");
        assert_eq!(String::from_utf8(out).unwrap(), "sip:a&amp;b%3Ec@pbx.test");
        let mut out = Vec::new();
        bytes(&mut out, b"\xff<");
        assert_eq!(String::from_utf8(out).unwrap(), "\u{fffd}&lt;");
    }
}
