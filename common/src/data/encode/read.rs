//! Reads encoded data sets: whole, or pair by pair.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::{
    MAGIC, PAIR_BYTES, PAIRS_MAX, PIXEL_BYTES, STEP_MAX, TITLE_BYTES_MAX, VERSION, hexadecimal, pixels, steps,
};
use crate::{
    data::{Dataset, DatasetDigits, PAIR_PIXELS, Pairs, Part},
    text::count,
};

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

/// The reason why an encoded data set was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes are no encoded data set.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The bytes cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The data set that `bytes` encode. Allocates no more than their length calls for.
pub fn decode(bytes: &[u8]) -> Result<Dataset, DecodeError> {
    let [mut train, mut test] = [Vec::new(), Vec::new()];
    let each = |digits: &DatasetDigits, part: Part, pair: usize, bytes: &[u8]| {
        let (all, pairs) = match part {
            Part::Train => (&mut train, digits.train.len()),
            Part::Test => (&mut test, digits.test.len()),
        };
        if pair == 0 {
            all.reserve_exact(PAIR_PIXELS * pairs);
        }
        all.extend(pixels(bytes));
    };
    let digits = scan(bytes, Some(bytes.len() as u64), each).map_err(|error| match error {
        ReadError::Decode(error) => error,
        // Bytes in memory can only end.
        ReadError::Io(_) => DecodeError::Head { bytes: bytes.len() },
    })?;
    Ok(Dataset {
        title: digits.title,
        seed: digits.seed,
        train: Pairs { pixels: train, digits: digits.train },
        test: Pairs { pixels: test, digits: digits.test },
    })
}

/// Reads an encoded data set pair by pair: `each` gets the bytes of the pixels of every pair, with its part and its place
/// there. `bytes` is the length of the whole, where it is known.
///
/// # Errors
/// When the bytes cannot be read or are no encoded data set.
pub fn scan(
    mut source: impl Read,
    bytes: Option<u64>,
    mut each: impl FnMut(&DatasetDigits, Part, usize, &[u8]),
) -> Result<DatasetDigits, ReadError> {
    let digits = read_digits(&mut source, bytes)?;
    let places = (0..digits.train.len()).map(|pair| (Part::Train, pair));
    let mut pixels = [0; PIXEL_BYTES];
    for (place, (part, pair)) in places.chain((0..digits.test.len()).map(|pair| (Part::Test, pair))).enumerate() {
        source.read_exact(&mut pixels)?;
        if steps(&pixels).any(|steps| steps > STEP_MAX) {
            return Err(DecodeError::Pixel { pair: place }.into());
        }
        each(&digits, part, pair, &pixels);
    }
    let expected = (digits.train.len() + digits.test.len()) as u64 * PAIR_BYTES;
    match source.read(&mut [0])? {
        0 => Ok(digits),
        more => Err(DecodeError::Length { expected, found: expected + more as u64 }.into()),
    }
}

/// Reads everything before the pixels.
fn read_digits(source: &mut impl Read, bytes: Option<u64>) -> Result<DatasetDigits, ReadError> {
    let mut head = Head { source, bytes: 0 };
    let (magic, [version]): ([u8; 7], [u8; 1]) = (head.take().map_err(not_encoded)?, head.take()?);
    if magic != MAGIC {
        return Err(DecodeError::Magic.into());
    }
    if version != VERSION {
        return Err(DecodeError::Version { found: version }.into());
    }
    let title_bytes = usize::from(u16::from_le_bytes(head.take()?));
    if title_bytes > TITLE_BYTES_MAX {
        return Err(DecodeError::Title.into());
    }
    let title = String::from_utf8(head.take_many(title_bytes)?).map_err(|_| DecodeError::Title)?;
    let seed = u64::from_le_bytes(head.take()?);
    let counts = [u32::from_le_bytes(head.take()?), u32::from_le_bytes(head.take()?)];
    if let Some(pairs) = counts.into_iter().find(|&pairs| pairs > PAIRS_MAX) {
        return Err(DecodeError::ManyPairs { pairs }.into());
    }
    let [train, test] = counts.map(|pairs| pairs as usize);
    let expected = (train + test) as u64 * PAIR_BYTES;
    if let Some(found) = bytes.map(|bytes| bytes.saturating_sub(head.bytes as u64)).filter(|found| *found != expected) {
        return Err(DecodeError::Length { expected, found }.into());
    }
    let mut digits = vec![[0; 2]; train + test];
    head.source.read_exact(digits.as_flattened_mut())?;
    for (pair, digits) in digits.iter().enumerate() {
        if let Some(&digit) = digits.iter().find(|&&digit| digit > 9) {
            return Err(DecodeError::Digit { pair, digit }.into());
        }
    }
    let test = digits.split_off(train);
    Ok(DatasetDigits { title, seed, train: digits, test })
}

/// The first bytes, as far as they were read.
struct Head<'a, R> {
    source: &'a mut R,
    bytes: usize,
}

impl<R: Read> Head<'_, R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let mut taken = [0; N];
        self.fill(&mut taken)?;
        Ok(taken)
    }

    fn take_many(&mut self, count: usize) -> Result<Vec<u8>, ReadError> {
        let mut taken = vec![0; count];
        self.fill(&mut taken)?;
        Ok(taken)
    }

    fn fill(&mut self, target: &mut [u8]) -> Result<(), ReadError> {
        let mut room = target;
        while !room.is_empty() {
            match self.source.read(room) {
                Ok(0) => return Err(DecodeError::Head { bytes: self.bytes }.into()),
                Ok(read) => {
                    self.bytes += read;
                    room = &mut room[read..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Bytes that end within the first ones are no encoded data set.
fn not_encoded(error: ReadError) -> ReadError {
    match error {
        ReadError::Decode(_) => DecodeError::Magic.into(),
        ReadError::Io(_) => error,
    }
}

/// A source whose bytes are hashed as they are read.
#[derive(Clone, Debug)]
pub struct Digesting<R> {
    source: R,
    hash: Sha256,
}

impl<R> Digesting<R> {
    /// Hashes what is read of `source`.
    pub fn new(source: R) -> Self {
        Self { source, hash: Sha256::new() }
    }

    /// The [digest](super::digest) of the bytes that were read.
    pub fn digest(self) -> String {
        hexadecimal(&self.hash.finalize())
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(target)?;
        self.hash.update(&target[..read]);
        Ok(read)
    }
}
