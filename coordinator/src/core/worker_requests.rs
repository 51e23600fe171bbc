//! Workers' requests: they register, take units, report that they are alive, submit results and leave.

use seedgrid_common::{
    made_up_results::ResultKind,
    unit::UnitId,
    wire::{
        blob::{CheckpointRef, Content},
        limits, v1,
    },
};

use super::{
    reactor::{Moment, Reactor},
    request::{
        FinishedAttempt, Heard, NotRegistered, NotSubmitted, NotTaken, Outcome, Registered, Request, Submitted,
        Unregistered,
    },
    status_snapshot::WorkerEntry,
};
use crate::{
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{Millis, Renewed, WorkerId},
    },
    store::{Write, blobs::checkpoints::KeptCheckpoint},
};

impl Reactor {
    /// Applies a request; its answer waits for the [turn](Self::turn).
    pub fn apply(&mut self, request: Request, at: Moment) {
        self.at = at;
        let now = at.now;
        self.stale_picture = true;
        match request {
            Request::Register { worker, info, held, reply } => {
                let answer = self.register(worker, info, &held, now);
                self.answer(reply, answer.map(|dropped| Registered { dropped }));
            }
            Request::Pull { worker, max, patience, reply } => self.take_pull(worker, max, patience, reply, now),
            Request::Heartbeat { worker, held, reply } => {
                let answer = self.heartbeat(&worker, &held, now);
                self.answer(reply, answer);
            }
            Request::Metrics { worker, unit, attempt, metrics } => {
                if self.queue.holds(&worker, unit, attempt) {
                    if self.queue.begin(&worker, unit, attempt) {
                        self.begun.push(Write::Began { unit, attempt });
                    }
                    self.live.training(unit, attempt, metrics, now);
                }
            }
            Request::OfferBlob { worker, unit, attempt, content, reply } => {
                let wanted = match content {
                    Content::Weights => self.keeper.wants(unit) && self.queue.awaits(unit, attempt),
                    Content::Checkpoint(_) => self.queue.holds(&worker, unit, attempt),
                };
                let answer = match (self.is_there(&worker, now), self.was_given(&worker, unit, attempt)) {
                    (false, _) => Err(NotTaken::Unregistered),
                    (true, false) => Err(NotTaken::NeverGiven),
                    (true, true) => Ok(wanted),
                };
                self.answer(reply, answer);
            }
            Request::BlobArrived { worker, unit, attempt, content, digest, bytes, reply } => {
                let kept = match content {
                    Content::Weights => {
                        let awaited = self.queue.awaits(unit, attempt) && self.was_given(&worker, unit, attempt);
                        self.keeper.arrived(unit, attempt, digest, bytes, awaited);
                        awaited
                    }
                    Content::Checkpoint(progress) => {
                        let reference = CheckpointRef { digest, bytes, progress };
                        self.checkpoint_arrived(&worker, unit, attempt, reference)
                    }
                };
                self.answer(reply, kept);
            }
            Request::FindCheckpoint { worker, unit, attempt, reply } => {
                let held = self.queue.holds(&worker, unit, attempt);
                let found = if held { self.checkpoints.file(unit) } else { None };
                self.answer(reply, found);
            }
            Request::Submit { worker, attempts, numerics_class, max, reply } => {
                self.seen(&worker, now);
                let end = |attempt| self.end_attempt(&worker, attempt, &numerics_class, now);
                let receipts = attempts.into_iter().map(end).collect();
                let pulled = self.take_without_waiting(&worker, max, now);
                self.answer(reply, Submitted { receipts, pulled });
            }
            Request::Leave { worker, reason, reply } => {
                let expired = self.queue.leave(&worker, now);
                self.taken_back(expired, AttemptEnding::Preempted, "its worker left", now);
                self.queue.forget(&worker);
                self.judge();
                // Units that failed elsewhere and waited for this worker may now go to others.
                self.wake();
                if let Some(entry) = self.live.workers.remove(&worker) {
                    tracing::info!(host = entry.info.host, place = entry.info.place, reason, "worker left");
                }
                self.answer(reply, ());
            }
            Request::Retry { units, reply } => {
                let answer = self.retry(&units, now);
                self.answer(reply, answer);
            }
            Request::Enroll { worker, digest, reply } => {
                let answer = self.enroll(worker, digest);
                self.answer(reply, answer);
            }
            Request::SetToken { role, token, reply } => {
                self.set_token(role, token);
                self.answer(reply, ());
            }
            Request::Revoke { worker, reply } => {
                let answer = self.revoke(&worker, now);
                self.answer(reply, answer);
            }
            Request::Lost { worker, ending, detail, training, held, log, reply } => {
                for (unit, attempt) in &training {
                    self.keep_log(&worker, *unit, *attempt, log.clone());
                }
                self.fail(&worker, &training, ending, &detail, None, now);
                self.fail(&worker, &held, AttemptEnding::Preempted, "its worker's trainer ended", None, now);
                self.answer(reply, ());
            }
            Request::Steer(steering) => self.steer(steering, now),
            Request::Stop => self.stopping = true,
        }
    }

