//! The core's loop: gather requests, apply them, commit, answer.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use prost::Message as _;
use seedgrid_common::{
    training::{Ending, UnitResult},
    unit::UnitId,
    wire::{
        blob::{BlobDigest, CheckpointRef, Content},
        v1,
    },
};
use sha2::{Digest as _, Sha256};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::Holders;
use super::{
    request::{Given, Heard, Outcome, Pulled, Registered, Request, Unregistered},
    selecting::Selecting,
    snapshot::{Live, ToCome, WorkerEntry},
    study::{Added, Later, Roster, StudyPlan, UnitFacts},
};
use crate::{
    blobs::{BlobError, BlobFolder},
    checkpoints::{Checkpoints, KeptCheckpoint},
    queue::{
        AfterFailure, Blame, Expired, Finished, Granted, Millis, NewUnit, Queue, Renewed, Rules, Verdict, WorkerId,
    },
    race::RungDecision,
    retrying::{self, NotRetried, Retry},
    selection::{Committed, Ended},
    store::{ResultRecord, Store, StoreError, StoredUnit, Write},
    wall_clock::wall_ms,
    weights::Keeper,
};

/// Requests that one commit may cover.
const GROUP_MAX: usize = 256;
/// Shortest time between two pictures.
const PICTURE_MS: Millis = 200;
/// A worker that holds nothing and was not heard of for this many lease times is forgotten.
const FORGET_AFTER_LEASES: u64 = 2;

/// Why the core ended.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The store refused. What was not acknowledged is not kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Weights or checkpoints cannot be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Ends every attempt that has no ending: nobody trains it any more.
fn give_up(known: &mut BTreeMap<UnitId, StoredUnit>) -> Vec<Write> {
    let give_up = |(unit, stored): (&UnitId, &mut StoredUnit)| {
        stored.holder.take()?;
        Some(Write::Ended {
            unit: *unit,
            attempt: stored.attempts,
            at_ms: wall_ms(),
            // Not lost: it is known what became of the worker, and that the unit had no part in it.
            ending: "preempted",
            detail: "its coordinator was ended, and the worker with it".to_owned(),
            train_seconds: None,
        })
    };
    known.iter_mut().filter_map(give_up).collect()
}

/// A reply that waits for the commit.
type Reply = Box<dyn FnOnce() + Send>;

pub(super) struct Reactor {
    pub(super) store: Store,
    pub(super) queue: Queue,
    rules: Rules,
    study: String,
    pub(super) units: BTreeMap<UnitId, UnitFacts>,
    roster: Roster,
    pub(super) selecting: Selecting,
    keeper: Keeper,
    pub(super) checkpoints: Checkpoints,
    /// The group of each unit that a race holds back.
    held: Vec<usize>,
    /// What waits for selections.
    later: Vec<Later>,
    /// What the store knew at the start of units that are not planned, as long as they are not.
    stored: BTreeMap<UnitId, StoredUnit>,
    pub(super) live: Live,
    pub(super) draining: bool,
    stopping: bool,
    /// Whether the store holds changes that the queue is to be made from again.
    stale: bool,
    pub(super) writes: Vec<Write>,
    /// Which attempts have begun: committed with the next other change, or with the next picture. Nobody waits for it, and it is worth no
    /// commit of its own for every unit.
    begun: Vec<Write>,
    replies: Vec<Reply>,
    started: Instant,
    pictured_at: Millis,
    stale_picture: bool,
    available: watch::Sender<u64>,
    snapshots: watch::Sender<Arc<v1::StatusSnapshot>>,
}

