//! Salvaging a database that SQLite cannot read any more: a new one is made of what can be read, and takes its place; the damaged file is
//! kept beside it.
//!
//! Tables that SQLite can still walk through are copied. Of the others, rows are looked for page by page ([`pages`], [`record`]); a row
//! found so counts only if its seal or digest matches, so nothing is invented. What was decided is not looked for: it is decided again
//! from the results. What is copied is checked afterwards as every database is ([`super::repair`]).

mod pages;
mod record;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection, params_from_iter,
    types::{Value, ValueRef},
};
use seedgrid_common::{durable, temporary_files::Unfinished, utc};

use self::pages::Pages;
use super::{
    StoreError, opening,
    repair::{self, Salvaged},
    row_seals::{self, SEALED},
    schema,
};

/// Every table that is copied, in an order in which rows come after what they belong to.
const TABLES: [&str; 20] = [
    "facts",
    "specs",
    "units",
    "attempts",
    "results",
    "conflicts",
    "selections",
    "retries",
    "cancellations",
    "pauses",
    "logs",
    "rungs",
    "leavers",
    "weights",
    "checkpoints",
    "tokens",
    "enrolments",
    "workers",
    "doubts",
    "damaged",
];
/// Tables that are empty or whole: a part of them would say something else than all of it.
const WHOLE: [&str; 6] = ["specs", "selections", "rungs", "leavers", "tokens", "enrolments"];

/// Puts a new database with everything that can be read of the one at `path` in its place.
///
/// # Errors
/// When nothing of a study can be read, or the new one cannot be written; the old one is as it was then.
pub(super) fn salvage(path: &Path, why: &str) -> Result<Salvaged, StoreError> {
    let failed = |cause| StoreError::Salvage { path: path.to_owned(), cause };
    let by_sqlite = |cause: rusqlite::Error| failed(io::Error::other(cause));
    let fresh = beside(path, "salvaging");
    let (_, unfinished) =
        Unfinished::begin(|| remove(&fresh).map(|()| fresh.clone()), PathBuf::as_path).map_err(failed)?;
    let (results, incomplete) = fill(path, &fresh, why).map_err(by_sqlite)?;
    // Units whose own rows are lost come back with the plan.
    if results.units == 0 && results.results == 0 {
        remove(&fresh).map_err(failed)?;
        return Err(StoreError::Ruined { path: path.to_owned(), detail: why.to_owned() });
    }
    durable::sync_file(&fresh).map_err(failed)?;
    let kept_as = exchange(path, &fresh).map_err(failed)?;
    drop(unfinished);
    Ok(Salvaged { why: why.to_owned(), kept_as, results: results.results, incomplete })
}

/// What was found.
struct Found {
    units: u32,
    results: u32,
}

/// Fills a new database from the damaged one. Tells which tables may have lost something.
fn fill(path: &Path, fresh: &Path, why: &str) -> rusqlite::Result<(Found, Vec<&'static str>)> {
    let mut new = opening::to_rebuild(fresh)?;
    // It counts only once it is in its place; a torn one is made again.
    new.pragma_update(None, "journal_mode", "off")?;
    new.pragma_update(None, "synchronous", "off")?;
    new.pragma_update(None, "foreign_keys", false)?;
    schema::create(&new)?;
    let transaction = new.transaction()?;
    let mut incomplete = Vec::new();
    match opening::to_salvage(path) {
        Ok(old) => {
            for table in TABLES {
                if !copy(&old, &transaction, table)? {
                    incomplete.push(table);
                }
            }
        }
        Err(_) => incomplete.extend(TABLES),
    }
    for table in WHOLE.iter().filter(|table| incomplete.contains(table)) {
        transaction.execute(&format!("DELETE FROM {table}"), [])?;
    }
    let searched: Vec<Shape> = incomplete
        .iter()
        .filter(|table| !WHOLE.contains(table))
        .map(|table| Shape::of(&transaction, table))
        .collect::<rusqlite::Result<_>>()?;
    if !searched.is_empty() {
        // A file that cannot be read has nothing to be found in.
        for pages in Pages::candidates(path).into_iter().flatten() {
            let found = pages.records().map(|record| offer(&transaction, &searched, record)).sum::<u32>();
            if found > 0 {
                break;
            }
        }
    }
    if !incomplete.is_empty() {
        transaction.execute(
            "INSERT INTO damaged (found_ms, source, what, content) VALUES (?, 'study.db', ?, ?)",
            rusqlite::params![utc::now_ms(), why, format!("something may be lost of: {}", incomplete.join(", "))],
        )?;
    }
    let count = |table: &str| transaction.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
    let found = Found { units: count("units")?, results: count("results")? };
    transaction.commit()?;
    Ok((found, incomplete))
}

