//! Ids of 16 bytes as text of 32 hexadecimal digits.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes an id as 32 lowercase hexadecimal digits.
///
/// # Errors
/// When the formatter fails.
pub fn write_id(id: [u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(id) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

/// Reads an id from exactly 32 hexadecimal digits of either case.
pub fn parse_id(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let digit = |character: u8| char::from(character).to_digit(16).map(|digit| digit as u8);
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Shown([u8; 16]);

    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_id(self.0, f)
        }
    }

    proptest! {
        #[test]
        fn an_id_is_read_as_it_is_written(id: [u8; 16]) {
            let text = Shown(id).to_string();
            prop_assert_eq!(parse_id(&text), Some(id));
            prop_assert_eq!(parse_id(&text.to_uppercase()), Some(id));
            prop_assert_eq!(text, id.map(|byte| format!("{byte:02x}")).concat());
        }
    }

    #[test]
    fn other_text_is_no_id() {
        for text in ["", "0", &"0".repeat(31), &"0".repeat(33), &format!("{}g", "0".repeat(31)), &"é".repeat(16)] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }
}
