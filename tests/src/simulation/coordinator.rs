//! The coordinator: its core on a real store, over one life after another.

use prost::Message as _;
use rusqlite::Connection;
use seedgrid_common::{
    made_up_results::ResultKind,
    spec::Study,
    study_id::StudyId,
    unit::{Attempt, UnitId},
    wire::v1::{self, Failure},
};
use seedgrid_coordinator::{
    auth::Revocations,
    core::{
        FinishedAttempt, Heard, Holders, Moment, NotRegistered, Outcome as Ended, Pulled, Reactor, Registered, Request,
        Steering, StudyPlan, Submitted, Unregistered,
    },
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{Millis, Pause, ResultDigest, Rules},
    },
    store::Store,
};
use seedgrid_worker::lifecycle::attempt::{Outcome, Submission};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::oneshot::{self, Receiver, error::TryRecvError};

use super::{
    Time, Violation,
    invariants::{Leases, Ledger, leases, leases_have_reasons},
    messages::{Answer, Call, What},
    study,
};

/// Times are shorter than real ones, so that a minute holds many leases. No number of crashes quarantines a unit: here
/// crashes are random.
pub(super) const RULES: Rules = Rules {
    lease_ms: 3_000,
    errors_max: 3,
    retry_delays_ms: [500, 2_000],
    deaths_alone: 3,
    deaths_max: u32::MAX,
    alike_errors: 5,
    alike_units: 3,
    aside_errors: 3,
    ahead_seconds_max: 2.0,
};

/// How long a pull waits.
/// The study, as workers name it: only the calls of a network name studies.
pub(super) const STUDY: StudyId = StudyId([9; 16]);

const POLL: Millis = 5_000;

/// How a turn ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnEnd {
    /// The coordinator commits and answers.
    Good,
    /// The coordinator is killed before it commits.
    DiesBefore,
    /// The store refuses the commit.
    StoreRefuses,
    /// The coordinator is killed after its commit, before any answer is sent.
    DiesAfter,
}

/// The results of a turn.
#[derive(Debug, Default)]
pub(super) struct Turned {
    /// The answers, each with its call.
    pub(super) answers: Vec<(Call, Answer)>,
    /// Whether the coordinator is dead now.
    pub(super) dead: bool,
}

#[derive(Debug)]
enum Waiting {
    Register(Receiver<Result<Registered, NotRegistered>>),
    Pull(Receiver<Result<Pulled, Unregistered>>),
    Beat(Receiver<Result<Heard, Unregistered>>),
    Submit(Vec<Sent>, Receiver<Submitted>),
    Leave(Receiver<()>),
    Nobody,
}

struct Life {
    reactor: Reactor,
    born: Time,
    waiting: Vec<(Call, Waiting)>,
    /// The calls applied since the last turn.
    applied: Vec<Call>,
    leases: Leases,
    /// Another coordinator seems to have the store: a commit is refused.
    spoilt: bool,
}

/// The coordinator, running or not.
pub(super) struct Coordinator {
    folder: TempDir,
    study: Study,
    /// The number of its lives so far.
    pub(super) life: u64,
    now: Option<Life>,
    pub(super) ledger: Ledger,
}

impl Coordinator {
    pub(super) fn new(study: Study) -> Self {
        // In memory if that folder exists: every commit is synchronous.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder");
        Self { folder, study, life: 0, now: None, ledger: Ledger::default() }
    }

    pub(super) fn is_up(&self) -> bool {
        self.now.is_some()
    }

    /// Whether every unit has ended.
    pub(super) fn is_done(&self) -> bool {
        self.now.as_ref().is_some_and(|life| life.reactor.is_done())
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("study.db")
    }

    /// The store, once the coordinator is gone.
    pub(super) fn store(&mut self) -> Store {
        self.now = None;
        Store::open(&self.path()).expect("the store opens")
    }

    /// Begins a life. The store must hold everything that was acknowledged in earlier lives.
    pub(super) fn start(&mut self, now: Time, wall_ms: i64) -> Result<(), Violation> {
        let cannot = |error: &dyn std::fmt::Display| Violation(format!("the coordinator cannot start: {error}"));
        let store = Store::open(&self.path()).map_err(|error| cannot(&error))?;
        self.ledger.is_kept(&store)?;
        let plan = StudyPlan { study: self.study.clone(), digests: study::digests(), results: ResultKind::Trained };
        let at = Moment { now: 0, wall_ms };
        let (reactor, _views) = Reactor::new(store, plan, RULES, Holders::MayReturn, at, Revocations::default())
            .map_err(|error| cannot(&error))?;
        self.life += 1;
        let leases = leases(&reactor);
        self.now = Some(Life { reactor, born: now, waiting: Vec::new(), applied: Vec::new(), leases, spoilt: false });
        Ok(())
    }

