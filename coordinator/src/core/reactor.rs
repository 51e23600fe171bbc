//! One study in the core, without thread and clocks: the changes of each request, the writes, and the time of each answer. Time
//! is an argument, so a simulation can drive it; [`thread`](super::thread) drives it by the machine's clocks.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use seedgrid_common::{study_id::StudyId, unit::UnitId, wire::v1};
use tokio::sync::{oneshot, watch};

use super::{
    CoreError, Holders,
    long_polls::LongPolls,
    preempted_with_coordinator::give_up,
    selections_and_rungs::{NewDecisions, Selecting},
    status_snapshot::{Live, ToCome},
    study_units::{Added, Later, Roster, StudyPlan, UnitFacts},
};
use crate::{
    auth::{CredentialRegistry, Credentials, Revocations},
    log_rate_limit::LogRateLimit,
    scheduler::{
        queue::{Millis, NewUnit, Queue, Rules, WorkerId},
        race::RungDecision,
        ranking::Ended,
        retry::{self, NotRetried, Retry},
        selection::Committed,
    },
    store::{
        Store, StoreError, StoredUnit, Write,
        blobs::{BlobFolder, checkpoints::Checkpoints, weights::KeptWeightsIndex},
    },
};

/// The shortest time between two snapshots, in milliseconds.
const PICTURE_MS: Millis = 200;

/// The longest time between two snapshots while workers are registered, in milliseconds: a snapshot tells for how long each has been silent.
const SILENCE_MS: Millis = 1_000;

/// A reading of the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The core's running time; it never decreases.
    pub now: Millis,
    /// Milliseconds since the Unix epoch, for people only: may jump either way.
    pub wall_ms: i64,
}

/// The core's output for its followers.
#[derive(Clone, Debug)]
pub struct Views {
    /// Pictures of the study.
    pub snapshots: watch::Receiver<Arc<v1::StatusSnapshot>>,
}

/// An action after the commit, such as a reply.
type Afterwards = Box<dyn FnOnce() + Send>;

/// The state of one study: queue, store and everything with them.
pub struct Reactor {
    id: StudyId,
    pub(super) store: Store,
    pub(super) queue: Queue,
    /// The registry of credentials.
    pub(super) credentials: Credentials,
    /// The rate limit of log lines about forgotten workers.
    pub(super) forgetting: LogRateLimit,
    /// The store's read error, which ends the core.
    pub(super) broken: Option<StoreError>,
    pub(super) rules: Rules,
    study: String,
    pub(super) units: HashMap<UnitId, UnitFacts>,
    roster: Roster,
    pub(super) selecting: Selecting,
    pub(super) keeper: KeptWeightsIndex,
    pub(super) checkpoints: Checkpoints,
    /// The numbers of units that races hold back, by group.
    held: BTreeMap<usize, usize>,
    /// Units that wait for selections.
    later: Vec<Later>,
    /// The store's initial state of units that are not planned so far.
    stored: BTreeMap<UnitId, StoredUnit>,
    pub(super) live: Live,
    /// Pulls for which there was nothing yet.
    pub(super) parked: LongPolls,
    /// Whether units could be taken ahead of need when they were last looked at.
    pub(super) ahead: bool,
    /// Before this time no worker has been silent for long enough to be forgotten.
    pub(super) forget_at: Millis,
    pub(super) draining: bool,
    pub(super) stopping: bool,
    /// Whether the store has changes from which the queue must be rebuilt.
    stale: bool,
    pub(super) writes: Vec<Write>,
    /// The starts of attempts, committed with the next other change or the next snapshot. No call waits for them, so
    /// they need no commit of their own.
    pub(super) begun: Vec<Write>,
    afterwards: Vec<Afterwards>,
    /// The time of the present event.
    pub(super) at: Moment,
    pictured_at: Millis,
    pub(super) stale_picture: bool,
    /// Whether an operator changed the study's state, so that the next snapshot is taken at once and shows it.
    pub(super) steered: bool,
    snapshots: watch::Sender<Arc<v1::StatusSnapshot>>,
}

