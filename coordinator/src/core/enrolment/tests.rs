use seedgrid_common::{
    result_kind::{NO_OP, ResultKind},
    spec,
    training::{Ending, UnitResult},
    wire::{limits, v1},
};
use tokio::sync::oneshot;

use super::*;
use crate::{
    core::{Holders, NotRegistered, NotSubmitted, Outcome, Request, StudyPlan, Unregistered, reactor::Moment},
    scheduler::queue::Rules,
    store::{CredentialWrite, Store},
};

const OWN: TokenDigest = [1; 32];
const OTHER: TokenDigest = [2; 32];

fn worker(number: u32) -> WorkerId {
    format!("{number:032x}").parse().unwrap()
}

/// The last action of each simulated worker after its enrolment.
#[derive(Clone, Copy)]
enum ConnectionTable {
    Nothing,
    Registers,
    Pulls,
}

/// A coordinator of a study with more units than there can be workers.
struct Coordinator {
    folder: tempfile::TempDir,
    reactor: Reactor,
    at: Moment,
}

impl Coordinator {
    /// A coordinator whose store has this many enrolments, the first of them of registered workers.
    fn new(enrolled: u32, registered: u32) -> Self {
        // In memory if such a folder exists: every commit is synchronous.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let mut store = Store::open(&folder.path().join("study.db")).unwrap();
        let enrolment = |number| {
            let worker = worker(number);
            Write::Credential(CredentialWrite::Enrolled { worker, digest: OWN, at_ms: number.into() })
        };
        let registration = |number| {
            let info = Box::new(v1::WorkerInfo { slots: 1, ..Default::default() });
            Write::Worker { worker_id: worker(number).to_string(), at_ms: number.into(), info }
        };
        let writes = (0..enrolled).map(enrolment).chain((0..registered).map(registration));
        store.commit(&writes.collect::<Vec<_>>()).unwrap();
        let at = Moment { now: 0, wall_ms: 1_000_000 };
        Self { reactor: Self::start(store, at), folder, at }
    }

    fn start(store: Store, at: Moment) -> Reactor {
        Self::start_with(store, at, ResultKind::Trained)
    }

    fn start_with(store: Store, at: Moment, results: ResultKind) -> Reactor {
        let text = "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 100\ntest_pairs = 100\n[[stage]]\nname = \"all\"\n\
                    evaluation = \"holdout\"\nseeds = \"1..=5000\"\nstop = { loss_delta = 0, max_epochs = 9 }\n[[stage.model]]\n\
                    model = \"fc\"\nbatch_size = 10\nlearning_rate = 0.1\n";
        let study = spec::parse("s.toml", text).unwrap();
        let plan = StudyPlan { study, digests: [(0, "digest".to_owned())].into(), results };
        Reactor::new(store, plan, Rules::default(), Holders::MayReturn, at).unwrap().0
    }

    fn restart(&mut self) {
        self.at.now = 0;
        let store = Store::open(&self.folder.path().join("study.db"));
        self.reactor = Self::start(store.unwrap(), self.at);
    }

