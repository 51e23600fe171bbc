//! Mending what the coordinator finds damaged when it opens its database: damaged rows are moved to the table `damaged`, and what hung
//! on them waits to be made again.

use std::fmt;

use rusqlite::{Connection, TransactionBehavior, params};
use seedgrid_common::utc;

use super::{
    damage_checks::{self, OF_UNITS, ORPHANED, Rows, WITHOUT_CONTENT, WITHOUT_WORKER},
    row_seals::{SEALED, Sealed, id_of_unit},
};

/// The damage that was found at opening, and its repair.
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
    /// The fault, for people.
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

    /// The notes about it for people, one line each.
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

/// Moves damaged rows aside. Rows may then name configurations that are not there: these come back with the plan.
pub(super) fn mend(connection: &mut Connection) -> rusqlite::Result<Mended> {
    let clean = damage_checks::unsealed(connection, Rows::All)?.is_empty()
        && damage_checks::results(connection)?.is_empty()
        && damage_checks::dangling(connection)?.is_empty()
        && results_lost(connection)? == 0;
    if clean {
        return Ok(Mended::default());
    }
    let mut mended = Mended::default();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sealed in SEALED {
        let wrong = format!("seal IS NOT {}", sealed.expression());
        if sealed.table == "units" {
            mended.rows.extend(mend_units(&transaction, &sealed, &wrong)?);
            continue;
        }
        let moved = move_aside(&transaction, sealed.table, &wrong, SEAL)?;
        if sealed.table == "specs" && !moved.is_empty() {
            // An earlier spec must not be taken for the newest.
            mended.rows.extend(move_aside(&transaction, "specs", "true", LEFT_ALONE)?);
        }
        mended.rows.extend(moved);
    }
    for bad in damage_checks::results(&transaction)? {
        let this = format!("unit = {}", bad.unit);
        mended.rows.extend(move_aside(&transaction, "results", &this, bad.what)?);
    }
    let left_alone =
        [("leavers", "key NOT IN (SELECT key FROM rungs)"), ("weights", "unit NOT IN (SELECT unit FROM results)")];
    for (table, wrong) in left_alone {
        mended.rows.extend(move_aside(&transaction, table, wrong, LEFT_ALONE)?);
    }
    mended.results_lost = results_lost(&transaction)?;
    transaction.execute(
        "UPDATE attempts SET ending = 'damaged', detail = 'its result was damaged in the store' \
         WHERE ending IN ('done', 'diverged') AND unit NOT IN (SELECT unit FROM results)",
        [],
    )?;
    transaction.execute(&format!("UPDATE attempts SET worker = NULL WHERE {WITHOUT_WORKER}"), [])?;
    transaction.commit()?;
    Ok(mended)
}

/// Mends the table of units, after the tables that it refers to. A damaged row keeps its number and its id, so that what belongs to the unit
/// stays; the plan names the rest again. Should the id be what was damaged, no result's seal matches it.
fn mend_units(connection: &Connection, sealed: &Sealed, wrong: &str) -> rusqlite::Result<Vec<MovedRow>> {
    let mut moved = copy_aside(connection, "units", wrong, SEAL)?;
    let forget = |condition: &str| {
        connection.execute(
            &format!(
                "UPDATE units SET configuration = NULL, dataset = NULL, fold = NULL, folds = NULL, seed = NULL WHERE {condition}"
            ),
            [],
        )
    };
    forget(wrong)?;
    forget(WITHOUT_CONTENT)?;
    connection.execute(&format!("UPDATE units SET seal = {} WHERE {wrong}", sealed.expression()), [])?;
    for table in OF_UNITS {
        moved.extend(move_aside(connection, table, ORPHANED, ORPHAN)?);
    }
    Ok(moved)
}

/// How many units were once done and have no result.
fn results_lost(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row(
        "SELECT count(DISTINCT unit) FROM attempts \
         WHERE ending IN ('done', 'diverged') AND unit NOT IN (SELECT unit FROM results)",
        [],
        |row| row.get(0),
    )
}

/// Moves the rows of `table` for which the SQL condition `wrong` holds into `damaged`.
fn move_aside(
    connection: &Connection,
    table: &'static str,
    wrong: &str,
    what: &'static str,
) -> rusqlite::Result<Vec<MovedRow>> {
    let moved = copy_aside(connection, table, wrong, what)?;
    if !moved.is_empty() {
        connection.execute(&format!("DELETE FROM {table} WHERE {wrong}"), [])?;
    }
    Ok(moved)
}

/// Copies them there.
fn copy_aside(
    connection: &Connection,
    table: &'static str,
    wrong: &str,
    what: &'static str,
) -> rusqlite::Result<Vec<MovedRow>> {
    let mut columns = columns(connection, table)?;
    let unit = match table {
        "units" => Some("unit_id".to_owned()),
        _ => OF_UNITS.contains(&table).then(|| id_of_unit(table)),
    };
    if let Some(unit) = &unit
        && table != "units"
    {
        columns.insert(0, unit.clone());
    }
    let unit = unit.as_deref().unwrap_or("NULL");
    let mut statement = connection.prepare(&format!("SELECT {unit} FROM {table} WHERE {wrong}"))?;
    let rows = statement.query_map([], |row| row.get::<_, Option<Vec<u8>>>(0))?;
    let copied: Vec<MovedRow> = rows
        .map(|unit| Ok(MovedRow { table, unit: unit?.as_deref().map(damage_checks::unit_name), what }))
        .collect::<rusqlite::Result<_>>()?;
    if copied.is_empty() {
        return Ok(copied);
    }
    let content = columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ', ' || ");
    connection.execute(
        &format!(
            "INSERT INTO damaged (found_ms, source, what, content) SELECT ?, ?, ?, {content} FROM {table} WHERE {wrong}"
        ),
        params![utc::now_ms(), table, what],
    )?;
    Ok(copied)
}

/// The names of a table's columns.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}
