//! Mending what the coordinator finds damaged when it opens its database: damaged rows are moved to the table `damaged`, and what hung
//! on them waits to be made again.

use std::fmt;

use rusqlite::{Connection, TransactionBehavior, params};
use seedgrid_common::utc;

use super::{
    row_seals::SEALED,
    verify::{self, OF_UNITS},
};

/// What was found damaged at opening, and what was done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Rows that were moved aside.
    pub rows: Vec<MovedRow>,
    /// How many units had a result that is lost: they wait again.
    pub results_lost: u32,
}

/// A row that was moved to the table `damaged`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedRow {
    /// Its table.
    pub table: &'static str,
    /// Its unit, where it has one, for people.
    pub unit: Option<String>,
    /// What is wrong with it.
    pub what: &'static str,
}

const SEAL: &str = "it does not match its seal";
const ORPHAN: &str = "its unit is not there";
const LEFT_ALONE: &str = "what it belongs to was damaged";

impl Mended {
    /// Whether nothing was wrong.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What a person should know of it: one line each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.rows.iter().map(MovedRow::to_string).collect();
        match self.results_lost {
            0 => {}
            1 => notes.push("1 unit has lost its result and is trained again".to_owned()),
            count => notes.push(format!("{count} units have lost their results and are trained again")),
        }
        notes
    }
}

impl fmt::Display for MovedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, unit, what } = self;
        write!(f, "a row of the table {table}")?;
        if let Some(unit) = unit {
            write!(f, " (unit {unit})")?;
        }
        write!(f, " was damaged: {what}. It was moved to the table damaged and is not used")
    }
}

/// Moves damaged rows aside. Foreign keys are off meanwhile: a unit whose own row was damaged comes back with the plan.
pub(super) fn mend(connection: &mut Connection) -> rusqlite::Result<Mended> {
    let clean = verify::unsealed(connection)?.is_empty()
        && verify::results(connection)?.is_empty()
        && results_lost(connection)? == 0;
    if clean {
        return Ok(Mended::default());
    }
    let mut mended = Mended::default();
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sealed in SEALED {
        let wrong = format!("seal IS NOT {}", sealed.expression());
        let moved = move_aside(&transaction, sealed.table, &wrong, SEAL)?;
        if sealed.table == "specs" && !moved.is_empty() {
            // An earlier spec must not be taken for the newest.
            mended.rows.extend(move_aside(&transaction, "specs", "true", LEFT_ALONE)?);
        }
        mended.rows.extend(moved);
    }
    for (unit, what) in verify::results(&transaction)? {
        let this = format!("unit_id = x'{}'", hex(&unit));
        mended.rows.extend(move_aside(&transaction, "results", &this, what)?);
    }
    let left_alone = [
        ("leavers", "key NOT IN (SELECT key FROM rungs)"),
        ("weights", "unit_id NOT IN (SELECT unit_id FROM results)"),
    ];
    for (table, wrong) in left_alone {
        mended.rows.extend(move_aside(&transaction, table, wrong, LEFT_ALONE)?);
    }
    mended.results_lost = results_lost(&transaction)?;
    transaction.execute(
        "UPDATE attempts SET ending = 'damaged', detail = 'its result was damaged in the store' \
         WHERE ending IN ('done', 'diverged') AND unit_id NOT IN (SELECT unit_id FROM results)",
        [],
    )?;
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(mended)
}

/// How many units were once done and have no result.
fn results_lost(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row(
        "SELECT count(DISTINCT unit_id) FROM attempts \
         WHERE ending IN ('done', 'diverged') AND unit_id NOT IN (SELECT unit_id FROM results)",
        [],
        |row| row.get(0),
    )
}

/// Moves rows aside whose unit is not there, once the plan's units are: what is left belongs to nothing.
fn move_orphans(connection: &mut Connection) -> rusqlite::Result<Vec<MovedRow>> {
    if verify::orphans(connection)?.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut moved = Vec::new();
    for table in OF_UNITS {
        moved.extend(move_aside(&transaction, table, "unit_id NOT IN (SELECT unit_id FROM units)", ORPHAN)?);
    }
    transaction.commit()?;
    Ok(moved)
}

/// Moves the rows of `table` for which the SQL condition `wrong` holds into `damaged`.
fn move_aside(
    connection: &Connection,
    table: &'static str,
    wrong: &str,
    what: &'static str,
) -> rusqlite::Result<Vec<MovedRow>> {
    let columns = columns(connection, table)?;
    let of_unit = columns.iter().any(|column| column == "unit_id");
    let unit = if of_unit { "unit_id" } else { "NULL" };
    let mut statement = connection.prepare(&format!("SELECT {unit} FROM {table} WHERE {wrong}"))?;
    let rows = statement.query_map([], |row| row.get::<_, Option<Vec<u8>>>(0))?;
    let moved: Vec<MovedRow> = rows
        .map(|unit| Ok(MovedRow { table, unit: unit?.as_deref().map(verify::unit_name), what }))
        .collect::<rusqlite::Result<_>>()?;
    if moved.is_empty() {
        return Ok(moved);
    }
    let content = columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ', ' || ");
    connection.execute(
        &format!(
            "INSERT INTO damaged (found_ms, source, what, content) SELECT ?, ?, ?, {content} FROM {table} WHERE {wrong}"
        ),
        params![utc::now_ms(), table, what],
    )?;
    connection.execute(&format!("DELETE FROM {table} WHERE {wrong}"), [])?;
    Ok(moved)
}

/// The names of a table's columns.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl super::Store {
    /// Moves rows aside that belong to units that are not there, once the plan's units are. Gives what was moved.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn move_orphans(&mut self) -> Result<Vec<MovedRow>, super::StoreError> {
        move_orphans(&mut self.connection).map_err(|cause| super::StoreError::Write { path: self.path.clone(), cause })
    }
}