    /// Records the end of one attempt.
    fn end_attempt(
        &mut self,
        worker: &WorkerId,
        FinishedAttempt { unit, attempt, outcome, train_seconds, weights, log }: FinishedAttempt,
        numerics_class: &str,
        now: Millis,
    ) -> Result<v1::SubmitOutcome, NotSubmitted> {
        // A worker may only report on its own attempts.
        if !self.was_given(worker, unit, attempt) {
            return Err(NotSubmitted::NeverGiven);
        }
        self.keep_log(worker, unit, attempt, log);
        match outcome {
            Outcome::Result(result) => match self.unusable(unit, &result, numerics_class) {
                Some(refused) => Err(refused),
                None if self.lacks(unit, attempt, weights) => Ok(v1::SubmitOutcome::WeightsFirst),
                None => self
                    .result(worker, unit, attempt, &result, train_seconds, numerics_class.to_owned(), weights, now)
                    .ok_or(NotSubmitted::NeverGiven),
            },
            Outcome::Failure { ending, detail } => {
                self.fail(worker, &[(unit, attempt)], ending, &detail, Some(train_seconds), now);
                Ok(v1::SubmitOutcome::Recorded)
            }
        }
    }

    fn register(
        &mut self,
        worker: WorkerId,
        info: Box<v1::WorkerInfo>,
        held: &[(UnitId, u32)],
        now: Millis,
    ) -> Result<Vec<(UnitId, u32)>, NotRegistered> {
        // The worker was revoked after the call was authenticated: it must stop everything, and its next call is
        // refused.
        if self.credentials.read().is_revoked(&worker) {
            return Ok(held.to_vec());
        }
        if !self.credentials.read().knows(&worker) {
            return Err(NotRegistered::Unknown);
        }
        let (study, given) = (self.selecting.plan().results, ResultKind::from_numerics_class(&info.numerics_class));
        if study != given {
            return Err(NotRegistered::OtherResults { study, worker: given });
        }
        self.admit(&worker, &info, now)?;
        tracing::info!(host = info.host, place = info.place, slots = info.slots, device = info.device, "worker joined");
        self.writes.push(Write::Worker { worker_id: worker.to_string(), at_ms: self.at.wall_ms, info });
        let lost = self.queue.take_back_unknown(&worker, held, now);
        let (begun, unheard) = lost.into_iter().partition(|one| one.charged);
        self.taken_back(begun, AttemptEnding::WorkerLost, "the worker died and was started again", now);
        self.taken_back(unheard, AttemptEnding::WorkerLost, "the worker never heard of this attempt", now);
        Ok(self.renew(&worker, held, now))
    }

    /// Registers a worker, displacing another one if needed.
    fn admit(&mut self, worker: &WorkerId, info: &v1::WorkerInfo, now: Millis) -> Result<(), NotRegistered> {
        let known = self.live.workers.get(worker);
        let (is_known, finished) = (known.is_some(), known.map_or(0, |entry| entry.finished));
        let is_full = !is_known && self.live.workers.len() >= limits::WORKERS_MAX;
        if is_full && !self.put_out_one() && self.queue.held_by(worker) == 0 {
            return Err(NotRegistered::TooMany);
        }
        self.queue.join(worker, info.slots as usize);
        self.live.workers.insert(*worker, WorkerEntry { info: info.clone(), last_seen: now, finished });
        Ok(())
    }

    /// Whether a worker is there. As long as there are too many, one that was [put out](Self::put_out_one) is back with its next call: it
    /// has nothing to say that a registration would, and the store knows what it is.
    pub(super) fn is_there(&mut self, worker: &WorkerId, now: Millis) -> bool {
        if self.seen(worker, now) {
            return true;
        }
        let was_put_out = self.live.workers.len() >= limits::WORKERS_MAX && self.queue.held_by(worker) == 0;
        if !was_put_out || self.credentials.read().is_revoked(worker) {
            return false;
        }
        let known = self.store.worker(worker);
        let known = self.unless_broken(known).flatten();
        known.is_some_and(|known| self.admit(worker, &known.info, now).is_ok())
    }

    /// Displaces the worker that was silent the longest, among those without leases and without finished units. Returns
    /// false if there is none.
    fn put_out_one(&mut self) -> bool {
        let workers = self.live.workers.iter();
        let idle = workers.filter(|(id, entry)| entry.finished == 0 && self.queue.held_by(id) == 0);
        let Some(worker) = idle.min_by_key(|(_, entry)| entry.last_seen).map(|(id, _)| *id) else {
            return false;
        };
        self.live.workers.remove(&worker);
        self.queue.part(&worker);
        true
    }

    fn renew(&mut self, worker: &WorkerId, held: &[(UnitId, u32)], now: Millis) -> Vec<(UnitId, u32)> {
        let (given, foreign) = self.split_held(worker, held);
        let Renewed { mut dropped, reclaimed } = self.queue.renew(worker, &given, now);
        dropped.extend(foreign);
        for (unit, attempt) in reclaimed {
            self.writes.push(Write::Reopened { unit, attempt, worker_id: worker.to_string() });
        }
        dropped
    }

    /// Keeps a checkpoint that has arrived, if its sender still holds the unit's lease. Whether it does.
    fn checkpoint_arrived(&mut self, worker: &WorkerId, unit: UnitId, attempt: u32, reference: CheckpointRef) -> bool {
        match self.live.workers.get(worker) {
            Some(entry) if self.queue.holds(worker, unit, attempt) => {
                let numerics_class = entry.info.numerics_class.clone();
                let kept = KeptCheckpoint { attempt, reference, numerics_class };
                self.writes.push(self.checkpoints.keep(unit, kept, self.at.wall_ms));
                true
            }
            Some(_) | None => {
                self.checkpoints.discard(unit, reference.digest);
                false
            }
        }
    }

    fn heartbeat(&mut self, worker: &WorkerId, held: &[(UnitId, u32)], now: Millis) -> Result<Heard, Unregistered> {
        if !self.is_there(worker, now) {
            return Err(Unregistered);
        }
        let dropped = self.renew(worker, held, now);
        Ok(Heard { dropped, state: self.state_for(worker) })
    }
}
