//! A unit's history: every attempt, and the reason for which it waits or the way it ended.

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

/// The log lines of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttemptLog {
    /// The attempt's number.
    pub attempt: u32,
    /// The worker's id.
    pub worker: String,
    /// The worker's machine; empty if it is unknown.
    pub host: String,
    /// The attempt's ending; None if it continues.
    pub ending: Option<AttemptEnding>,
    /// The log lines.
    pub log: String,
}

/// One attempt. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttemptEntry {
    /// The attempt's number.
    pub attempt: u32,
    /// The worker's id.
    pub worker: String,
    /// The worker's machine; empty if it is unknown.
    pub host: String,
    /// The worker's place in a cluster.
    pub place: String,
    /// The time at which the attempt was given out.
    pub started_ms: i64,
    /// Whether the worker reported the start of training.
    pub began: bool,
    /// The time at which the attempt ended.
    pub ended_ms: Option<i64>,
    /// The attempt's ending, a word of docs/failures.md; None if it continues, or if its end was not received.
    pub ending: Option<AttemptEnding>,
    /// The error's text.
    pub detail: String,
    /// The duration of training, in seconds.
    pub train_seconds: Option<f64>,
}

/// The history of a unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitExplanation {
    /// The unit.
    #[serde(flatten)]
    pub unit: UnitLine,
    /// The reason for its state: the cause of a wait, the holder, or the ending. Shown after the state.
    pub why: String,
    /// The unit's attempts, by number.
    pub attempts: Vec<AttemptEntry>,
    /// Whether no coordinator runs.
    #[serde(skip)]
    pub at_rest: bool,
}

/// The state of an attempt without an ending.
pub const fn unended(began: bool, at_rest: bool) -> &'static str {
    match (at_rest, began) {
        (true, _) => "not heard of since its coordinator ended",
        (false, true) => "in training",
        (false, false) => "not begun",
    }
}

/// Knowledge of a running coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// No coordinator runs; the study may be paused.
    AtRest(Option<Pause>),
    /// The coordinator's reason for the unit's wait; None if it does not wait.
    Running(Option<String>),
}

impl AttemptEntry {
    /// The entry of an attempt, with its worker if it is known.
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

impl UnitExplanation {
    /// The history of a unit with these attempts.
    pub fn new(unit: UnitLine, attempts: Vec<AttemptEntry>, live: &Live) -> Self {
        let why = why(&unit, &attempts, live);
        Self { unit, why, attempts, at_rest: matches!(live, Live::AtRest(_)) }
    }
}

fn why(unit: &UnitLine, attempts: &[AttemptEntry], live: &Live) -> String {
    let winner = |ending| {
        let won = attempts.iter().find(|entry| entry.ending == Some(ending));
        won.map(|entry| format!(" by attempt {} on {}", entry.attempt, place(entry))).unwrap_or_default()
    };
    let holder = || {
        let newest = attempts.last();
        newest.map(|entry| format!("attempt {} on {}", entry.attempt, place(entry))).unwrap_or_default()
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
        UnitState::Assigned => format!("a worker holds it and has not started its training: {}", holder()),
        UnitState::Waiting => match live {
            Live::AtRest(None) => "no coordinator runs; run the study again".to_owned(),
            Live::AtRest(Some(pause)) => {
                format!("no coordinator runs, and the study is {pause}; `seedgrid resume`, then the study again")
            }
            Live::Running(Some(reason)) => reason.clone(),
            Live::Running(None) => "its state has just changed; run the command again".to_owned(),
        },
    }
}

/// The note about a done unit that learnt nothing.
fn doubts(unit: &UnitLine) -> &'static str {
    match (unit.untrained == Some(true), unit.stuck == Some(true)) {
        (true, _) => "; it is untrained: its training error is not below that of always predicting the commonest class",
        (false, true) => "; it is stuck: its error is far above that of the other seeds",
        (false, false) => "",
    }
}

fn place(entry: &AttemptEntry) -> String {
    match (entry.host.as_str(), entry.place.as_str()) {
        ("", _) => format!("worker {}", entry.worker),
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
        UnitExplanation::new(unit(UnitState::Waiting), Vec::new(), live).why
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
        for live in [Live::AtRest(None), Live::Running(Some("no worker is connected".to_owned())), Live::Running(None)]
        {
            assert!(!waits(&live).starts_with("it waits"), "{}", waits(&live));
        }
        for (state, word) in [
            (UnitState::Training, "in training"),
            (UnitState::Cancelled, "cancelled"),
            (UnitState::HeldBack, "held back"),
        ] {
            let why = UnitExplanation::new(unit(state), Vec::new(), &Live::Running(None)).why;
            assert!(!why.contains(word), "{why}");
        }
    }
}
