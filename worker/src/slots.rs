//! Slots: one thread each, training one unit at a time.
//!
//! A slot needs nothing from the network: it gets a unit with its data set and sends back how it ended. A panic in training is
//! that attempt's failure, not the worker's end.

use std::{
    any::Any,
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use seedgrid_common::{data::Dataset, training::EpochMetrics};
use tokio::sync::Notify;

use crate::{
    lifecycle::Event,
    metrics::Metrics,
    trainer::Trainer,
    training::Observer,
    work::{Assignment, Attempt, SlotOutcome},
};

/// Ample for the recursion of a backward pass, as the main thread has it.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Tells one attempt to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    told: AtomicBool,
    notify: Notify,
}

impl Stop {
    /// Tells it.
    pub fn tell(&self) {
        self.0.told.store(true, Ordering::Relaxed);
        self.0.notify.notify_one();
    }

    /// Whether it was told.
    pub fn is_told(&self) -> bool {
        self.0.told.load(Ordering::Relaxed)
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
    /// Ends it early.
    pub stop: Stop,
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
        trainer: &Arc<dyn Trainer>,
        metrics: &Arc<Metrics>,
        events: &tokio::sync::mpsc::Sender<Event>,
    ) -> io::Result<Self> {
        let start = |slot: usize| {
            // One job at a time, and a slot is given one only when it is free: sending never waits.
            let (sender, jobs) = mpsc::sync_channel::<Job>(1);
            let (trainer, metrics, events) = (Arc::clone(trainer), Arc::clone(metrics), events.clone());
            thread::Builder::new().name(format!("slot-{slot}")).stack_size(STACK_BYTES).spawn(move || {
                for job in jobs {
                    let started = Instant::now();
                    let outcome = run(&job, trainer.as_ref(), &metrics);
                    let train_seconds = started.elapsed().as_secs_f64();
                    drop(job);
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

fn run(job: &Job, trainer: &dyn Trainer, metrics: &Metrics) -> SlotOutcome {
    let mut observer = Watcher { attempt: job.assignment.attempt, stop: &job.stop, metrics };
    if job.stop.is_told() {
        return SlotOutcome::Stopped;
    }
    metrics.push(job.assignment.attempt, None);
    // Nothing that training could leave half done is used again: the data set is only read.
    let Assignment { unit, keep_weights, .. } = &job.assignment;
    let trained = catch_unwind(AssertUnwindSafe(|| trainer.train(unit, *keep_weights, &job.dataset, &mut observer)));
    match trained {
        Ok(Ok(Some(output))) => SlotOutcome::Finished(output),
        Ok(Ok(None)) => SlotOutcome::Stopped,
        Ok(Err(error)) => SlotOutcome::Failed(seedgrid_common::dial::chain(error.as_ref())),
        Err(panic) => SlotOutcome::Failed(format!("training panicked: {}", message(panic.as_ref()))),
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
    attempt: Attempt,
    stop: &'a Stop,
    metrics: &'a Metrics,
}

impl Watcher<'_> {
    fn go_on(&self) -> ControlFlow<()> {
        if self.stop.is_told() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Observer for Watcher<'_> {
    fn epoch(&mut self, metrics: &EpochMetrics) -> ControlFlow<()> {
        self.metrics.push(self.attempt, Some(*metrics));
        self.go_on()
    }

    fn batch(&mut self) -> ControlFlow<()> {
        self.go_on()
    }
}
