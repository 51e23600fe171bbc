//! A small world around one worker's state machine: it plays network, coordinator and slots, and checks the invariants
//! after every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use seedgrid_common::{
    hyperparameters::Hyperparameters,
    study_id::StudyId,
    training::{Ending as UnitEnding, EpochMetrics, Normalize, StopRule, UnitResult},
    unit::{Attempt, Configuration, Fold, Unit, UnitId},
    wire::{limits::SUBMIT_ATTEMPTS_MAX, v1::StudyState},
};
use seedgrid_worker::lifecycle::{
    Action, Ending, Event, Lifecycle, Rules,
    attempt::{Assignment, Outcome, Output, Receipt, SlotOutcome, Submission},
    prefetch,
};

pub(super) fn unit(model: &str) -> Arc<Unit> {
    let stop = StopRule { max_epochs: 3, ..StopRule::PAPER };
    Arc::new(Unit {
        dataset_digest: "0".repeat(64).into(),
        configuration: Configuration {
            model: model.to_owned(),
            hyperparameters: Hyperparameters::new(),
            stop,
            normalize: Normalize::None,
        }
        .into(),
        fold: Fold::Holdout,
        seed: 1,
    })
}

pub(super) fn attempt(number: u32) -> Attempt {
    Attempt { study: StudyId([9; 16]), unit: UnitId([7; 16]), number }
}

pub(super) fn result() -> Output {
    let epoch = EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.2, validation_error: None };
    let result = UnitResult { epochs: vec![epoch], ending: UnitEnding::Diverged { epoch: 2 } };
    Output { result, weights: None }
}

pub(super) fn rules(slots: usize) -> Rules {
    Rules { slots, idle_timeout: None, connect_timeout: Duration::from_secs(600), time_limit: None }
}

/// The work of a slot of the world.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) attempt: Attempt,
    pub(super) stopping: bool,
}

/// A submit under way.
pub(super) struct Submit {
    pub(super) call: u64,
    pub(super) attempts: Vec<(Attempt, Arc<Submission>)>,
    pub(super) units_max: u32,
}

/// The surroundings of one worker: its connection, its slots and the coordinator's answers.
pub(super) struct World {
    pub(super) worker: Lifecycle,
    pub(super) rules: Rules,
    pub(super) now: Duration,
    pub(super) generation: u64,
    pub(super) connecting: bool,
    pub(super) up: bool,
    pub(super) pull: Option<u32>,
    pub(super) submits: Vec<Submit>,
    pub(super) slots: Vec<Option<Running>>,
    pub(super) leaving: bool,
    pub(super) told: bool,
    /// Attempts that were leased and not started.
    pub(super) queued: BTreeSet<Attempt>,
    pub(super) exit: Option<(Ending, usize)>,
    pub(super) attempts: u32,
    /// Attempts that the coordinator dropped before they had ended.
    pub(super) dropped: BTreeSet<Attempt>,
    /// Attempts that ended with a submission that is not acknowledged.
    pub(super) owed: BTreeMap<Attempt, ()>,
    /// Attempts that were acknowledged.
    pub(super) settled: BTreeSet<Attempt>,
}

impl World {
    pub(super) fn new(rules: Rules) -> Self {
        let (worker, actions) = Lifecycle::new(rules.clone());
        let mut world = Self {
            worker,
            now: Duration::ZERO,
            generation: 0,
            connecting: false,
            up: false,
            pull: None,
            submits: Vec::new(),
            slots: vec![None; rules.slots],
            leaving: false,
            told: false,
            queued: BTreeSet::new(),
            exit: None,
            attempts: 0,
            dropped: BTreeSet::new(),
            owed: BTreeMap::new(),
            settled: BTreeSet::new(),
            rules,
        };
        world.perform(actions);
        world
    }

