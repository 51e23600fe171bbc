//! Slots: one thread each, training one unit at a time.
//!
//! A slot needs nothing from the network: it gets a unit with its data set and sends back how it ended. A panic in training is
//! that attempt's failure, not the worker's end.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use seedgrid_common::{
    data::Dataset,
    text::count,
    training::{EpochMetrics, Progress},
    wire::blob::Blob,
};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::{
    lifecycle::{
        Event,
        attempt::{Assignment, SavedState, SlotOutcome},
    },
    link::{attempt_log::Logs, checkpoint_upload::CheckpointUploads, metrics_stream::Metrics},
    run::{
        supervisor_pipe::SupervisorPipe,
        trainer::{Task, Trainer},
    },
    training::{Checkpoint, Observer, Wish, checkpoint_file},
};

/// Ample for the recursion of a backward pass, as the main thread has it.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Tells one attempt to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    told: AtomicBool,
    save: AtomicBool,
    notify: Notify,
}

impl Stop {
    /// Tells it. `save`: its state is wanted.
    pub fn tell(&self, save: bool) {
        self.0.save.store(save, Ordering::Relaxed);
        self.0.told.store(true, Ordering::Release);
        self.0.notify.notify_one();
    }

    /// Whether it was told.
    pub fn is_told(&self) -> bool {
        self.0.told.load(Ordering::Acquire)
    }

    fn wants_state(&self) -> bool {
        self.0.save.load(Ordering::Relaxed)
    }

    /// Waits until it is told. For one waiter at a time.
    pub async fn told(&self) {
        while !self.is_told() {
            self.0.notify.notified().await;
        }
    }
}

/// What a slot is given.
#[derive(Debug)]
pub struct Job {
    /// What to train.
    pub assignment: Assignment,
    /// On what.
    pub dataset: Arc<Dataset>,
    /// The file of the checkpoint to go on from.
    pub checkpoint: Option<Blob>,
    /// Ends it early.
    pub stop: Stop,
}

/// Who else is told what slots do: the supervisor that they train, the logs what is said meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// What the worker's supervisor is told.
    pub presence: Arc<SupervisorPipe>,
    /// What is logged during attempts.
    pub logs: Logs,
}

/// What all slots share.
#[derive(Clone)]
pub struct Surroundings {
    /// What trains.
    pub trainer: Arc<dyn Trainer>,
    /// Where what epochs show goes.
    pub metrics: Arc<Metrics>,
    /// Where states go.
    pub saves: Arc<CheckpointUploads>,
    /// After how long at most a state is saved; sooner where that costs little. None: only when an attempt is told to stop.
    pub save_every: Option<Duration>,
    /// Who else is told.
    pub watched: Watched,
}

/// The threads. Dropping this lets each end after its unit, without waiting for it.
#[derive(Debug)]
pub struct Slots {
    jobs: Vec<mpsc::SyncSender<Job>>,
}

impl Slots {
    /// Starts `count` threads that send [`Event::Ended`] to `events`.
    pub fn start(
        count: usize,
        surroundings: &Surroundings,
        events: &tokio::sync::mpsc::Sender<Event>,
    ) -> io::Result<Self> {
        let start = |slot: usize| {
            // One job at a time, and a slot is given one only when it is free: sending never waits.
            let (sender, jobs) = mpsc::sync_channel::<Job>(1);
            let (surroundings, events) = (surroundings.clone(), events.clone());
            thread::Builder::new().name(format!("slot-{slot}")).stack_size(STACK_BYTES).spawn(move || {
                for job in jobs {
                    let (attempt, watched) = (job.assignment.attempt, &surroundings.watched);
                    watched.presence.trains(attempt);
                    let entered = watched.logs.enter(attempt);
                    let (outcome, train_seconds) = run(job, &surroundings);
                    drop(entered);
                    watched.presence.trained(attempt);
                    if events.blocking_send(Event::Ended { slot, outcome, train_seconds }).is_err() {
                        return;
                    }
                }
            })?;
            Ok(sender)
        };
        Ok(Self { jobs: (0..count).map(start).collect::<io::Result<_>>()? })
    }

    /// Gives `slot`, which must be free, a job. False: its thread is gone.
    pub fn give(&self, slot: usize, job: Job) -> bool {
        self.jobs.get(slot).is_some_and(|sender| sender.try_send(job).is_ok())
    }
}

