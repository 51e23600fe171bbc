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

mod read;

use std::io::{self, Write};

pub use read::{DecodeError, Digesting, ReadError, decode, scan};
use sha2::{Digest as _, Sha256};

use super::{Dataset, PAIR_PIXELS};
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
/// Bytes of one pair's pixels.
const PIXEL_BYTES: usize = 2 * PAIR_PIXELS;
const PAIR_BYTES: u64 = 2 + PIXEL_BYTES as u64;

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

/// The reason why an encoded data set was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The data set has no encoding.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The bytes cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The canonical bytes of `dataset`. Equal data sets have equal bytes.
pub fn encode(dataset: &Dataset) -> Result<Vec<u8>, EncodeError> {
    let pairs = dataset.train.len() + dataset.test.len();
    let mut bytes = Vec::with_capacity(64 + dataset.title.len() + PAIR_BYTES as usize * pairs);
    encode_pieces(dataset, |piece| {
        bytes.extend(piece);
        Ok::<_, EncodeError>(())
    })?;
    Ok(bytes)
}

/// Writes the canonical bytes of `dataset` pair by pair, and returns their digest.
pub fn write(dataset: &Dataset, mut target: impl Write) -> Result<String, WriteError> {
    let mut hash = Sha256::new();
    encode_pieces(dataset, |piece| {
        hash.update(piece);
        Ok::<_, WriteError>(target.write_all(piece)?)
    })?;
    target.flush()?;
    Ok(hexadecimal(&hash.finalize()))
}

fn encode_pieces<E: From<EncodeError>>(
    dataset: &Dataset,
    mut piece: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let Dataset { title, seed, train, test } = dataset;
    let title_bytes = u16::try_from(title.len())
        .ok()
        .filter(|_| title.len() <= TITLE_BYTES_MAX)
        .ok_or(EncodeError::LongTitle { bytes: title.len() })?;
    let parts = [("training", train), ("test", test)];
    let mut head = Vec::new();
    head.extend(MAGIC);
    head.push(VERSION);
    head.extend(title_bytes.to_le_bytes());
    head.extend(title.as_bytes());
    head.extend(seed.to_le_bytes());
    for (part, pairs) in parts {
        let count = u32::try_from(pairs.len())
            .ok()
            .filter(|&count| count <= PAIRS_MAX)
            .ok_or(EncodeError::ManyPairs { part, pairs: pairs.len() })?;
        if pairs.pixels.len() != pairs.len() * PAIR_PIXELS {
            return Err(EncodeError::Shape { part, pairs: pairs.len(), pixels: pairs.pixels.len() }.into());
        }
        head.extend(count.to_le_bytes());
    }
    piece(&head)?;
    for (part, pairs) in parts {
        for (pair, digits) in pairs.digits.iter().enumerate() {
            if let Some(&digit) = digits.iter().find(|&&digit| digit > 9) {
                return Err(EncodeError::Digit { part, pair, digit }.into());
            }
        }
        piece(pairs.digits.as_flattened())?;
    }
    for (part, pairs) in parts {
        for (pair, pixels) in pairs.pixels.chunks_exact(PAIR_PIXELS).enumerate() {
            let bytes = pixel_bytes(pixels).map_err(|value| EncodeError::Pixel { part, pair, value })?;
            piece(&bytes)?;
        }
    }
    Ok(())
}

/// The bytes of these pixels; the error is a pixel without an encoding.
pub fn pixel_bytes(pixels: &[f32]) -> Result<Vec<u8>, f32> {
    let mut bytes = Vec::with_capacity(2 * pixels.len());
    for &value in pixels {
        let steps = value * STEPS;
        if !(0.0..=f32::from(STEP_MAX)).contains(&steps) || steps.fract() != 0.0 {
            return Err(value);
        }
        bytes.extend((steps as u16).to_le_bytes());
    }
    Ok(bytes)
}

/// The pixels that these bytes encode.
pub fn pixels(bytes: &[u8]) -> impl Iterator<Item = f32> {
    steps(bytes).map(|steps| f32::from(steps) / STEPS)
}

fn steps(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
}

/// SHA-256 of an encoded data set, as 64 hexadecimal digits: it names the data set everywhere.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Labelled as _, Pairs, Part};

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

    #[test]
    fn a_data_set_that_is_written_and_read_pair_by_pair_is_the_same() {
        let dataset = small();
        let mut bytes = Vec::new();
        assert_eq!(write(&dataset, &mut bytes).unwrap(), digest(&bytes));
        assert_eq!(bytes, encode(&dataset).unwrap());
        let mut source = Digesting::new(&bytes[..]);
        let mut seen = Vec::new();
        let digits = scan(&mut source, None, |digits, part, pair, found| {
            let pairs = match part {
                Part::Train => &dataset.train,
                Part::Test => &dataset.test,
            };
            assert_eq!(digits.digits(part)[pair], pairs.digits[pair]);
            assert!(pixels(found).eq(pairs.pixels[pair * PAIR_PIXELS..(pair + 1) * PAIR_PIXELS].iter().copied()));
            seen.push((part, pair));
        });
        assert_eq!(digits.unwrap(), dataset.to_digits());
        assert_eq!(seen, [(Part::Train, 0), (Part::Train, 1), (Part::Test, 0)]);
        assert_eq!(source.digest(), digest(&bytes));
    }

    #[test]
    fn a_source_of_unknown_length_is_checked_to_its_end() {
        let bytes = encode(&small()).unwrap();
        let read = |bytes: &[u8]| scan(bytes, None, |_, _, _, _| {});
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{cut} bytes");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(read(&longer), Err(ReadError::Decode(DecodeError::Length { .. }))));
    }

    /// A disk that is full after so many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_data_set_that_cannot_be_written_says_why() {
        let length = encode(&small()).unwrap().len();
        assert!(write(&small(), Full(length)).is_ok());
        for room in [0, 40, length - 1] {
            assert!(matches!(write(&small(), Full(room)), Err(WriteError::Io(_))), "room for {room} bytes");
        }
        let mut wrong = small();
        wrong.test.pixels[0] = 0.1;
        assert!(matches!(write(&wrong, io::sink()), Err(WriteError::Encode(EncodeError::Pixel { .. }))));
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