    /// Kills the coordinator: uncommitted changes are lost. Returns the calls that get no answer.
    pub(super) fn die(&mut self) -> Vec<Call> {
        let Some(life) = self.now.take() else { return Vec::new() };
        life.waiting.into_iter().map(|(call, _)| call).collect()
    }

    /// The time at which the next turn is due without a call.
    pub(super) fn next_turn(&self) -> Option<Time> {
        let life = self.now.as_ref()?;
        Some(life.born + life.reactor.next_event()?)
    }

    /// Applies a call; false where the coordinator is dead.
    pub(super) fn arrives(&mut self, call: Call, now: Time, wall_ms: i64) -> bool {
        let Some(life) = self.now.as_mut() else { return false };
        life.apply(call, Moment { now: now - life.born, wall_ms });
        true
    }

    /// Pulls of connections that are gone wait no longer; `stands` says which are not.
    pub(super) fn hang_up(&mut self, stands: impl Fn(&Call) -> bool) {
        if let Some(life) = self.now.as_mut() {
            life.waiting.retain(|(call, waiting)| !matches!(waiting, Waiting::Pull(_)) || stands(call));
        }
    }

    /// Pauses the study, or resumes it.
    pub(super) fn people(&mut self, pause: bool, now: Time, wall_ms: i64) {
        let Some(life) = self.now.as_mut() else { return };
        if pause == life.reactor.queue().pause().is_some() {
            return;
        }
        let at = Moment { now: now - life.born, wall_ms };
        let steering = match pause {
            true => Steering::Pause { reason: "by hand".to_owned(), reply: oneshot::channel::<Pause>().0 },
            false => Steering::Resume { reply: oneshot::channel().0 },
        };
        life.reactor.apply(Request::Steer(steering), at);
    }

    /// Commits the gathered calls, and answers them.
    pub(super) fn turn(&mut self, turn_end: TurnEnd, now: Time, wall_ms: i64) -> Result<Turned, Violation> {
        let path = self.path();
        let Some(life) = self.now.as_mut() else { return Ok(Turned::default()) };
        if turn_end == TurnEnd::DiesBefore {
            return Ok(Turned { dead: true, ..Turned::default() });
        }
        if turn_end == TurnEnd::StoreRefuses {
            // As if another coordinator had taken the run directory: the next commit fails, with any content.
            let stranger = Connection::open(path).expect("the store opens");
            stranger.execute("UPDATE owner SET epoch = epoch + 1", []).expect("the store takes it");
            life.spoilt = true;
        }
        let at = Moment { now: now - life.born, wall_ms };
        // The calls that were made now, or before and wait.
        let asked: Vec<Call> = life.waiting.iter().map(|(call, _)| call).chain(&life.applied).cloned().collect();
        let refused = match life.reactor.turn(at) {
            Ok(_) => false,
            Err(_) if life.spoilt => true,
            Err(error) => return Err(Violation(format!("the store refuses a commit without a fault: {error}"))),
        };
        if turn_end == TurnEnd::DiesAfter {
            return Ok(Turned { dead: true, ..Turned::default() });
        }
        // Answers that were sent count even if the commit failed: the ledger records them, and the next life must know
        // them.
        let mut turned = life.answers(&mut self.ledger)?;
        turned.dead = refused;
        if !refused {
            let after = leases(&life.reactor);
            leases_have_reasons(&life.leases, &after, &asked, at.now)?;
            life.leases = after;
            life.applied.clear();
        }
        Ok(turned)
    }
}

