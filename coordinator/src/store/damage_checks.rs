//! The checks of a database: of its structure, by SQLite, and of its content, by seals and digests.

use std::sync::OnceLock;

use prost::Message as _;
use rusqlite::Connection;
use seedgrid_common::{
    text,
    training::{Ending, UnitResult},
    unit::UnitId,
    wire::v1,
};
use sha2::{Digest as _, Sha256};

use super::{
    row_seals::{SEALED, id_of_unit},
    schema,
};
use crate::scheduler::{attempt_ending::AttemptEnding, queue::ResultDigest};

/// How thoroughly SQLite is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Nothing: SQLite notices only what it stumbles over.
    Nothing,
    /// The structure of every page.
    Quick,
    /// Indexes, too.
    Whole,
}

/// The fault of the structure, if there is one: SQLite cannot be trusted to read such a database.
pub(super) fn structure(connection: &Connection, depth: Depth) -> rusqlite::Result<Option<String>> {
    let pragma = match depth {
        Depth::Nothing => return Ok(None),
        Depth::Quick => "PRAGMA quick_check(1)",
        Depth::Whole => "PRAGMA integrity_check(1)",
    };
    let verdict: String = connection.query_row(pragma, [], |row| row.get(0))?;
    // It may have several lines.
    Ok((verdict != "ok").then(|| text::plain(&verdict)))
}

/// Whether the tables are those of schema.sql.
pub(super) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    static OURS: OnceLock<Vec<(String, String)>> = OnceLock::new();
    let ours = match OURS.get() {
        Some(ours) => ours,
        None => {
            let fresh = Connection::open_in_memory()?;
            fresh.execute_batch(schema::SCHEMA)?;
            let tables = tables(&fresh)?;
            OURS.get_or_init(|| tables)
        }
    };
    Ok(tables(connection)? == *ours)
}

/// Tables with what made them, but for white space.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare("SELECT name, sql FROM main.sqlite_schema ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))?;
    let plain = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    // Tables that SQLite made for itself have no SQL.
    rows.filter_map(|row| row.map(|(name, sql)| Some((name, plain(sql?)))).transpose()).collect()
}

/// The rows whose seals are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// All rows.
    All,
    /// Those that belong to no single unit.
    OfNoUnit,
    /// Those of the unit with this number.
    OfUnit(i64),
}

impl Rows {
    /// The SQL condition for these rows of a table; None where there are none.
    fn condition(self, table: &str) -> Option<String> {
        let column = if table == "units" { Some("number") } else { OF_UNITS.contains(&table).then_some("unit") };
        match (self, column) {
            (Self::All, _) | (Self::OfNoUnit, None) => Some("true".to_owned()),
            (Self::OfUnit(number), Some(column)) => Some(format!("{column} = {number}")),
            (Self::OfNoUnit, Some(_)) | (Self::OfUnit(_), None) => None,
        }
    }
}

/// How many of these rows of each table do not match their seals, where there are any.
pub(super) fn unsealed(connection: &Connection, rows: Rows) -> rusqlite::Result<Vec<(&'static str, u32)>> {
    let mut found = Vec::new();
    for sealed in SEALED {
        let (table, seal) = (sealed.table, sealed.expression());
        let Some(condition) = rows.condition(table) else { continue };
        let sql = format!("SELECT count(*) FROM {table} WHERE {condition} AND seal IS NOT {seal}");
        match connection.query_row(&sql, [], |row| row.get(0))? {
            0 => {}
            count => found.push((sealed.table, count)),
        }
    }
    Ok(found)
}

/// A result that cannot be used.
#[derive(Debug)]
pub(super) struct BadResult {
    /// The number of its unit.
    pub(super) unit: i64,
    /// Its unit, for people; None where that is not there.
    pub(super) name: Option<String>,
    pub(super) what: &'static str,
}

