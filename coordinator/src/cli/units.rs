//! `seedgrid units`, `explain` and `logs` show units from the store, also during the study, or from a remote
//! coordinator.

use std::path::Path;

use seedgrid_common::{
    join::{Plaintext, Role},
    terminal::Screen,
    unit::UnitId,
    utc,
};
use serde::Serialize;

use super::{
    Exit, Failure,
    shared_arguments::Format,
    unit_and_worker_arguments::{UnitArguments, UnitsArguments},
};
use crate::{
    cli::{progress::duration, standard_streams},
    grpc::control_client::Control,
    report::{
        numbers::count,
        text_table::{Column, Table},
    },
    run_directory::RunDirectory,
    scheduler::attempt_ending::AttemptEnding,
    store::StoreError,
    views::{
        run_reader::RunReader,
        units::{self, AttemptLog, Live, UnitExplanation, UnitLine},
    },
};

/// The source of the commands' data.
pub(super) enum Source {
    /// A run directory, with or without a running coordinator.
    Directory(Box<RunReader>, RunDirectory),
    /// A coordinator, which a credential file names.
    Coordinator(Box<Control>),
}

impl Source {
    /// Opens a run directory as it is now, or the coordinator of a credential file, to list units.
    async fn open(place: &Path, role: Role, reach: Plaintext) -> Result<Self, Failure> {
        Self::open_with(RunReader::open, place, role, reach).await
    }

    /// As [`Self::open`], to find single units.
    pub(super) async fn open_for_single_units(place: &Path, role: Role, reach: Plaintext) -> Result<Self, Failure> {
        Self::open_with(RunReader::open_for_single_units, place, role, reach).await
    }

    async fn open_with(
        open: fn(RunDirectory) -> Result<RunReader, StoreError>,
        place: &Path,
        role: Role,
        reach: Plaintext,
    ) -> Result<Self, Failure> {
        if place.is_file() {
            return Ok(Self::Coordinator(Box::new(Control::connect(place, role, reach).await?)));
        }
        let directory = RunDirectory::existing(place)?;
        Ok(Self::Directory(Box::new(open(directory.clone())?), directory))
    }

    async fn units(&mut self) -> Result<units::Units, Failure> {
        match self {
            Self::Directory(reader, _) => Ok(reader.units()?),
            Self::Coordinator(control) => Ok(control.units().await?),
        }
    }

    /// The units that these texts name, in their order.
    pub(super) async fn find(&mut self, texts: &[String]) -> Result<Vec<UnitLine>, Failure> {
        match self {
            Self::Directory(reader, _) => reader.find(texts),
            Self::Coordinator(control) => {
                let lines = control.units().await?.lines;
                texts.iter().map(|text| Ok(units::find(&lines, text)?.clone())).collect()
            }
        }
    }

    async fn logs(&mut self, unit: UnitId) -> Result<Vec<AttemptLog>, Failure> {
        match self {
            Self::Directory(reader, _) => Ok(reader.logs(unit)?),
            Self::Coordinator(control) => Ok(control.logs(unit).await?),
        }
    }
}

/// The schema of `seedgrid units --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Units<'a> {
    schema: &'static str,
    /// The units that fit the options of the command.
    units: Vec<&'a UnitLine>,
    /// The number of stored results of units that the spec does not name.
    unnamed_results: usize,
}

pub(super) async fn units(arguments: UnitsArguments) -> Result<Exit, Failure> {
    let mut source = Source::open(&arguments.run_dir, Role::View, arguments.reach.into()).await?;
    let units::Units { lines, unnamed_results, stages } = source.units().await?;
    let label = arguments.label.as_deref().filter(|text| !text.trim().is_empty());
    let labelled = label.map_or_else(|| lines.iter().collect(), |text| units::all(&lines, text));
    let wanted = |line: &&UnitLine| {
        (arguments.state.is_empty() || arguments.state.contains(&line.state))
            && arguments.stage.as_ref().is_none_or(|stage| line.stages.contains(stage))
    };
    let units: Vec<&UnitLine> = labelled.iter().copied().filter(wanted).collect();
    match arguments.format {
        Format::Json => super::print_json(&Units { schema: "seedgrid.units/1", units, unnamed_results })?,
        Format::Text => {
            if units.is_empty() {
                standard_streams::note(format_args!("none of the study's {} fits", count(lines.len(), "unit")));
                if let (true, Some(text)) = (labelled.is_empty(), label) {
                    standard_streams::note(format_args!("{}", units::offers(&lines, text).trim_end()));
                }
                if let Some(offer) = arguments.stage.as_deref().and_then(|stage| units::stages_instead(&stages, stage))
                {
                    standard_streams::note(format_args!("{offer}"));
                }
            }
            super::print_as_it_is(&table(&units, Screen::output().rows()))?;
            if unnamed_results > 0 {
                standard_streams::note(format_args!(
                    "note: {} {} of units that the study's spec does not name: `seedgrid report RUN_DIR --spec N` reports those of an earlier spec, RUN_DIR/specs/N.toml",
                    count(unnamed_results, "more result"),
                    if unnamed_results == 1 { "is" } else { "are" }
                ));
            }
        }
    }
    Ok(Exit::Done)
}

