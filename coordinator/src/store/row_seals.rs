//! Seals: a digest in each row that a report or a decision depends on. SQLite notices damage to its own structure, not to a row's
//! content; a row that changed on the disk does not match its seal.

use rusqlite::{Connection, functions::FunctionFlags, types::ValueRef};
use sha2::{Digest as _, Sha256};

/// Bytes of a seal.
pub(super) const SEAL: usize = 16;

/// A table whose rows have seals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    pub(super) table: &'static str,
    /// The columns that the seal covers, in this order: all but the seal and a payload.
    pub(super) columns: &'static str,
    pub(super) beside: Beside,
}

/// The values that a seal covers beside the row's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Nothing,
    /// The id of the unit that the row names by its number.
    UnitId,
    /// The number of its leavers: a rung that has lost one would send a configuration back into the race.
    Leavers,
}

const fn sealed(table: &'static str, columns: &'static str) -> Sealed {
    Sealed { table, columns, beside: Beside::Nothing }
}

const fn sealed_of_unit(table: &'static str, columns: &'static str) -> Sealed {
    Sealed { table, columns, beside: Beside::UnitId }
}

/// Every table whose rows have seals.
pub(super) const SEALED: [Sealed; 12] = [
    sealed("facts", "name, value"),
    sealed("specs", "number, started_ms, text"),
    sealed("configurations", "number, content"),
    sealed("datasets", "number, digest"),
    sealed("units", "number, unit_id, configuration, dataset, fold, folds, seed"),
    sealed_of_unit("results", "unit, attempt, committed_ms, numerics_class, ending, epochs, wrong, scored, digest"),
    sealed("selections", "key, stage, model, chosen, decided_ms"),
    sealed_of_unit("retries", "unit, after_attempt, retried_ms"),
    sealed("leavers", "key, configuration, why"),
    Sealed { table: "rungs", columns: "key, stage, model, folds, decided_ms", beside: Beside::Leavers },
    sealed_of_unit("weights", "unit, attempt, sha256, bytes"),
    sealed_of_unit("checkpoints", "unit, attempt, saved_ms, epochs, batches, seconds, numerics_class, sha256, bytes"),
];

impl Sealed {
    /// The SQL expression of the seal that a row of the table should have.
    pub(super) fn expression(&self) -> String {
        let Self { table, columns, beside } = self;
        let beside = match beside {
            Beside::Nothing => String::new(),
            Beside::UnitId => format!(", {}", id_of_unit(table)),
            Beside::Leavers => ", (SELECT count(*) FROM leavers WHERE leavers.key = rungs.key)".to_owned(),
        };
        format!("seal('{table}', {columns}{beside})")
    }
}

/// The SQL expression of the id of the unit that a row of `table` belongs to; NULL where that is not there.
pub(super) fn id_of_unit(table: &str) -> String {
    format!("(SELECT unit_id FROM units WHERE units.number = {table}.unit)")
}

/// The seal of these values: a table's name, then its row.
pub(super) fn seal<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> [u8; SEAL] {
    let mut hash = Sha256::new();
    for value in values {
        let mut add = |tag: u8, bytes: &[u8]| {
            hash.update([tag]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        match value {
            ValueRef::Null => add(0, &[]),
            ValueRef::Integer(number) => add(1, &number.to_le_bytes()),
            ValueRef::Real(number) => add(2, &number.to_bits().to_le_bytes()),
            ValueRef::Text(text) => add(3, text),
            ValueRef::Blob(bytes) => add(4, bytes),
        }
    }
    let digest = hash.finalize();
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&digest[..SEAL]);
    seal
}

/// Gives a connection the SQL function `seal(TABLE, COLUMN...)`.
pub(super) fn teach(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("seal", -1, flags, |context| {
        let values = (0..context.len()).map(|place| context.get_raw(place));
        Ok(seal(values))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_tells_values_and_their_places_apart() {
        let text = |text: &'static str| ValueRef::Text(text.as_bytes());
        let seals = [
            seal([text("ab"), text("c")]),
            seal([text("a"), text("bc")]),
            seal([text("abc")]),
            seal([ValueRef::Blob(b"abc")]),
            seal([ValueRef::Null]),
            seal([ValueRef::Integer(0)]),
            seal([ValueRef::Real(0.0)]),
            seal([]),
        ];
        for (place, one) in seals.iter().enumerate() {
            assert!(!seals[..place].contains(one), "{place}");
        }
    }

    #[test]
    fn the_function_gives_the_same() {
        let connection = Connection::open_in_memory().unwrap();
        teach(&connection).unwrap();
        let found: [u8; SEAL] =
            connection.query_row("SELECT seal('t', 1, NULL, x'ff', 0.5)", [], |row| row.get(0)).unwrap();
        let values =
            [ValueRef::Text(b"t"), ValueRef::Integer(1), ValueRef::Null, ValueRef::Blob(&[255]), ValueRef::Real(0.5)];
        assert_eq!(found, seal(values));
    }
}
