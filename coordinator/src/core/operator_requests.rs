//! Operators' requests to a running study (cancel, drain, pause, resume), the study's own pauses, and failures with
//! their consequences.

use seedgrid_common::unit::UnitId;

use super::{
    reactor::Reactor,
    request::{NotCancelled, Resumed, Steering},
};
use crate::{
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{AfterFailure, FailureKind, HealthDecisions, Millis, Pause, Waits, WorkerId},
        ranking::Ended,
        unit_state::UnitState,
    },
    store::Write,
};

impl Reactor {
    pub(super) fn steer(&mut self, steering: Steering, now: Millis) {
        match steering {
            Steering::Cancel { units, reply } => {
                let answer = self.cancel(&units, now);
                self.answer(reply, answer);
            }
            Steering::Drain { worker, reply } => {
                let known = match worker {
                    Some(worker) => self.queue.dismiss(&worker),
                    None => {
                        self.draining = true;
                        true
                    }
                };
                self.steered = true;
                self.wake();
                self.answer(reply, known);
            }
            Steering::Pause { reason, reply } => {
                if self.queue.pause().is_none() {
                    self.pause(Pause { reason, by_hand: true });
                }
                let pause = self.queue.pause().cloned().unwrap_or(Pause { reason: String::new(), by_hand: true });
                self.answer(reply, pause);
            }
            Steering::WaitReason { unit, reply } => {
                let why = self.queue.why_waiting(unit, now);
                let waits = why.map(|why| Waits { why: &why, draining: self.draining }.to_string());
                self.answer(reply, waits);
            }
            Steering::Resume { reply } => {
                let kept_back = Resumed { pause: self.queue.pause().cloned(), drained: self.draining };
                self.resume();
                self.answer(reply, kept_back);
            }
        }
    }

    fn pause(&mut self, pause: Pause) {
        self.writes.push(Write::Paused { at_ms: self.at.wall_ms, pause: pause.clone() });
        self.queue.pause_for(pause.clone());
        self.afterwards(move || {
            tracing::warn!("the study is {pause}");
        });
        self.steered = true;
        // Workers that wait for units get the answer that there are none for now.
        self.wake();
    }

    /// Ends a pause or a drain, and gives units to every worker again.
    pub(super) fn resume(&mut self) {
        if self.queue.resume() {
            self.writes.push(Write::Resumed { at_ms: self.at.wall_ms });
            self.afterwards(|| tracing::info!("the study goes on"));
        }
        self.draining = false;
        self.steered = true;
        self.wake();
    }

    /// Cancels units; those that were cancelled before are accepted.
    fn cancel(&mut self, units: &[UnitId], now: Millis) -> Result<Vec<UnitId>, NotCancelled> {
        let planned = self.selecting.expanded().0.units();
        for id in units {
            match self.queue.decisions(*id) {
                Some(UnitState::Done | UnitState::Diverged | UnitState::Quarantined) => {
                    return Err(NotCancelled::Ended(*id));
                }
                Some(_) => {}
                None if planned.contains_key(id) => return Err(NotCancelled::HeldBack(*id)),
                None => return Err(NotCancelled::Unknown(*id)),
            }
        }
        let mut cancelled = Vec::new();
        for id in units {
            let Some(lease) = self.queue.cancel(*id) else { continue };
            self.writes.push(Write::Cancelled { unit: *id, at_ms: self.at.wall_ms });
            if let Some(lease) = lease {
                self.ended(
                    *id,
                    lease.attempt,
                    AttemptEnding::Cancelled,
                    "the unit was cancelled".to_owned(),
                    None,
                    None,
                );
            }
            self.unit_ended(*id, Ended::Failed, now);
            cancelled.push(*id);
        }
        self.steered = true;
        self.wake();
        Ok(cancelled)
    }

    /// Ends attempts of a worker without a result, all for the same reason.
    pub(super) fn fail(
        &mut self,
        worker: &WorkerId,
        attempts: &[(UnitId, u32)],
        (ending, blame): (AttemptEnding, FailureKind),
        detail: &str,
        train_seconds: Option<f64>,
        now: Millis,
    ) {
        let after = self.queue.fail(worker, attempts, blame, detail, now);
        for (&(unit, attempt), after) in attempts.iter().zip(after) {
            if after == AfterFailure::Stale {
                continue;
            }
            if ending == AttemptEnding::Error || blame == FailureKind::Death && self.queue.is_suspect(unit) {
                // The next attempt starts anew: the unit's checkpoint may be a part of the problem.
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
}
