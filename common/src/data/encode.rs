//! The one encoding of a data set: the coordinator serves these bytes, the worker caches them, and the digest is
//! theirs.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `b"SGPAIRS"` and the version, 1 |
//! | 2, n | length of the title in bytes (at most 256), the title in UTF-8 |
//! | 8 | data seed |
//! | 4, 4 | number of training pairs, of test pairs (each at most [`PAIRS_MAX`]) |
//! | 2 each | digits of each pair: first, second; the training pairs, then the test pairs |
//! | 784 each | pixels of each pair in the same order: 2 x 14 x 14 numbers of 2 bytes, each four times the grey value |

use sha2::{Digest as _, Sha256};

use super::{Dataset, PAIR_PIXELS, Pairs};
use crate::text::count;

/// Most pairs in one part of a data set.
pub const PAIRS_MAX: u32 = 1_000_000;
/// Longest title, in bytes.
const TITLE_BYTES_MAX: usize = 256;
const MAGIC: [u8; 7] = *b"SGPAIRS";
const VERSION: u8 = 1;
/// Pixels are written as multiples of a quarter: each is the mean of four whole grey values.
const STEPS: f32 = 4.0;
const STEP_MAX: u16 = 255 * 4;
const PAIR_BYTES: u64 = 2 + 2 * PAIR_PIXELS as u64;

/// The reason why a data set has no encoding.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// The title is too long.
    #[error("the title has {bytes} bytes, more than {TITLE_BYTES_MAX}")]
    LongTitle {
        /// The title's length.
        bytes: usize,
    },
    /// Too many pairs.
    #[error("{pairs} {part} pairs are more than {PAIRS_MAX}")]
    ManyPairs {
        /// "training" or "test".
        part: &'static str,
        /// The number of pairs.
        pairs: usize,
    },
    /// The number of pixels does not fit the number of pairs.
    #[error("{} have {pixels} pixels instead of {PAIR_PIXELS} each", count(pairs, &format!("{part} pair")))]
    Shape {
        /// "training" or "test".
        part: &'static str,
        /// Number of pairs.
        pairs: usize,
        /// Number of pixels.
        pixels: usize,
    },
    /// A digit above 9.
    #[error("{part} pair {pair} has the digit {digit}")]
    Digit {
        /// "training" or "test".
        part: &'static str,
        /// The pair's index, from 0.
        pair: usize,
        /// The digit.
        digit: u8,
    },
    /// A pixel that is no multiple of 0.25 in 0..=255.
    #[error("{part} pair {pair} has a pixel of value {value}, not a multiple of 0.25 in 0..=255")]
    Pixel {
        /// "training" or "test".
        part: &'static str,
        /// The pair's index, from 0.
        pair: usize,
        /// The pixel's value.
        value: f32,
    },
}

/// The reason why bytes are no encoded data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first bytes are not those of an encoded data set.
    #[error("this is not an encoded data set")]
    Magic,
    /// Another version of the encoding.
    #[error("the data set is encoded in version {found}, this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The bytes end within the head.
    #[error("the data set ends after {}, within its head", count(bytes, "byte"))]
    Head {
        /// The number of bytes.
        bytes: usize,
    },
    /// The title is too long or not UTF-8.
    #[error("the data set's title is not UTF-8 of at most {TITLE_BYTES_MAX} bytes")]
    Title,
    /// A count over its limit.
    #[error("the data set claims {pairs} pairs, more than {PAIRS_MAX}")]
    ManyPairs {
        /// The claimed number.
        pairs: u32,
    },
    /// The bytes are fewer or more than the counts ask for.
    #[error("the data set has {} after its head instead of {expected}", count(found, "byte"))]
    Length {
        /// The number of bytes that the counts ask for.
        expected: u64,
        /// The number of bytes found.
        found: u64,
    },
    /// A digit above 9.
    #[error("pair {pair} has the digit {digit}")]
    Digit {
        /// The pair's index, from 0, over training and test pairs.
        pair: usize,
        /// The digit.
        digit: u8,
    },
    /// A pixel above 255.
    #[error("pair {pair} has a pixel above 255")]
    Pixel {
        /// The pair's index, from 0, over training and test pairs.
        pair: usize,
    },
}

