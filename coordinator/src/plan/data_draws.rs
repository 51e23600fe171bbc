//! A study's data: one draw of its data set for each data seed that a stage names. The pixels stay in the run directory's
//! files; of a draw only its digits are in memory, the digests of its images and a few examples.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::PathBuf,
};

use seedgrid_common::data::{
    Dataset, DatasetDigits, Digests, Labelled as _, PAIR_PIXELS, Part,
    encode::{self, Digesting, ReadError},
};
use sha2::{Digest as _, Sha256};

use super::{
    PrepareError,
    example_images::{Sample, Samples},
};
use crate::run_directory::RunDirectory;

/// One draw of the data set.
#[derive(Clone, Debug)]
pub struct DataDraw {
    /// The digest of the encoded data set, 64 hexadecimal digits.
    pub digest: String,
    /// The data set without its pixels.
    pub digits: DatasetDigits,
    /// The first training pairs of each class.
    pub samples: Vec<Sample>,
    /// The images of both parts.
    images: Images,
}

/// A digest of an image's pixels. Equal images have equal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageDigest([u8; 16]);

impl ImageDigest {
    /// The digest of these encoded pixels.
    pub fn compute(pixels: &[u8]) -> Self {
        let whole: [u8; 32] = Sha256::digest(pixels).into();
        // Half of it tells images apart: there are a few millions.
        Self(std::array::from_fn(|place| whole[place]))
    }
}

/// Both images of every pair.
#[derive(Clone, Debug, Default)]
struct Images {
    train: Vec<[ImageDigest; 2]>,
    test: Vec<[ImageDigest; 2]>,
}

/// The parts of a draw that come from its pixels, collected pair by pair.
#[derive(Debug, Default)]
struct Collected {
    samples: Samples,
    images: Images,
}

impl Collected {
    fn add(&mut self, part: Part, pair: usize, digits: [u8; 2], pixels: &[u8]) {
        let (first, second) = pixels.split_at(pixels.len() / 2);
        let images = [first, second].map(ImageDigest::compute);
        match part {
            Part::Train => {
                self.samples.add(pair, digits, pixels);
                self.images.train.push(images);
            }
            Part::Test => self.images.test.push(images),
        }
    }

    fn into_draw(self, digest: String, digits: DatasetDigits) -> DataDraw {
        DataDraw { digest, digits, samples: self.samples.into_list(), images: self.images }
    }
}

impl DataDraw {
    /// The draw of a data set in memory, which has this digest. Pixels without an encoding are left out.
    pub fn new(dataset: &Dataset, digest: String) -> Self {
        let mut collected = Collected::default();
        for (part, pairs) in [(Part::Train, &dataset.train), (Part::Test, &dataset.test)] {
            let pairs = pairs.digits.iter().zip(pairs.pixels.chunks_exact(PAIR_PIXELS)).enumerate();
            for (pair, (digits, pixels)) in pairs {
                let Ok(pixels) = encode::pixel_bytes(pixels) else { continue };
                collected.add(part, pair, *digits, &pixels);
            }
        }
        collected.into_draw(digest, dataset.to_digits())
    }

    /// Reads the draw with this digest from the run directory, pair by pair.
    ///
    /// # Errors
    /// When its file is lost or damaged.
    pub(crate) fn kept(directory: &RunDirectory, digest: &str) -> Result<Self, PrepareError> {
        let mut collected = Collected::default();
        let digits = scan_kept(directory, digest, |digits, part, pair, pixels| {
            collected.add(part, pair, digits.digits(part)[pair], pixels);
        })?;
        Ok(collected.into_draw(digest.to_owned(), digits))
    }

    /// Both images of every pair of a part.
    pub(crate) fn images(&self, part: Part) -> &[[ImageDigest; 2]] {
        match part {
            Part::Train => &self.images.train,
            Part::Test => &self.images.test,
        }
    }
}

/// Reads the data set with this digest from the run directory, without its pixels.
///
/// # Errors
/// When its file is lost or damaged.
pub(crate) fn kept_digits(directory: &RunDirectory, digest: &str) -> Result<DatasetDigits, PrepareError> {
    scan_kept(directory, digest, |_, _, _, _| {})
}

/// Reads a file of the run directory's data sets pair by pair, and checks its digest.
fn scan_kept(
    directory: &RunDirectory,
    digest: &str,
    each: impl FnMut(&DatasetDigits, Part, usize, &[u8]),
) -> Result<DatasetDigits, PrepareError> {
    let path = directory.dataset(digest);
    let lost = |cause| PrepareError::LostDataset { path: path.clone(), cause };
    let file = File::open(&path).map_err(lost)?;
    let about = file.metadata().map_err(lost)?;
    let mut source = Digesting::new(BufReader::with_capacity(BUFFER_BYTES, file));
    let digits = encode::scan(source.by_ref(), about.is_file().then_some(about.len()), each);
    let digits = digits.map_err(|error| match error {
        ReadError::Io(cause) => lost(cause),
        ReadError::Decode(_) => PrepareError::DamagedDataset { path: path.clone() },
    })?;
    match source.digest() == digest {
        true => Ok(digits),
        false => Err(PrepareError::DamagedDataset { path: path.clone() }),
    }
}

/// The size of the buffer between a data set's file and its reader or writer.
pub(super) const BUFFER_BYTES: usize = 1 << 16;

/// Every draw of a study by data seed; at least one.
#[derive(Clone, Debug)]
pub struct DataDraws {
    first: u64,
    by_seed: BTreeMap<u64, DataDraw>,
}

impl DataDraws {
    /// Collects these draws. The one with the data seed `usual` represents all in titles, or the lowest if that is
    /// missing. Returns None without a draw.
    pub fn new(by_seed: BTreeMap<u64, DataDraw>, usual: u64) -> Option<Self> {
        let lowest = *by_seed.keys().next()?;
        let first = if by_seed.contains_key(&usual) { usual } else { lowest };
        Some(Self { first, by_seed })
    }

    /// The draw that represents all of them in titles.
    pub fn first(&self) -> &DataDraw {
        &self.by_seed[&self.first]
    }

    /// All draws, by data seed.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &DataDraw)> {
        self.by_seed.iter().map(|(seed, draw)| (*seed, draw))
    }

    /// The draw with this data seed.
    pub fn get(&self, seed: u64) -> Option<&DataDraw> {
        self.by_seed.get(&seed)
    }

    /// The files of the encoded draws in the run directory, by digest.
    pub fn files(&self, directory: &RunDirectory) -> BTreeMap<String, PathBuf> {
        self.by_seed.values().map(|draw| (draw.digest.clone(), directory.dataset(&draw.digest))).collect()
    }

    /// The draws' digests, by data seed.
    pub fn digests(&self) -> Digests {
        self.iter().map(|(seed, draw)| (seed, draw.digest.clone())).collect()
    }
}