/// Results whose payload does not match their digest or their other columns.
pub(super) fn results(connection: &Connection) -> rusqlite::Result<Vec<BadResult>> {
    let id = id_of_unit("results");
    let mut statement = connection
        .prepare(&format!("SELECT unit, digest, payload, ending, epochs, wrong, scored, {id} FROM results"))?;
    let rows = statement.query_map([], |row| {
        let columns = Columns { ending: row.get(3)?, epochs: row.get(4)?, wrong: row.get(5)?, scored: row.get(6)? };
        let Some(what) = fault(row.get(1)?, row.get_ref(2)?.as_blob()?, &columns) else { return Ok(None) };
        let name = row.get::<_, Option<Vec<u8>>>(7)?.as_deref().map(unit_name);
        Ok(Some(BadResult { unit: row.get(0)?, name, what }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// The parts of a payload that the other columns repeat.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    ending: AttemptEnding,
    epochs: i64,
    wrong: Option<i64>,
    scored: Option<i64>,
}

impl From<&UnitResult> for Columns {
    fn from(result: &UnitResult) -> Self {
        let (ending, wrong, scored) = match &result.ending {
            Ending::Done(scores) => {
                (AttemptEnding::Done, Some(i64::from(scores.wrong)), Some(scores.outputs.rows() as i64))
            }
            Ending::Diverged { .. } => (AttemptEnding::Diverged, None, None),
        };
        Self { ending, epochs: result.epochs.len() as i64, wrong, scored }
    }
}

fn fault(digest: ResultDigest, payload: &[u8], columns: &Columns) -> Option<&'static str> {
    match decoded(digest, payload) {
        None => Some("its payload does not match its digest"),
        Some(result) if Columns::from(&result) != *columns => Some("its columns do not repeat its payload"),
        Some(_) => None,
    }
}

/// A stored result; None when it does not match its digest or cannot be decoded.
pub(super) fn decoded(digest: ResultDigest, payload: &[u8]) -> Option<UnitResult> {
    if ResultDigest::from(Sha256::digest(payload)) != digest {
        return None;
    }
    v1::UnitResult::decode(payload).ok()?.try_into().ok()
}

/// Tables whose rows belong to units.
pub(super) const OF_UNITS: [&str; 9] = [
    "attempts",
    "results",
    "conflicts",
    "retries",
    "cancellations",
    "logs",
    "weights",
    "checkpoints",
    "worker_failures",
];

/// The SQL condition for rows of these tables that belong to a unit that is not there.
pub(super) const ORPHANED: &str = "unit NOT IN (SELECT number FROM units)";

/// The SQL condition for units whose configuration or data set is not there.
pub(super) const WITHOUT_CONTENT: &str = "configuration NOT IN (SELECT number FROM configurations) \
                                          OR dataset NOT IN (SELECT number FROM datasets)";

/// The SQL condition for attempts whose worker is not there.
pub(super) const WITHOUT_WORKER: &str = "worker NOT IN (SELECT number FROM workers)";

/// How many rows of each table refer to what is not there, where there are any; with what they are, for people.
pub(super) fn dangling(connection: &Connection) -> rusqlite::Result<Vec<(&'static str, u32, &'static str)>> {
    let of_units = OF_UNITS.map(|table| (table, ORPHANED, "of a unit that is not there"));
    let others = [
        ("units", WITHOUT_CONTENT, "of a configuration or data set that is not there"),
        ("attempts", WITHOUT_WORKER, "of a worker that is not there"),
    ];
    let mut found = Vec::new();
    for (table, condition, what) in of_units.into_iter().chain(others) {
        let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
        match connection.query_row(&sql, [], |row| row.get(0))? {
            0 => {}
            count => found.push((table, count, what)),
        }
    }
    Ok(found)
}

/// A unit's id as it stands in a row, for people.
pub(super) fn unit_name(id: &[u8]) -> String {
    match <[u8; 16]>::try_from(id) {
        Ok(id) => UnitId(id).to_string(),
        Err(_) => "with a damaged id".to_owned(),
    }
}