/// The canonical bytes of `dataset`. Equal data sets have equal bytes.
pub fn encode(dataset: &Dataset) -> Result<Vec<u8>, EncodeError> {
    let Dataset { title, seed, train, test } = dataset;
    let title_bytes = u16::try_from(title.len())
        .ok()
        .filter(|_| title.len() <= TITLE_BYTES_MAX)
        .ok_or(EncodeError::LongTitle { bytes: title.len() })?;
    let parts = [("training", train), ("test", test)];
    let mut bytes = Vec::with_capacity(64 + title.len() + PAIR_BYTES as usize * (train.len() + test.len()));
    bytes.extend(MAGIC);
    bytes.push(VERSION);
    bytes.extend(title_bytes.to_le_bytes());
    bytes.extend(title.as_bytes());
    bytes.extend(seed.to_le_bytes());
    for (part, pairs) in parts {
        let count = u32::try_from(pairs.len())
            .ok()
            .filter(|&count| count <= PAIRS_MAX)
            .ok_or(EncodeError::ManyPairs { part, pairs: pairs.len() })?;
        if pairs.pixels.len() != pairs.len() * PAIR_PIXELS {
            return Err(EncodeError::Shape { part, pairs: pairs.len(), pixels: pairs.pixels.len() });
        }
        bytes.extend(count.to_le_bytes());
    }
    for (part, pairs) in parts {
        for (pair, digits) in pairs.digits.iter().enumerate() {
            if let Some(&digit) = digits.iter().find(|&&digit| digit > 9) {
                return Err(EncodeError::Digit { part, pair, digit });
            }
            bytes.extend(digits);
        }
    }
    for (part, pairs) in parts {
        for (index, &value) in pairs.pixels.iter().enumerate() {
            let steps = value * STEPS;
            if !(0.0..=f32::from(STEP_MAX)).contains(&steps) || steps.fract() != 0.0 {
                return Err(EncodeError::Pixel { part, pair: index / PAIR_PIXELS, value });
            }
            bytes.extend((steps as u16).to_le_bytes());
        }
    }
    Ok(bytes)
}

/// The data set that `bytes` encode. Allocates no more than their length calls for.
pub fn decode(bytes: &[u8]) -> Result<Dataset, DecodeError> {
    let mut rest = bytes.strip_prefix(&MAGIC).ok_or(DecodeError::Magic)?;
    let short = DecodeError::Head { bytes: bytes.len() };
    let [version] = take(&mut rest).ok_or(short.clone())?;
    if version != VERSION {
        return Err(DecodeError::Version { found: version });
    }
    let title_bytes = usize::from(u16::from_le_bytes(take(&mut rest).ok_or(short.clone())?));
    if title_bytes > TITLE_BYTES_MAX {
        return Err(DecodeError::Title);
    }
    let (title, after) = rest.split_at_checked(title_bytes).ok_or(short.clone())?;
    let title = std::str::from_utf8(title).map_err(|_| DecodeError::Title)?.to_owned();
    rest = after;
    let seed = u64::from_le_bytes(take(&mut rest).ok_or(short.clone())?);
    let train = u32::from_le_bytes(take(&mut rest).ok_or(short.clone())?);
    let test = u32::from_le_bytes(take(&mut rest).ok_or(short)?);
    if let Some(pairs) = [train, test].into_iter().find(|&pairs| pairs > PAIRS_MAX) {
        return Err(DecodeError::ManyPairs { pairs });
    }
    let (expected, found) = ((u64::from(train) + u64::from(test)) * PAIR_BYTES, rest.len() as u64);
    if expected != found {
        return Err(DecodeError::Length { expected, found });
    }
    let (train, test) = (train as usize, test as usize);
    let (digits, pixels) = rest.split_at(2 * (train + test));
    let (train_digits, test_digits) = digits.split_at(2 * train);
    let (train_pixels, test_pixels) = pixels.split_at(2 * PAIR_PIXELS * train);
    Ok(Dataset {
        title,
        seed,
        train: pairs(train_digits, train_pixels, 0)?,
        test: pairs(test_digits, test_pixels, train)?,
    })
}

/// SHA-256 of an encoded data set, as 64 hexadecimal digits: it names the data set everywhere.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pairs(digits: &[u8], pixels: &[u8], first: usize) -> Result<Pairs, DecodeError> {
    let digits: Vec<[u8; 2]> = digits.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
    for (index, pair) in digits.iter().enumerate() {
        if let Some(&digit) = pair.iter().find(|&&digit| digit > 9) {
            return Err(DecodeError::Digit { pair: first + index, digit });
        }
    }
    let pixels = pixels
        .chunks_exact(2)
        .enumerate()
        .map(|(index, bytes)| match u16::from_le_bytes([bytes[0], bytes[1]]) {
            steps @ 0..=STEP_MAX => Ok(f32::from(steps) / STEPS),
            _ => Err(DecodeError::Pixel { pair: first + index / PAIR_PIXELS }),
        })
        .collect::<Result<_, _>>()?;
    Ok(Pairs { pixels, digits })
}