    fn ask<T>(&mut self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> T {
        let (reply, mut answer) = oneshot::channel();
        self.reactor.apply(request(reply), self.at);
        assert!(self.reactor.turn(self.at).unwrap());
        answer.try_recv().unwrap()
    }

    fn enroll(&mut self, number: u32, digest: TokenDigest) -> Result<(), NotEnrolled> {
        self.ask(|reply| Request::Enroll { worker: worker(number), digest, reply })
    }

    fn register(&mut self, number: u32, held: Held) -> Result<Held, NotRegistered> {
        self.register_as(number, held, "")
    }

    fn register_as(&mut self, number: u32, held: Held, class: &str) -> Result<Held, NotRegistered> {
        let numerics_class = class.to_owned();
        let info = Box::new(v1::WorkerInfo { slots: 1, numerics_class, ..Default::default() });
        let registered = self.ask(|reply| Request::Register { worker: worker(number), info, held, reply });
        registered.map(|registered| registered.dropped)
    }

    fn pull(&mut self, number: u32) -> Result<Held, Unregistered> {
        let pulled = self.ask(|reply| Request::Pull { worker: worker(number), max: 1, reply });
        pulled.map(|pulled| pulled.units.into_iter().map(|given| (given.id, given.attempt)).collect())
    }

    fn leave(&mut self, number: u32) {
        self.ask(|reply| Request::Leave { worker: worker(number), reason: String::new(), reply });
    }

    fn revoke(&mut self, number: u32) -> Option<u32> {
        self.ask(|reply| Request::Revoke { worker: worker(number), reply })
    }

    /// Workers that connect one after another: all enroll, and then proceed up to `what`.
    fn crowd(&mut self, numbers: impl IntoIterator<Item = u32>, what: ConnectionTable) {
        for number in numbers {
            let worker = worker(number);
            let enroll = Request::Enroll { worker: worker.clone(), digest: OWN, reply: oneshot::channel().0 };
            let info = Box::new(v1::WorkerInfo { slots: 1, ..Default::default() });
            let held = Vec::new();
            let register = Request::Register { worker: worker.clone(), info, held, reply: oneshot::channel().0 };
            let pull = Request::Pull { worker, max: 1, reply: oneshot::channel().0 };
            self.at.now += 1;
            for request in [enroll, register, pull].into_iter().take(1 + what as usize) {
                self.reactor.apply(request, self.at);
            }
        }
        self.reactor.turn(self.at).unwrap();
    }

    fn there(&self) -> usize {
        self.reactor.live.workers.len()
    }
}

const MANY: u32 = limits::WORKERS_MAX as u32;

#[test]
fn a_crowd_that_does_nothing_keeps_nobody_out() {
    let mut coordinator = Coordinator::new(0, 0);
    coordinator.crowd([1], ConnectionTable::Registers);
    let held = coordinator.pull(1).unwrap();
    assert_eq!(held.len(), 1);
    coordinator.crowd(1000..1000 + MANY, ConnectionTable::Registers);
    assert_eq!(coordinator.there(), limits::WORKERS_MAX);
    coordinator.enroll(2, OWN).unwrap();
    assert_eq!(coordinator.register(2, Vec::new()), Ok(Vec::new()));
    assert_eq!(coordinator.pull(2).unwrap().len(), 1);
    for waiting in [1000, 1001] {
        let is_there = coordinator.reactor.live.workers.contains_key(&worker(waiting));
        assert!(!is_there, "it made room");
        assert_eq!(coordinator.pull(waiting).unwrap().len(), 1, "it is back with its next call");
    }
    assert_eq!(coordinator.there(), limits::WORKERS_MAX);
    assert!(coordinator.pull(1).is_ok(), "it holds a unit");
    assert!(coordinator.pull(7).is_err(), "it never registered");
    assert_eq!(coordinator.revoke(1001), Some(1));
    coordinator.crowd([5000 + MANY], ConnectionTable::Registers);
    assert!(coordinator.pull(1001).is_err(), "it is not to come back");
    // After a restart the first workers to register find a place; a worker with a unit always does.
    coordinator.restart();
    coordinator.crowd(1000..1000 + MANY, ConnectionTable::Registers);
    assert_eq!(coordinator.register(1, held), Ok(Vec::new()), "it keeps its unit");
    assert_eq!(coordinator.there(), limits::WORKERS_MAX);
}

#[test]
fn where_all_hold_units_no_more_come_but_such_as_hold_some() {
    let mut coordinator = Coordinator::new(0, 0);
    coordinator.crowd([1], ConnectionTable::Registers);
    let held = coordinator.pull(1).unwrap();
    coordinator.restart();
    coordinator.crowd(1000..1000 + MANY, ConnectionTable::Pulls);
    coordinator.enroll(2, OWN).unwrap();
    assert_eq!(coordinator.register(2, Vec::new()), Err(NotRegistered::TooMany));
    assert_eq!(coordinator.register(1, held), Ok(Vec::new()));
    coordinator.leave(1000);
    coordinator.leave(1001);
    assert_eq!(coordinator.register(2, Vec::new()), Ok(Vec::new()));
}

#[test]
fn whoever_does_not_fit_into_the_book_keeps_its_name_if_it_ever_registered() {
    let mut coordinator = Coordinator::new(65_536, 65_536);
    for number in [0, 1, 2] {
        assert!(!coordinator.reactor.credentials.read().knows(&worker(number)), "there was no room for it");
        assert_eq!(coordinator.enroll(number, OTHER), Err(NotEnrolled::OtherSecret));
        assert_eq!(coordinator.enroll(number, OWN), Ok(()));
    }
    assert_eq!(coordinator.revoke(3), Some(0));
    assert_eq!(coordinator.revoke(70_000), None);
    assert_eq!(coordinator.enroll(3, OWN), Err(NotEnrolled::Revoked));
    // All in one commit: the first ones are forgotten while they wait for it.
    coordinator.crowd(100_000..180_000, ConnectionTable::Nothing);
    assert!(coordinator.reactor.credentials.read().workers().count() <= 65_536);
    assert_eq!(coordinator.enroll(0, OTHER), Err(NotEnrolled::OtherSecret));
    assert_eq!(coordinator.enroll(3, OWN), Err(NotEnrolled::Revoked));
    assert_eq!(coordinator.enroll(100_000, OTHER), Ok(()), "it was forgotten");
    assert_eq!(coordinator.reactor.store.enrolment(&worker(100_000)).unwrap().unwrap().digest, OTHER);
}

#[test]
fn who_was_forgotten_since_its_call_was_let_in_enrolls_again() {
    let mut coordinator = Coordinator::new(0, 0);
    assert_eq!(coordinator.register(1, Vec::new()), Err(NotRegistered::Unknown));
    coordinator.enroll(1, OWN).unwrap();
    assert_eq!(coordinator.register(1, Vec::new()), Ok(Vec::new()));
}

/// Made-up results measure a coordinator: one that trains takes neither them nor workers that give them, and the other way round.
#[test]
fn made_up_and_trained_results_are_never_mixed() {
    for (results, own, other) in [(ResultKind::Trained, "cpu", NO_OP), (ResultKind::MadeUp, NO_OP, "cpu")] {
        let mut coordinator = Coordinator::new(0, 0);
        let store = Store::open(&coordinator.folder.path().join("study.db"));
        coordinator.reactor = Coordinator::start_with(store.unwrap(), coordinator.at, results);
        for number in [1, 2] {
            coordinator.enroll(number, OWN).unwrap();
        }
        let found = ResultKind::of(other);
        let refused = NotRegistered::OtherResults { study: results, worker: found };
        assert_eq!(coordinator.register_as(1, Vec::new(), other), Err(refused));
        assert!(coordinator.pull(1).is_err(), "it is not there");
        assert_eq!(coordinator.register_as(2, Vec::new(), own), Ok(Vec::new()));
        // A worker of the right kind that hands over a result of the wrong one.
        let [(unit, attempt)] = <[_; 1]>::try_from(coordinator.pull(2).unwrap()).unwrap();
        let result = UnitResult { epochs: Vec::new(), ending: Ending::Diverged { epoch: 1 } };
        let mut submit = |class: &str| {
            coordinator.ask(|reply| Request::Submit {
                worker: worker(2),
                unit,
                attempt,
                outcome: Outcome::Result(result.clone()),
                train_seconds: 1.0,
                numerics_class: class.to_owned(),
                weights: None,
                log: String::new(),
                reply,
            })
        };
        assert_eq!(submit(other), Err(NotSubmitted::OtherResults { study: results, result: found }));
        assert_eq!(submit(own), Ok(v1::SubmitOutcome::Committed));
        let stored = coordinator.reactor.store.trained().unwrap();
        assert!(stored.values().all(|one| ResultKind::of(&one.numerics_class) == results));
    }
}
