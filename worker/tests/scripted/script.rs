//! The script of a coordinator, and its record.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use seedgrid_common::{
    data::{
        Dataset,
        encode::{digest, encode},
        pairs::{self, PAIR_PIXELS, Pairs},
        values::NumberType,
    },
    hyperparameters::Hyperparameters,
    join::{Token, TokenDigest},
    study_id::StudyId,
    training::{Normalize, StopRule},
    unit::{Attempt, Configuration, Fold, Unit},
    wire::{blob::BlobHead, v1::*},
};
use tonic::{Request, Status};

use super::PATIENCE;

/// The coordinator's orders, and the calls that it received.
#[derive(Debug)]
pub struct Script {
    pub token: Token,
    /// Digests of the secrets of enrolled workers.
    pub enrolled: BTreeMap<String, TokenDigest>,
    pub enrolments: u32,
    pub study: String,
    pub study_id: StudyId,
    pub dataset: Vec<u8>,
    /// Units that are not given out yet.
    pub waiting: VecDeque<Unit>,
    /// Number of attempts given out, by unit.
    pub attempts: BTreeMap<String, u32>,
    /// The state in answers to pulls and heartbeats; `None`: done once every unit has ended.
    pub state: Option<StudyState>,
    pub known: BTreeSet<String>,
    /// Attempts that the next heartbeat's answer drops.
    pub drop_next: Vec<AttemptId>,
    /// An id that replaces the unit's true id in every assignment.
    pub false_id: Option<String>,
    /// Number of submits to accept and then answer with UNAVAILABLE.
    pub lose_acknowledgements: u32,
    /// Number of results to answer as malformed.
    pub misread_results: u32,
    /// Number of fetches whose bytes are altered.
    pub corrupt_fetches: u32,
    /// Whether the metrics stream is never read.
    pub stall_metrics: bool,
    pub registers: Vec<RegisterRequest>,
    pub beats: Vec<Vec<AttemptId>>,
    /// Every attempt that was submitted.
    pub submits: Vec<FinishedAttempt>,
    /// The numerics classes of the submits.
    pub classes: BTreeSet<String>,
    /// Units that have ended, with their result or failure.
    pub ended: BTreeMap<String, FinishedAttempt>,
    pub metrics: Vec<MetricsReport>,
    pub fetches: u32,
    pub left: Vec<String>,
    pub unauthenticated: u32,
    /// Whether weights are wanted.
    pub keep_weights: bool,
    /// Every completely received blob.
    pub blobs: Vec<(BlobHead, Vec<u8>)>,
    /// Digests of the blobs that are still stored: a restart forgets them.
    pub arrived: BTreeSet<String>,
    /// Number of uploads to cut off after their first part.
    pub cut_uploads: u32,
    /// Number of uploads to refuse as malformed.
    pub refuse_uploads: u32,
    /// Number of uploads not to keep, as if the unit had a result.
    pub unwanted_uploads: u32,
    /// Number of blobs to forget as soon as they have arrived.
    pub forget_uploads: u32,
    /// The reports on trainers that ended.
    pub losses: Vec<LossReport>,
}

/// Shares a script between a test and its servers.
#[derive(Clone, Debug)]
pub struct Play(Arc<Mutex<Script>>);

/// Pairs without meaning.
pub fn dataset() -> Dataset {
    let pairs = |count: usize| Pairs {
        pixels: (0..count * PAIR_PIXELS).map(|index| (index % 256) as f32).collect(),
        digits: (0..count).map(|index| [(index % 10) as u8, 3]).collect(),
    };
    pairs::dataset("scripted", 0, NumberType::U8, [&pairs(1500), &pairs(20)])
}