/// Copies a table's rows as far as SQLite can read them; false when that may not be all of them.
fn copy(old: &Connection, new: &Connection, table: &'static str) -> rusqlite::Result<bool> {
    let shape = Shape::of(new, table)?;
    let Ok(mut statement) = old.prepare(&format!("SELECT {} FROM {table}", shape.columns.join(", "))) else {
        return Ok(false);
    };
    let count = statement.column_count();
    let Ok(mut rows) = statement.query([]) else { return Ok(false) };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                let values = (0..count).map(|place| row.get(place)).collect::<rusqlite::Result<Vec<Value>>>();
                let Ok(values) = values else { continue };
                shape.insert(new, &values);
            }
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        }
    }
}

/// What a table's rows look like.
struct Shape {
    table: &'static str,
    columns: Vec<String>,
    /// Where the seal is, if they have one.
    seal: Option<usize>,
    insert: String,
}

impl Shape {
    fn of(connection: &Connection, table: &'static str) -> rusqlite::Result<Self> {
        let columns = repair::columns(connection, table)?;
        let seal = columns.iter().position(|column| column == "seal");
        let places = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({places})", columns.join(", "));
        Ok(Self { table, columns, seal, insert })
    }

    /// Puts a row into the new database; false when its table does not take it, for what it breaks or because it is there.
    fn insert(&self, connection: &Connection, values: &[Value]) -> bool {
        let done =
            connection.prepare_cached(&self.insert).and_then(|mut insert| insert.execute(params_from_iter(values)));
        done.is_ok_and(|rows| rows == 1)
    }

    /// The row that a record found on a page is, if it can only be one of this table's.
    fn recognise(&self, record: &[Value]) -> Option<Vec<Value>> {
        let row = record.to_vec();
        if let Some(place) = self.seal {
            let sealed = SEALED.iter().find(|sealed| sealed.table == self.table)?;
            let name = ValueRef::Text(self.table.as_bytes());
            let count = sealed.columns.split(", ").count();
            let seal = row_seals::seal(std::iter::once(name).chain(record.get(..count)?.iter().map(ValueRef::from)));
            (record.len() == self.columns.len() && *record.get(place)? == Value::Blob(seal.to_vec())).then_some(row)
        } else {
            (record.len() == self.columns.len() && self.proves_itself(&row)).then_some(row)
        }
    }

    /// Whether a row without a seal can be trusted all the same.
    fn proves_itself(&self, row: &[Value]) -> bool {
        match (self.table, row) {
            // They change no number: what an attempt was, and who tried. The table's own checks see to their form.
            ("attempts", [Value::Blob(_), Value::Integer(_), Value::Text(worker), ..])
            | ("workers", [Value::Text(worker), ..]) => {
                worker.len() == 32 && worker.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            (_, _) => false,
        }
    }
}

/// Takes a record in if it is a row of one of these tables; how many rows it gave.
fn offer(connection: &Connection, tables: &[Shape], record: Vec<Value>) -> u32 {
    let row = tables.iter().find_map(|shape| Some((shape, shape.recognise(&record)?)));
    u32::from(row.is_some_and(|(shape, row)| shape.insert(connection, &row)))
}

/// Keeps the damaged database under another name and puts the new one in its place.
fn exchange(path: &Path, fresh: &Path) -> io::Result<PathBuf> {
    let mut number = 1;
    let aside = loop {
        let aside = beside(path, &format!("damaged-{number}"));
        if !aside.exists() {
            break aside;
        }
        number += 1;
    };
    let [log, index] = ["-wal", "-shm"].map(|end| with_end(path, end));
    keep(path, &aside)?;
    if log.exists() {
        keep(&log, &with_end(&aside, "-wal"))?;
    }
    // The old log goes before the new database comes: it belongs to the old one.
    remove(&log)?;
    remove(&index)?;
    fs::rename(fresh, path)?;
    durable::sync_folder(durable::folder_of(path))?;
    Ok(aside)
}

/// A second name for a file, or a copy where the file system knows no second names.
fn keep(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).and_then(|_| durable::sync_file(to)))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn beside(path: &Path, what: &str) -> PathBuf {
    with_end(path, &format!(".{what}"))
}

#[cfg(test)]
mod tests;
