//! `seedgrid units`, `explain` and `logs`: units one by one, from the store, also while the study runs.

use std::collections::BTreeMap;

use seedgrid_common::join::Role;
use serde::Serialize;

use super::{
    Exit, Failure,
    arguments::Format,
    steering_arguments::{UnitArguments, UnitsArguments},
};
use crate::{
    control_client::Control,
    listing::{self, Live, Story, UnitLine},
    prepare::Prepared,
    progress::duration,
    run_directory::RunDirectory,
    store::{Store, WorkerRecord},
};

/// What the commands read.
pub(super) struct Books {
    pub(super) directory: RunDirectory,
    pub(super) store: Store,
    pub(super) lines: Vec<UnitLine>,
}

impl Books {
    /// Of an existing run directory, as it is now.
    pub(super) fn open(run_dir: &std::path::Path) -> Result<Self, Failure> {
        let directory = RunDirectory::existing(run_dir)?;
        let store = Store::open_to_read(&directory.database())?;
        store.hold()?;
        let prepared = Prepared::stored(&directory, &store)?;
        let lines = listing::lines(&prepared.plan, &prepared.track, &store.units()?);
        Ok(Self { directory, store, lines })
    }

    fn workers(&self) -> Result<BTreeMap<String, WorkerRecord>, Failure> {
        Ok(self.store.workers()?.into_iter().map(|worker| (worker.worker_id.clone(), worker)).collect())
    }
}

/// The schema of `seedgrid units --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
struct Units<'a> {
    schema: &'static str,
    units: Vec<&'a UnitLine>,
}

pub(super) fn units(arguments: &UnitsArguments) -> Result<Exit, Failure> {
    let books = Books::open(&arguments.run_dir)?;
    let words: Vec<String> =
        arguments.label.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
    let wanted = |line: &&UnitLine| {
        let label = line.label.to_lowercase();
        let has: Vec<&str> = label.split_whitespace().collect();
        (arguments.state.is_empty() || arguments.state.iter().any(|state| state == line.state))
            && arguments.stage.as_ref().is_none_or(|stage| line.stages.contains(stage))
            && words.iter().all(|word| has.contains(&word.as_str()))
    };
    let units: Vec<&UnitLine> = books.lines.iter().filter(wanted).collect();
    match arguments.format {
        Format::Json => super::print_json(&Units { schema: "seedgrid.units/1", units })?,
        Format::Text => {
            let line = |line: &&UnitLine| {
                let counts = match (line.errors, line.deaths) {
                    (0, 0) => String::new(),
                    (errors, deaths) => format!(", {errors} errors, {deaths} deaths"),
                };
                format!("{}  {:<11}  {} ({} attempts{counts})\n", line.id, line.state, line.label, line.attempts)
            };
            super::print(&units.iter().map(line).collect::<String>())?;
        }
    }
    Ok(Exit::Done)
}

/// The schema of `seedgrid explain --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
struct Explained {
    schema: &'static str,
    #[serde(flatten)]
    story: Story,
}

pub(super) async fn explain(arguments: UnitArguments) -> Result<Exit, Failure> {
    let books = Books::open(&arguments.run_dir)?;
    let unit = listing::find(&books.lines, &arguments.unit)?.clone();
    let live = if books.directory.is_owned() {
        let mut control = Control::connect(&arguments.run_dir, Role::View, arguments.reach.into()).await?;
        Live::Running(control.why(unit.id).await?)
    } else {
        Live::AtRest(books.store.pause()?)
    };
    let story = Story::new(unit.clone(), books.store.attempts_of(unit.id)?, &books.workers()?, &live);
    match arguments.format {
        Format::Json => super::print_json(&Explained { schema: "seedgrid.explain/1", story })?,
        Format::Text => super::print(&text(&story))?,
    }
    Ok(Exit::Done)
}

fn text(story: &Story) -> String {
    let unit = &story.unit;
    let mut lines = vec![
        format!("{} ({})", unit.label, unit.id),
        format!("{}: {}", unit.state, story.why),
        format!("wanted by {}", unit.stages.join(", ")),
    ];
    for chapter in &story.chapters {
        let host = if chapter.host.is_empty() { "an unknown machine" } else { &chapter.host };
        let place = if chapter.place.is_empty() { String::new() } else { format!(" ({})", chapter.place) };
        let took = match (chapter.train_seconds, chapter.ended_ms) {
            (Some(seconds), _) => format!(", trained for {}", duration((1000.0 * seconds) as u64)),
            (None, Some(ended)) => {
                format!(", after {}", duration(u64::try_from(ended - chapter.started_ms).unwrap_or_default()))
            }
            (None, None) => String::new(),
        };
        let begun = if chapter.began { "in training" } else { "not begun" };
        let ending = chapter.ending.as_deref().unwrap_or(begun);
        let detail = if chapter.detail.is_empty() { String::new() } else { format!(": {}", chapter.detail) };
        lines.push(format!(
            "attempt {} at {} on {host}{place}, worker {}: {ending}{took}{detail}",
            chapter.attempt,
            crate::wall_clock::utc(chapter.started_ms),
            chapter.worker
        ));
    }
    if story.chapters.is_empty() {
        lines.push("it was never given out".to_owned());
    }
    lines.join("\n") + "\n"
}

/// The schema of `seedgrid logs --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
struct Logged {
    schema: &'static str,
    unit: String,
    label: String,
    attempts: Vec<AttemptLog>,
}

#[derive(Debug, Serialize)]
struct AttemptLog {
    attempt: u32,
    worker: String,
    host: String,
    ending: Option<String>,
    log: String,
}

pub(super) fn logs(arguments: &UnitArguments) -> Result<Exit, Failure> {
    let books = Books::open(&arguments.run_dir)?;
    let unit = listing::find(&books.lines, &arguments.unit)?;
    let (logs, workers) = (books.store.logs_of(unit.id)?, books.workers()?);
    let mut logs: BTreeMap<u32, String> = logs.into_iter().collect();
    let attempts = books.store.attempts_of(unit.id)?.into_iter().filter_map(|attempt| {
        let log = logs.remove(&attempt.attempt)?;
        let host = workers.get(&attempt.worker_id).map(|worker| worker.info.host.clone()).unwrap_or_default();
        Some(AttemptLog { attempt: attempt.attempt, worker: attempt.worker_id, host, ending: attempt.ending, log })
    });
    let attempts: Vec<AttemptLog> = attempts.collect();
    match arguments.format {
        Format::Json => super::print_json(&Logged {
            schema: "seedgrid.logs/1",
            unit: unit.id.to_string(),
            label: unit.label.clone(),
            attempts,
        })?,
        Format::Text if attempts.is_empty() => {
            super::print(&format!("no worker has handed over a log of {} yet\n", unit.label))?;
        }
        Format::Text => {
            let one = |one: &AttemptLog| {
                let ending = one.ending.as_deref().unwrap_or("goes on");
                let end = if one.log.ends_with('\n') { "" } else { "\n" };
                format!("--- attempt {} on {}: {ending}\n{}{end}", one.attempt, one.host, one.log)
            };
            super::print(&attempts.iter().map(one).collect::<String>())?;
        }
    }
    Ok(Exit::Done)
}