impl Play {
    /// A study of `units` units.
    pub fn new(units: u64) -> Self {
        let dataset = encode(&dataset()).unwrap();
        let waiting = (1..=units).map(|seed| unit(&digest(&dataset), seed)).collect();
        Self(Arc::new(Mutex::new(Script {
            token: Token::generate(),
            enrolled: BTreeMap::new(),
            enrolments: 0,
            study: "scripted".to_owned(),
            study_id: StudyId([9; 16]),
            dataset,
            waiting,
            attempts: BTreeMap::new(),
            state: None,
            known: BTreeSet::new(),
            drop_next: Vec::new(),
            false_id: None,
            lose_acknowledgements: 0,
            misread_results: 0,
            corrupt_fetches: 0,
            stall_metrics: false,
            registers: Vec::new(),
            beats: Vec::new(),
            submits: Vec::new(),
            classes: BTreeSet::new(),
            ended: BTreeMap::new(),
            metrics: Vec::new(),
            fetches: 0,
            left: Vec::new(),
            unauthenticated: 0,
            keep_weights: false,
            blobs: Vec::new(),
            arrived: BTreeSet::new(),
            cut_uploads: 0,
            refuse_uploads: 0,
            unwanted_uploads: 0,
            forget_uploads: 0,
            losses: Vec::new(),
        })))
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    /// Waits until `holds`; fails the test when it never does.
    pub async fn until(&self, what: &str, holds: impl Fn(&Script) -> bool) {
        let started = Instant::now();
        while !holds(&self.script()) {
            assert!(started.elapsed() < PATIENCE, "waited in vain until {what}: {:?}", self.summary());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn summary(&self) -> String {
        let script = self.script();
        format!(
            "{} registered, {} beats, {} submits, {} ended, {} waiting",
            script.registers.len(),
            script.beats.len(),
            script.submits.len(),
            script.ended.len(),
            script.waiting.len()
        )
    }

    pub fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let mut script = self.script();
        let shown = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let secret = shown.and_then(|shown| shown.strip_prefix("Bearer ")?.split_once('.'));
        let known = secret.and_then(|(id, secret)| Some((script.enrolled.get(id)?, Token::parse(secret)?)));
        if known.is_some_and(|(digest, secret)| *digest == secret.digest()) {
            return Ok(());
        }
        script.unauthenticated += 1;
        Err(Status::unauthenticated("no such credential"))
    }
}

impl Script {
    pub fn state(&self) -> StudyState {
        let open = self.attempts.len() > self.ended.len() || !self.waiting.is_empty();
        self.state.unwrap_or(if open { StudyState::Running } else { StudyState::Done })
    }

    pub fn know(&self, worker: &str) -> Result<(), Status> {
        if self.known.contains(worker) { Ok(()) } else { Err(Status::not_found("unknown worker")) }
    }

    /// Every failure that a worker submitted, with its detail.
    pub fn failures(&self) -> Vec<(Failure, String)> {
        self.submits
            .iter()
            .filter_map(|submit| match submit.outcome.as_ref().unwrap() {
                finished_attempt::Outcome::Failure(report) => Some((report.failure(), report.detail.clone())),
                finished_attempt::Outcome::Result(_) => None,
            })
            .collect()
    }

    /// Number of units that ended with a result.
    pub fn results(&self) -> usize {
        self.ended.values().filter(|attempt| is_result(attempt)).count()
    }

    /// Gives out up to so many units.
    pub fn give(&mut self, units_max: u32) -> Vec<Assignment> {
        let count = self.waiting.len().min(units_max as usize);
        let units: Vec<Unit> = self.waiting.drain(..count).collect();
        let assignment = |unit: &Unit| {
            let id = unit.id().to_string();
            let attempt = self.attempts.entry(id.clone()).or_default();
            *attempt += 1;
            let attempt = *attempt;
            let unit_id = self.false_id.clone().unwrap_or(id);
            let attempt = Some(AttemptId { study_id: self.study_id.to_string(), unit_id, attempt });
            Assignment { attempt, unit: Some(unit.into()), keep_weights: self.keep_weights, checkpoint: None }
        };
        units.iter().map(assignment).collect()
    }

    /// Records a submitted attempt.
    pub fn end(&mut self, attempt: FinishedAttempt) -> Receipt {
        let receipt = |outcome: SubmitOutcome| Receipt { outcome: outcome.into(), detail: String::new() };
        self.submits.push(attempt.clone());
        if is_result(&attempt) && self.misread_results > 0 {
            self.misread_results -= 1;
            return Receipt { detail: "result.done is odd".to_owned(), ..receipt(SubmitOutcome::Malformed) };
        }
        let unit_id = attempt.attempt.clone().unwrap().unit_id;
        let has_ended = self.ended.contains_key(&unit_id);
        let digest = &attempt.weights_digest;
        if !digest.is_empty() && !has_ended && !self.arrived.contains(digest) {
            return receipt(SubmitOutcome::WeightsFirst);
        }
        let is_recorded = !has_ended && !is_result(&attempt);
        self.ended.entry(unit_id).or_insert(attempt);
        receipt(if is_recorded { SubmitOutcome::Recorded } else { SubmitOutcome::Committed })
    }
}

fn is_result(attempt: &FinishedAttempt) -> bool {
    matches!(attempt.outcome, Some(finished_attempt::Outcome::Result(_)))
}

/// A unit that the scripted trainer accepts.
pub fn unit(dataset_digest: &str, seed: u64) -> Unit {
    let stop = StopRule::PAPER;
    Unit {
        dataset_digest: dataset_digest.to_owned().into(),
        configuration: Configuration {
            model: "cnn".to_owned(),
            hyperparameters: Hyperparameters::new(),
            stop,
            normalize: Normalize::Standardize,
        }
        .into(),
        fold: Fold::Holdout,
        seed,
    }
}

/// The attempts with these ids.
pub fn attempts(ids: &[AttemptId]) -> Vec<Attempt> {
    ids.iter().map(|id| Attempt::try_from(id.clone()).unwrap()).collect()
}
