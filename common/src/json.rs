//! JSON for other programs. JavaScript holds numbers as doubles, which cannot tell all whole numbers above 2^53 apart:
//! these are written as strings of their digits. Seeds can be as large.

use std::io;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// The largest whole number that is written as a number: JavaScript's `Number.MAX_SAFE_INTEGER`.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// The value as JSON on several lines.
///
/// # Errors
/// When the value is not plain data with string keys.
pub fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    written(value, PrettyFormatter::new())
}

/// The value as JSON on one line.
///
/// # Errors
/// When the value is not plain data with string keys.
pub fn compact(value: &impl Serialize) -> serde_json::Result<String> {
    written(value, CompactFormatter)
}

fn written(value: &impl Serialize, layout: impl Formatter) -> serde_json::Result<String> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, Exact { layout, in_key: false }))?;
    Ok(String::from_utf8(text).expect("JSON is UTF-8"))
}

/// Reads a whole number that this module wrote.
///
/// # Errors
/// When the value is neither a whole number nor a string of one.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Whole::deserialize(deserializer)?.number().map_err(serde::de::Error::custom)
}

/// Reads a list of whole numbers that this module wrote.
///
/// # Errors
/// When one of them is no whole number, as for [`whole`].
pub fn wholes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let numbers = Vec::<Whole>::deserialize(deserializer)?;
    numbers.into_iter().map(|one| one.number().map_err(serde::de::Error::custom)).collect()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Whole {
    Number(u64),
    Digits(String),
}

impl Whole {
    fn number(self) -> Result<u64, std::num::ParseIntError> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Digits(digits) => digits.parse(),
        }
    }
}

/// A formatter that writes as a string every number that JavaScript cannot represent exactly.
struct Exact<F> {
    layout: F,
    /// Whether a key is being written: keys are strings already.
    in_key: bool,
}

impl<F: Formatter> Formatter for Exact<F> {
    fn write_u64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        if value > NUMBER_MAX && !self.in_key {
            return write!(writer, "\"{value}\"");
        }
        self.layout.write_u64(writer, value)
    }

    fn write_i64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        if value.unsigned_abs() > NUMBER_MAX && !self.in_key {
            return write!(writer, "\"{value}\"");
        }
        self.layout.write_i64(writer, value)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.layout.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.in_key = true;
        self.layout.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.in_key = false;
        self.layout.end_object_key(writer)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.layout.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Seeds {
        #[serde(deserialize_with = "whole")]
        seed: u64,
        #[serde(deserialize_with = "wholes")]
        seeds: Vec<u64>,
        share: f64,
        below: i64,
        keys: BTreeMap<u64, ()>,
    }

    #[test]
    fn numbers_that_javascript_would_confuse_are_strings() {
        let limit = 1 << 53;
        let seeds = Seeds {
            seed: u64::MAX,
            seeds: vec![1, limit - 1, limit, limit + 1],
            share: 1e300,
            below: -limit.cast_signed(),
            keys: [(limit, ())].into(),
        };
        let text = compact(&seeds).unwrap();
        assert_eq!(
            text,
            "{\"seed\":\"18446744073709551615\",\"seeds\":[1,9007199254740991,\"9007199254740992\",\"9007199254740993\"],\
             \"share\":1e+300,\"below\":\"-9007199254740992\",\"keys\":{\"9007199254740992\":null}}"
        );
        let back: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert!(back.values().all(|value| value.as_f64().is_none_or(|number| number.abs() < 1e16 || number == 1e300)));
        let small = Seeds { below: 0, ..seeds };
        assert_eq!(serde_json::from_str::<Seeds>(&pretty(&small).unwrap()).unwrap(), small);
        assert!(
            serde_json::from_str::<Seeds>("{\"seed\":\"-1\",\"seeds\":[],\"share\":0,\"below\":0,\"keys\":{}}")
                .is_err()
        );
    }

    #[test]
    fn the_layout_is_as_usual() {
        let value = serde_json::json!({"a": [1, 2, {"b": null}], "c": {}, "d": [], "e": "1", "f": -1, "g": 0.5});
        assert_eq!(pretty(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(compact(&value).unwrap(), value.to_string());
    }
}