impl Reactor {
    #[allow(clippy::type_complexity, reason = "three parts that go three ways")]
    pub(super) fn new(
        mut store: Store,
        plan: StudyPlan,
        rules: Rules,
        holders: Holders,
    ) -> Result<(Self, watch::Receiver<u64>, watch::Receiver<Arc<v1::StatusSnapshot>>), CoreError> {
        if holders == Holders::AreGone {
            let ends = give_up(&mut store.units()?);
            store.commit(&ends)?;
        }
        let keeper = Keeper::open(BlobFolder::weights(store.folder()), &plan.study, &store.weights()?)?;
        let folder = BlobFolder::checkpoints(store.folder());
        let (checkpoints, gone) = Checkpoints::open(folder, store.checkpoints()?)?;
        let (available, available_receiver) = watch::channel(0);
        let (snapshots, snapshots_receiver) = watch::channel(Arc::new(v1::StatusSnapshot::default()));
        let mut reactor = Self {
            store,
            queue: Queue::new(rules, [], Vec::new()),
            rules,
            study: plan.study.name.clone(),
            units: BTreeMap::new(),
            roster: Roster::new(plan.study.dataset.train_pairs),
            selecting: Selecting::new(plan, Committed::default(), BTreeMap::new()),
            keeper,
            checkpoints,
            held: Vec::new(),
            later: Vec::new(),
            stored: BTreeMap::new(),
            live: Live::default(),
            draining: false,
            stopping: false,
            stale: false,
            writes: gone,
            begun: Vec::new(),
            replies: Vec::new(),
            started: Instant::now(),
            pictured_at: 0,
            stale_picture: true,
            available,
            snapshots,
        };
        if let Some(pause) = reactor.store.pause()? {
            reactor.queue.pause_for(pause);
        }
        reactor.load(0)?;
        reactor.take_picture(0);
        Ok((reactor, available_receiver, snapshots_receiver))
    }

    /// Makes queue and selections from what the store holds. Leases stay with their holders.
    fn load(&mut self, now: Millis) -> Result<(), CoreError> {
        let stored = self.store.units()?;
        let mut ended = self.store.scores()?;
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

    /// Gives failed units another try. The queue is made again once this is durable.
    fn retry(&mut self, wanted: &[UnitId]) -> Result<Retry, NotRetried> {
        let (plan, standing) = self.selecting.expanded();
        let retry = retrying::retry(plan, standing, &self.queue.fates(), wanted)?;
        self.writes.extend(retry.writes(wall_ms()));
        self.stale |= !retry.units.is_empty();
        self.resume();
        Ok(retry)
    }

    /// Serves requests until it is told to stop, or every sender is gone.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>, runtime: &Handle) -> Result<(), CoreError> {
        loop {
            let wait = self.until_next_event();
            let first = runtime.block_on(async {
                match wait {
                    Some(wait) => tokio::time::timeout(wait, requests.recv()).await,
                    None => Ok(requests.recv().await),
                }
            });
            let now = self.now();
            match first {
                Ok(None) => {
                    self.take_picture(now);
                    return Ok(());
                }
                Ok(Some(request)) => {
                    self.apply(request, now);
                    for _ in 1..GROUP_MAX {
                        let Ok(request) = requests.try_recv() else { break };
                        self.apply(request, now);
                    }
                }
                Err(_elapsed) => {}
            }
            self.expire(now);
            let picture_is_due = self.stale_picture && now >= self.pictured_at + PICTURE_MS;
            if picture_is_due || self.stopping {
                self.writes.append(&mut self.begun);
            }
            self.commit_and_answer(now)?;
            if self.stopping {
                self.take_picture(now);
                return Ok(());
            }
            if picture_is_due || self.queue.counts().all_ended() {
                self.take_picture(now);
            }
        }
    }

    fn commit(&mut self) -> Result<(), CoreError> {
        if !self.writes.is_empty() {
            self.writes.append(&mut self.begun);
            self.store.commit(&self.writes)?;
            self.writes.clear();
        }
        self.checkpoints.settle();
        Ok(self.keeper.settle()?)
    }

    /// Durable before acknowledged.
    pub(super) fn commit_and_answer(&mut self, now: Millis) -> Result<(), CoreError> {
        self.commit()?;
        if std::mem::take(&mut self.stale) {
            self.load(now)?;
        }
        self.replies.drain(..).for_each(|reply| reply());
        Ok(())
    }

