//! Slots: one thread each, training one unit at a time.
//!
//! A slot does not use the network: it receives a unit with its data set and sends the outcome. A panic in training
//! fails that attempt, and the worker continues.

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
    error_chain::{chain, with_hint_in_line},
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

/// Enough for the recursion of a backward pass: as much as a main thread has.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// A request to one attempt to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    told: AtomicBool,
    save: AtomicBool,
    notify: Notify,
}

impl Stop {
    /// Requests the stop. `save`: its state is wanted.
    pub fn tell(&self, save: bool) {
        self.0.save.store(save, Ordering::Relaxed);
        self.0.told.store(true, Ordering::Release);
        self.0.notify.notify_one();
    }

    /// Whether the stop was requested.
    pub fn is_told(&self) -> bool {
        self.0.told.load(Ordering::Acquire)
    }

    fn wants_state(&self) -> bool {
        self.0.save.load(Ordering::Relaxed)
    }

    /// Waits for the request. For one waiter at a time.
    pub async fn told(&self) {
        while !self.is_told() {
            self.0.notify.notified().await;
        }
    }
}

/// The job of a slot.
#[derive(Debug)]
pub struct Job {
    /// The attempt and its unit.
    pub assignment: Assignment,
    /// The unit's data set.
    pub dataset: Arc<Dataset>,
    /// The file of the checkpoint to continue from.
    pub checkpoint: Option<Blob>,
    /// The request to stop early.
    pub stop: Stop,
}

/// The receivers of a slot's progress: the supervisor and the attempts' logs.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The pipe to the worker's supervisor.
    pub presence: Arc<SupervisorPipe>,
    /// The logs of attempts.
    pub logs: Logs,
}

/// The objects that all slots share.
#[derive(Clone)]
pub struct Surroundings {
    /// The trainer.
    pub trainer: Arc<dyn Trainer>,
    /// The buffer for epochs' metrics.
    pub metrics: Arc<Metrics>,
    /// The buffer for states.
    pub saves: Arc<CheckpointUploads>,
    /// The longest time between states; shorter where saving costs little. None: a state is saved only on a stop.
    pub save_every: Option<Duration>,
    /// The supervisor and the logs.
    pub watched: Watched,
}

/// The slots' threads. Dropping this lets each end after its unit, without waiting for it.
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
            // A slot gets one job at a time, and only when it is free, so sending never waits.
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

/// Trains a job; returns its outcome and the wall time of training.
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
    // Nothing that a panic leaves half done is used again: the data set is only read.
    let trained = catch_unwind(AssertUnwindSafe(|| surroundings.trainer.train(task, dataset.as_ref(), &mut watcher)));
    let (train_seconds, last) = (watcher.seconds(), watcher.last.take());
    surroundings.saves.forget(attempt);
    surroundings.metrics.forget(attempt);
    let outcome = match trained {
        Ok(Ok(Some(output))) => SlotOutcome::Finished(output),
        Ok(Ok(None)) => SlotOutcome::Stopped(last),
        Ok(Err(error)) => SlotOutcome::Failed(with_hint_in_line(error.as_ref())),
        Err(panic) => SlotOutcome::Failed(format!("training panicked: {}", message(panic.as_ref()))),
    };
    (outcome, train_seconds)
}

/// The checkpoint in these bytes, if training can continue from it.
fn open(assignment: &Assignment, blob: &Blob, trainer: &dyn Trainer) -> Option<Checkpoint> {
    match checkpoint_file::read(blob.bytes(), &assignment.unit, &trainer.describe().numerics_class) {
        Ok(checkpoint) => {
            let (epochs, batches) = checkpoint.progress();
            let (epochs, batches) = (count(epochs, "epoch"), count(batches, "batch"));
            info!("{}: goes on after {epochs} and {batches}", assignment.unit.label());
            Some(checkpoint)
        }
        Err(error) => {
            let (unit, error) = (assignment.unit.label(), chain(&error));
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
    /// The time of the last saved state, or of training's start.
    saved: Instant,
    /// The time of the last request for a state.
    asked: Instant,
    /// Wall time of the earlier attempts that this one continues.
    carried_seconds: f64,
    /// The state saved on stopping.
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
                let (unit, error) = (self.assignment.unit.label(), chain(&error));
                warn!("{unit}: its state cannot be saved, an interruption would cost it all: {error}");
            }
        }
        // Measured from the end of saving, so that saving never exceeds its share.
        self.saved = Instant::now();
    }
}
