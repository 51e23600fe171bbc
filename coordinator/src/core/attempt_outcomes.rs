//! The ends of attempts: results, failures with their consequences, expired leases, and the resulting writes.

use prost::Message as _;
use seedgrid_common::{
    made_up_results::ResultKind,
    training::{Ending, UnitResult},
    unit::UnitId,
    wire::{blob::BlobDigest, v1},
};
use sha2::{Digest as _, Sha256};

use super::{reactor::Reactor, request::NotSubmitted, status_snapshot::WorkerEntry};
use crate::{
    scheduler::{
        attempt_ending::AttemptEnding,
        checkpoint_after_failure::discards_checkpoint,
        failure_blame::Blame,
        queue::{AfterFailure, Expired, Finished, HealthDecisions, Millis, SubmitOutcome, WorkerId},
        ranking::Ended,
    },
    store::{ResultRecord, Write},
};

/// Whether workers are to be forgotten is not looked at more often, however many units one of them holds in silence.
const LOOK_EVERY_MS: Millis = 100;

impl Reactor {
    fn say_failed(&self, unit: UnitId, attempt: u32, ending: AttemptEnding, detail: &str, blame: Blame) {
        let unit = self.label(unit);
        match blame {
            Blame::Unit | Blame::Death => tracing::warn!(%unit, attempt, %ending, detail, "attempt failed"),
            Blame::Circumstances => tracing::info!(%unit, attempt, %ending, detail, "unit waits again"),
        }
    }

    /// Whether these weights must be stored before their result can count.
    pub(super) fn lacks(&self, unit: UnitId, attempt: u32, weights: Option<BlobDigest>) -> bool {
        weights.is_some_and(|digest| {
            self.keeper.wants(unit) && self.queue.awaits(unit, attempt) && !self.keeper.has(unit, digest)
        })
    }

    /// Why a result could never be used, where that is so: what is committed stays. It is of another kind than the study's, or has other
    /// outputs than its unit.
    pub(super) fn unusable(&self, unit: UnitId, result: &UnitResult, numerics_class: &str) -> Option<NotSubmitted> {
        let (study, found) = (self.selecting.plan().results, ResultKind::from_numerics_class(numerics_class));
        if study != found {
            return Some(NotSubmitted::OtherResults { study, result: found });
        }
        let Ending::Done(scores) = &result.ending else { return None };
        let expected = self.selecting.plan().shape(&self.units.get(&unit)?.unit);
        let found = [scores.outputs.rows(), scores.outputs.columns()];
        (found != expected).then_some(NotSubmitted::Shape { expected, found })
    }

    #[allow(clippy::too_many_arguments, reason = "each is one fact of the submit")]
    pub(super) fn result(
        &mut self,
        worker: &WorkerId,
        unit: UnitId,
        attempt: u32,
        result: &UnitResult,
        train_seconds: f64,
        numerics_class: String,
        weights: Option<BlobDigest>,
        now: Millis,
    ) -> Option<v1::SubmitOutcome> {
        let payload = v1::UnitResult::from(result).encode_to_vec();
        let digest = Sha256::digest(&payload).into();
        let (diverged, wrong_of) = match &result.ending {
            Ending::Done(scores) => (false, Some((scores.wrong, scores.outputs.rows() as u32))),
            Ending::Diverged { .. } => (true, None),
        };
        let record = Box::new(ResultRecord {
            unit,
            attempt,
            at_ms: self.at.wall_ms,
            numerics_class,
            diverged,
            epochs: result.epochs.len() as u32,
            wrong_of,
            digest,
            payload,
        });
        // Another one, where the attempt had been given up and the unit given out again.
        let holder = self.queue.lease_of(unit).map(|lease| lease.worker);
        match self.queue.finish(worker, unit, attempt, Finished { digest, diverged }, train_seconds) {
            SubmitOutcome::Unknown => None,
            SubmitOutcome::Commit => {
                self.writes.push(Write::Result(record));
                self.writes.extend(self.keeper.keep(unit, attempt, weights));
                self.writes.extend(self.checkpoints.end(unit));
                if weights.is_none() && !diverged && self.keeper.wants(unit) {
                    let unit = self.label(unit);
                    tracing::warn!(%unit, "its weights are not kept: training began before keep_weights was set");
                }
                let ending = if diverged { AttemptEnding::Diverged } else { AttemptEnding::Done };
                self.ended(unit, attempt, ending, String::new(), Some(train_seconds), Some(result));
                if let Some(entry) = self.live.workers.get_mut(worker) {
                    entry.finished += 1;
                }
                let how = wrong_of.map_or(Ended::Diverged, |(wrong, of)| Ended::Scored { wrong, of });
                self.unit_ended(unit, how, now);
                self.judge();
                // A slot is free now, the holder's. Nothing has come for anybody else.
                holder.iter().for_each(|holder| self.parked.is_due(holder));
                if self.queue.counts().all_ended() {
                    self.wake();
                }
                Some(v1::SubmitOutcome::Committed)
            }
            // Either an exact replay of the committed result, or an equal result of another attempt.
            SubmitOutcome::Duplicate => {
                self.note_ending(unit, attempt, AttemptEnding::Duplicate, train_seconds);
                Some(v1::SubmitOutcome::Duplicate)
            }
            SubmitOutcome::Conflict => {
                tracing::error!(unit = %self.label(unit), attempt, "a second result differs from the first; the first stands");
                self.writes.push(Write::Conflict(record));
                self.note_ending(unit, attempt, AttemptEnding::Conflict, train_seconds);
                Some(v1::SubmitOutcome::Conflict)
            }
        }
    }

