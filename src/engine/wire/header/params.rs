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
    params(text)
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.unwrap_or_default())
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = self.rest?;
            // They are short, and seldom quoted: one look finds where this one and its name end.
            let (mut end, mut equals) = (0, None);
            while let Some(&byte) = text.get(end) {
                match byte {
                    b';' => break,
                    b'=' if equals.is_none() => equals = Some(end),
                    b'"' => {
                        end = cut(text, b';').0.len();
                        break;
                    }
                    _ => {}
                }
                end += 1;
            }
            let item = text.get(..end)?;
            self.rest = text.get(end + 1..);
            let param = match equals.or_else(|| memchr::memchr(b'=', item)) {
                Some(at) => (trim(item.get(..at)?), Some(trim(item.get(at + 1..)?))),
                None => (trim(item), None),
            };
            if param != (&b""[..], None) {
                return Some(param);
            }
        }
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
