//! The one encoding of a data set: what the coordinator serves, the worker caches and the digest is taken of.
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

/// Most pairs in one part of a data set.
pub const PAIRS_MAX: u32 = 1_000_000;
/// Longest title, in bytes.
const TITLE_BYTES_MAX: usize = 256;
const MAGIC: [u8; 7] = *b"SGPAIRS";
const VERSION: u8 = 1;
/// Pixels are written as multiples of a quarter: the mean of four whole grey values.
const STEPS: f32 = 4.0;
const STEP_MAX: u16 = 255 * 4;
const PAIR_BYTES: u64 = 2 + 2 * PAIR_PIXELS as u64;

/// Why a data set has no encoding.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// The title is too long.
    #[error("the title has {bytes} bytes, more than {TITLE_BYTES_MAX}")]
    LongTitle {
        /// Its length.
        bytes: usize,
    },
    /// Too many pairs.
    #[error("{pairs} {part} pairs are more than {PAIRS_MAX}")]
    ManyPairs {
        /// "training" or "test".
        part: &'static str,
        /// How many there are.
        pairs: usize,
    },
    /// The number of pixels does not fit the number of pairs.
    #[error("{pairs} {part} pairs have {pixels} pixels instead of {PAIR_PIXELS} each")]
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
        /// 0-based.
        pair: usize,
        /// The digit.
        digit: u8,
    },
    /// A pixel that is no multiple of 0.25 in 0..=255.
    #[error("{part} pair {pair} has a pixel of value {value}, not a multiple of 0.25 in 0..=255")]
    Pixel {
        /// "training" or "test".
        part: &'static str,
        /// 0-based.
        pair: usize,
        /// The value.
        value: f32,
    },
}

/// Why bytes are no encoded data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first bytes are others.
    #[error("this is not an encoded data set")]
    Magic,
    /// Another version of the encoding.
    #[error("the data set is encoded in version {found}, this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The head ends early.
    #[error("the data set ends after {bytes} bytes, within its head")]
    Head {
        /// Length of what is there.
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
    /// Shorter or longer than its counts say.
    #[error("the data set has {found} bytes after its head instead of {expected}")]
    Length {
        /// What the counts ask for.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A digit above 9.
    #[error("pair {pair} has the digit {digit}")]
    Digit {
        /// 0-based, over training and test pairs.
        pair: usize,
        /// The digit.
        digit: u8,
    },
    /// A pixel above 255.
    #[error("pair {pair} has a pixel above 255")]
    Pixel {
        /// 0-based, over training and test pairs.
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

/// The data set that `bytes` encode. Allocates no more than the bytes' own length calls for.
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

/// SHA-256 of an encoded data set, as 64 hexadecimal digits: its name everywhere.
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

/// Takes `N` bytes off the front, or nothing where there are fewer.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}
