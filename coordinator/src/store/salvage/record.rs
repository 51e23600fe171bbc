//! Records as SQLite writes them: a header of types, then the values. Every length comes from a damaged file, so every one is checked.

use rusqlite::types::Value;

/// A variable-length number at the start of `bytes`, and how many bytes it takes.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        if place == 8 {
            return Some(((value << 8) | u64::from(*byte), 9));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

/// The values of a whole record; None when it is none.
pub(super) fn values(payload: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(payload)?;
    let header = usize::try_from(header).ok().filter(|header| *header <= payload.len())?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let (kind, taken) = varint(payload.get(at..header)?)?;
        at += taken;
        let (value, length) = value(kind, payload.get(body..)?)?;
        values.push(value);
        body += length;
    }
    (body == payload.len()).then_some(values)
}

/// The value of this type at the start of `bytes`, and its length.
fn value(kind: u64, bytes: &[u8]) -> Option<(Value, usize)> {
    let integer = |length: usize| {
        let bytes = bytes.get(..length)?;
        let sign = if bytes[0] & 0x80 == 0 { 0_i64 } else { -1 };
        let number = bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte));
        Some((Value::Integer(number), length))
    };
    match kind {
        0 => Some((Value::Null, 0)),
        1..=4 => integer(kind as usize),
        5 => integer(6),
        6 => integer(8),
        7 => Some((Value::Real(f64::from_be_bytes(bytes.get(..8)?.try_into().ok()?)), 8)),
        8 | 9 => Some((Value::Integer((kind - 8) as i64), 0)),
        12.. => {
            let length = usize::try_from((kind - 12) / 2).ok()?;
            let content = bytes.get(..length)?.to_vec();
            let value = if kind.is_multiple_of(2) {
                Value::Blob(content)
            } else {
                Value::Text(String::from_utf8(content).ok()?)
            };
            Some((value, length))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_every_length() {
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 5]), None);
    }

    #[test]
    fn values_of_every_type() {
        let record = [8, 0, 1, 9, 2, 12 + 4, 13 + 2, 7, 0xff, 0x01, 0x00, 1, 2, b'z', 0x3f, 0xf0, 0, 0, 0, 0, 0, 0];
        let expected = [
            Value::Null,
            Value::Integer(-1),
            Value::Integer(1),
            Value::Integer(256),
            Value::Blob(vec![1, 2]),
            Value::Text("z".to_owned()),
            Value::Real(1.0),
        ];
        assert_eq!(values(&record).unwrap(), expected);
        assert_eq!(values(&record[..21]), None, "cut off");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = values(&bytes);
        }
    }
}
