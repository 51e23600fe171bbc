//! Pulls: a worker asks for units, and gets some at once or waits.

use seedgrid_common::wire::v1::StudyState;

use super::{
    long_polls::{LongPoll, PullReply},
    reactor::Reactor,
    request::{Given, Pulled, Unregistered},
};
use crate::{
    scheduler::queue::{Granted, Millis, WorkerId},
    store::Write,
};

impl Reactor {
    /// A worker asks for units. Where there are none for it and the study goes on, it waits for as long as it has patience.
    pub(super) fn take_pull(&mut self, worker: WorkerId, max: usize, patience: Millis, reply: PullReply, now: Millis) {
        if !self.is_there(&worker, now) {
            self.answer(reply, Err(Unregistered));
            return;
        }
        let pulled = self.pull(&worker, max, now);
        if pulled.units.is_empty() && is_open(pulled.state) && patience > 0 {
            let pull = LongPoll { max, until: now.saturating_add(patience), reply };
            if let Some(older) = self.parked.park(worker, pull) {
                self.give_nothing(&worker, older.reply);
            }
            return;
        }
        self.answer(reply, Ok(pulled));
    }

    /// Gives units to a worker that hands attempts over, as many as there are for it at once.
    pub(super) fn take_without_waiting(&mut self, worker: &WorkerId, max: usize, now: Millis) -> Pulled {
        if max > 0 && self.is_there(worker, now) {
            return self.pull(worker, max, now);
        }
        Pulled { units: Vec::new(), state: self.state_for(worker) }
    }

    /// Answers the pulls that have waited for long enough, and those for which there is something now.
    pub(super) fn answer_pulls(&mut self, now: Millis) {
        for (worker, late) in self.parked.take_late(now) {
            self.give_nothing(&worker, late.reply);
        }
        let ahead = self.queue.may_be_taken_ahead();
        let was_ahead = std::mem::replace(&mut self.ahead, ahead);
        if self.stopping || (ahead && !was_ahead) {
            self.parked.all_are_due();
        }
        for worker in self.parked.take_due() {
            let Some(max) = self.parked.wants(&worker) else {
                // Its connection is gone: what it was given would wait for its lease to run out.
                drop(self.parked.take(&worker));
                continue;
            };
            if !self.stopping && is_open(self.state_for(&worker)) && self.queue.counts().waiting == 0 {
                continue;
            }
            let answer = if self.is_there(&worker, now) {
                let pulled = self.pull(&worker, max, now);
                if pulled.units.is_empty() && is_open(pulled.state) && !self.stopping {
                    continue;
                }
                Ok(pulled)
            } else {
                Err(Unregistered)
            };
            if let Some(pull) = self.parked.take(&worker) {
                self.answer(pull.reply, answer);
            }
        }
    }

    fn give_nothing(&mut self, worker: &WorkerId, reply: PullReply) {
        let state = self.state_for(worker);
        self.answer(reply, Ok(Pulled { units: Vec::new(), state }));
    }

    /// Gives units to a worker that is there.
    fn pull(&mut self, worker: &WorkerId, max: usize, now: Millis) -> Pulled {
        let max = if self.draining || self.stopping { 0 } else { max.min(self.queue.share(worker)) };
        let granted = if max == 0 { Vec::new() } else { self.queue.pull(worker, max, now) };
        let class = match granted.is_empty() {
            true => String::new(),
            false => self.live.workers.get(worker).map(|entry| entry.info.numerics_class.clone()).unwrap_or_default(),
        };
        let units = granted
            .into_iter()
            .map(|Granted { unit: id, attempt }| {
                let checkpoint = self.checkpoints.find(id, &class);
                self.writes.push(Write::Started {
                    unit: id,
                    attempt,
                    worker_id: worker.to_string(),
                    at_ms: self.at.wall_ms,
                    from: checkpoint.map(|checkpoint| checkpoint.progress),
                });
                Given {
                    id,
                    attempt,
                    unit: self.units[&id].unit.clone(),
                    keep_weights: self.keeper.wants(id),
                    checkpoint,
                }
            })
            .collect();
        Pulled { units, state: self.state_for(worker) }
    }
}

