//! A unit's whole story: every attempt, and why it waits or how it ended.

use seedgrid_common::{text::count, wire::v1};
use serde::Serialize;

use super::UnitLine;
use crate::{
    scheduler::{
        attempt_ending::AttemptEnding,
        queue::{Pause, Rules},
        unit_state::UnitState,
    },
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
    pub ending: Option<AttemptEnding>,
    /// Lines.
    pub log: String,
}

/// One attempt. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttemptEntry {
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
    pub ending: Option<AttemptEnding>,
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
    /// Why it stands so: what it waits for, who has it, or how it ended. Read behind its state.
    pub why: String,
    /// Its attempts, by number.
    pub chapters: Vec<AttemptEntry>,
    /// Whether no coordinator runs.
    #[serde(skip)]
    pub at_rest: bool,
}

/// How an attempt stands that has no ending.
pub const fn unended(began: bool, at_rest: bool) -> &'static str {
    match (at_rest, began) {
        (true, _) => "not heard of since its coordinator ended",
        (false, true) => "in training",
        (false, false) => "not begun",
    }
}

/// What only a running coordinator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// None runs; the study may be paused.
    AtRest(Option<Pause>),
    /// What it says of the unit; None: nothing, since it does not wait.
    Running(Option<String>),
}

impl AttemptEntry {
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
    pub fn new(unit: UnitLine, chapters: Vec<AttemptEntry>, live: &Live) -> Self {
        let why = why(&unit, &chapters, live);
        Self { unit, why, chapters, at_rest: matches!(live, Live::AtRest(_)) }
    }
}

fn why(unit: &UnitLine, chapters: &[AttemptEntry], live: &Live) -> String {
    let winner = |ending| {
        let won = chapters.iter().find(|chapter| chapter.ending == Some(ending));
        won.map(|chapter| format!(" by attempt {} on {}", chapter.attempt, place(chapter))).unwrap_or_default()
    };
    let holder = || {
        let newest = chapters.last();
        newest.map(|chapter| format!("attempt {} on {}", chapter.attempt, place(chapter))).unwrap_or_default()
    };
    match unit.state {
        UnitState::Done => format!("it was trained and scored{}{}", winner(AttemptEnding::Done), doubts(unit)),
        UnitState::Diverged => {
            format!("it diverged{}: that is its result, and final", winner(AttemptEnding::Diverged))
        }
        UnitState::Quarantined if unit.errors >= Rules::default().errors_max => {
            format!(
                "it is not tried again after {}; `seedgrid retry` gives it another try",
                count(unit.errors, "error")
            )
        }
        UnitState::Quarantined => format!(
            "it is not tried again after {} of workers that trained it, the last of them with nothing beside it; `seedgrid retry` \
             gives it another try",
            count(unit.deaths, "death")
        ),
        UnitState::Cancelled => "`seedgrid retry` with its id puts it back".to_owned(),
        UnitState::HeldBack => "a race holds it back, and its next rung may skip it".to_owned(),
        UnitState::Skipped => "its configuration left a race".to_owned(),
        UnitState::Training => holder(),
        UnitState::Assigned => format!("it lies at a worker that has not begun it: {}", holder()),
        UnitState::Waiting => match live {
            Live::AtRest(None) => "no coordinator runs; run the study again".to_owned(),
            Live::AtRest(Some(pause)) => {
                format!("no coordinator runs, and the study is {pause}; `seedgrid resume`, then the study again")
            }
            Live::Running(Some(reason)) => reason.clone(),
            Live::Running(None) => "it has changed a moment ago; ask again".to_owned(),
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

fn place(chapter: &AttemptEntry) -> String {
    match (chapter.host.as_str(), chapter.place.as_str()) {
        ("", _) => format!("worker {}", chapter.worker),
        (host, "") => host.to_owned(),
        (host, place) => format!("{host} ({place})"),
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::unit::UnitId;

    use super::*;
    use crate::scheduler::queue::{WaitReason, Waits};

    fn unit(state: UnitState) -> UnitLine {
        UnitLine {
            id: UnitId([1; 16]),
            label: "cnn seed 1".to_owned(),
            description: String::new(),
            stages: vec!["final".to_owned()],
            state,
            attempts: 1,
            errors: 0,
            deaths: 0,
            worker: None,
            untrained: None,
            stuck: None,
        }
    }

    fn waits(live: &Live) -> String {
        Story::new(unit(UnitState::Waiting), Vec::new(), live).why
    }

    #[test]
    fn a_pause_is_told_with_and_without_a_reason() {
        let pause = |reason: &str| Pause { reason: reason.to_owned(), by_hand: true };
        let waits_for = |pause: Pause| Waits { why: &WaitReason::Paused(pause), draining: false }.to_string();
        assert_eq!(waits_for(pause("")), "the study is paused by hand; `seedgrid resume` goes on");
        assert_eq!(waits_for(pause("a move")), "the study is paused by hand: a move; `seedgrid resume` goes on");
        for reason in ["", "a move"] {
            let told = waits(&Live::AtRest(Some(pause(reason))));
            assert!(told.contains(&format!("the study is {}", pause(reason))) && !told.contains('('), "{told}");
        }
    }

    #[test]
    fn why_does_not_say_the_state_again() {
        for live in [Live::AtRest(None), Live::Running(Some("no worker is there".to_owned())), Live::Running(None)] {
            assert!(!waits(&live).starts_with("it waits"), "{}", waits(&live));
        }
        for (state, word) in [
            (UnitState::Training, "in training"),
            (UnitState::Cancelled, "cancelled"),
            (UnitState::HeldBack, "held back"),
        ] {
            let why = Story::new(unit(state), Vec::new(), &Live::Running(None)).why;
            assert!(!why.contains(word), "{why}");
        }
    }
}
