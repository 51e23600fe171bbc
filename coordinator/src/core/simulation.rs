//! Drives the core, with its real store, through studies with races and selections: results arrive in random order,
//! workers leave, and the coordinator is killed between any two commits. Its decisions and trained units must equal
//! those of a computation that knows every result beforehand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use seedgrid_common::{
    data::Digests,
    made_up_results::ResultKind,
    network_outputs::Outputs,
    random::Stream,
    spec::{self, Study},
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::{Fold, Unit, UnitId},
};
use tokio::sync::oneshot;

use super::{
    FinishedAttempt, Holders, NotRegistered, Outcome, Registered, Request,
    reactor::{Moment, Reactor},
    study_units::StudyPlan,
};
use crate::{
    auth::Revocations,
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{Rules, WorkerId},
        race::Race,
        ranking::Ended,
        selection::{self, Committed, Settled},
    },
    store::{Store, StoredUnit},
};

/// A constant time.
const MOMENT: Moment = Moment { now: 0, wall_ms: 0 };
const DIGEST: &str = "digest";
/// Time is constant here, and one study in sixty has only failures: neither waits nor pauses are useful.
const RULES: Rules = Rules {
    lease_ms: 1_000_000,
    errors_max: 2,
    retry_delays_ms: [0, 0],
    deaths_alone: 3,
    deaths_max: 5,
    alike_errors: usize::MAX,
    alike_units: 3,
    aside_errors: usize::MAX,
    ahead_seconds_max: 2.0,
};

/// The random parameters of a study.
#[derive(Clone, Debug)]
struct Drawn {
    configurations: (usize, usize),
    folds: u32,
    seeds: u32,
    race: String,
    select: &'static str,
    /// Whether another stage trains some of the same units, regardless of the race.
    shares: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let friedman = (2_u32..4, prop::sample::select(vec!["0.05", "0.3"]))
        .prop_map(|(first, alpha)| format!("{{ rule = \"friedman\", first = {first}, alpha = {alpha} }}"));
    let halving = (1_u32..3, prop::sample::select(vec!["0.5", "0.3"]))
        .prop_map(|(first, keep)| format!("{{ rule = \"halving\", first = {first}, keep = {keep} }}"));
    let race = prop_oneof![friedman, halving];
    let select = prop::sample::select(vec!["lowest", "one-standard-error"]);
    ((1_usize..6, 1_usize..4), 4_u32..7, 1_u32..3, race, select, any::<bool>()).prop_map(
        |(configurations, folds, seeds, race, select, shares)| Drawn {
            configurations,
            folds,
            seeds,
            race,
            select,
            shares,
        },
    )
}

impl Drawn {
    fn study(&self) -> Study {
        let grid = |count: usize| (1..=count).map(|rate| format!("0.0{rate}")).collect::<Vec<_>>().join(", ");
        let row = |model: &str, count: usize| {
            format!(
                "[[stage.model]]\nmodel = \"{model}\"\nbatch_size = 10\nlearning_rate = {{ grid = [{}] }}\n",
                grid(count)
            )
        };
        let Self { configurations: (fc, cnn), folds, seeds, race, select, shares } = self;
        let stage = |name: &str, keys: &str| {
            format!(
                "[[stage]]\nname = \"{name}\"\nevaluation = {{ folds = {folds} }}\nseeds = \"1..={seeds}\"\nstop = {{ loss_delta = 0, \
                 max_epochs = 9 }}\n{keys}"
            )
        };
        // Every unit scores 50 pairs.
        let mut text =
            format!("name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = {}\ntest_pairs = 50\n", 50 * folds);
        text += &stage("tune", &format!("select = \"{select}\"\nrace = {race}\n"));
        text += &(row("fc", *fc) + &row("cnn", *cnn));
        if *shares {
            text += &(stage("all", "") + &row("fc", 2));
        }
        // A second race, among the rows that the first one leads to.
        text += &stage("dropout", &format!("from = \"tune\"\nselect = \"lowest\"\nrace = {race}\n"));
        text += "[[stage.model]]\nmodel = \"cnn\"\ndropout = { grid = [0.1, 0.3, 0.5] }\n";
        text += "[[stage]]\nname = \"final\"\nfrom = \"dropout\"\nevaluation = \"holdout\"\nseeds = 1\n";
        spec::parse("drawn.toml", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
    }
}

/// The outcome of a unit on any worker at any time: it depends on the unit alone.
fn fate(unit: &Unit) -> Ended {
    let mut stream = Stream::new(0, &format!("fate/{}", unit.id()));
    let rate = unit.configuration.hyperparameters["learning_rate"].to_string().parse::<f64>().unwrap();
    match stream.below(60) {
        0 => Ended::Failed,
        1 => Ended::Diverged,
        _ => Ended::Scored { wrong: (500.0 * rate) as u32 + stream.below(8), of: 50 },
    }
}

fn result(ended: Ended) -> Option<UnitResult> {
    let ending = match ended {
        Ended::Scored { wrong, of } => {
            let outputs = Outputs::new(2, vec![0.5; 2 * of as usize]).unwrap();
            Ending::Done(Scores { converged: true, outputs, wrong, loss: 0.5 })
        }
        Ended::Diverged => Ending::Diverged { epoch: 2 },
        Ended::Failed => return None,
    };
    let epoch = EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.25, validation_error: Some(0.5) };
    Some(UnitResult { epochs: vec![epoch], ending })
}