impl Life {
    fn apply(&mut self, call: Call, at: Moment) {
        let worker = call.id;
        let pairs = |held: &[Attempt]| held.iter().map(|one| (one.unit, one.number)).collect::<Vec<(UnitId, u32)>>();
        let (request, waiting) = match &call.what {
            What::Register { held } => {
                // A worker enrolls before it registers.
                let enrolled = oneshot::channel().0;
                self.reactor.apply(Request::Enroll { worker, digest: [0; 32], reply: enrolled }, at);
                let (reply, answer) = oneshot::channel();
                let info =
                    Box::new(v1::WorkerInfo { slots: 2, numerics_class: "class".to_owned(), ..Default::default() });
                (Request::Register { worker, info, held: pairs(held), reply }, Waiting::Register(answer))
            }
            What::Pull { max } => {
                let (reply, answer) = oneshot::channel();
                (Request::Pull { worker, max: *max as usize, patience: POLL, reply }, Waiting::Pull(answer))
            }
            What::Beat { held } => {
                let (reply, answer) = oneshot::channel();
                (Request::Heartbeat { worker, held: pairs(held), reply }, Waiting::Beat(answer))
            }
            What::Began { attempt } => {
                let (unit, attempt) = (attempt.unit, attempt.number);
                (Request::Metrics { worker, unit, attempt, metrics: None }, Waiting::Nobody)
            }
            What::Submit { attempts, max, .. } => {
                let (reply, answer) = oneshot::channel();
                let (finished, sent) = attempts.iter().map(|(attempt, one)| finished(*attempt, one)).unzip();
                let (numerics_class, max) = ("class".to_owned(), *max as usize);
                (
                    Request::Submit { worker, attempts: finished, numerics_class, max, reply },
                    Waiting::Submit(sent, answer),
                )
            }
            What::Lost { training, held } => {
                let request = Request::Lost {
                    worker,
                    ending: AttemptEnding::Crashed,
                    detail: "SIGSEGV".to_owned(),
                    training: pairs(training),
                    held: pairs(held),
                    log: String::new(),
                    reply: oneshot::channel().0,
                };
                (request, Waiting::Nobody)
            }
            What::Leave => {
                let (reply, answer) = oneshot::channel();
                (Request::Leave { worker, reason: String::new(), reply }, Waiting::Leave(answer))
            }
        };
        self.reactor.apply(request, at);
        self.applied.push(call.clone());
        self.waiting.push((call, waiting));
    }

    /// Takes the answers, and records them in the ledger.
    fn answers(&mut self, ledger: &mut Ledger) -> Result<Turned, Violation> {
        let mut turned = Turned::default();
        for (call, waiting) in std::mem::take(&mut self.waiting) {
            let answer = match waiting {
                Waiting::Nobody => continue,
                Waiting::Register(mut answer) => {
                    let Ok(Ok(Registered { dropped })) = answer.try_recv() else { continue };
                    Answer::Registered { dropped }
                }
                Waiting::Beat(mut answer) => match answer.try_recv() {
                    Ok(Ok(Heard { dropped, state })) => Answer::Beaten { dropped, state },
                    Ok(Err(Unregistered)) => Answer::Refused,
                    Err(_) => continue,
                },
                Waiting::Submit(sent, mut answer) => {
                    let What::Submit { call: number, .. } = call.what else { continue };
                    let Ok(Submitted { receipts, pulled: Pulled { units, state } }) = answer.try_recv() else {
                        continue;
                    };
                    let mut outcomes = Vec::new();
                    for ((attempt, digest), outcome) in sent.into_iter().zip(receipts) {
                        let refused = |refused| Violation(format!("the coordinator refuses {attempt}: {refused}"));
                        let outcome = outcome.map_err(refused)?;
                        if let Some(digest) = digest {
                            ledger.acknowledged(attempt.unit, digest, outcome)?;
                        }
                        outcomes.push((attempt, outcome));
                    }
                    for given in &units {
                        ledger.given(given.id, given.attempt)?;
                    }
                    Answer::Submitted { call: number, outcomes, units, state }
                }
                Waiting::Leave(mut answer) => match answer.try_recv() {
                    Ok(()) => Answer::Left,
                    Err(_) => continue,
                },
                Waiting::Pull(mut answer) => match answer.try_recv() {
                    Ok(Ok(Pulled { units, state })) => {
                        for given in &units {
                            ledger.given(given.id, given.attempt)?;
                        }
                        Answer::Pulled { units, state }
                    }
                    Ok(Err(Unregistered)) => Answer::Refused,
                    Err(TryRecvError::Empty) => {
                        self.waiting.push((call, Waiting::Pull(answer)));
                        continue;
                    }
                    Err(TryRecvError::Closed) => continue,
                },
            };
            turned.answers.push((call, answer));
        }
        Ok(turned)
    }
}

/// An attempt on its way, and the digest of its result if it has one.
type Sent = (Attempt, Option<ResultDigest>);

fn finished(attempt: Attempt, submission: &Submission) -> (FinishedAttempt, Sent) {
    let (outcome, digest) = match &submission.outcome {
        Outcome::Result(output) => {
            let payload = v1::UnitResult::from(&output.result).encode_to_vec();
            (Ended::Result(output.result.clone()), Some(ResultDigest::from(Sha256::digest(&payload))))
        }
        Outcome::Failure { failure, detail, .. } => {
            let ending = match failure {
                Failure::Preempted => AttemptEnding::Preempted,
                Failure::OutOfTime => AttemptEnding::OutOfTime,
                _ => AttemptEnding::Error,
            };
            (Ended::Failure { ending, detail: detail.clone() }, None)
        }
    };
    let finished = FinishedAttempt {
        unit: attempt.unit,
        attempt: attempt.number,
        outcome,
        train_seconds: submission.train_seconds,
        weights: None,
        log: String::new(),
    };
    (finished, (attempt, digest))
}