/// Whether a worker waits where there is nothing for it.
fn is_open(state: StudyState) -> bool {
    matches!(state, StudyState::Running | StudyState::Paused)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;
    use crate::core::{
        Request, Steering,
        fixtures::{Coordinator, HowFar, PullAnswer},
    };

    /// Longer than units may take that are taken ahead of need.
    const LONG: f64 = 60.0;
    const PATIENCE: Millis = 20_000;

    /// Workers 1 to `count`, each with one slot and a unit of a minute in it.
    fn busy(count: u32) -> (Coordinator, Vec<(seedgrid_common::unit::UnitId, u32)>) {
        let mut coordinator = Coordinator::new(0, 0);
        coordinator.crowd(1..=count, HowFar::Registers);
        let first = coordinator.pull(1).unwrap()[0];
        coordinator.submit(1, first, LONG, "").unwrap();
        let held = (1..=count).map(|number| coordinator.pull(number).unwrap()[0]).collect();
        (coordinator, held)
    }

    fn waits(answer: &mut PullAnswer) -> bool {
        matches!(answer.try_recv(), Err(TryRecvError::Empty))
    }

    fn units(mut answer: PullAnswer) -> usize {
        answer.try_recv().unwrap().unwrap().units.len()
    }

    #[test]
    fn a_result_is_looked_at_for_the_worker_whose_slot_it_frees_alone() {
        let (mut coordinator, held) = busy(3);
        let [mut first, second, mut third] = [1, 2, 3].map(|number| coordinator.wait_for_units(number, PATIENCE));
        coordinator.later(0);
        coordinator.submit(2, held[1], LONG, "").unwrap();
        assert_eq!(units(second), 1);
        assert!(waits(&mut first) && waits(&mut third));
        assert_eq!(coordinator.reactor.parked.len(), 2);
        assert_eq!(coordinator.reactor.parked.take_due(), [], "nobody was woken for nothing");
    }

    #[test]
    fn units_that_turn_out_short_are_for_everybody() {
        let (mut coordinator, held) = busy(2);
        let waiting = coordinator.wait_for_units(2, PATIENCE);
        coordinator.later(0);
        let mut next = held[0];
        // The mean comes below what may be taken ahead of need.
        for _ in 0..60 {
            coordinator.submit(1, next, 0.0, "").unwrap();
            let Some(pulled) = coordinator.pull(1).unwrap().pop() else { break };
            next = pulled;
        }
        assert_eq!(units(waiting), 1, "it has no free slot, and gets one ahead");
    }

    #[test]
    fn a_pull_waits_no_longer_than_it_has_patience() {
        let (mut coordinator, _) = busy(1);
        let mut pull = coordinator.wait_for_units(1, PATIENCE);
        coordinator.later(0);
        let at = coordinator.at.now + PATIENCE;
        assert!(coordinator.reactor.next_event().is_some_and(|next| next <= at));
        coordinator.later(PATIENCE - 1);
        assert!(waits(&mut pull));
        coordinator.later(1);
        assert_eq!(units(pull), 0);
        assert_eq!(coordinator.pull(1).unwrap(), [], "without patience it is answered at once");
    }

    #[test]
    fn a_newer_pull_takes_the_place_of_an_older_one() {
        let (mut coordinator, held) = busy(1);
        let older = coordinator.wait_for_units(1, PATIENCE);
        let newer = coordinator.wait_for_units(1, PATIENCE);
        coordinator.later(0);
        assert_eq!(units(older), 0);
        coordinator.submit(1, held[0], LONG, "").unwrap();
        assert_eq!(units(newer), 1);
    }

    #[test]
    fn nothing_is_given_to_a_connection_that_is_gone() {
        let (mut coordinator, held) = busy(1);
        drop(coordinator.wait_for_units(1, PATIENCE));
        coordinator.submit(1, held[0], LONG, "").unwrap();
        assert_eq!(coordinator.reactor.queue().counts().leased, 0);
        assert_eq!(coordinator.reactor.parked.len(), 0);
    }

    #[test]
    fn a_pause_lets_all_wait_and_its_end_lets_all_go_on() {
        let mut coordinator = Coordinator::new(0, 0);
        coordinator.crowd(1..=3, HowFar::Registers);
        coordinator.ask(|reply| Request::Steer(Steering::Pause { reason: String::new(), reply }));
        let mut waiting = [1, 2, 3].map(|number| coordinator.wait_for_units(number, PATIENCE));
        coordinator.later(1);
        assert!(waiting.iter_mut().all(waits));
        coordinator.ask(|reply| Request::Steer(Steering::Resume { reply }));
        assert_eq!(waiting.map(units), [1, 1, 1]);
    }

    #[test]
    fn all_are_answered_when_the_coordinator_stops() {
        let (mut coordinator, _) = busy(2);
        let waiting = [1, 2].map(|number| coordinator.wait_for_units(number, PATIENCE));
        coordinator.reactor.apply(Request::Stop, coordinator.at);
        assert!(!coordinator.reactor.turn(coordinator.at).unwrap());
        assert_eq!(waiting.map(units), [0, 0]);
    }
}