/// The smallest width of a terminal, in columns, with room for whole ids beside labels.
const WHOLE_IDS: usize = 90;

/// One line for each unit. On narrow terminals, ids have their shortest unambiguous form.
fn table(units: &[&UnitLine], width: usize) -> String {
    let ids: Vec<String> = units.iter().map(|unit| unit.id.to_string()).collect();
    let digits = if width < WHOLE_IDS { unambiguous(&ids) } else { usize::MAX };
    let mut table = Table::new([
        Column::left(""),
        Column::left(""),
        Column::text(""),
        Column::right("").rank(1).called("numbers of attempts"),
        Column::left(""),
    ]);
    for (unit, id) in units.iter().zip(&ids) {
        let counts = match (unit.errors, unit.deaths) {
            (0, 0) => String::new(),
            (errors, deaths) => format!("{}, {}", count(errors as usize, "error"), count(deaths as usize, "death")),
        };
        let doubts = [(unit.untrained, "untrained"), (unit.stuck, "stuck")];
        let doubts = doubts.into_iter().filter(|(is, _)| *is == Some(true)).map(|(_, word)| word.to_owned());
        let against: Vec<String> = [counts].into_iter().filter(|counts| !counts.is_empty()).chain(doubts).collect();
        let against = against.join(", ");
        let attempts = count(unit.attempts as usize, "attempt");
        let id = id.get(..digits).unwrap_or(id).to_owned();
        table.row([id, unit.state.to_string(), unit.label.clone(), attempts, against]);
    }
    table.render(width)
}

/// The number of first digits that distinguish these ids, at least 8.
fn unambiguous(ids: &[String]) -> usize {
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let alike = |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(one, other)| one == other).count();
    sorted.windows(2).map(alike).max().unwrap_or(0).max(7) + 1
}

/// The schema of `seedgrid explain --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Explained {
    schema: &'static str,
    #[serde(flatten)]
    explanation: UnitExplanation,
}

pub(super) async fn explain(arguments: UnitArguments) -> Result<Exit, Failure> {
    let reach = arguments.reach.into();
    let mut source = Source::open_for_single_units(&arguments.run_dir, Role::View, reach).await?;
    let unit = match &mut source {
        Source::Directory(reader, _) => reader.unit::<Failure>(&arguments.unit)?,
        Source::Coordinator(control) => units::find(&control.units().await?.lines, &arguments.unit)?.clone(),
    };
    let (attempts, live) = match &mut source {
        Source::Directory(reader, directory) if !directory.is_owned() => {
            (reader.attempts(unit.id)?, Live::AtRest(reader.pause()?))
        }
        Source::Directory(reader, _) => {
            let mut control = Control::connect(&arguments.run_dir, Role::View, reach).await?;
            (reader.attempts(unit.id)?, Live::Running(control.explain(unit.id).await?.0))
        }
        Source::Coordinator(control) => {
            let (waits, attempts) = control.explain(unit.id).await?;
            (attempts, Live::Running(waits))
        }
    };
    let explanation = UnitExplanation::new(unit, attempts, &live);
    match arguments.format {
        Format::Json => super::print_json(&Explained { schema: "seedgrid.explain/1", explanation })?,
        Format::Text => super::print(&text(&explanation))?,
    }
    Ok(Exit::Done)
}

fn text(explanation: &UnitExplanation) -> String {
    let unit = &explanation.unit;
    let mut lines = vec![
        format!("{} ({})", unit.label, unit.id),
        format!("{}: {}", unit.state, explanation.why),
        format!("wanted by {}", unit.stages.join(", ")),
    ];
    for entry in &explanation.attempts {
        let host = if entry.host.is_empty() { "an unknown machine" } else { &entry.host };
        let place = if entry.place.is_empty() { String::new() } else { format!(" ({})", entry.place) };
        let took = match (entry.train_seconds, entry.ended_ms) {
            (Some(seconds), _) => format!(", trained for {}", duration((1000.0 * seconds) as u64)),
            (None, Some(ended)) => {
                // The attempt's lease ran out, so the exact time of the worker's loss is unknown.
                let after = if entry.ending == Some(AttemptEnding::WorkerLost) { "taken back after" } else { "after" };
                format!(", {after} {}", duration(u64::try_from(ended - entry.started_ms).unwrap_or_default()))
            }
            (None, None) => String::new(),
        };
        let ending = entry.ending.map(AttemptEnding::name).unwrap_or(units::unended(entry.began, explanation.at_rest));
        let detail = if entry.detail.is_empty() { String::new() } else { format!(": {}", entry.detail) };
        lines.push(format!(
            "attempt {} at {} on {host}{place}, worker {}: {ending}{took}{detail}",
            entry.attempt,
            utc::format(entry.started_ms),
            entry.worker
        ));
    }
    if explanation.attempts.is_empty() {
        lines.push("it was never given out".to_owned());
    }
    lines.join("\n") + "\n"
}