impl Reactor {
    /// Creates the state of the study `plan` on `store` at this time. Revocations are told to `revocations`.
    ///
    /// # Errors
    /// When the store or the run directory cannot be read or written.
    pub fn new(
        mut store: Store,
        plan: StudyPlan,
        rules: Rules,
        holders: Holders,
        at: Moment,
        revocations: Revocations,
    ) -> Result<(Self, Views), CoreError> {
        let id = store.study_id()?;
        if holders == Holders::AreGone {
            let ends = give_up(&mut store.units()?);
            store.commit(&ends)?;
        }
        let keeper = KeptWeightsIndex::open(BlobFolder::weights(store.folder()), &plan.study, &store.weights()?)?;
        let folder = BlobFolder::checkpoints(store.folder());
        let (checkpoints, gone) = Checkpoints::open(folder, store.checkpoints()?)?;
        let credentials = Credentials::new(CredentialRegistry::read(&store)?, revocations);
        let (snapshots, pictures) = watch::channel(Arc::new(v1::StatusSnapshot::default()));
        let mut reactor = Self {
            id,
            store,
            queue: Queue::new(rules, [], Vec::new()),
            credentials,
            forgetting: LogRateLimit::default(),
            broken: None,
            rules,
            study: plan.study.name.clone(),
            units: HashMap::new(),
            roster: Roster::new(plan.study.dataset.train_pairs),
            selecting: Selecting::new(plan, Committed::default(), HashMap::new()),
            keeper,
            checkpoints,
            held: BTreeMap::new(),
            later: Vec::new(),
            stored: BTreeMap::new(),
            live: Live::default(),
            parked: LongPolls::default(),
            ahead: false,
            forget_at: 0,
            draining: false,
            stopping: false,
            stale: false,
            writes: gone,
            begun: Vec::new(),
            afterwards: Vec::new(),
            at,
            pictured_at: at.now,
            stale_picture: true,
            steered: false,
            snapshots,
        };
        if let Some(pause) = reactor.store.pause()? {
            reactor.queue.pause_for(pause);
        }
        reactor.queue.recall(reactor.store.worker_failures()?, at.now);
        reactor.load(at.now)?;
        reactor.make_room();
        reactor.take_picture(at.now);
        Ok((reactor, Views { snapshots: pictures }))
    }

    /// Rebuilds queue and selections from the store. Leases stay with their holders.
    fn load(&mut self, now: Millis) -> Result<(), CoreError> {
        let stored = self.store.units()?;
        let mut ended: HashMap<UnitId, Ended> = self.store.scores()?.into_iter().collect();
        let failed = stored.iter().filter(|(_, unit)| unit.is_given_up(&self.rules));
        ended.extend(failed.map(|(id, _)| (*id, Ended::Failed)));
        let plan = self.selecting.plan().clone();
        let before = std::mem::replace(&mut self.queue, Queue::new(self.rules, [], Vec::new()));
        self.queue.succeed(&before);
        self.units.clear();
        self.roster = Roster::new(plan.study.dataset.train_pairs);
        self.selecting = Selecting::new(plan, self.store.committed()?, ended);
        self.stored = stored;
        self.settle(now);
        self.commit()?;
        for (unit, seconds) in self.store.train_seconds()? {
            self.queue.learn(unit, seconds);
        }
        Ok(())
    }

    /// Retries failed units. Where selections or rungs are to be made again, the queue is rebuilt after this is durable.
    pub(super) fn retry(&mut self, wanted: &[UnitId], now: Millis) -> Result<Retry, NotRetried> {
        let (plan, decisions) = self.selecting.expanded();
        let retry = retry::retry(plan, decisions, |unit| self.queue.attempted(unit), self.queue.ids(), wanted)?;
        self.writes.extend(Write::all_of(&retry, self.at.wall_ms));
        if retry.units.is_empty() {
            return Ok(retry);
        }
        if retry.selections.is_empty() {
            for (unit, _) in &retry.units {
                self.queue.retry(*unit, now);
                self.selecting.reopened(*unit);
            }
            // Open decisions wait for these units, too.
            self.settle(now);
        } else {
            self.stale = true;
        }
        self.resume();
        Ok(retry)
    }

    /// Makes one turn: takes back expired leases, commits all changes, and only then answers the requests that were
    /// [applied](Self::apply) since the last turn. Returns false after a request to stop, in the last turn.
    ///
    /// # Errors
    /// When the store fails. No request is answered then, and the core is unusable.
    pub fn turn(&mut self, at: Moment) -> Result<bool, CoreError> {
        self.at = at;
        let now = at.now;
        self.expire(now);
        if std::mem::take(&mut self.stale) {
            self.commit()?;
            self.load(now)?;
        }
        self.answer_pulls(now);
        let picture_is_due = self.next_picture().is_some_and(|at| now >= at) || self.stopping;
        if picture_is_due {
            self.writes.append(&mut self.begun);
        }
        self.commit()?;
        if picture_is_due || self.steered || self.queue.counts().all_ended() {
            self.take_picture(now);
        }
        self.afterwards.drain(..).for_each(|what| what());
        Ok(!self.stopping)
    }

    fn commit(&mut self) -> Result<(), CoreError> {
        if let Some(error) = self.broken.take() {
            return Err(error.into());
        }
        self.flush()?;
        self.checkpoints.settle();
        Ok(self.keeper.settle()?)
    }

