//! The numbers by which rows name units, configurations, data sets and workers. A store that writes knows all of them; so a commit asks the
//! database for none, and a new unit gets the next number.

use std::{
    borrow::Borrow,
    collections::{HashMap, HashSet},
    hash::Hash,
};

use rusqlite::{Connection, Row};
use seedgrid_common::{
    copy_on_write::Shared,
    unit::{Configuration, UnitId},
};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a configuration's content.
type ContentDigest = [u8; 32];

/// A row names something that the store does not have.
#[derive(Debug, thiserror::Error)]
enum Unknown {
    #[error("the store has no unit {0}")]
    Unit(UnitId),
    #[error("the store has no worker {0}")]
    Worker(String),
}

impl From<Unknown> for rusqlite::Error {
    fn from(unknown: Unknown) -> Self {
        Self::ToSqlConversionFailure(Box::new(unknown))
    }
}

/// Numbers of one kind, with those that an open commit has added.
#[derive(Debug)]
struct Numbered<K> {
    numbers: HashMap<K, i64>,
    last: i64,
    new: Vec<K>,
}

impl<K> Default for Numbered<K> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), last: 0, new: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash> Numbered<K> {
    fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<i64>
    where
        K: Borrow<Q>,
    {
        self.numbers.get(key).copied()
    }

    fn insert(&mut self, key: K, number: i64) {
        self.last = self.last.max(number);
        self.numbers.insert(key, number);
    }

    /// Gives the next number, which the database refuses should there be none left.
    fn add(&mut self, key: K) -> i64 {
        let number = self.last.saturating_add(1);
        self.insert(key.clone(), number);
        self.new.push(key);
        number
    }

    fn keep(&mut self) {
        // Those of a whole plan are many, and of no more use.
        self.new = Vec::new();
    }

    /// Forgets what was added since the last commit. Its numbers are not given again, which harms nobody.
    fn undo(&mut self) {
        for key in self.new.drain(..) {
            self.numbers.remove(&key);
        }
    }
}

/// The numbers of everything that rows refer to.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    units: Numbered<UnitId>,
    /// Units whose rows were found damaged: their configuration is not known any more.
    damaged: HashSet<UnitId>,
    /// Those of them that the open commit has written again.
    mended: Vec<UnitId>,
    configurations: Numbered<ContentDigest>,
    /// The configuration of the last unit: the next one of a plan mostly has the same.
    last: Option<(Shared<Configuration>, i64)>,
    datasets: Numbered<String>,
    workers: Numbered<String>,
}

/// The number of a row, and whether the row is still to be written.
pub(super) struct Place {
    pub(super) number: i64,
    pub(super) is_new: bool,
}

impl Numbers {
    /// All that the database has.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut numbers = Self::default();
        each(connection, "SELECT number, unit_id, configuration IS NULL OR dataset IS NULL FROM units", |row| {
            let id = UnitId(row.get(1)?);
            numbers.units.insert(id, row.get(0)?);
            if row.get(2)? {
                numbers.damaged.insert(id);
            }
            Ok(())
        })?;
        each(connection, "SELECT number, content FROM configurations", |row| {
            numbers.configurations.insert(digest(row.get_ref(1)?.as_str()?), row.get(0)?);
            Ok(())
        })?;
        each(connection, "SELECT number, digest FROM datasets", |row| {
            numbers.datasets.insert(row.get(1)?, row.get(0)?);
            Ok(())
        })?;
        each(connection, "SELECT number, worker_id FROM workers", |row| {
            numbers.workers.insert(row.get(1)?, row.get(0)?);
            Ok(())
        })?;
        Ok(numbers)
    }

    /// Whether this unit is stored with all that it is.
    pub(super) fn has_unit(&self, id: &UnitId) -> bool {
        self.units.get(id).is_some() && !self.damaged.contains(id)
    }

    /// The number of a stored unit.
    pub(super) fn unit(&self, id: &UnitId) -> rusqlite::Result<i64> {
        Ok(self.units.get(id).ok_or(Unknown::Unit(*id))?)
    }

    /// The number of a registered worker.
    pub(super) fn worker(&self, id: &str) -> rusqlite::Result<i64> {
        Ok(self.workers.get(id).ok_or_else(|| Unknown::Worker(id.to_owned()))?)
    }

    /// The number under which a unit is to be written; None where it is stored already.
    pub(super) fn place_unit(&mut self, id: UnitId) -> Option<i64> {
        match self.units.get(&id) {
            Some(number) if self.damaged.remove(&id) => {
                self.mended.push(id);
                Some(number)
            }
            Some(_) => None,
            None => Some(self.units.add(id)),
        }
    }

    /// The number of a configuration, and its content where that is to be written first.
    pub(super) fn place_configuration(&mut self, configuration: &Shared<Configuration>) -> (i64, Option<String>) {
        if let Some((last, number)) = &self.last
            && last.is_same(configuration)
        {
            return (*number, None);
        }
        let content = configuration.key();
        let digest = digest(&content);
        let (number, content) = match self.configurations.get(&digest) {
            Some(number) => (number, None),
            None => (self.configurations.add(digest), Some(content)),
        };
        self.last = Some((configuration.clone(), number));
        (number, content)
    }

    pub(super) fn place_dataset(&mut self, digest: &str) -> Place {
        place(&mut self.datasets, digest)
    }

    pub(super) fn place_worker(&mut self, id: &str) -> Place {
        place(&mut self.workers, id)
    }

    /// The commit has succeeded.
    pub(super) fn keep(&mut self) {
        self.units.keep();
        self.configurations.keep();
        self.datasets.keep();
        self.workers.keep();
        self.mended.clear();
    }

    /// The commit has failed.
    pub(super) fn undo(&mut self) {
        self.units.undo();
        self.configurations.undo();
        self.datasets.undo();
        self.workers.undo();
        self.damaged.extend(self.mended.drain(..));
        self.last = None;
    }
}

fn place(numbered: &mut Numbered<String>, key: &str) -> Place {
    match numbered.get(key) {
        Some(number) => Place { number, is_new: false },
        None => Place { number: numbered.add(key.to_owned()), is_new: true },
    }
}

fn digest(content: &str) -> ContentDigest {
    Sha256::digest(content).into()
}

fn each(
    connection: &Connection,
    sql: &str,
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        read(row)?;
    }
    Ok(())
}