fn digests() -> Digests {
    [(0, DIGEST.to_owned())].into()
}

/// All decisions, computed with every unit's outcome known.
fn foreseen(study: &Study) -> Settled {
    let mut committed = Committed::default();
    let mut known: BTreeMap<UnitId, Ended> = BTreeMap::new();
    loop {
        let settled = selection::settle(study, &digests(), &committed, |id| known.get(&id).copied());
        let before = known.len();
        known.extend(settled.plan.units().into_iter().map(|(id, unit)| (id, fate(unit))));
        committed.selections.extend(settled.made.iter().map(|decision| (decision.key, decision.chosen)));
        committed.rungs.extend(settled.rungs.iter().map(|made| (made.rung.key, made.rung.left.clone())));
        if known.len() == before {
            return settled;
        }
    }
}

/// A coordinator with workers, in a folder that outlives it.
struct World {
    folder: tempfile::TempDir,
    study: Study,
    stream: Stream,
    reactor: Option<Reactor>,
    /// Attempts that workers hold: worker, unit, attempt and content.
    held: Vec<(WorkerId, UnitId, u32, Unit)>,
    workers: Vec<WorkerId>,
}

/// The answer to a registering worker.
type Told = oneshot::Receiver<Result<Registered, NotRegistered>>;

impl World {
    fn new(study: Study, seed: u64) -> Self {
        // In memory if such a folder exists: every commit is synchronous.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let workers = (1..=2).map(|number: u8| format!("{number:032x}").parse().unwrap()).collect();
        let stream = Stream::new(seed, "world");
        Self { folder, study, stream, reactor: None, held: Vec::new(), workers }
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("study.db")).unwrap()
    }

    /// Ends the coordinator like `kill -9`: uncommitted changes are lost.
    fn restart(&mut self) {
        drop(self.reactor.take());
        let plan = StudyPlan { study: self.study.clone(), digests: digests(), results: ResultKind::Trained };
        let (reactor, _) =
            Reactor::new(self.store(), plan, RULES, Holders::MayReturn, MOMENT, Revocations::default()).unwrap();
        self.reactor = Some(reactor);
        for worker in self.workers.clone() {
            let held = self.held.iter().filter(|(holder, ..)| *holder == worker);
            let held: Vec<(UnitId, u32)> = held.map(|(_, unit, attempt, _)| (*unit, *attempt)).collect();
            let mut answer = self.register(worker, held);
            self.commit();
            let dropped = answer.try_recv().unwrap().unwrap().dropped;
            self.held.retain(|(holder, unit, attempt, _)| *holder != worker || !dropped.contains(&(*unit, *attempt)));
        }
    }

    fn apply(&mut self, request: Request) {
        self.reactor.as_mut().unwrap().apply(request, MOMENT);
    }

    /// Enrolls and registers a worker. The answer arrives after the commit.
    fn register(&mut self, worker: WorkerId, held: Vec<(UnitId, u32)>) -> Told {
        self.apply(Request::Enroll { worker, digest: [7; 32], reply: oneshot::channel().0 });
        let info = Box::new(seedgrid_common::wire::v1::WorkerInfo { slots: 3, ..Default::default() });
        let (reply, answer) = oneshot::channel();
        self.apply(Request::Register { worker, info, held, reply });
        answer
    }

    fn commit(&mut self) {
        self.reactor.as_mut().unwrap().turn(MOMENT).unwrap();
    }

    fn pull(&mut self, worker: &WorkerId) {
        let (reply, mut answer) = oneshot::channel();
        self.apply(Request::Pull { worker: *worker, max: 3, patience: 0, reply });
        self.commit();
        let pulled = answer.try_recv().unwrap().unwrap();
        let units = pulled.units.into_iter().map(|given| (*worker, given.id, given.attempt, given.unit));
        self.held.extend(units);
    }

    /// Ends some of the held attempts in random order; they are committed together or lost together.
    fn submit(&mut self) {
        let count = 1 + self.stream.below(3) as usize;
        let dies = self.stream.below(6) == 0;
        let mut submitted = Vec::new();
        for _ in 0..count.min(self.held.len()) {
            let pick = self.stream.below(self.held.len() as u32) as usize;
            let (worker, unit, attempt, content) = self.held.swap_remove(pick);
            let outcome = match result(fate(&content)) {
                Some(result) => Outcome::Result(result),
                None => Outcome::Failure { ending: AttemptEnding::Error, detail: String::new() },
            };
            let (reply, _answer) = oneshot::channel();
            let numerics_class = "class".to_owned();
            let attempts =
                vec![FinishedAttempt { unit, attempt, outcome, train_seconds: 1.0, weights: None, log: String::new() }];
            self.apply(Request::Submit { worker, attempts, numerics_class, max: 0, reply });
            submitted.push((worker, unit, attempt, content));
        }
        if dies {
            // The results were not acknowledged: the workers still have them.
            self.held.extend(submitted);
            self.restart();
        } else {
            self.commit();
        }
    }

    /// One worker leaves, and another one with its id registers.
    fn replace_worker(&mut self) {
        let pick = self.stream.below(self.workers.len() as u32) as usize;
        let worker = self.workers[pick];
        let (reply, _answer) = oneshot::channel();
        self.apply(Request::Leave { worker, reason: String::new(), reply });
        self.held.retain(|(holder, ..)| *holder != worker);
        self.register(worker, Vec::new());
        self.commit();
    }

    /// Runs until no unit is left to train.
    fn live(&mut self) {
        self.restart();
        loop {
            match self.stream.below(12) {
                0 => self.restart(),
                1 => self.replace_worker(),
                2..6 => {
                    let worker = self.workers[self.stream.below(self.workers.len() as u32) as usize];
                    self.pull(&worker);
                }
                _ => self.submit(),
            }
            if self.held.is_empty() && self.reactor.as_ref().unwrap().is_done() {
                return;
            }
        }
    }
}