    pub(super) fn feed(&mut self, event: Event) {
        if self.exit.is_some() {
            assert_eq!(self.worker.handle(self.now, event), [], "nothing follows the exit");
            return;
        }
        self.told |= matches!(event, Event::Told);
        if let Event::Pulled { assignments, .. } | Event::Submitted { assignments, .. } = &event {
            self.queued.extend(assignments.iter().map(|assignment| assignment.attempt));
        }
        let actions = self.worker.handle(self.now, event);
        self.perform(actions);
        let held = self.worker.held();
        self.queued.retain(|attempt| held.contains(attempt));
        if self.told {
            // Queued attempts are given back, which needs a submission too.
            self.owed.extend(std::mem::take(&mut self.queued).into_iter().map(|attempt| (attempt, ())));
        }
        self.check();
        if let Some((_, unacknowledged)) = self.exit {
            assert_eq!(unacknowledged, self.owed.len(), "the exit counts the attempts that were not handed over");
        }
    }

    pub(super) fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert!(self.exit.is_none(), "nothing follows the exit: {action:?}");
            match action {
                Action::Connect => {
                    assert!(!self.connecting && !self.up, "one connection at a time");
                    self.connecting = true;
                }
                Action::Pull { units_max } => {
                    assert!(self.up && self.pull.is_none(), "one pull at a time");
                    assert!(units_max > 0);
                    self.pull = Some(units_max);
                }
                Action::StopPulling => assert!(self.pull.take().is_some(), "a pull is under way"),
                Action::Start { slot, assignment } => {
                    assert!(self.slots[slot].is_none(), "slot {slot} trains one unit at a time");
                    assert!(!self.dropped.contains(&assignment.attempt), "a dropped attempt is not started");
                    self.queued.remove(&assignment.attempt);
                    self.slots[slot] = Some(Running { attempt: assignment.attempt, stopping: false });
                }
                Action::Stop { slot, .. } => {
                    let running = self.slots[slot].as_mut().expect("only a running attempt is stopped");
                    assert!(!running.stopping, "stopped once");
                    running.stopping = true;
                }
                Action::Submit { call, attempts, units_max } => {
                    assert!(self.up, "submits need a connection");
                    assert!(!attempts.is_empty() && attempts.len() <= SUBMIT_ATTEMPTS_MAX);
                    for (attempt, submission) in &attempts {
                        let mut others = self.submits.iter().flat_map(|submit| &submit.attempts);
                        assert!(others.all(|(other, _)| other != attempt), "one submit of {attempt} at a time");
                        assert!(!self.settled.contains(attempt), "an acknowledged attempt is not submitted again");
                        let is_alone = attempts.len() == 1 && units_max == 0;
                        assert!(is_alone || submission.outcome.blob().is_none(), "nothing waits for an upload");
                    }
                    self.submits.push(Submit { call, attempts, units_max });
                }
                Action::Leave { .. } => {
                    assert!(self.up && !self.leaving, "one goodbye");
                    self.leaving = true;
                }
                Action::Exit { ending, unacknowledged } => self.exit = Some((ending, unacknowledged)),
            }
        }
    }

    pub(super) fn check(&self) {
        let held = self.worker.held();
        assert!(held.windows(2).all(|pair| pair[0] < pair[1]), "sorted, each once: {held:?}");
        for attempt in self.owed.keys() {
            assert!(held.contains(attempt), "{attempt} was finished, not acknowledged, and let go");
        }
        for attempt in self.dropped.iter().filter(|attempt| !self.owed.contains_key(attempt)) {
            assert!(!held.contains(attempt), "{attempt} was dropped and is still held");
        }
        let live = held.len() - self.owed.len();
        assert!(live <= self.rules.slots + prefetch(self.rules.slots), "{live} live units are more than agreed");
        let has_blob = |submit: &&Submit| submit.attempts[0].1.outcome.blob().is_some();
        let blobs = self.submits.iter().filter(has_blob).count();
        assert!(blobs <= self.rules.slots.clamp(4, 64), "{blobs} uploads at a time");
        assert!(self.submits.len() - blobs <= 2, "{} submits at a time", self.submits.len());
        let asked = self.pull.unwrap_or(0) + self.submits.iter().map(|submit| submit.units_max).sum::<u32>();
        let most = self.rules.slots + prefetch(self.rules.slots);
        assert!(live + asked as usize <= most || self.told, "{live} live units, and {asked} asked for");
    }

    /// Everything that is being handed over.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = (Attempt, &Outcome)> {
        let attempts = self.submits.iter().flat_map(|submit| &submit.attempts);
        attempts.map(|(attempt, submission)| (*attempt, &submission.outcome))
    }

    pub(super) fn is_running(&self, attempt: Attempt) -> bool {
        self.slots.iter().flatten().any(|running| running.attempt == attempt)
    }

    /// Lets the coordinator drop the held attempt of this index, if there is one.
    pub(super) fn drop_one(&mut self, index: Option<usize>) -> Vec<Attempt> {
        let held = self.worker.held();
        let Some(dropped) = index.and_then(|index| held.get(index % held.len().max(1)).copied()) else {
            return Vec::new();
        };
        if !self.owed.contains_key(&dropped) && self.exit.is_none() {
            self.dropped.insert(dropped);
        }
        vec![dropped]
    }

    pub(super) fn connected(&mut self, drop: Option<usize>) {
        if self.connecting {
            self.connecting = false;
            self.up = true;
            self.generation += 1;
            let dropped = self.drop_one(drop);
            self.feed(Event::Registered { generation: self.generation, dropped });
        }
    }

    pub(super) fn lose(&mut self) {
        if self.up {
            self.up = false;
            self.pull = None;
            self.submits.clear();
            self.feed(Event::LinkLost { generation: self.generation });
        }
    }

    fn lease(&mut self, count: u32) -> Vec<Assignment> {
        let numbers = self.attempts + 1..=self.attempts + count;
        self.attempts += count;
        let assignment =
            |number| Assignment { attempt: attempt(number), unit: unit("cnn"), keep_weights: false, checkpoint: None };
        numbers.map(assignment).collect()
    }

    pub(super) fn answer_pull(&mut self, share: u32, state: StudyState) {
        if let Some(units_max) = self.pull.take() {
            let assignments = self.lease(share % (units_max + 1));
            self.feed(Event::Pulled { generation: self.generation, assignments, state });
        }
    }

    pub(super) fn end(&mut self, slot: usize, outcome: SlotOutcome) {
        let slot = slot % self.slots.len();
        let Some(running) = self.slots[slot].take() else { return };
        let outcome = match (running.stopping, outcome) {
            (false, SlotOutcome::Stopped(_)) => SlotOutcome::Failed("broken".to_owned()),
            (_, outcome) => outcome,
        };
        if self.exit.is_none()
            && !self.dropped.contains(&running.attempt)
            && self.worker.held().contains(&running.attempt)
        {
            self.owed.insert(running.attempt, ());
        }
        self.feed(Event::Ended { slot, outcome, train_seconds: 1.0 });
    }

    /// Answers a submit with some of the units that it asks for. The coordinator cannot use some of the attempts: each of which
    /// `misread` has the bit.
    pub(super) fn answer_submit(&mut self, index: usize, share: u32, misread: u32, state: StudyState) {
        if self.submits.is_empty() {
            return;
        }
        let Submit { call, attempts, units_max } = self.submits.remove(index % self.submits.len());
        let mut receipts = Vec::new();
        for (place, (attempt, submission)) in attempts.into_iter().enumerate() {
            let is_misread = misread >> (place % 32) & 1 == 1;
            if !is_misread {
                self.settled.insert(attempt);
            }
            if !is_misread || matches!(submission.outcome, Outcome::Failure { .. }) {
                self.owed.remove(&attempt);
            }
            let receipt = if is_misread { Receipt::Malformed("odd".to_owned()) } else { Receipt::Settled };
            receipts.push((attempt, receipt));
        }
        let assignments = self.lease(share % (units_max + 1));
        self.feed(Event::Submitted { generation: self.generation, call, receipts, assignments, state });
    }

    pub(super) fn acknowledge(&mut self, index: usize) {
        self.answer_submit(index, 0, 0, StudyState::Running);
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.feed(Event::Tick);
    }

    /// A quiet period: the coordinator answers, and every attempt ends and is acknowledged.
    pub(super) fn calm(&mut self) {
        for _ in 0..200 {
            self.connected(None);
            self.answer_pull(0, StudyState::Running);
            self.acknowledge(0);
            (0..self.slots.len()).for_each(|slot| self.end(slot, SlotOutcome::Finished(result())));
        }
    }
}
