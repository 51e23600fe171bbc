//! Units, each configuration and each data set once.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Row, ToSql, params};
use seedgrid_common::{
    copy_on_write::Shared,
    unit::{Configuration, Fold, Unit, UnitId},
};

use super::{
    Store, StoreError,
    row_numbers::{Numbers, Place},
};

/// Writes a unit that the store does not have, or of which it has no more than the id.
pub(super) fn write(
    id: UnitId,
    unit: &Unit,
    numbers: &mut Numbers,
    run: impl Fn(&str, &[&dyn ToSql]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let Some(number) = numbers.place_unit(id) else { return Ok(()) };
    let (configuration, content) = numbers.place_configuration(&unit.configuration);
    if let Some(content) = content {
        run(
            "INSERT INTO configurations (number, content, seal) VALUES (?1, ?2, seal('configurations', ?1, ?2))",
            params![configuration, content],
        )?;
    }
    let digest: &str = &unit.dataset_digest;
    let Place { number: dataset, is_new } = numbers.place_dataset(digest);
    if is_new {
        run(
            "INSERT INTO datasets (number, digest, seal) VALUES (?1, ?2, seal('datasets', ?1, ?2))",
            params![dataset, digest],
        )?;
    }
    let (fold, folds) = match unit.fold {
        Fold::Holdout => (None, None),
        Fold::Part { index, of } => (Some(index), Some(of)),
    };
    // SQLite has no larger numbers than signed ones.
    let seed = unit.seed.cast_signed();
    run(
        "INSERT INTO units (number, unit_id, configuration, dataset, fold, folds, seed, seal) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, seal('units', ?1, ?2, ?3, ?4, ?5, ?6, ?7)) \
         ON CONFLICT (number) DO UPDATE SET configuration = excluded.configuration, dataset = excluded.dataset, \
         fold = excluded.fold, folds = excluded.folds, seed = excluded.seed, seal = excluded.seal",
        params![number, id.0, configuration, dataset, fold, folds, seed],
    )
}

/// A unit's row: its id, the numbers of its configuration and data set, and the rest.
type UnitRow = (UnitId, i64, i64, Fold, u64);

fn unit_row(row: &Row<'_>) -> rusqlite::Result<UnitRow> {
    let fold = match (row.get(3)?, row.get(4)?) {
        (Some(index), Some(of)) => Fold::Part { index, of },
        (_, _) => Fold::Holdout,
    };
    Ok((UnitId(row.get(0)?), row.get(1)?, row.get(2)?, fold, row.get::<_, i64>(5)?.cast_unsigned()))
}

impl Store {
    /// Whether it has this unit with all that it is; one whose row was found damaged is to be written again. Only of a store that was opened
    /// to write, which knows its units.
    pub fn has_unit(&self, id: &UnitId) -> bool {
        self.numbers.has_unit(id)
    }

    /// Every unit with a result, by id. Units whose configuration this version cannot read are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn trained_units(&self) -> Result<BTreeMap<UnitId, Unit>, StoreError> {
        let configurations = self.rows("SELECT number, content FROM configurations", |row| {
            Ok((row.get::<_, i64>(0)?, serde_json::from_str::<Configuration>(row.get_ref(1)?.as_str()?).ok()))
        })?;
        let configurations: HashMap<i64, Shared<Configuration>> =
            configurations.into_iter().filter_map(|(number, read)| Some((number, read?.into()))).collect();
        let digest = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, Shared::from(row.get::<_, String>(1)?)));
        let datasets: HashMap<i64, Shared<String>> =
            self.rows("SELECT number, digest FROM datasets", digest)?.into_iter().collect();
        let units = self.rows(
            "SELECT unit_id, configuration, dataset, fold, folds, seed FROM results CROSS JOIN units ON units.number = results.unit \
             WHERE configuration IS NOT NULL AND dataset IS NOT NULL",
            unit_row,
        )?;
        let unit = |(id, configuration, dataset, fold, seed): UnitRow| {
            let configuration = configurations.get(&configuration)?.clone();
            Some((id, Unit { dataset_digest: datasets.get(&dataset)?.clone(), configuration, fold, seed }))
        };
        Ok(units.into_iter().filter_map(unit).collect())
    }
}
