//! A coordinator's core for tests, on a store of its own.

use seedgrid_common::{
    join::TokenDigest,
    made_up_results::ResultKind,
    spec,
    training::{Ending, UnitResult},
    unit::UnitId,
    wire::v1,
};
use tokio::sync::oneshot;

use super::{
    FinishedAttempt, Holders, NotRegistered, NotSubmitted, Outcome, Pulled, Request, StudyPlan, Unregistered,
    reactor::{Moment, Reactor},
};
use crate::{
    auth::{NotEnrolled, Revocations},
    scheduler::queue::{Millis, Rules, WorkerId},
    store::{CredentialWrite, Store, Write},
};

/// Attempts.
pub(super) type Held = Vec<(UnitId, u32)>;

/// The answer to a waiting pull.
pub(super) type PullAnswer = oneshot::Receiver<Result<Pulled, Unregistered>>;

pub(super) const OWN: TokenDigest = [1; 32];
pub(super) const OTHER: TokenDigest = [2; 32];

pub(super) fn worker(number: u32) -> WorkerId {
    format!("{number:032x}").parse().unwrap()
}

/// How far workers of a crowd go beyond enrolling.
#[derive(Clone, Copy)]
pub(super) enum HowFar {
    Nothing,
    Registers,
    Pulls,
}

/// A coordinator of a study with a unit for every worker that can be there, and more.
pub(super) struct Coordinator {
    pub(super) folder: tempfile::TempDir,
    pub(super) reactor: Reactor,
    pub(super) at: Moment,
}

impl Coordinator {
    /// Whose store holds so many enrolments, the first of them of workers that have registered.
    pub(super) fn new(enrolled: u32, registered: u32) -> Self {
        // In memory where there is such a folder: every commit is synchronous.
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

    pub(super) fn start(store: Store, at: Moment) -> Reactor {
        Self::start_with(store, at, ResultKind::Trained)
    }

    pub(super) fn start_with(store: Store, at: Moment, results: ResultKind) -> Reactor {
        let text = "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 100\ntest_pairs = 100\n[[stage]]\nname = \"all\"\n\
                    evaluation = \"holdout\"\nseeds = \"1..=5000\"\nstop = { loss_delta = 0, max_epochs = 9 }\n[[stage.model]]\n\
                    model = \"fc\"\nbatch_size = 10\nlearning_rate = 0.1\n";
        let study = spec::parse("s.toml", text).unwrap();
        let plan = StudyPlan { study, digests: [(0, "digest".to_owned())].into(), results };
        Reactor::new(store, plan, Rules::default(), Holders::MayReturn, at, Revocations::default()).unwrap().0
    }

    pub(super) fn restart(&mut self) {
        self.at.now = 0;
        let store = Store::open(&self.folder.path().join("study.db"));
        self.reactor = Self::start(store.unwrap(), self.at);
    }

    pub(super) fn ask<T>(&mut self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> T {
        let (reply, mut answer) = oneshot::channel();
        self.reactor.apply(request(reply), self.at);
        assert!(self.reactor.turn(self.at).unwrap());
        answer.try_recv().unwrap()
    }

    pub(super) fn enroll(&mut self, number: u32, digest: TokenDigest) -> Result<(), NotEnrolled> {
        self.ask(|reply| Request::Enroll { worker: worker(number), digest, reply })
    }

    pub(super) fn register(&mut self, number: u32, held: Held) -> Result<Held, NotRegistered> {
        self.register_as(number, held, "")
    }

    pub(super) fn register_as(&mut self, number: u32, held: Held, class: &str) -> Result<Held, NotRegistered> {
        let numerics_class = class.to_owned();
        let info = Box::new(v1::WorkerInfo { slots: 1, numerics_class, ..Default::default() });
        let registered = self.ask(|reply| Request::Register { worker: worker(number), info, held, reply });
        registered.map(|registered| registered.dropped)
    }

    pub(super) fn pull(&mut self, number: u32) -> Result<Held, Unregistered> {
        let pulled = self.ask(|reply| Request::Pull { worker: worker(number), max: 1, patience: 0, reply });
        pulled.map(|pulled| pulled.units.into_iter().map(|given| (given.id, given.attempt)).collect())
    }

    /// Makes a pull that waits. A turn answers it.
    pub(super) fn wait_for_units(&mut self, number: u32, patience: Millis) -> PullAnswer {
        let (reply, answer) = oneshot::channel();
        let worker = worker(number);
        self.reactor.apply(Request::Pull { worker, max: 1, patience, reply }, self.at);
        answer
    }

    /// Hands over that training diverged after so many seconds.
    pub(super) fn submit(
        &mut self,
        number: u32,
        (unit, attempt): (UnitId, u32),
        train_seconds: f64,
        class: &str,
    ) -> Result<v1::SubmitOutcome, NotSubmitted> {
        let outcome = Outcome::Result(UnitResult { epochs: Vec::new(), ending: Ending::Diverged { epoch: 1 } });
        let attempts =
            vec![FinishedAttempt { unit, attempt, outcome, train_seconds, weights: None, log: String::new() }];
        let (worker, numerics_class) = (worker(number), class.to_owned());
        let submitted = self.ask(|reply| Request::Submit { worker, attempts, numerics_class, max: 0, reply });
        submitted.receipts[0]
    }

    /// Time goes by.
    pub(super) fn later(&mut self, by: Millis) {
        self.at.now += by;
        assert!(self.reactor.turn(self.at).unwrap());
    }

    pub(super) fn leave(&mut self, number: u32) {
        self.ask(|reply| Request::Leave { worker: worker(number), reason: String::new(), reply });
    }

    pub(super) fn revoke(&mut self, number: u32) -> Option<u32> {
        self.ask(|reply| Request::Revoke { worker: worker(number), reply })
    }

    /// Workers that come, one after another: all enroll, and then go as far as `what`.
    pub(super) fn crowd(&mut self, numbers: impl IntoIterator<Item = u32>, what: HowFar) {
        for number in numbers {
            let worker = worker(number);
            let enroll = Request::Enroll { worker, digest: OWN, reply: oneshot::channel().0 };
            let info = Box::new(v1::WorkerInfo { slots: 1, ..Default::default() });
            let held = Vec::new();
            let register = Request::Register { worker, info, held, reply: oneshot::channel().0 };
            let pull = Request::Pull { worker, max: 1, patience: 0, reply: oneshot::channel().0 };
            self.at.now += 1;
            for request in [enroll, register, pull].into_iter().take(1 + what as usize) {
                self.reactor.apply(request, self.at);
            }
        }
        self.reactor.turn(self.at).unwrap();
    }

    pub(super) fn there(&self) -> usize {
        self.reactor.live.workers.len()
    }
}
