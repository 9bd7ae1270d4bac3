//! Short texts that live inside their owner.
use super::limits::{NAME_BYTES, NUMBER_BYTES};
use arrayvec::ArrayString;

/// What is dialled, or the user part of an address.
pub type Number = ArrayString<NUMBER_BYTES>;
/// A display name.
pub type Name = ArrayString<NAME_BYTES>;

/// As much of the text as fits, cut at a character.
pub fn cut<const N: usize>(text: &str) -> ArrayString<N> {
    let mut end = text.len().min(N);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    ArrayString::from(text.get(..end).unwrap_or("")).unwrap_or_default()
}

/// The number if it is text and not too long.
pub fn number(bytes: &[u8]) -> Option<Number> {
    Number::from(std::str::from_utf8(bytes).ok()?).ok()
}

/// Eight hexadecimal digits.
pub fn hex8(value: u32) -> [u8; 8] {
    std::array::from_fn(|i| b"0123456789abcdef"[(value >> (28 - 4 * i)) as usize & 15])
}

/// The value of exactly eight lower-case hexadecimal digits.
pub fn unhex8(text: &[u8]) -> Option<u32> {
    if text.len() != 8 {
        return None;
    }
    text.iter().try_fold(0, |value, digit| {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u32::from(nibble))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_a_character() {
        assert_eq!(&*cut::<4>("Zoë"), "Zoë");
        assert_eq!(&*cut::<3>("Zoë"), "Zo");
    }

    #[test]
    fn hexadecimal_there_and_back() {
        for value in [0, 1, 0xdead_beef, u32::MAX] {
            assert_eq!(unhex8(&hex8(value)), Some(value));
        }
        assert_eq!((unhex8(b"DEADBEEF"), unhex8(b"1234567")), (None, None));
    }
}
