//! The core's part in who may come in: what must be durable before it is acknowledged, and what a worker may report on.

use seedgrid_common::{
    join::{Role, TokenDigest},
    unit::UnitId,
};

use super::reactor::Reactor;
use crate::{
    auth::NotEnrolled,
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{Millis, WorkerId},
    },
    store::{KnownToken, StoreError, Write},
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
        self.make_room();
        if let Some(known) = known {
            self.credentials.write().recall(worker.clone(), known);
        }
    }

    /// Makes room in the book, if it has none. Of who is not in it any more the store tells, all of it: so what waits to be committed is
    /// committed before and after.
    pub(super) fn make_room(&mut self) {
        if !self.credentials.read().is_full() {
            return;
        }
        let flushed = self.flush();
        // Before anybody is held up: whoever calls has to be looked up in the book.
        let registered = flushed.and_then(|()| self.store.registered());
        let Some(registered) = self.unless_broken(registered) else { return };
        let is_there = |id: &WorkerId| self.live.workers.contains_key(id) || self.queue.held_by(id) > 0;
        let forgotten = self.credentials.write().make_room(is_there, |id| registered.contains(id));
        if !forgotten.is_empty() && self.forgetting.add(self.at.now) {
            let (count, times) = (forgotten.len(), self.forgetting.count());
            tracing::warn!(count, times, "forgot workers that enrolled and never registered: too many have enrolled");
        }
        self.writes.extend(forgotten.into_iter().map(Write::Credential));
        let flushed = self.flush();
        self.unless_broken(flushed);
    }

    /// What the store said. None: it cannot be used; nothing is answered any more, and the core ends with it at the next commit.
    pub(super) fn unless_broken<T>(&mut self, said: Result<T, StoreError>) -> Option<T> {
        match said {
            Ok(said) => Some(said),
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
        let credentials = self.credentials.clone();
        self.afterwards(move || credentials.tell_of_revocation());
        let expired = self.queue.leave(worker, now);
        let taken_back = expired.len() as u32;
        self.taken_back(expired, AttemptEnding::Preempted, "its worker was revoked", now);
        self.queue.forget(worker);
        if self.live.workers.remove(worker).is_some() {
            tracing::info!(%worker, taken_back, "worker revoked");
        }
        self.judge();
        Some(taken_back)
    }

    /// Whether this attempt was ever given to `worker`, who alone may report on it, however late, unless it was revoked.
    pub(super) fn was_given(&mut self, worker: &WorkerId, unit: UnitId, attempt: u32) -> bool {
        // Its call may have been let in before.
        if self.credentials.read().is_revoked(worker) {
            return false;
        }
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