    /// Ends attempts of a worker without a result, all for the same reason.
    pub(super) fn fail(
        &mut self,
        worker: &WorkerId,
        attempts: &[(UnitId, u32)],
        ending: AttemptEnding,
        detail: &str,
        train_seconds: Option<f64>,
        now: Millis,
    ) {
        let blame = Blame::for_ending(ending, true);
        let after = self.queue.fail(worker, attempts, blame, detail, now);
        for (&(unit, attempt), after) in attempts.iter().zip(after) {
            if after == AfterFailure::Stale {
                continue;
            }
            if discards_checkpoint(ending, self.queue.is_suspect(unit)) {
                self.writes.extend(self.checkpoints.end(unit));
            }
            self.say_failed(unit, attempt, ending, detail, blame);
            self.ended(unit, attempt, ending, detail.to_owned(), train_seconds, None);
            if after == AfterFailure::Quarantined {
                self.unit_ended(unit, Ended::Failed, now);
            }
        }
        self.judge();
        self.wake();
    }

    /// Applies the consequences of the newest endings and departures.
    pub(super) fn judge(&mut self) {
        let HealthDecisions { aside, paused } = self.queue.judge();
        for (worker, reason) in aside {
            let host = self.live.workers.get(&worker).map(|entry| entry.info.host.as_str()).unwrap_or_default();
            tracing::warn!(host, %worker, reason, "a worker is set aside");
            // Units that waited for the worker may now go to others.
            self.wake();
        }
        if let Some(pause) = paused {
            self.pause(pause);
        }
    }

    /// Stores the log lines of an attempt that this worker holds.
    pub(super) fn keep_log(&mut self, worker: &WorkerId, unit: UnitId, attempt: u32, text: String) {
        if !text.is_empty() && self.queue.holds(worker, unit, attempt) {
            self.writes.push(Write::Log { unit, attempt, text });
        }
    }

    /// Takes back expired leases, and forgets silent workers without leases.
    pub(super) fn expire(&mut self, now: Millis) {
        let (expired, ready) = self.queue.expire(now);
        self.taken_back(expired, AttemptEnding::WorkerLost, "no heartbeat for the time of a lease", now);
        if ready {
            self.judge();
            self.wake();
        }
        if now < self.forget_at {
            return;
        }
        let patience = self.rules.forget_after_ms();
        let silent = now.saturating_sub(patience);
        let gone = |(id, entry): (&WorkerId, &WorkerEntry)| {
            (entry.last_seen < silent && self.queue.held_by(id) == 0).then_some(*id)
        };
        let gone: Vec<WorkerId> = self.live.workers.iter().filter_map(gone).collect();
        // Workers are only ever heard of later.
        let first = self.live.workers.values().map(|entry| entry.last_seen).min().unwrap_or(now);
        self.forget_at = (first + patience + 1).max(now + LOOK_EVERY_MS);
        for worker in &gone {
            self.live.workers.remove(worker);
            self.queue.part(worker);
        }
        if !gone.is_empty() {
            self.judge();
            self.stale_picture = true;
            self.wake();
        }
    }

    pub(super) fn taken_back(&mut self, expired: Vec<Expired>, ending: AttemptEnding, detail: &str, now: Millis) {
        if expired.is_empty() {
            return;
        }
        for Expired { unit, attempt, after, .. } in expired {
            tracing::warn!(unit = %self.label(unit), attempt, %ending, detail, ?after, "attempt lost");
            self.ended(unit, attempt, ending, detail.to_owned(), None, None);
            if after == AfterFailure::Quarantined {
                self.unit_ended(unit, Ended::Failed, now);
            }
        }
        self.wake();
    }

    /// Records an attempt's end in the store and for the live views.
    pub(super) fn ended(
        &mut self,
        unit: UnitId,
        attempt: u32,
        ending: AttemptEnding,
        detail: String,
        train_seconds: Option<f64>,
        result: Option<&UnitResult>,
    ) {
        let error = result.and_then(|result| match &result.ending {
            Ending::Done(scores) => Some(scores.error()),
            Ending::Diverged { .. } => None,
        });
        let shown = v1::RecentEnding {
            sequence: 0,
            // The snapshot that shows it adds the label.
            label: String::new(),
            ending: ending.name().to_owned(),
            epochs: result.map_or(0, |result| result.epochs.len() as u32),
            error,
            train_seconds: train_seconds.unwrap_or(0.0),
        };
        self.live.ended(unit, ending, shown);
        self.writes.push(Write::Ended { unit, attempt, at_ms: Some(self.at.wall_ms), ending, detail, train_seconds });
    }

    fn note_ending(&mut self, unit: UnitId, attempt: u32, ending: AttemptEnding, train_seconds: f64) {
        self.writes.push(Write::Ended {
            unit,
            attempt,
            at_ms: Some(self.at.wall_ms),
            ending,
            detail: String::new(),
            train_seconds: Some(train_seconds),
        });
    }
}
