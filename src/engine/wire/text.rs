//! The grammar's small pieces: blanks, tokens, quoted strings, numbers, lists (RFC 3261 §25.1).

use arrayvec::ArrayVec;

/// SP, HTAB, and the line ends of folds.
pub const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// May stand in a token.
pub const fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[byte as usize]
}

/// By byte: every name of every header line is looked up here.
static TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut marks: &[u8] = b"-.!%*_+`'~";
    while let [mark, rest @ ..] = marks {
        table[*mark as usize] = true;
        marks = rest;
    }
    table
};

/// One or more token characters and nothing else.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Without the blanks at both ends, those of folds included.
pub const fn trim(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text))
}

/// Without the blanks before it.
pub const fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    text
}

/// Without the blanks behind it.
pub const fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

/// A decimal number and nothing else; above `u32::MAX` it is `u32::MAX`. None where there is anything but digits.
pub fn saturating_number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |number, &byte| {
        byte.is_ascii_digit().then(|| number.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
    })
}

/// A decimal number that fits, and nothing else.
pub fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |number, &byte| {
        if byte.is_ascii_digit() { number.checked_mul(10)?.checked_add(u32::from(byte - b'0')) } else { None }
    })
}

/// A port, 1 to 65535.
pub fn port(text: &[u8]) -> Option<u16> {
    u16::try_from(number(text)?).ok().filter(|&port| port > 0)
}

/// A number of eight or fewer hexadecimal digits, as a digest's `nc`.
pub fn hexadecimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 8 {
        return None;
    }
    text.iter().try_fold(0_u32, |number, &byte| Some(number << 4 | u32::from(hex_digit(byte)?)))
}

/// The value of a hexadecimal digit.
pub const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// A preference: `q=0.7` is 700. Above one it is one; what is no number is none (RFC 3261 §25.1 qvalue).
pub fn q_thousandths(text: &[u8]) -> Option<u16> {
    let (whole, fraction) = match split_once(text, b'.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, &b""[..]),
    };
    if whole.is_empty() && fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { number(whole)? };
    let mut thousandths = 0;
    for place in 0..3 {
        thousandths = thousandths * 10 + fraction.get(place).map_or(0, |digit| u16::from(digit - b'0'));
    }
    Some(if whole == 0 { thousandths } else { 1000 })
}

/// Before and after the first `byte`.
pub fn split_once(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The place behind a quoted string's closing quote; `text` begins with the opening one. None if it never closes.
pub fn quoted_end(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2; // A backslash and whatever it escapes.
    }
}

/// Cuts at the first `separator` that is neither within quotes nor, for commas, within `<>`. The tail is none at the end.
pub fn cut(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(step) = memchr::memchr3(separator, b'"', b'<', rest) else {
            break;
        };
        at += step;
        match text.get(at) {
            Some(b'"') => match quoted_end(text.get(at..).unwrap_or_default()) {
                Some(length) => at += length,
                None => break, // An open quote holds all the rest.
            },
            Some(b'<') if separator == b',' => match memchr::memchr(b'>', rest.get(step..).unwrap_or_default()) {
                Some(length) => at += length + 1,
                None => break,
            },
            Some(&byte) if byte == separator => {
                return (text.get(..at).unwrap_or_default(), text.get(at + 1..));
            }
            _ => at += 1,
        }
    }
    (text, None)
}

/// The members of a comma list in one field value, trimmed; empty ones are skipped.
#[derive(Debug, Clone)]
pub struct List<'a> {
    rest: Option<&'a [u8]>,
}

/// Splits a field value at its commas, quotes and `<>` respected (RFC 3261 §7.3.1).
pub const fn list(value: &[u8]) -> List<'_> {
    List { rest: Some(value) }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let (member, rest) = cut(self.rest?, b',');
            self.rest = rest;
            let member = trim(member);
            if !member.is_empty() {
                return Some(member);
            }
        }
    }
}

