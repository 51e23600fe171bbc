//! Ids and digests as text of hexadecimal digits, two for each byte.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes bytes as lowercase hexadecimal digits.
///
/// # Errors
/// When the formatter fails.
pub fn write<const N: usize>(bytes: [u8; N], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let digits = digits(bytes);
    f.write_str(std::str::from_utf8(digits.as_flattened()).map_err(|_| fmt::Error)?)
}

/// Bytes as lowercase hexadecimal digits.
pub fn text<const N: usize>(bytes: [u8; N]) -> String {
    digits(bytes).as_flattened().iter().copied().map(char::from).collect()
}

fn digits<const N: usize>(bytes: [u8; N]) -> [[u8; 2]; N] {
    bytes.map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
}

/// Reads `N` bytes from exactly twice as many hexadecimal digits of either case.
pub fn parse<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let digit = |character: u8| char::from(character).to_digit(16).map(|digit| digit as u8);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Shown([u8; 16]);

    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(self.0, f)
        }
    }

    proptest! {
        #[test]
        fn an_id_is_read_as_it_is_written(id: [u8; 16]) {
            let text = Shown(id).to_string();
            prop_assert_eq!(&super::text(id), &text);
            prop_assert_eq!(parse(&text), Some(id));
            prop_assert_eq!(parse(&text.to_uppercase()), Some(id));
            prop_assert_eq!(text, id.map(|byte| format!("{byte:02x}")).concat());
        }
    }

    #[test]
    fn other_text_is_no_id() {
        for text in ["", "0", &"0".repeat(31), &"0".repeat(33), &format!("{}g", "0".repeat(31)), &"é".repeat(16)] {
            assert_eq!(parse::<16>(text), None, "{text}");
        }
    }
}
