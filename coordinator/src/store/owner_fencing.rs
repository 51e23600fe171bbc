//! Which coordinator the database belongs to. The run directory's lock keeps a second one out; should a lock ever be lost to another
//! process, the database itself tells: each commit names its owner, in the same transaction.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use seedgrid_common::utc;

use crate::run_directory::lock_holder::Holder;

/// Epochs stay below this, however damaged the number was.
const EPOCHS: i64 = 1 << 48;

/// The right to write, until another one takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    epoch: i64,
}

impl Owner {
    /// Takes the database over from whoever had it.
    pub(super) fn take(connection: &mut Connection) -> rusqlite::Result<Self> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Holder { pid, host, .. } = Holder::this();
        let holder = format!("process {pid} on {}", host.as_deref().unwrap_or("an unknown machine"));
        let epoch = transaction.query_row(
            "INSERT INTO owner (one, epoch, commits, holder, since_ms) VALUES (1, 1, 0, ?1, ?2) \
             ON CONFLICT (one) DO UPDATE SET epoch = (epoch & ?3) + 1, commits = 0, holder = ?1, since_ms = ?2 RETURNING epoch",
            params![holder, utc::now_ms(), EPOCHS - 1],
            |row| row.get(0),
        )?;
        transaction.commit()?;
        Ok(Self { epoch })
    }

    /// Counts a commit; false when the database belongs to somebody else by now.
    pub(super) fn counts(self, transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
        let sql = "UPDATE owner SET commits = (commits & ?2) + 1 WHERE one = 1 AND epoch = ?1";
        Ok(transaction.prepare_cached(sql)?.execute(params![self.epoch, EPOCHS - 1])? == 1)
    }
}

/// The owner of the database, for people.
pub(super) fn holder(connection: &Connection) -> Option<String> {
    let read = |row: &Row<'_>| Ok(format!("{}, since {}", row.get::<_, String>(0)?, utc::format(row.get(1)?)));
    connection.query_row("SELECT holder, since_ms FROM owner", [], read).ok()
}