    /// Makes the selections and decides the rungs that can be decided, and takes in the units that they lead to.
    fn settle(&mut self, now: Millis) {
        let settled = self.selecting.settle();
        for decision in settled.rungs {
            let RungDecision { stage, model, rung } = &decision;
            let (raced, left) = (rung.entered.len(), rung.left.len());
            tracing::info!(stage, model, folds = rung.folds, raced, left, "rung decided");
            self.writes.push(Write::Rung { at_ms: wall_ms(), decision });
        }
        for decision in settled.made {
            tracing::info!(stage = decision.stage, model = decision.model, chosen = ?decision.chosen, "selected");
            self.writes.push(Write::Selection { at_ms: wall_ms(), decision });
        }
        self.keeper.learn(&settled.plan);
        let Added { units, costs, held } = self.roster.add(&settled.plan, &settled.track);
        self.held = held;
        self.later = self.roster.later(&settled.plan);
        let mut new_units = Vec::with_capacity(units.len());
        for facts in units {
            let StoredUnit { attempts, record, holder, began, lost, cancelled, result } =
                self.stored.remove(&facts.id).unwrap_or_default();
            // The store holds no other ids than those that were checked when their worker came.
            let holder = holder.and_then(|worker| worker.parse().ok());
            let (id, group) = (facts.id, facts.group);
            new_units.push(NewUnit { id, group, attempts, record, holder, began, lost, cancelled, result });
            self.writes.push(Write::Unit(facts.id, Box::new(facts.unit.clone())));
            self.units.insert(facts.id, facts);
        }
        self.queue.add(new_units, costs, now);
        self.wake();
    }

    /// A unit has ended for good.
    pub(super) fn unit_ended(&mut self, unit: UnitId, how: Ended, now: Millis) {
        if self.selecting.ended(unit, how) {
            self.settle(now);
        }
    }

    fn now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Time until a lease runs out or a picture is due, if either is.
    fn until_next_event(&self) -> Option<Duration> {
        let picture = self.stale_picture.then_some(self.pictured_at + PICTURE_MS);
        let next = [self.queue.next_deadline(), picture].into_iter().flatten().min()?;
        Some(Duration::from_millis(next.saturating_sub(self.now())))
    }

    /// Whether every unit has ended.
    #[cfg(test)]
    pub(super) fn is_done(&self) -> bool {
        self.queue.counts().all_ended()
    }

