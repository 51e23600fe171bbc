//! The core's part of authentication: writes before their acknowledgement, and the attempts on which a worker may
//! report.

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

    /// Loads a worker that the registry does not know from the store, after making room in the registry.
    fn recall(&mut self, worker: &WorkerId) {
        if self.credentials.read().knows(worker) {
            return;
        }
        let known = self.store.enrolment(worker);
        let Some(known) = self.unless_broken(known) else { return };
        self.make_room();
        if let Some(known) = known {
            self.credentials.write().recall(*worker, known);
        }
    }

    /// Makes room in the registry if it is full. Only the store knows the removed workers, so pending writes are
    /// committed before and after.
    pub(super) fn make_room(&mut self) {
        if !self.credentials.read().is_full() {
            return;
        }
        let flushed = self.flush();
        // The read comes before the registry is locked, because every call needs the registry.
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

    /// Unwraps a result of the store. Returns None after an error: no more answers are sent, and the core ends at the
    /// next commit.
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

    /// Revokes a worker and takes its leases back. Returns their number, or None if it has not enrolled.
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

    /// Whether this attempt was ever given to `worker`. Only this worker may report on it, however late, unless it was
    /// revoked.
    pub(super) fn was_given(&mut self, worker: &WorkerId, unit: UnitId, attempt: u32) -> bool {
        // The call may have been authenticated before the revocation.
        if self.credentials.read().is_revoked(worker) {
            return false;
        }
        // Attempts are stored before they are given out. Leased ones, which heartbeats name, need no look into the
        // store.
        if self.queue.holds(worker, unit, attempt) {
            return true;
        }
        let given = self.store.was_given(unit, attempt, worker);
        self.unless_broken(given).unwrap_or(false)
    }

    /// Splits the attempts that `worker` reports into those that it was given and the others.
    pub(super) fn split_held(&mut self, worker: &WorkerId, held: &[(UnitId, u32)]) -> (Held, Held) {
        held.iter().copied().partition(|(unit, attempt)| self.was_given(worker, *unit, *attempt))
    }
}

/// Attempts that a worker reports as its own.
type Held = Vec<(UnitId, u32)>;

#[cfg(test)]
mod tests;
