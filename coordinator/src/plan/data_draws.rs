//! A study's data: one draw of its data set for each data seed that a stage names.

use std::collections::BTreeMap;

use seedgrid_common::data::{Dataset, Digests};

/// One draw of the data set.
#[derive(Clone, Debug)]
pub struct DataDraw {
    /// The training and test data.
    pub dataset: Dataset,
    /// The encoded data set, as workers receive it.
    pub encoded: Vec<u8>,
    /// The digest of the encoded bytes, 64 hexadecimal digits.
    pub digest: String,
}

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

    /// The draws' digests, by data seed.
    pub fn digests(&self) -> Digests {
        self.iter().map(|(seed, draw)| (seed, draw.digest.clone())).collect()
    }

    /// The draws in the form for workers: digests and bytes.
    pub fn into_encoded(self) -> Vec<(String, Vec<u8>)> {
        self.by_seed.into_values().map(|draw| (draw.digest, draw.encoded)).collect()
    }
}
