//! A unit's whole story: every attempt, and why it waits or how it ended.

use seedgrid_common::{prose::count, wire::v1};
use serde::Serialize;

use super::UnitLine;
use crate::{
    queue::{Pause, Rules, Why},
    store::{AttemptRecord, WorkerRecord},
};

/// What a worker logged during an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptLog {
    /// The attempt's number.
    pub attempt: u32,
    /// Who had it.
    pub worker: String,
    /// On which machine; empty where it is not known.
    pub host: String,
    /// How it ended; None: it goes on.
    pub ending: Option<String>,
    /// Lines.
    pub log: String,
}

/// One attempt. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chapter {
    /// Its number.
    pub attempt: u32,
    /// Who had it.
    pub worker: String,
    /// On which machine; empty where it is not known.
    pub host: String,
    /// Where in a cluster.
    pub place: String,
    /// When it was given out.
    pub started_ms: i64,
    /// Whether its worker said that training had begun.
    pub began: bool,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// How: one of the words of docs/failures.md; None: it goes on, or its end was not heard of.
    pub ending: Option<String>,
    /// What went wrong.
    pub detail: String,
    /// How long it trained.
    pub train_seconds: Option<f64>,
}

/// What is known of a unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// Which.
    #[serde(flatten)]
    pub unit: UnitLine,
    /// Why it waits, or how it ended: a sentence.
    pub why: String,
    /// Its attempts, by number.
    pub chapters: Vec<Chapter>,
}

/// What only a running coordinator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// None runs; the study may be paused.
    AtRest(Option<Pause>),
    /// What it says of the unit; None: nothing, since it does not wait.
    Running(Option<String>),
}

impl Chapter {
    /// Of an attempt, on a worker that may be known.
    pub fn new(attempt: AttemptRecord, worker: Option<&WorkerRecord>) -> Self {
        let v1::WorkerInfo { host, place, .. } = worker.map(|worker| worker.info.clone()).unwrap_or_default();
        Self {
            attempt: attempt.attempt,
            worker: attempt.worker_id,
            host,
            place,
            started_ms: attempt.started_ms,
            began: attempt.began,
            ended_ms: attempt.ended_ms,
            ending: attempt.ending,
            detail: attempt.detail.unwrap_or_default(),
            train_seconds: attempt.train_seconds,
        }
    }
}

impl Story {
    /// Of a unit with these attempts.
    pub fn new(unit: UnitLine, chapters: Vec<Chapter>, live: &Live) -> Self {
        let why = why(&unit, &chapters, live);
        Self { unit, why, chapters }
    }
}

fn why(unit: &UnitLine, chapters: &[Chapter], live: &Live) -> String {
    let winner = |ending: &str| {
        let won = chapters.iter().find(|chapter| chapter.ending.as_deref() == Some(ending));
        won.map(|chapter| format!(" by attempt {} on {}", chapter.attempt, place(chapter))).unwrap_or_default()
    };
    let holder = || {
        let newest = chapters.last();
        newest.map(|chapter| format!("attempt {} on {}", chapter.attempt, place(chapter))).unwrap_or_default()
    };
    match unit.state {
        "done" => format!("it was trained and scored{}{}", winner("done"), doubts(unit)),
        "diverged" => format!("it diverged{}: that is its result, and final", winner("diverged")),
        "quarantined" if unit.errors >= Rules::default().errors_max => {
            format!(
                "it is not tried again after {}; `seedgrid retry` gives it another try",
                count(unit.errors, "error")
            )
        }
        "quarantined" => format!(
            "it is not tried again after {} of workers that trained it, the last of them with nothing beside it; `seedgrid retry` \
             gives it another try",
            count(unit.deaths, "death")
        ),
        "cancelled" => "it was cancelled; `seedgrid retry` with its id puts it back".to_owned(),
        "held-back" => "it is held back by a race, and may be skipped by the next rung".to_owned(),
        "skipped" => "it is not trained: its configuration left a race".to_owned(),
        "training" => format!("it is in training: {}", holder()),
        "assigned" => format!("it lies at a worker that has not begun it: {}", holder()),
        _ => match live {
            Live::AtRest(None) => "it waits: no coordinator runs; run the study again".to_owned(),
            Live::AtRest(Some(pause)) => {
                format!("it waits: no coordinator runs, and the study is paused ({})", pause.reason)
            }
            Live::Running(Some(reason)) => format!("it waits: {reason}"),
            Live::Running(None) => "it waits".to_owned(),
        },
    }
}

/// That a done unit learnt nothing.
fn doubts(unit: &UnitLine) -> &'static str {
    match (unit.untrained == Some(true), unit.stuck == Some(true)) {
        (true, _) => "; it is untrained: its training error is not below that of always predicting the commonest class",
        (false, true) => "; it is stuck: its error is far above that of the other seeds",
        (false, false) => "",
    }
}

fn place(chapter: &Chapter) -> String {
    match (chapter.host.as_str(), chapter.place.as_str()) {
        ("", _) => format!("worker {}", chapter.worker),
        (host, "") => host.to_owned(),
        (host, place) => format!("{host} ({place})"),
    }
}

/// Why a unit waits, as a coordinator that runs says it.
#[derive(Clone, Copy, Debug)]
pub struct Waits<'a> {
    /// What the queue says.
    pub why: &'a Why,
    /// No more units are given out.
    pub draining: bool,
}

impl std::fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.why {
            Why::Paused(reason) => write!(f, "the study is paused ({reason}); `seedgrid resume` goes on"),
            _ if self.draining => {
                f.write_str("the study is drained: no more units are given out; `seedgrid resume` goes on")
            }
            Why::NoWorker => f.write_str("no worker is there"),
            Why::NoReceiver => f.write_str("every worker that is there is set aside, or is to leave"),
            Why::Backoff(ms) => write!(f, "it failed, and is given out again in {:.0} s", (*ms as f64 / 1000.0).ceil()),
            Why::ForAnEmptyWorker => {
                f.write_str("workers died while they trained it, so it waits for one that holds nothing else, behind all other units")
            }
            Why::ForAnotherWorker(workers) => {
                write!(f, "it failed elsewhere, so it waits for one of {} on which it has not", count(workers, "worker"))
            }
            Why::InLine => f.write_str("for its turn; units that are expected to take longer go first"),
        }
    }
}
