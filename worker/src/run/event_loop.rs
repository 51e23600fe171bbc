//! Drives the state machine: events arrive from slots, calls, the clock and signals; actions go out to them. One task
//! owns everything, so nothing is locked and events never interleave.

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use seedgrid_common::{
    error_chain::with_hint_in_line,
    text::count,
    training::Ending as UnitEnding,
    unit::Attempt,
    wire::{
        PROTOCOL_VERSION,
        v1::{RegisterRequest, WorkerInfo},
    },
};
use tokio::{
    sync::{Mutex, mpsc, watch},
    task::{AbortHandle, JoinSet},
};
use tracing::{error, info, warn};

use crate::{
    lifecycle::{
        Action, Ending, Event, Lifecycle, Rules,
        attempt::{Assignment, SlotOutcome},
    },
    link::{
        checkpoint_download,
        checkpoint_upload::CheckpointUploads,
        connection::{Connector, Refused, Registration},
        dataset_cache::CacheFolder,
        dataset_download::{DatasetError, Datasets},
        download::Up,
        metrics_stream::Metrics,
        rpc_calls::{Calls, attempts},
    },
    run::{
        slots::{Job, Slots, Stop, Surroundings, Watched},
        trainer::Trainer,
    },
};

/// The interval of the state machine's clock events.
const TICK: Duration = Duration::from_millis(200);
/// Most waiting events. Senders wait when the channel is full; this task never does.
const EVENTS_MAX: usize = 1024;
/// Bounds on the heartbeat interval that a coordinator may set.
const BEAT_MIN: Duration = Duration::from_millis(50);
const BEAT_MAX: Duration = Duration::from_secs(60);

/// The settings of a worker.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules of its lifecycle.
    pub rules: Rules,
    /// The worker's id: 32 hexadecimal digits, chosen at the start.
    pub worker_id: String,
    /// The worker's description of itself for the coordinator.
    pub info: WorkerInfo,
    /// The folder for data sets. None: they are not stored.
    pub cache: Option<CacheFolder>,
    /// The supervisor and the logs, which follow the worker.
    pub watched: Watched,
    /// The longest time between states of a unit in training; shorter where saving costs little. None: a state is saved
    /// only on a stop.
    pub save_every: Option<Duration>,
}

/// The end of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The worker decided to end.
    Left {
        /// The reason.
        ending: Ending,
        /// The number of finished attempts that could not be handed over.
        unacknowledged: usize,
    },
    /// The coordinator refused the worker.
    Refused(Refused),
}

/// The counts of a worker's attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Units trained to a score.
    pub done: u32,
    /// Units that diverged.
    pub diverged: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Attempts stopped before their end.
    pub stopped: u32,
}

/// Runs a worker until its end. `told` resolves when it is to stop.
///
/// # Errors
/// When the slots' threads cannot be started.
pub async fn run(
    settings: Settings,
    connector: Connector,
    trainer: Arc<dyn Trainer>,
    told: impl Future<Output = ()>,
) -> io::Result<(Farewell, Tally)> {
    let (events, mut inbox) = mpsc::channel(EVENTS_MAX);
    let (registrations, mut registered) = mpsc::channel(1);
    let (refusals, mut refused) = mpsc::channel(1);
    let metrics = Arc::new(Metrics::default());
    let saves = Arc::new(CheckpointUploads::default());
    let surroundings = Surroundings {
        trainer,
        metrics: Arc::clone(&metrics),
        saves: Arc::clone(&saves),
        save_every: settings.save_every,
        watched: settings.watched.clone(),
    };
    let slots = Slots::start(settings.rules.slots, &surroundings, &events)?;
    let (link, link_seen) = watch::channel(None);
    let (lifecycle, first) = Lifecycle::new(settings.rules.clone());
    let mut session = Session {
        started: Instant::now(),
        lifecycle,
        slots: Arc::new(slots),
        working: (0..settings.rules.slots).map(|_| None).collect(),
        datasets: Arc::new(Datasets::new(settings.cache.clone(), link_seen, events.clone())),
        metrics,
        saves,
        link,
        held: watch::Sender::new(Vec::new()),
        hurry: watch::Sender::new(false),
        connector: Arc::new(Mutex::new(connector)),
        calls: None,
        pull: None,
        of_link: JoinSet::new(),
        of_life: JoinSet::new(),
        generation: 0,
        settings,
        events,
        registrations,
        refusals,
        tally: Tally::default(),
    };
    let mut farewell = session.perform(first);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = std::pin::pin!(told);
    let mut listening = true;
    while farewell.is_none() {
        farewell = tokio::select! {
            Some(event) = inbox.recv() => session.step(event),
            Some(registration) = registered.recv() => session.registered(registration),
            Some(refused) = refused.recv() => Some(Farewell::Refused(refused)),
            () = &mut told, if listening => {
                listening = false;
                info!("told to stop: giving back the units in training");
                session.step(Event::Told)
            }
            _ = ticks.tick() => session.step(Event::Tick),
        };
    }
    session.working.iter().flatten().for_each(|working| working.stop.tell(false));
    // The loop ends only with a farewell.
    let farewell = farewell.unwrap_or(Farewell::Left { ending: Ending::Terminated, unacknowledged: 0 });
    Ok((farewell, session.tally))
}