/// The schema of `seedgrid logs --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Logged {
    schema: &'static str,
    /// The unit's id.
    unit: String,
    /// The unit's label, for people.
    label: String,
    /// The attempts with a log, by number.
    attempts: Vec<AttemptLog>,
}

pub(super) async fn logs(arguments: UnitArguments) -> Result<Exit, Failure> {
    let mut source = Source::open_for_single_units(&arguments.run_dir, Role::View, arguments.reach.into()).await?;
    let unit = source.find(std::slice::from_ref(&arguments.unit)).await?.remove(0);
    let attempts = source.logs(unit.id).await?;
    let at_rest = matches!(&source, Source::Directory(_, directory) if !directory.is_owned());
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
                let ending = one.ending.map(AttemptEnding::name).unwrap_or(units::unended(true, at_rest));
                // Indented, so that no log line looks like the header of another attempt.
                let lines: String = one.log.lines().map(|line| format!("  {line}\n")).collect();
                format!("--- attempt {} on {}: {ending}\n{lines}", one.attempt, one.host)
            };
            super::print_as_it_is(&attempts.iter().map(one).collect::<String>())?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use seedgrid_common::terminal::columns;

    use super::*;
    use crate::scheduler::unit_state::UnitState;

    fn line(id: [u8; 16], label: &str) -> UnitLine {
        UnitLine {
            id: UnitId(id),
            label: label.to_owned(),
            description: String::new(),
            stages: vec!["tune".to_owned()],
            state: UnitState::Quarantined,
            attempts: 3,
            errors: 3,
            deaths: 0,
            worker: None,
            untrained: None,
            stuck: None,
        }
    }

    #[test]
    fn a_line_fits_its_terminal_and_is_whole_in_a_pipe() {
        let mut ids = [[0xab; 16], [0xab; 16], [0x11; 16]];
        ids[1][5] = 0;
        let label = "cnn-shared-aux auxiliary_weight=0.4 learning_rate=0.1 fold 3 of 10 seed 12";
        let units = ids.map(|id| line(id, label));
        let units: Vec<&UnitLine> = units.iter().collect();
        let piped = table(&units, usize::MAX);
        assert_eq!(piped.lines().count(), 3, "{piped}");
        assert!(piped.starts_with(&format!("{}  quarantined  {label}  3 attempts  3 errors, 0 deaths\n", units[0].id)));
        for width in [60, 80, 100] {
            let shown = table(&units, width);
            assert!(shown.lines().all(|line| columns(line) <= width), "{shown}");
            assert!(
                label.split(' ').chain(["quarantined", "errors,"]).all(|word| shown.matches(word).count() >= 3),
                "{shown}"
            );
            let digits = if width < WHOLE_IDS { 11 } else { 32 };
            assert!(units.iter().all(|unit| shown.contains(&unit.id.to_string()[..digits])), "{shown}");
        }
    }

    fn told(ending: Option<AttemptEnding>, ended_ms: Option<i64>, live: &Live) -> String {
        let entry = units::AttemptEntry {
            attempt: 1,
            worker: "w".to_owned(),
            host: "node7".to_owned(),
            place: String::new(),
            started_ms: 0,
            began: true,
            ended_ms,
            ending,
            detail: String::new(),
            train_seconds: None,
        };
        text(&UnitExplanation::new(line([1; 16], "cnn seed 1"), vec![entry], live))
    }

    #[test]
    fn an_attempt_tells_no_more_than_what_is_known_of_its_end() {
        let (running, at_rest) = (Live::Running(None), Live::AtRest(None));
        assert!(told(None, None, &running).ends_with("worker w: in training\n"));
        assert!(told(None, None, &at_rest).ends_with("worker w: not heard of since its coordinator ended\n"));
        assert!(told(Some(AttemptEnding::Preempted), None, &at_rest).ends_with("worker w: preempted\n"));
        assert!(
            told(Some(AttemptEnding::Preempted), Some(45_000), &running).ends_with("worker w: preempted, after 45 s\n")
        );
        assert!(
            told(Some(AttemptEnding::WorkerLost), Some(45_000), &running)
                .ends_with("worker-lost, taken back after 45 s\n")
        );
    }
}
