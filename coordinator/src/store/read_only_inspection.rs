//! Looking at a database without changing it: everything that is wrong with it.

use std::path::Path;

use seedgrid_common::text;

use super::{
    Store, StoreError,
    damage_checks::{self, Depth, Rows},
};

/// Something that is wrong with a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The table; None where it is the database as a whole.
    pub table: Option<&'static str>,
    /// The unit, where it is one's.
    pub unit: Option<String>,
    /// For people.
    pub what: String,
}

impl Store {
    /// Opens the database at `path` to read it, as [`Store::open_to_read`] does, with everything that is wrong with it. None where
    /// SQLite cannot be trusted to read it.
    ///
    /// # Errors
    /// When there is none, or it was made by a newer version.
    pub fn inspect(path: &Path) -> Result<(Option<Self>, Vec<Fault>), StoreError> {
        let store = match Self::open_structure(path, Depth::Whole) {
            Ok(store) => store,
            Err(StoreError::Damaged { detail, .. } | StoreError::NoDatabase { detail, .. }) => {
                return Ok((None, vec![Fault { table: None, unit: None, what: detail }]));
            }
            Err(StoreError::Empty { .. }) => {
                let what = "it is empty".to_owned();
                return Ok((None, vec![Fault { table: None, unit: None, what }]));
            }
            Err(error) => return Err(error),
        };
        // One state for all that is read from now on, whatever a coordinator commits meanwhile.
        store.hold()?;
        let rows = |table: &'static str, count: u32, what: &str| Fault {
            table: Some(table),
            unit: None,
            what: format!("{} {what}", text::count(count, "row")),
        };
        let failed = |cause| store.failed(cause);
        let unsealed = store.unsealed(Rows::All)?.into_iter();
        let mut faults: Vec<Fault> =
            unsealed.map(|(table, count)| rows(table, count, "not as it was written: the seal differs")).collect();
        faults.extend(damage_checks::results(&store.connection).map_err(failed)?.into_iter().map(|bad| Fault {
            table: Some("results"),
            unit: bad.name,
            what: bad.what.to_owned(),
        }));
        let dangling = damage_checks::dangling(&store.connection).map_err(failed)?;
        faults.extend(dangling.into_iter().map(|(table, count, what)| rows(table, count, what)));
        Ok((Some(store), faults))
    }

    /// How many of these rows of each table do not match their seals, where there are any.
    pub(super) fn unsealed(&self, rows: Rows) -> Result<Vec<(&'static str, u32)>, StoreError> {
        damage_checks::unsealed(&self.connection, rows).map_err(|cause| StoreError::open(&self.path, cause))
    }

    /// Checks that these rows match their seals.
    pub(super) fn check_seals(&self, rows: Rows) -> Result<(), StoreError> {
        match self.unsealed(rows)?.first() {
            None => Ok(()),
            Some((table, count)) => {
                Err(StoreError::DamagedRows { path: self.path.clone(), table, rows: text::count(*count, "row") })
            }
        }
    }

    /// How many results are stored.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_results(&self) -> Result<u32, StoreError> {
        self.connection
            .query_row("SELECT count(*) FROM results", [], |row| row.get(0))
            .map_err(|cause| self.failed(cause))
    }

    /// How many rows were ever found damaged and moved aside.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn moved_aside(&self) -> Result<u32, StoreError> {
        self.connection
            .query_row("SELECT count(*) FROM damaged", [], |row| row.get(0))
            .map_err(|cause| self.failed(cause))
    }
}