    /// Commits all changes so far.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.writes.extend(self.queue.take_worker_failures().into_iter().map(Write::WorkerFailure));
        if !self.writes.is_empty() {
            self.writes.append(&mut self.begun);
            self.store.commit(&self.writes)?;
            self.writes.clear();
        }
        Ok(())
    }

    /// Makes the possible selections and rung decisions, and adds the resulting units.
    fn settle(&mut self, now: Millis) {
        let NewDecisions { selections, rungs, track } = self.selecting.settle();
        for decision in rungs {
            let RungDecision { stage, model, rung } = &decision;
            let (raced, left) = (rung.entered.len(), rung.left.len());
            tracing::info!(stage, model, folds = rung.folds, raced, left, "rung decided");
            self.writes.push(Write::Rung { at_ms: self.at.wall_ms, decision });
        }
        for decision in selections {
            tracing::info!(stage = decision.stage, model = decision.model, chosen = ?decision.chosen, "selected");
            self.writes.push(Write::Selection { at_ms: self.at.wall_ms, decision });
        }
        let (plan, _) = self.selecting.expanded();
        self.keeper.learn(plan);
        let Added { units, costs, held } = self.roster.add(plan, &track);
        self.held = held;
        self.later = self.roster.later(plan);
        let mut new_units = Vec::with_capacity(units.len());
        for facts in units {
            let StoredUnit { attempts, record, holder, began, lost, cancelled, result } =
                self.stored.remove(&facts.id).unwrap_or_default();
            // The ids in the store were checked when their workers registered.
            let holder = holder.and_then(|worker| worker.parse().ok());
            let (id, group) = (facts.id, facts.group);
            new_units.push(NewUnit { id, group, attempts, record, holder, began, lost, cancelled, result });
            if !self.store.has_unit(&facts.id) {
                self.writes.push(Write::Unit(facts.id, Box::new(facts.unit.clone())));
            }
            self.units.insert(facts.id, facts);
        }
        self.queue.add(new_units, costs, now);
        self.wake();
    }

    /// Notes that a unit has ended for good.
    pub(super) fn unit_ended(&mut self, unit: UnitId, how: Ended, now: Millis) {
        if self.selecting.ended(unit, how) {
            self.settle(now);
        }
    }

    /// The next time of its life at which a turn is due even if nobody asks anything, if there is one: a lease runs out, a pull has waited
    /// for long enough, or a picture is to be taken.
    pub fn next_event(&self) -> Option<Millis> {
        [self.queue.next_deadline(), self.parked.next_deadline(), self.next_picture()].into_iter().flatten().min()
    }

    /// The time of the next snapshot, unless something happens before.
    fn next_picture(&self) -> Option<Millis> {
        let silence = (!self.live.workers.is_empty()).then_some(SILENCE_MS);
        let wait = if self.stale_picture { Some(PICTURE_MS) } else { silence };
        wait.map(|wait| self.pictured_at + wait)
    }

    /// The newest snapshot, as followers see it.
    #[cfg(test)]
    pub(super) fn newest_snapshot(&self) -> Arc<v1::StatusSnapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Whether every unit has ended.
    pub fn is_done(&self) -> bool {
        self.queue.counts().all_ended()
    }

    /// The study's id.
    pub fn id(&self) -> StudyId {
        self.id
    }

    /// The queue, for reading.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The study's state for one worker, which may be drained alone.
    pub(super) fn state_for(&self, worker: &WorkerId) -> v1::StudyState {
        match self.state() {
            v1::StudyState::Done => v1::StudyState::Done,
            _ if self.queue.is_leaving(worker) => v1::StudyState::Draining,
            state => state,
        }
    }

    fn state(&self) -> v1::StudyState {
        if self.queue.counts().all_ended() {
            v1::StudyState::Done
        } else if self.draining {
            v1::StudyState::Draining
        } else if self.queue.pause().is_some() {
            v1::StudyState::Paused
        } else {
            v1::StudyState::Running
        }
    }

    pub(super) fn seen(&mut self, worker: &WorkerId, now: Millis) -> bool {
        match self.live.workers.get_mut(worker) {
            Some(entry) => {
                entry.last_seen = now;
                true
            }
            None => false,
        }
    }

    pub(super) fn label(&self, unit: UnitId) -> String {
        self.units.get(&unit).map_or_else(|| unit.to_string(), |facts| self.selecting.label(&facts.unit))
    }

    pub(super) fn answer<T: Send + 'static>(&mut self, reply: oneshot::Sender<T>, answer: T) {
        // A caller that has hung up gets no answer; the decision remains, and a repeated request gets the same answer.
        self.afterwards(move || drop(reply.send(answer)));
    }

    /// Runs `what` after the next commit.
    pub(super) fn afterwards(&mut self, what: impl FnOnce() + Send + 'static) {
        self.afterwards.push(Box::new(what));
    }

    /// Examines all waiting pulls in this turn.
    pub(super) fn wake(&mut self) {
        self.parked.all_are_due();
    }

    pub(super) fn take_picture(&mut self, now: Millis) {
        let facts = |unit: UnitId| {
            self.units.get(&unit).map_or_else(
                || (unit.to_string(), 0),
                |facts| (self.selecting.label(&facts.unit), facts.unit.configuration.stop.max_epochs),
            )
        };
        let to_come = self.selecting.to_come();
        let to_come = ToCome { counts: to_come, held: &self.held, later: &self.later };
        let picture =
            self.live.picture((self.id, &self.study), self.state(), &self.queue, to_come, now, self.at.wall_ms, facts);
        self.snapshots.send_replace(Arc::new(picture));
        self.pictured_at = now;
        self.stale_picture = false;
        self.steered = false;
    }
}