/// The work of a slot.
struct Working {
    attempt: Attempt,
    label: String,
    stop: Stop,
}

struct Session {
    settings: Settings,
    started: Instant,
    lifecycle: Lifecycle,
    slots: Arc<Slots>,
    working: Vec<Option<Working>>,
    datasets: Arc<Datasets>,
    metrics: Arc<Metrics>,
    saves: Arc<CheckpointUploads>,
    /// The connection, for tasks that wait for one.
    link: watch::Sender<Option<Up>>,
    /// The attempts that heartbeats name.
    held: watch::Sender<Vec<Attempt>>,
    /// Whether little time is left to find the coordinator.
    hurry: watch::Sender<bool>,
    connector: Arc<Mutex<Connector>>,
    calls: Option<Calls>,
    /// The newest pull.
    pull: Option<AbortHandle>,
    /// Tasks that end with the connection.
    of_link: JoinSet<()>,
    /// Tasks that end with the worker.
    of_life: JoinSet<()>,
    generation: u64,
    events: mpsc::Sender<Event>,
    registrations: mpsc::Sender<Registration>,
    refusals: mpsc::Sender<Refused>,
    tally: Tally,
}

impl Session {
    fn step(&mut self, event: Event) -> Option<Farewell> {
        match &event {
            Event::Ended { slot, outcome, train_seconds } => self.tell_end(*slot, outcome, *train_seconds),
            Event::LinkLost { generation } if *generation == self.generation => self.cut(),
            Event::Incompatible { detail, .. } => error!("this worker does not fit the coordinator: {detail}"),
            Event::LinkLost { .. }
            | Event::Registered { .. }
            | Event::Pulled { .. }
            | Event::Beaten { .. }
            | Event::Submitted { .. }
            | Event::Told
            | Event::Left
            | Event::Tick => {}
        }
        let actions = self.lifecycle.handle(self.started.elapsed(), event);
        // Done before any action: heartbeats and registrations must name the attempts held after this decision.
        let held = self.lifecycle.held();
        self.settings.watched.presence.hold(&held);
        self.settings.watched.logs.keep_only(&held);
        self.held.send_if_modified(|before| {
            *before != held && {
                *before = held;
                true
            }
        });
        let leaving = self.lifecycle.is_leaving();
        self.hurry.send_if_modified(|hurry| std::mem::replace(hurry, leaving) != leaving);
        while self.of_link.try_join_next().is_some() {}
        while self.of_life.try_join_next().is_some() {}
        self.perform(actions)
    }

    fn perform(&mut self, actions: Vec<Action>) -> Option<Farewell> {
        for action in actions {
            match action {
                Action::Connect => self.connect(),
                Action::Start { slot, assignment } => self.start(slot, assignment),
                Action::Stop { slot, save } => {
                    if let Some(working) = &self.working[slot] {
                        working.stop.tell(save);
                    }
                }
                Action::Pull { units_max } => {
                    self.pull = self.call(move |calls| calls.pull(units_max));
                }
                Action::StopPulling => {
                    if let Some(pull) = self.pull.take() {
                        pull.abort();
                    }
                }
                Action::Submit { call, attempts, units_max } => {
                    self.call(move |calls| async move { calls.submit(call, &attempts, units_max).await });
                }
                Action::Leave { reason } => {
                    self.call(move |calls| calls.leave(reason));
                }
                Action::Exit { ending, unacknowledged } => return Some(Farewell::Left { ending, unacknowledged }),
            }
        }
        None
    }

