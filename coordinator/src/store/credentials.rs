//! Who may come in, as the store keeps it: digests of secrets, never secrets.

use std::collections::BTreeSet;

use rusqlite::{ToSql, params};
use seedgrid_common::{
    join::{Role, TokenDigest},
    unit::UnitId,
};

use super::{Store, StoreError};
use crate::scheduler::queue::WorkerId;

/// The entry of a file's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// Of its text.
    pub digest: TokenDigest,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_ms: i64,
    /// From when on it is refused, in milliseconds since the Unix epoch. None: never.
    pub expires_ms: Option<i64>,
}

impl KnownToken {
    pub(crate) fn has_expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|expires| now_ms >= expires)
    }
}

/// A worker that enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// Of the secret that it has drawn.
    pub digest: TokenDigest,
    /// When, in milliseconds since the Unix epoch.
    pub enrolled_ms: i64,
    /// Since when it is kept out, in milliseconds since the Unix epoch.
    pub revoked_ms: Option<i64>,
}

/// A change of who may come in. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub enum CredentialWrite {
    /// The token of a role from now on.
    Token {
        /// Whose.
        role: Role,
        /// Its entry.
        token: KnownToken,
    },
    /// A worker enrolled.
    Enrolled {
        /// Who.
        worker: WorkerId,
        /// Of the secret that it has drawn.
        digest: TokenDigest,
        /// When.
        at_ms: i64,
    },
    /// A worker that never registered may enroll anew, whoever it is then: there are too many to keep.
    Forgotten(WorkerId),
    /// A worker stays out.
    Revoked {
        /// Who.
        worker: WorkerId,
        /// Since when.
        at_ms: i64,
    },
    /// All workers that have enrolled so far stay out.
    AllRevoked {
        /// Since when.
        at_ms: i64,
    },
}

impl CredentialWrite {
    pub(super) fn apply(&self, run: impl Fn(&str, &[&dyn ToSql]) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        match self {
            Self::Token { role, token } => run(
                "INSERT OR REPLACE INTO tokens (role, sha256, made_ms, expires_ms) VALUES (?, ?, ?, ?)",
                params![role.name(), token.digest, token.made_ms, token.expires_ms],
            ),
            Self::Enrolled { worker, digest, at_ms } => run(
                "INSERT INTO enrolments (worker_id, sha256, enrolled_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                params![worker.to_string(), digest, at_ms],
            ),
            Self::Forgotten(worker) => {
                run("DELETE FROM enrolments WHERE worker_id = ? AND revoked_ms IS NULL", params![worker.to_string()])
            }
            Self::Revoked { worker, at_ms } => run(
                "UPDATE enrolments SET revoked_ms = ?2 WHERE worker_id = ?1 AND revoked_ms IS NULL",
                params![worker.to_string(), at_ms],
            ),
            Self::AllRevoked { at_ms } => {
                run("UPDATE enrolments SET revoked_ms = ? WHERE revoked_ms IS NULL", params![at_ms])
            }
        }
    }
}

impl Store {
    /// The tokens of roles.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tokens(&self) -> Result<Vec<(Role, KnownToken)>, StoreError> {
        let tokens = self.rows("SELECT role, sha256, made_ms, expires_ms FROM tokens", |row| {
            let token = KnownToken { digest: row.get(1)?, made_ms: row.get(2)?, expires_ms: row.get(3)? };
            Ok((row.get::<_, String>(0)?, token))
        })?;
        // The store holds no other names than those that were checked when they were written.
        let role = |name: &str| Role::ALL.into_iter().find(|role| role.name() == name);
        Ok(tokens.into_iter().filter_map(|(name, token)| Some((role(&name)?, token))).collect())
    }

    /// Every worker that has enrolled and is not forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn enrolments(&self) -> Result<Vec<(WorkerId, Enrolled)>, StoreError> {
        let enrolments = self.rows("SELECT worker_id, sha256, enrolled_ms, revoked_ms FROM enrolments", |row| {
            let enrolled = Enrolled { digest: row.get(1)?, enrolled_ms: row.get(2)?, revoked_ms: row.get(3)? };
            Ok((row.get::<_, String>(0)?, enrolled))
        })?;
        // The store holds no other ids than those that were checked when they were written.
        Ok(enrolments.into_iter().filter_map(|(id, enrolled)| Some((id.parse().ok()?, enrolled))).collect())
    }

    /// The entry of a worker, if it has enrolled and is not forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn enrolment(&self, worker: &WorkerId) -> Result<Option<Enrolled>, StoreError> {
        let sql = "SELECT sha256, enrolled_ms, revoked_ms FROM enrolments WHERE worker_id = ?";
        self.row(sql, [worker.to_string()], |row| {
            Ok(Enrolled { digest: row.get(0)?, enrolled_ms: row.get(1)?, revoked_ms: row.get(2)? })
        })
    }

    /// Every worker that ever registered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn registered(&self) -> Result<BTreeSet<WorkerId>, StoreError> {
        let ids = self.rows("SELECT worker_id FROM workers", |row| row.get::<_, String>(0))?;
        // The store holds no other ids than those that were checked when they were written.
        Ok(ids.into_iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Whether this attempt was ever given to `worker`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn was_given(&self, unit: UnitId, attempt: u32, worker: &WorkerId) -> Result<bool, StoreError> {
        let sql = "SELECT workers.worker_id = ? FROM attempts JOIN workers ON workers.number = attempts.worker \
                   WHERE unit = (SELECT number FROM units WHERE unit_id = ?) AND attempt = ?";
        let given = self.row(sql, params![worker.to_string(), unit.0, attempt], |row| row.get(0))?;
        Ok(given.unwrap_or(false))
    }
}