    /// Where the study stands for one worker: a drain may be for it alone.
    fn state_for(&self, worker: &WorkerId) -> v1::StudyState {
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

    pub(super) fn apply(&mut self, request: Request, now: Millis) {
        self.stale_picture = true;
        match request {
            Request::Register { worker, info, held, reply } => {
                let dropped = self.register(worker, info, &held, now);
                self.answer(reply, Registered { dropped });
            }
            Request::Pull { worker, max, reply } => {
                let answer = self.pull(&worker, max, now);
                self.answer(reply, answer);
            }
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
                let answer = if self.seen(&worker, now) { Ok(wanted) } else { Err(Unregistered) };
                self.answer(reply, answer);
            }
            Request::BlobArrived { worker, unit, attempt, content, digest, bytes, reply } => {
                let kept = match content {
                    Content::Weights => {
                        let awaited = self.queue.awaits(unit, attempt);
                        self.keeper.arrived(unit, digest, bytes, awaited);
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
            Request::Submit { worker, unit, attempt, outcome, train_seconds, numerics_class, weights, log, reply } => {
                self.seen(&worker, now);
                self.keep_log(&worker, unit, attempt, log);
                let answer = match outcome {
                    Outcome::Result(_) if self.lacks(unit, attempt, weights) => Some(v1::SubmitOutcome::WeightsFirst),
                    Outcome::Result(result) => {
                        self.result(&worker, unit, attempt, &result, train_seconds, numerics_class, weights, now)
                    }
                    Outcome::Failure { ending, blame, detail } => {
                        self.fail(&worker, &[(unit, attempt)], (ending, blame), &detail, Some(train_seconds), now);
                        Some(v1::SubmitOutcome::Recorded)
                    }
                };
                self.answer(reply, answer);
            }
            Request::Leave { worker, reason, reply } => {
                let expired = self.queue.leave(&worker, now);
                self.taken_back(expired, "preempted", "its worker left", now);
                self.queue.part(&worker);
                self.judge();
                // What failed elsewhere and waited for this worker may wait no longer.
                self.wake();
                if let Some(entry) = self.live.workers.remove(&worker) {
                    tracing::info!(host = entry.info.host, place = entry.info.place, reason, "worker left");
                }
                self.answer(reply, ());
            }
            Request::Retry { units, reply } => {
                let answer = self.retry(&units);
                self.answer(reply, answer);
            }
            Request::Lost { worker, ending, blame, detail, training, held, log, reply } => {
                for (unit, attempt) in &training {
                    self.keep_log(&worker, *unit, *attempt, log.clone());
                }
                self.fail(&worker, &training, (ending, blame), &detail, None, now);
                let besides = ("preempted", Blame::Circumstances);
                self.fail(&worker, &held, besides, "its worker's trainer ended", None, now);
                self.answer(reply, ());
            }
            Request::Steer(steering) => self.steer(steering, now),
            Request::Stop => self.stopping = true,
        }
    }

    fn register(
        &mut self,
        worker: WorkerId,
        info: Box<v1::WorkerInfo>,
        held: &[(UnitId, u32)],
        now: Millis,
    ) -> Vec<(UnitId, u32)> {
        tracing::info!(host = info.host, place = info.place, slots = info.slots, device = info.device, "worker joined");
        self.writes.push(Write::Worker { worker_id: worker.to_string(), at_ms: wall_ms(), info: info.clone() });
        self.queue.join(&worker);
        let lost = self.queue.take_back_unknown(&worker, held, now);
        let (begun, unheard) = lost.into_iter().partition(|one| one.charged);
        self.taken_back(begun, "worker-lost", "the worker died and was started again", now);
        self.taken_back(unheard, "worker-lost", "the worker never heard of this attempt", now);
        let dropped = self.renew(&worker, held, now);
        let finished = self.live.workers.get(&worker).map_or(0, |entry| entry.finished);
        self.live.workers.insert(worker, WorkerEntry { info: *info, last_seen: now, finished });
        dropped
    }

    fn renew(&mut self, worker: &WorkerId, held: &[(UnitId, u32)], now: Millis) -> Vec<(UnitId, u32)> {
        let Renewed { dropped, reclaimed } = self.queue.renew(worker, held, now);
        for (unit, attempt) in reclaimed {
            self.writes.push(Write::Reopened { unit, attempt, worker_id: worker.to_string() });
        }
        dropped
    }

    pub(super) fn say_failed(&self, unit: UnitId, attempt: u32, ending: &'static str, detail: &str, blame: Blame) {
        let unit = self.label(unit);
        match blame {
            Blame::Unit | Blame::Death => tracing::warn!(%unit, attempt, ending, detail, "attempt failed"),
            Blame::Circumstances => tracing::info!(%unit, attempt, ending, detail, "unit waits again"),
        }
    }

    fn pull(&mut self, worker: &WorkerId, max: usize, now: Millis) -> Result<Pulled, Unregistered> {
        if !self.seen(worker, now) {
            return Err(Unregistered);
        }
        let max = if self.draining { 0 } else { max.min(self.fair_share(worker)) };
        let class = self.live.workers.get(worker).map(|entry| entry.info.numerics_class.clone()).unwrap_or_default();
        let granted = self.queue.pull(worker, max, now);
        let units = granted
            .into_iter()
            .map(|Granted { unit: id, attempt }| {
                let checkpoint = self.checkpoints.of(id, &class);
                self.writes.push(Write::Started {
                    unit: id,
                    attempt,
                    worker_id: worker.to_string(),
                    at_ms: wall_ms(),
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
        Ok(Pulled { units, state: self.state_for(worker) })
    }

    /// Keeps a checkpoint that has arrived, if its sender still holds the unit's lease. Whether it does.
    fn checkpoint_arrived(&mut self, worker: &WorkerId, unit: UnitId, attempt: u32, reference: CheckpointRef) -> bool {
        match self.live.workers.get(worker) {
            Some(entry) if self.queue.holds(worker, unit, attempt) => {
                let numerics_class = entry.info.numerics_class.clone();
                let kept = KeptCheckpoint { attempt, reference, numerics_class };
                self.writes.push(self.checkpoints.keep(unit, kept, wall_ms()));
                true
            }
            Some(_) | None => {
                self.checkpoints.discard(unit, reference.digest);
                false
            }
        }
    }

    /// How many units `worker` may take: its free slots' worth, and ahead of that only short ones that no other worker has a free
    /// slot for.
    fn fair_share(&self, worker: &WorkerId) -> usize {
        let free =
            |id: &WorkerId, entry: &WorkerEntry| (entry.info.slots as usize).saturating_sub(self.queue.held_by(id));
        let own = self.live.workers.get(worker).map_or(0, |entry| free(worker, entry));
        if !self.queue.may_be_taken_ahead() {
            return own;
        }
        let others: usize =
            self.live.workers.iter().filter(|(id, _)| *id != worker).map(|(id, entry)| free(id, entry)).sum();
        own.max(self.queue.counts().waiting.saturating_sub(others))
    }

    fn heartbeat(&mut self, worker: &WorkerId, held: &[(UnitId, u32)], now: Millis) -> Result<Heard, Unregistered> {
        if !self.seen(worker, now) {
            return Err(Unregistered);
        }
        let dropped = self.renew(worker, held, now);
        Ok(Heard { dropped, state: self.state_for(worker) })
    }

    /// Whether these weights must be here before the result that they belong to can count.
    fn lacks(&self, unit: UnitId, attempt: u32, weights: Option<BlobDigest>) -> bool {
        weights.is_some_and(|digest| {
            self.keeper.wants(unit) && self.queue.awaits(unit, attempt) && !self.keeper.has(unit, digest)
        })
    }

    #[allow(clippy::too_many_arguments, reason = "each is one fact of the submit")]
    fn result(
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
            Ending::Done(scores) => (false, Some((scores.wrong, scores.probabilities.len() as u32))),
            Ending::Diverged { .. } => (true, None),
        };
        let record = Box::new(ResultRecord {
            unit,
            attempt,
            at_ms: wall_ms(),
            numerics_class,
            diverged,
            epochs: result.epochs.len() as u32,
            wrong_of,
            digest,
            payload,
        });
        match self.queue.finish(worker, unit, attempt, Finished { digest, diverged }, train_seconds) {
            Verdict::Unknown => None,
            Verdict::Commit => {
                self.writes.push(Write::Result(record));
                self.writes.extend(self.keeper.keep(unit, attempt, weights));
                self.writes.extend(self.checkpoints.end(unit));
                if weights.is_none() && !diverged && self.keeper.wants(unit) {
                    let unit = self.label(unit);
                    tracing::warn!(%unit, "its weights are not kept: training began before keep_weights was set");
                }
                let ending = if diverged { "diverged" } else { "done" };
                self.ended(unit, attempt, ending, String::new(), Some(train_seconds), Some(result));
                if let Some(entry) = self.live.workers.get_mut(worker) {
                    entry.finished += 1;
                }
                let how = wrong_of.map_or(Ended::Diverged, |(wrong, of)| Ended::Scored { wrong, of });
                self.unit_ended(unit, how, now);
                self.judge();
                let counts = self.queue.counts();
                if counts.waiting > 0 || counts.all_ended() {
                    self.wake();
                }
                Some(v1::SubmitOutcome::Committed)
            }
            // An exact replay of what won, or an equal result of another attempt.
            Verdict::Duplicate => {
                self.note_ending(unit, attempt, "duplicate", train_seconds);
                Some(v1::SubmitOutcome::Duplicate)
            }
            Verdict::Conflict => {
                tracing::error!(unit = %self.label(unit), attempt, "a second result differs from the first; the first stands");
                self.writes.push(Write::Conflict(record));
                self.note_ending(unit, attempt, "conflict", train_seconds);
                Some(v1::SubmitOutcome::Conflict)
            }
        }
    }

    /// Takes back what has run out, and forgets workers that hold nothing and are silent.
    fn expire(&mut self, now: Millis) {
        let (expired, ready) = self.queue.expire(now);
        self.taken_back(expired, "worker-lost", "no heartbeat for the time of a lease", now);
        if ready {
            self.wake();
        }
        let silent = now.saturating_sub(FORGET_AFTER_LEASES * self.rules.lease_ms);
        let gone = |(id, entry): (&WorkerId, &WorkerEntry)| {
            (entry.last_seen < silent && self.queue.held_by(id) == 0).then(|| id.clone())
        };
        let gone: Vec<WorkerId> = self.live.workers.iter().filter_map(gone).collect();
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

    pub(super) fn taken_back(&mut self, expired: Vec<Expired>, ending: &'static str, detail: &str, now: Millis) {
        if expired.is_empty() {
            return;
        }
        for Expired { unit, attempt, after, .. } in expired {
            tracing::warn!(unit = %self.label(unit), attempt, ending, detail, ?after, "attempt lost");
            self.ended(unit, attempt, ending, detail.to_owned(), None, None);
            if after == AfterFailure::Quarantined {
                self.unit_ended(unit, Ended::Failed, now);
            }
        }
        self.wake();
    }

    /// Records an attempt's end, durably and for the live views.
    pub(super) fn ended(
        &mut self,
        unit: UnitId,
        attempt: u32,
        ending: &'static str,
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
            label: self.label(unit),
            ending: ending.to_owned(),
            epochs: result.map_or(0, |result| result.epochs.len() as u32),
            error,
            train_seconds: train_seconds.unwrap_or(0.0),
        };
        self.live.ended(unit, shown);
        self.writes.push(Write::Ended { unit, attempt, at_ms: wall_ms(), ending, detail, train_seconds });
    }

    fn note_ending(&mut self, unit: UnitId, attempt: u32, ending: &'static str, train_seconds: f64) {
        self.writes.push(Write::Ended {
            unit,
            attempt,
            at_ms: wall_ms(),
            ending,
            detail: String::new(),
            train_seconds: Some(train_seconds),
        });
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

    pub(super) fn answer<T: Send + 'static>(&mut self, reply: tokio::sync::oneshot::Sender<T>, answer: T) {
        // Who no longer waits has hung up; what was decided stands, and a repeated request gets the same answer.
        self.replies.push(Box::new(move || drop(reply.send(answer))));
    }

    pub(super) fn wake(&mut self) {
        let available = self.available.clone();
        self.replies.push(Box::new(move || available.send_modify(|version| *version += 1)));
    }

    fn take_picture(&mut self, now: Millis) {
        let facts = |unit: UnitId| {
            self.units.get(&unit).map_or_else(
                || (unit.to_string(), 0),
                |facts| (self.selecting.label(&facts.unit), facts.unit.configuration.stop.max_epochs),
            )
        };
        let to_come = self.selecting.to_come();
        let to_come = ToCome { counts: to_come, held: &self.held, later: &self.later };
        let picture = self.live.picture(&self.study, self.state(), &self.queue, to_come, now, wall_ms(), facts);
        self.snapshots.send_replace(Arc::new(picture));
        self.pictured_at = now;
        self.stale_picture = false;
    }
}