/// The bytes of a quoted string without its quotes and backslashes; other text as it is.
pub fn unquoted(text: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    let (mut rest, quoted) = match text {
        [b'"', inner @ .., b'"'] => (inner, true),
        _ => (text, false),
    };
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        rest = tail;
        if quoted
            && first == b'\\'
            && let Some((&escaped, tail)) = rest.split_first()
        {
            rest = tail;
            return Some(escaped);
        }
        Some(first)
    })
}

/// Text without its quotes: borrowed where there is nothing else to undo.
pub fn unquote(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => Some(inner),
        [b'"', ..] => None,
        _ => Some(text),
    }
}

/// Equal once quotes and backslashes are undone.
pub fn unquoted_eq(quoted: &[u8], plain: &[u8]) -> bool {
    unquoted(quoted).eq(plain.iter().copied())
}

/// The bytes of `text` with `%HH` decoded; a `%` that begins no escape stays.
pub fn unescaped(mut text: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    std::iter::from_fn(move || {
        let (&first, rest) = text.split_first()?;
        if let [b'%', high, low, tail @ ..] = text
            && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
        {
            text = tail;
            return Some(high << 4 | low);
        }
        text = rest;
        Some(first)
    })
}

/// Writes `text` with `%HH` decoded. False, and `out` cut off, if it does not fit.
pub fn unescape<const N: usize>(text: &[u8], out: &mut ArrayVec<u8, N>) -> bool {
    unescaped(text).all(|byte| out.try_push(byte).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_respect_quotes_and_brackets() {
        let table: [(&str, &[&str]); 7] = [
            ("a, b ,c", &["a", "b", "c"]),
            ("", &[]),
            (" , ,", &[]),
            (r#""x, \"y" <sip:a@b>, <sip:c,d@e>;q=1"#, &[r#""x, \"y" <sip:a@b>"#, "<sip:c,d@e>;q=1"]),
            (r#""open, <a>, b"#, &[r#""open, <a>, b"#]),
            ("<open, b", &["<open, b"]),
            ("a\r\n , b", &["a", "b"]),
        ];
        for (value, expected) in table {
            let members: Vec<&[u8]> = list(value.as_bytes()).collect();
            let expected: Vec<&[u8]> = expected.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(members, expected, "{value}");
        }
    }

    #[test]
    fn numbers_refuse_signs_and_overflow() {
        for (text, exact, saturated) in [
            ("0", Some(0), Some(0)),
            ("0068", Some(68), Some(68)),
            ("4294967295", Some(u32::MAX), Some(u32::MAX)),
            ("4294967296", None, Some(u32::MAX)),
            ("36893488147419103232", None, Some(u32::MAX)),
            ("-1", None, None),
            ("+1", None, None),
            ("", None, None),
            ("1 2", None, None),
        ] {
            assert_eq!(number(text.as_bytes()), exact, "{text}");
            assert_eq!(saturating_number(text.as_bytes()), saturated, "{text}");
        }
        assert_eq!((port(b"0"), port(b"5060"), port(b"65536")), (None, Some(5060), None));
        assert_eq!((hexadecimal(b"0000000a"), hexadecimal(b"1ff"), hexadecimal(b"x")), (Some(10), Some(511), None));
    }

    #[test]
    fn preferences_are_thousandths() {
        for (text, expected) in [
            ("1", Some(1000)),
            ("0.7", Some(700)),
            ("0.333", Some(333)),
            (".5", Some(500)),
            ("0", Some(0)),
            ("7", Some(1000)),
            (".", None),
            ("", None),
            ("a", None),
            ("0.x", None),
        ] {
            assert_eq!(q_thousandths(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn quotes_and_escapes_are_undone() {
        let text: Vec<u8> = unquoted(br#""a\"b\\""#).collect();
        assert_eq!(text, br#"a"b\"#);
        assert_eq!(unquote(br#""ab""#), Some(&b"ab"[..]));
        assert_eq!(unquote(br#""a\b""#), None);
        assert!(unquoted_eq(br#""a\b""#, b"ab"));
        let mut out = ArrayVec::<u8, 4>::new();
        assert!(unescape(b"%61%zz", &mut out));
        assert_eq!(out.as_slice(), b"a%zz");
        assert!(!unescape(b"x", &mut out));
    }
}
