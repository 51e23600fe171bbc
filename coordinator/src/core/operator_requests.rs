//! Operators' requests to a running study: cancel, drain, pause, resume.

use seedgrid_common::unit::UnitId;

use super::{
    reactor::Reactor,
    request::{NotCancelled, Resumed, Steering},
};
use crate::{
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{Millis, Pause, Waits},
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

    /// Pauses the study, for an operator or after repeated failures.
    pub(super) fn pause(&mut self, pause: Pause) {
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
        for id in units {
            match self.queue.unit_state(*id) {
                Some(UnitState::Done | UnitState::Diverged | UnitState::Quarantined) => {
                    return Err(NotCancelled::Ended(*id));
                }
                Some(_) => {}
                None if self.selecting.expanded().0.contains(*id) => return Err(NotCancelled::HeldBack(*id)),
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        Request,
        fixtures::{Coordinator, HowFar},
    };

    fn cancel(coordinator: &mut Coordinator, unit: UnitId) {
        let cancelled = coordinator.ask(|reply| Request::Steer(Steering::Cancel { units: vec![unit], reply })).unwrap();
        assert_eq!(cancelled, [unit]);
    }

    /// A retry changes its unit alone: leases stay, and a restart finds the same.
    #[test]
    fn a_retried_unit_waits_again_and_nothing_else_changes() {
        let mut coordinator = Coordinator::new(0, 0);
        coordinator.crowd(1..=2, HowFar::Registers);
        let [first, second] = [1, 2].map(|number| coordinator.pull(number).unwrap()[0]);
        cancel(&mut coordinator, first.0);
        let before = coordinator.reactor.queue().counts();
        assert_eq!((before.cancelled, before.leased), (1, 1));
        let retry = coordinator.ask(|reply| Request::Retry { units: vec![first.0], reply }).unwrap();
        assert_eq!((retry.units, retry.selections), (vec![(first.0, first.1)], Vec::new()));
        let after = coordinator.reactor.queue().counts();
        assert_eq!((after.cancelled, after.leased, after.waiting), (0, 1, before.waiting + 1));
        assert_eq!(coordinator.reactor.queue().lease_of(second.0).map(|lease| lease.attempt), Some(second.1));
        // It is the first of the plan again, and its next attempt has a new number.
        assert_eq!(coordinator.pull(1).unwrap(), [(first.0, first.1 + 1)]);
        coordinator.restart();
        let again = coordinator.reactor.queue();
        assert_eq!((again.counts().cancelled, again.counts().total), (0, after.total));
        assert_eq!(again.unit_state(first.0), Some(UnitState::Assigned));
    }

    #[test]
    fn units_that_did_not_fail_or_are_unknown_are_not_retried() {
        use crate::scheduler::retry::NotRetried;
        let mut coordinator = Coordinator::new(0, 0);
        coordinator.crowd(1..=1, HowFar::Registers);
        let (unit, _) = coordinator.pull(1).unwrap()[0];
        let mut retry = |unit| coordinator.ask(|reply| Request::Retry { units: vec![unit], reply }).unwrap_err();
        assert_eq!(retry(unit), NotRetried::Open(unit));
        let other = UnitId([7; 16]);
        assert_eq!(retry(other), NotRetried::Unknown(other));
    }
}