fn fold_of(unit: &Unit) -> u32 {
    match unit.fold {
        Fold::Holdout => 0,
        Fold::Part { index, .. } => index,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn races_end_as_foreseen_whatever_happens_meanwhile(drawn in drawn(), seed: u64) {
        let study = drawn.study();
        let foreseen = foreseen(&study);
        let mut world = World::new(study.clone(), seed);
        world.live();
        drop(world.reactor.take());
        let store = world.store();

        let committed = store.committed().unwrap();
        let now = selection::settle(&study, &digests(), &committed, |_| None);
        prop_assert_eq!(&now.selections, &foreseen.selections);
        prop_assert_eq!(&now.track, &foreseen.track, "the same rungs, the same units skipped");
        prop_assert_eq!(committed.rungs.len(), foreseen.track.races.iter().map(|race| race.rungs.len()).sum::<usize>());
        prop_assert!(foreseen.track.races.iter().all(Race::is_over));
        prop_assert_eq!(foreseen.track.held(), 0);

        // Units that were given up are among those that had trouble.
        let given_up = |units: BTreeMap<UnitId, StoredUnit>| {
            units.into_iter().filter(|(_, unit)| unit.is_given_up(&RULES)).collect::<Vec<_>>()
        };
        prop_assert_eq!(given_up(store.units().unwrap()), given_up(store.troubled_units().unwrap()));

        // The trained units are exactly those that were to be given out, and no other was ever given out.
        let planned = now.plan.units();
        let released: BTreeSet<UnitId> = planned.keys().copied().filter(|id| now.track.is_released(*id)).collect();
        let given: BTreeSet<UnitId> = store.attempts().unwrap().into_iter().map(|attempt| attempt.unit).collect();
        prop_assert_eq!(&given, &released);
        let failed = |id: &UnitId| fate(planned[id]) == Ended::Failed;
        let done: BTreeSet<UnitId> = released.iter().copied().filter(|id| !failed(id)).collect();
        prop_assert_eq!(store.results().unwrap().into_keys().collect::<BTreeSet<_>>(), done);

        // Leavers have no results after their rung, unless other stages need the unit.
        for race in now.track.races.iter().filter(|race| race.stage == "tune" && !drawn.shares) {
            for (place, one) in now.plan.stages[0].of_model(&race.model).enumerate() {
                let allowed = race.left_at(place).map_or(race.folds, |(rung, _)| rung.folds);
                let last = one.units.iter().filter(|(id, _)| given.contains(id)).map(|(_, unit)| fold_of(unit)).max();
                prop_assert_eq!(last, Some(allowed - 1));
            }
        }
    }
}

#[test]
fn fates_are_of_every_kind() {
    let study = Drawn {
        configurations: (5, 3),
        folds: 6,
        seeds: 2,
        race: "\"friedman\"".to_owned(),
        select: "lowest",
        shares: false,
    }
    .study();
    let foreseen = foreseen(&study);
    let fates: Vec<Ended> = foreseen.plan.units().into_values().map(fate).collect();
    assert!(fates.contains(&Ended::Failed) && fates.contains(&Ended::Diverged));
    assert!(foreseen.track.skipped() > 0, "the race decides something");
}
