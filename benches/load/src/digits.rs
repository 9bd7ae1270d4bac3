//! Numbers as they stand in messages.

/// Eight hexadecimal digits.
pub(crate) fn hexadecimal(number: u32) -> [u8; 8] {
    std::array::from_fn(|place| b"0123456789abcdef"[(number >> (28 - 4 * place)) as usize & 15])
}

/// What eight hexadecimal digits say.
pub(crate) fn from_hexadecimal(text: &[u8]) -> Option<u32> {
    if text.len() != 8 {
        return None;
    }
    text.iter().try_fold(0, |number, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(number << 4 | digit)
    })
}

/// Adds a number in decimal digits.
pub(crate) fn write_decimal(number: u32, out: &mut Vec<u8>) {
    let mut digits = [0; 10];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A line's number: a letter and seven digits.
pub(crate) fn line(number: u32) -> [u8; 8] {
    let mut text = *b"r0000000";
    let mut rest = number;
    for digit in text[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text
}

/// Which line a number or address means.
pub(crate) fn from_line(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"r").filter(|digits| digits.len() == 7)?;
    crate::glance::decimal(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        for number in [0, 1, 0xbeef, u32::MAX] {
            assert_eq!(from_hexadecimal(&hexadecimal(number)), Some(number));
            let mut out = Vec::new();
            write_decimal(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
        assert_eq!((from_hexadecimal(b"0000000g"), from_hexadecimal(b"1")), (None, None));
        assert_eq!((&line(42), from_line(b"r0000042"), from_line(b"u0000042")), (b"r0000042", Some(42), None));
    }
}
