//! The core's part in who may come in: what must be durable before it is acknowledged, and what a worker may report on.

use seedgrid_common::{
    join::{Role, TokenDigest},
    unit::UnitId,
};

use super::{endings::FORGET_AFTER_LEASES, reactor::Reactor};
use crate::{
    door::{KnownToken, NotEnrolled},
    queue::{Millis, WorkerId},
    store::{StoreError, Write},
};

impl Reactor {
    pub(super) fn enroll(&mut self, worker: WorkerId, digest: TokenDigest) -> Result<(), NotEnrolled> {
        self.recall(&worker);
        let writes = self.credentials.write().enroll(worker, digest, self.at.wall_ms)?;
        self.writes.extend(writes.into_iter().map(Write::Credential));
        Ok(())
    }

    /// Looks into the store for a worker that the book does not know, and makes sure that the book has room for it.
    fn recall(&mut self, worker: &WorkerId) {
        if self.credentials.read().knows(worker) {
            return;
        }
        let known = self.store.enrolment(worker);
        let Some(known) = self.unless_broken(known) else { return };
        if self.credentials.read().is_full() {
            self.make_room();
        }
        if let Some(known) = known {
            self.credentials.write().recall(worker.clone(), known);
        }
    }

    fn make_room(&mut self) {
        // Read before anybody is held up: whoever calls has to be looked up in the book.
        let with_attempts = self.store.workers_with_attempts();
        let Some(with_attempts) = self.unless_broken(with_attempts) else { return };
        // Those that an earlier coordinator let in have had no time to come back.
        let is_young = self.at.now < FORGET_AFTER_LEASES * self.rules.lease_ms;
        let is_there = |id: &WorkerId| self.live.workers.contains_key(id) || self.queue.held_by(id) > 0;
        let forgotten = self.credentials.write().make_room(is_there, |id| is_young || with_attempts.contains(id));
        if !forgotten.is_empty() {
            let count = forgotten.len();
            tracing::warn!(count, "forgot workers that were never given anything: too many have enrolled");
        }
        self.writes.extend(forgotten.into_iter().map(Write::Credential));
    }

    /// What was read from the store. None: it cannot be read; nothing is answered any more, and the core ends with it at the next commit.
    fn unless_broken<T>(&mut self, read: Result<T, StoreError>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.broken.get_or_insert(error);
                None
            }
        }
    }

    pub(super) fn set_token(&mut self, role: Role, token: KnownToken) {
        let write = self.credentials.write().set(role, token);
        self.writes.push(Write::Credential(write));
    }

    /// Keeps a worker out and takes its leases back. How many; None: it has not enrolled.
    pub(super) fn revoke(&mut self, worker: &WorkerId, now: Millis) -> Option<u32> {
        self.recall(worker);
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
        if self.queue.holds(worker, unit, attempt) {
            return true;
        }
        let given = self.store.was_given(unit, attempt, worker);
        self.unless_broken(given).unwrap_or(false)
    }

    /// Of the attempts that `worker` says it holds, those that it was given, and the others.
    pub(super) fn split_held(&mut self, worker: &WorkerId, held: &[(UnitId, u32)]) -> (Held, Held) {
        held.iter().copied().partition(|(unit, attempt)| self.was_given(worker, *unit, *attempt))
    }
}

/// Attempts that a worker says it holds.
type Held = Vec<(UnitId, u32)>;

#[cfg(test)]
mod tests;
