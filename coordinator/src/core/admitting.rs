//! The core's part in who may come in: what must be durable before it is acknowledged, and what a worker may report on.

use seedgrid_common::{
    join::{Role, TokenDigest},
    unit::UnitId,
};

use super::reactor::Reactor;
use crate::{
    door::{KnownToken, NotEnrolled},
    queue::{Millis, WorkerId},
    store::Write,
};

impl Reactor {
    pub(super) fn enroll(&mut self, worker: WorkerId, digest: TokenDigest) -> Result<(), NotEnrolled> {
        let credentials = self.credentials.clone();
        let mut book = credentials.write();
        if book.is_full() {
            match self.store.workers_with_attempts() {
                Ok(given) => {
                    let forgotten = book.forget(|id| given.contains(id) || self.live.workers.contains_key(id));
                    tracing::warn!(
                        count = forgotten.len(),
                        "forgot workers that were never given anything: too many have enrolled"
                    );
                    self.writes.extend(forgotten.into_iter().map(Write::Credential));
                }
                // Nothing is answered any more: the core ends with it at the next commit.
                Err(error) => {
                    self.broken.get_or_insert(error);
                }
            }
        }
        let writes = book.enroll(worker, digest, self.at.wall_ms)?;
        self.writes.extend(writes.into_iter().map(Write::Credential));
        Ok(())
    }

    pub(super) fn set_token(&mut self, role: Role, token: KnownToken) {
        let write = self.credentials.write().set(role, token);
        self.writes.push(Write::Credential(write));
    }

    /// Keeps a worker out and takes its leases back. How many; None: it has not enrolled.
    pub(super) fn revoke(&mut self, worker: &WorkerId, now: Millis) -> Option<u32> {
        let writes = self.credentials.write().revoke(worker, self.at.wall_ms)?;
        self.writes.extend(writes.into_iter().map(Write::Credential));
        let expired = self.queue.leave(worker, now);
        let taken_back = expired.len() as u32;
        self.taken_back(expired, "preempted", "its worker was revoked", now);
        self.queue.forget(worker);
        if self.live.workers.remove(worker).is_some() {
            tracing::info!(%worker, taken_back, "worker revoked");
        }
        self.judge();
        Some(taken_back)
    }

    /// Whether this attempt was ever given to `worker`, who alone may report on it, however late.
    pub(super) fn was_given(&mut self, worker: &WorkerId, unit: UnitId, attempt: u32) -> bool {
        // Attempts are in the store before they are given out. Held ones, which heartbeats name, are known without looking.
        self.queue.holds(worker, unit, attempt)
            || self.store.was_given(unit, attempt, worker).unwrap_or_else(|error| {
                // Nothing is answered any more: the core ends with it at the next commit.
                self.broken.get_or_insert(error);
                false
            })
    }

    /// Of the attempts that `worker` says it holds, those that it was given, and the others.
    pub(super) fn split_held(&mut self, worker: &WorkerId, held: &[(UnitId, u32)]) -> (Held, Held) {
        held.iter().copied().partition(|(unit, attempt)| self.was_given(worker, *unit, *attempt))
    }
}

/// Attempts that a worker says it holds.
type Held = Vec<(UnitId, u32)>;