    /// Starts a call over the connection. Without one nothing is done: the state machine is about to learn of the loss.
    fn call<F: Future<Output = ()> + Send + 'static>(&mut self, call: impl FnOnce(Calls) -> F) -> Option<AbortHandle> {
        let calls = self.calls.clone()?;
        Some(self.of_link.spawn(call(calls)))
    }

    fn connect(&mut self) {
        let connector = Arc::clone(&self.connector);
        let (registrations, refusals) = (self.registrations.clone(), self.refusals.clone());
        let (worker_id, info, held) =
            (self.settings.worker_id.clone(), self.settings.info.clone(), self.held.subscribe());
        let request = move || RegisterRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: worker_id.clone(),
            info: Some(info.clone()),
            held: held.borrow().iter().map(|&attempt| attempt.into()).collect(),
        };
        let hurry = self.hurry.subscribe();
        self.of_life.spawn(async move {
            // Without a receiver the worker has ended.
            match connector.lock().await.connect(request, hurry).await {
                Ok(registration) => drop(registrations.send(registration).await),
                Err(refused) => drop(refusals.send(refused).await),
            }
        });
    }

    fn registered(&mut self, registration: Registration) -> Option<Farewell> {
        let Registration { client, address, response } = registration;
        let info = &self.settings.info;
        if self.generation == 0 {
            info!(
                "joined study {:?} at {address} as {} (slots: {}, on {}, {})",
                response.study, info.host, info.slots, info.device, info.isa
            );
        } else {
            info!("reconnected to study {:?} at {address}", response.study);
        }
        self.generation += 1;
        let up = Up { generation: self.generation, client };
        self.calls = Some(Calls {
            up: up.clone(),
            address,
            worker_id: self.settings.worker_id.clone(),
            numerics_class: info.numerics_class.clone(),
            logs: self.settings.watched.logs.clone(),
            events: self.events.clone(),
            refusals: self.refusals.clone(),
        });
        self.link.send_replace(Some(up));
        self.saves.allow(Duration::from_millis(response.checkpoint_ms.into()));
        let period = Duration::from_millis(response.heartbeat_ms.into()).clamp(BEAT_MIN, BEAT_MAX);
        let held = self.held.subscribe();
        self.call(move |calls| calls.beat(period, held));
        let metrics = Arc::clone(&self.metrics);
        self.call(move |calls| async move { calls.stream(&metrics).await });
        let saves = Arc::clone(&self.saves);
        self.call(move |calls| async move { calls.save_all(&saves).await });
        self.step(Event::Registered { generation: self.generation, dropped: attempts(response.dropped) })
    }

    /// Drops a failed connection, with all its calls.
    fn cut(&mut self) {
        self.calls = None;
        self.link.send_replace(None);
        self.of_link.abort_all();
    }

    fn start(&mut self, slot: usize, assignment: Assignment) {
        let attempt = assignment.attempt;
        let label = format!("{} (attempt {})", assignment.unit.label(), attempt.number);
        let entered = self.settings.watched.logs.enter(attempt);
        info!("{label}: started");
        drop(entered);
        let stop = Stop::default();
        self.working[slot] = Some(Working { attempt, label, stop: stop.clone() });
        let (datasets, slots, events) = (Arc::clone(&self.datasets), Arc::clone(&self.slots), self.events.clone());
        let (link, worker_id) = (self.link.subscribe(), self.settings.worker_id.clone());
        self.of_life.spawn(async move {
            let needed = async {
                let dataset = datasets.get(&assignment.unit.dataset_digest).await?;
                let checkpoint = match assignment.checkpoint {
                    Some(announced) => {
                        checkpoint_download::fetch(link, &events, &worker_id, assignment.attempt, announced).await
                    }
                    None => None,
                };
                Ok::<_, DatasetError>((dataset, checkpoint))
            };
            let outcome = tokio::select! {
                needed = needed => match needed {
                    Ok((dataset, checkpoint)) => {
                        if slots.give(slot, Job { assignment, dataset, checkpoint, stop }) {
                            return;
                        }
                        SlotOutcome::Failed("the slot's thread has ended".to_owned())
                    }
                    Err(error) => SlotOutcome::Failed(with_hint_in_line(&error)),
                },
                () = stop.told() => SlotOutcome::Stopped(None),
            };
            drop(events.send(Event::Ended { slot, outcome, train_seconds: 0.0 }).await);
        });
    }

    /// Logs an attempt's end for people, and counts it.
    fn tell_end(&mut self, slot: usize, outcome: &SlotOutcome, train_seconds: f64) {
        let Some(Working { attempt, label, .. }) = self.working[slot].take() else { return };
        let _entered = self.settings.watched.logs.enter(attempt);
        match outcome {
            SlotOutcome::Finished(output) => match &output.result.ending {
                UnitEnding::Done(scores) => {
                    self.tally.done += 1;
                    let (epochs, error) = (count(output.result.epochs.len(), "epoch"), scores.error());
                    info!("{label}: done after {epochs}, error {error:.4}, {train_seconds:.1} s");
                }
                UnitEnding::Diverged { epoch } => {
                    self.tally.diverged += 1;
                    info!("{label}: diverged in epoch {epoch}, {train_seconds:.1} s");
                }
            },
            SlotOutcome::Stopped(state) => {
                self.tally.stopped += 1;
                let saved = if state.is_some() { ", its state saved" } else { "" };
                info!("{label}: stopped after {train_seconds:.1} s{saved}");
            }
            SlotOutcome::Failed(detail) => {
                self.tally.failed += 1;
                warn!("{label}: failed after {train_seconds:.1} s: {detail}");
            }
        }
    }
}