/// Takes `N` bytes off the front. None where there are fewer.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn small() -> Dataset {
        let pairs = |digits: Vec<[u8; 2]>, first: usize| Pairs {
            pixels: (0..digits.len() * PAIR_PIXELS).map(|pixel| ((first + pixel) % 1021) as f32 / 4.0).collect(),
            digits,
        };
        Dataset {
            title: "Größe".to_owned(),
            seed: 7,
            train: pairs(vec![[0, 9], [3, 3]], 0),
            test: pairs(vec![[5, 4]], 9),
        }
    }

    #[test]
    fn the_layout_is_fixed() {
        let bytes = encode(&small()).unwrap();
        assert_eq!(&bytes[..17], b"SGPAIRS\x01\x07\0Gr\xc3\xb6\xc3\x9fe");
        assert_eq!(&bytes[17..33], &[7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(&bytes[33..39], &[0, 9, 3, 3, 5, 4]);
        assert_eq!(&bytes[39..45], &[0, 0, 1, 0, 2, 0]);
        assert_eq!(bytes.len(), 39 + 3 * 784);
        assert_eq!(
            digest(&bytes),
            "14ce45ec85c26148a362ffd6d7a242f737a478f7e277d38493ac7dbf3ac8998b",
            "digests name data sets in stores and caches"
        );
    }

    #[test]
    fn what_has_no_encoding_is_refused() {
        let mut long = small();
        long.title = "x".repeat(257);
        assert_eq!(encode(&long), Err(EncodeError::LongTitle { bytes: 257 }));
        let mut short = small();
        short.test.pixels.pop();
        assert_eq!(encode(&short), Err(EncodeError::Shape { part: "test", pairs: 1, pixels: 391 }));
        let mut digit = small();
        digit.train.digits[1][0] = 10;
        assert_eq!(encode(&digit), Err(EncodeError::Digit { part: "training", pair: 1, digit: 10 }));
        for value in [-0.25, 255.25, 0.1] {
            let mut pixel = small();
            pixel.train.pixels[PAIR_PIXELS] = value;
            assert_eq!(encode(&pixel), Err(EncodeError::Pixel { part: "training", pair: 1, value }));
        }
        let mut nan = small();
        nan.test.pixels[0] = f32::NAN;
        assert!(matches!(encode(&nan), Err(EncodeError::Pixel { part: "test", pair: 0, .. })));
    }

    #[test]
    fn every_cut_and_every_wrong_field_is_refused() {
        let good = encode(&small()).unwrap();
        for bytes in 0..good.len() {
            assert!(decode(&good[..bytes]).is_err(), "{bytes} bytes");
        }
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            decode(&bytes)
        };
        assert_eq!(with(0, b'X'), Err(DecodeError::Magic));
        assert_eq!(with(7, 2), Err(DecodeError::Version { found: 2 }));
        assert_eq!(with(9, 255), Err(DecodeError::Title));
        assert_eq!(with(12, b'x'), Err(DecodeError::Title));
        assert_eq!(with(28, 255), Err(DecodeError::ManyPairs { pairs: 0xff00_0002 }));
        assert_eq!(with(25, 3), Err(DecodeError::Length { expected: 4 * 786, found: 3 * 786 }));
        assert_eq!(with(38, 10), Err(DecodeError::Digit { pair: 2, digit: 10 }));
        assert_eq!(with(good.len() - 1, 4), Err(DecodeError::Pixel { pair: 2 }));
        let longer = [&good[..], &[0]].concat();
        assert_eq!(decode(&longer), Err(DecodeError::Length { expected: 3 * 786, found: 3 * 786 + 1 }));
    }

    fn any_pairs(count_max: usize) -> impl Strategy<Value = Pairs> {
        let pair = (proptest::array::uniform2(0_u8..10), proptest::collection::vec(0_u16..=1020, PAIR_PIXELS));
        proptest::collection::vec(pair, 0..=count_max).prop_map(|pairs| Pairs {
            digits: pairs.iter().map(|(digits, _)| *digits).collect(),
            pixels: pairs.iter().flat_map(|(_, steps)| steps).map(|&steps| f32::from(steps) / 4.0).collect(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn decoding_undoes_encoding(title in "\\PC{0,60}", seed: u64, train in any_pairs(3), test in any_pairs(3)) {
            let dataset = Dataset { title, seed, train, test };
            let bytes = encode(&dataset).unwrap();
            prop_assert_eq!(decode(&bytes).unwrap(), dataset);
        }

        #[test]
        fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), good_head: bool) {
            let bytes = if good_head { [b"SGPAIRS\x01", &bytes[..]].concat() } else { bytes };
            let _ = decode(&bytes);
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(at in 0..2391_usize, value: u8) {
            let mut bytes = encode(&small()).unwrap();
            bytes[at] = value;
            if let Ok(dataset) = decode(&bytes) {
                prop_assert_eq!(encode(&dataset).unwrap(), bytes);
            }
        }
    }
}
