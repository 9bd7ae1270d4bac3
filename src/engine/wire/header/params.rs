//! Parameters: `;name=value;flag`, of fields and of URIs.

use crate::wire::text::{cut, trim};

/// The parameters of a value, in order: the name, and the value if there is a `=`, quoted if it was. Empty ones are skipped.
#[derive(Debug, Clone)]
pub struct Params<'a> {
    rest: Option<&'a [u8]>,
}

/// Walks over parameters; blanks around `;` and `=` do not count. A leading `;` may stand or not.
pub const fn params(text: &[u8]) -> Params<'_> {
    Params { rest: Some(text) }
}

/// The value of the first parameter of that name, in any case; empty for a flag.
pub fn param<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    // Most of the time it is the first, written without blanks.
    if let Some((first, [b'=', value @ ..])) = text.split_at_checked(name.len())
        && first.eq_ignore_ascii_case(name.as_bytes())
    {
        return value.get(..end_of_value(value)).map(trim);
    }
    params(text)
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.unwrap_or_default())
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = self.rest?;
            let (end, equals) = end(text);
            let item = text.get(..end)?;
            self.rest = text.get(end + 1..);
            let param = match equals {
                Some(at) => (trim(item.get(..at)?), Some(trim(item.get(at + 1..)?))),
                None => (trim(item), None),
            };
            if param != (&b""[..], None) {
                return Some(param);
            }
        }
    }
}

/// Where the first parameter ends, and where its first `=` is. They are seldom quoted.
fn end(text: &[u8]) -> (usize, Option<usize>) {
    let Some(first) = memchr::memchr3(b';', b'=', b'"', text) else { return (text.len(), None) };
    let equals = match text.get(first) {
        Some(b'=') => Some(first),
        Some(b'"') => {
            let end = cut(text, b';').0.len();
            return (end, memchr::memchr(b'=', text.get(..end).unwrap_or_default()));
        }
        _ => return (first, None),
    };
    (first + end_of_value(text.get(first..).unwrap_or_default()), equals)
}

/// Where the parameter ends whose value, or its rest, this is.
fn end_of_value(text: &[u8]) -> usize {
    match memchr::memchr2(b';', b'"', text) {
        Some(end) if text.get(end) == Some(&b';') => end,
        Some(_) => cut(text, b';').0.len(),
        None => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_survive_blanks_folds_and_quotes() {
        let text = b" ; newparam =\r\n\tnewvalue ;flag;; q = 0.33;x=\"a;b=\\\"c\" ; tag=ab/cd==";
        let found: Vec<_> = params(text).collect();
        assert_eq!(
            found,
            [
                (&b"newparam"[..], Some(&b"newvalue"[..])),
                (b"flag", None),
                (b"q", Some(b"0.33")),
                (b"x", Some(b"\"a;b=\\\"c\"")),
                (b"tag", Some(b"ab/cd==")),
            ]
        );
        assert_eq!(param(text, "FLAG"), Some(&b""[..]));
        assert_eq!(param(text, "none"), None);
    }
}