/// Trains a job; gives how it ended, and the wall time of training that this took.
fn run(job: Job, surroundings: &Surroundings) -> (SlotOutcome, f64) {
    let Job { assignment, dataset, checkpoint, stop } = job;
    let started = Instant::now();
    if stop.is_told() {
        return (SlotOutcome::Stopped(None), 0.0);
    }
    let attempt = assignment.attempt;
    surroundings.metrics.push(attempt, None);
    let checkpoint = checkpoint.and_then(|blob| open(&assignment, &blob, surroundings.trainer.as_ref()));
    let carried_seconds = match (&checkpoint, assignment.checkpoint) {
        (Some(_), Some(announced)) => announced.progress.seconds,
        (Some(_) | None, _) => 0.0,
    };
    let mut watcher = Watcher {
        assignment: &assignment,
        stop: &stop,
        surroundings,
        started,
        saved: started,
        asked: started,
        carried_seconds,
        last: None,
    };
    let task = Task { unit: &assignment.unit, keep_weights: assignment.keep_weights, checkpoint: checkpoint.as_ref() };
    // Nothing that training could leave half done is used again: the data set is only read.
    let trained = catch_unwind(AssertUnwindSafe(|| surroundings.trainer.train(task, dataset.as_ref(), &mut watcher)));
    let (train_seconds, last) = (watcher.seconds(), watcher.last.take());
    surroundings.saves.forget(attempt);
    let outcome = match trained {
        Ok(Ok(Some(output))) => SlotOutcome::Finished(output),
        Ok(Ok(None)) => SlotOutcome::Stopped(last),
        Ok(Err(error)) => SlotOutcome::Failed(seedgrid_common::error_chain::chain(error.as_ref())),
        Err(panic) => SlotOutcome::Failed(format!("training panicked: {}", message(panic.as_ref()))),
    };
    (outcome, train_seconds)
}

/// The checkpoint in these bytes, if training can go on from it.
fn open(assignment: &Assignment, blob: &Blob, trainer: &dyn Trainer) -> Option<Checkpoint> {
    match checkpoint_file::read(blob.bytes(), &assignment.unit, &trainer.describe().numerics_class) {
        Ok(checkpoint) => {
            let (epochs, batches) = checkpoint.progress();
            let (epochs, batches) = (count(epochs, "epoch"), count(batches, "batch"));
            info!("{}: goes on after {epochs} and {batches}", assignment.unit.label());
            Some(checkpoint)
        }
        Err(error) => {
            let (unit, error) = (assignment.unit.label(), seedgrid_common::error_chain::chain(&error));
            warn!("{unit}: its checkpoint cannot be used, training from the start: {error}");
            None
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}

struct Watcher<'a> {
    assignment: &'a Assignment,
    stop: &'a Stop,
    surroundings: &'a Surroundings,
    started: Instant,
    /// When the last state was saved, or training began.
    saved: Instant,
    /// When a state was last asked for.
    asked: Instant,
    /// Wall time of earlier attempts that this one went on from.
    carried_seconds: f64,
    /// The state that was saved on stopping.
    last: Option<SavedState>,
}

impl Watcher<'_> {
    fn is_due(&self) -> bool {
        let Surroundings { saves, save_every, .. } = self.surroundings;
        let spacing = save_every.map(|longest| saves.spacing(self.assignment.attempt, longest));
        spacing.is_some_and(|spacing| spacing.is_due(self.saved.elapsed()))
    }

    fn seconds(&self) -> f64 {
        self.carried_seconds + self.started.elapsed().as_secs_f64()
    }
}

impl Observer for Watcher<'_> {
    fn epoch(&mut self, metrics: &EpochMetrics) {
        self.surroundings.metrics.push(self.assignment.attempt, Some(*metrics));
    }

    fn batch(&mut self) -> Wish {
        match self.stop.is_told() {
            true if self.stop.wants_state() => Wish::SaveAndStop,
            true => Wish::Stop,
            false if self.is_due() => {
                self.asked = Instant::now();
                Wish::Save
            }
            false => Wish::GoOn,
        }
    }

    fn save(&mut self, checkpoint: Checkpoint) {
        let (epochs, batches) = checkpoint.progress();
        let progress = Progress { epochs, batches, seconds: self.seconds() };
        match checkpoint_file::write(&checkpoint, &self.assignment.unit) {
            Ok(bytes) => {
                let state = SavedState { blob: Blob::new(bytes), progress };
                match self.stop.is_told() {
                    true => self.last = Some(state),
                    false => self.surroundings.saves.put(self.assignment.attempt, state, self.asked.elapsed()),
                }
            }
            Err(error) => {
                let (unit, error) = (self.assignment.unit.label(), seedgrid_common::error_chain::chain(&error));
                warn!("{unit}: its state cannot be saved, an interruption would cost it all: {error}");
            }
        }
        // Measured from the end, so that saving never takes more than its share.
        self.saved = Instant::now();
    }
}
