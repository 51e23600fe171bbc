//! A study's data: one draw of its data set for each data seed that a stage names. The inputs stay in the run directory's
//! files; of a draw only its targets are in memory, the digests of its pooled inputs and a few examples.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use seedgrid_common::data::{
    Dataset, DatasetTargets, Digests, Part,
    encode::{self, decode},
    pairs::{PAIR_PIXELS, Pairs},
};
use sha2::{Digest as _, Sha256};

use super::{
    PrepareError,
    example_images::{EACH_MAX, Sample, Samples},
};
use crate::run_directory::RunDirectory;

/// One draw of the data set.
#[derive(Clone, Debug)]
pub struct DataDraw {
    /// The digest of the encoded data set, 64 hexadecimal digits.
    pub digest: String,
    /// The data set without its inputs.
    pub targets: DatasetTargets,
    /// The first training pairs of each class.
    pub samples: Vec<Sample>,
    train_pooled: Vec<Vec<InputDigest>>,
    test_pooled: Vec<Vec<InputDigest>>,
}

/// A digest of an example of an input. Equal examples have equal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputDigest([u8; 16]);

impl InputDigest {
    /// The digest of these stored numbers.
    pub fn compute(numbers: &[u8]) -> Self {
        let whole: [u8; 32] = Sha256::digest(numbers).into();
        // Half of it tells inputs apart: there are a few millions.
        Self(std::array::from_fn(|place| whole[place]))
    }
}

impl DataDraw {
    /// The draw of a data set in memory, which has this digest.
    pub fn new(dataset: &Dataset, digest: String) -> Self {
        let [train_pooled, test_pooled] = Part::ALL.map(|part| pooled(dataset, part));
        let mut samples = Samples::default();
        let mut seen = [0; 2];
        // Only the pixels of the shown pairs are read.
        let wanted = |_, [first, second]: [u8; 2]| {
            let seen = &mut seen[usize::from(first <= second)];
            *seen += 1;
            *seen <= EACH_MAX
        };
        if let Some((places, pairs)) = Pairs::select(&dataset.train, wanted) {
            let pixels = pairs.pixels.chunks_exact(PAIR_PIXELS);
            for ((place, digits), pixels) in places.into_iter().zip(&pairs.digits).zip(pixels) {
                samples.add(place, *digits, pixels);
            }
        }
        Self { digest, targets: dataset.to_targets(), samples: samples.into_list(), train_pooled, test_pooled }
    }

    /// Reads the draw with this digest from the run directory.
    ///
    /// # Errors
    /// When its file is lost or damaged.
    pub(crate) fn kept(directory: &RunDirectory, digest: &str) -> Result<Self, PrepareError> {
        Ok(Self::new(&kept(directory, digest)?, digest.to_owned()))
    }

    /// The digests of each example's pooled inputs.
    pub(crate) fn pooled(&self, part: Part) -> &[Vec<InputDigest>] {
        match part {
            Part::Train => &self.train_pooled,
            Part::Test => &self.test_pooled,
        }
    }
}

fn pooled(dataset: &Dataset, part: Part) -> Vec<Vec<InputDigest>> {
    let examples = dataset.part(part);
    let inputs: Vec<_> = dataset.about.schema.pooled.iter().filter_map(|name| examples.inputs.get(name)).collect();
    let digests = |example| inputs.iter().map(|input| InputDigest::compute(input.example_bytes(example))).collect();
    (0..examples.targets.examples).map(digests).collect()
}

/// Reads the data set with this digest from the run directory, without its inputs.
///
/// # Errors
/// When its file is lost or damaged.
pub(crate) fn kept_targets(directory: &RunDirectory, digest: &str) -> Result<DatasetTargets, PrepareError> {
    Ok(kept(directory, digest)?.to_targets())
}

/// Reads a file of the run directory's data sets, and checks its digest.
fn kept(directory: &RunDirectory, digest: &str) -> Result<Dataset, PrepareError> {
    let path = directory.dataset(digest);
    let bytes = fs::read(&path).map_err(|cause: io::Error| PrepareError::LostDataset { path: path.clone(), cause })?;
    let damaged = || PrepareError::DamagedDataset { path: path.clone() };
    if encode::digest(&bytes) != digest {
        return Err(damaged());
    }
    decode(bytes.into()).map_err(|_| damaged())
}

/// The size of the buffer between a data set's file and its writer.
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
