//! The comparison of two runs.
//!
//! In order: [`compared_run`] reads a run directory. [`specs`] finds the differences of two specs, [`same_data`] the stages with the
//! same data, [`same_results`] equal units with different results, [`configuration_matching`] the matched configurations, and [`mean_error_difference`]
//! the difference of two of them, all purely. [`document`] is `--format json`; [`mod@text`] and [`markdown`] are for
//! people.

mod compared_run;
mod configuration_matching;
pub mod document;
mod markdown;
mod mean_error_difference;
mod same_data;
mod same_results;
mod specs;
mod text;

use std::{fs, path::PathBuf};

use crate::{
    aggregate::report_json::StageReport,
    plan::PrepareError,
    run_directory::{RunDirectory, RunDirectoryError},
};
use configuration_matching::Matched;
use document::{ComparedConfiguration, ComparedStage, Comparison, Found, Lone, RunSummary, SCHEMA};

pub use compared_run::Side;
pub use markdown::page;
pub use text::text;

/// The reason for which two runs cannot be compared.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CompareError {
    /// One of the runs cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Prepare(#[from] PrepareError),
    /// One of the paths is no run directory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Directory(#[from] RunDirectoryError),
    /// Both paths are the same directory.
    #[error("{first} and {second} are the same run directory")]
    #[diagnostic(help("name two different ones"))]
    SameDirectory {
        /// The first path, as it was given.
        first: PathBuf,
        /// The second path, as it was given.
        second: PathBuf,
    },
}

/// Reads both runs.
///
/// # Errors
/// When one of the runs cannot be read, or both are the same.
pub fn read(first: &RunDirectory, second: &RunDirectory) -> Result<[Side; 2], CompareError> {
    let place = |directory: &RunDirectory| fs::canonicalize(directory.root()).ok();
    if place(first).is_some() && place(first) == place(second) {
        let [first, second] = [first, second].map(|directory| directory.root().to_owned());
        return Err(CompareError::SameDirectory { first, second });
    }
    Ok([Side::read(first)?, Side::read(second)?])
}

/// Compares two runs.
pub fn compare(sides: &[Side; 2]) -> Comparison {
    let [first, second] = sides;
    let lone = |here: &Side, there: &Side| {
        let is_there = |stage: &&StageReport| there.report.stages.iter().any(|other| other.name == stage.name);
        here.report.stages.iter().filter(|stage| !is_there(stage)).map(|stage| stage.name.clone()).collect()
    };
    let stages = first.report.stages.iter().filter_map(|stage| {
        let other = second.report.stages.iter().find(|other| other.name == stage.name)?;
        Some(compared(sides, [stage, other]))
    });
    let stages: Vec<ComparedStage> = stages.collect();
    let same_dataset = match stages.as_slice() {
        [] => same_data::of_runs([&first.report, &second.report]),
        stages => stages.iter().all(|stage| stage.data.same),
    };
    Comparison {
        schema: SCHEMA,
        first: summary(first),
        second: summary(second),
        same_dataset,
        spec_differences: specs::differences(&first.spec, &second.spec),
        units: same_results::compared(sides),
        stages,
        only_first: lone(first, second),
        only_second: lone(second, first),
    }
}

fn summary(side: &Side) -> RunSummary {
    let Side { path, report, versions, numerics_classes, .. } = side;
    RunSummary {
        path: path.clone(),
        study: report.study.clone(),
        dataset: report.dataset.clone(),
        units: report.counts,
        complete: report.complete,
        versions: versions.clone(),
        numerics_classes: numerics_classes.clone(),
    }
}

fn compared(sides: &[Side; 2], stages: [&StageReport; 2]) -> ComparedStage {
    let data = same_data::of_stages([&sides[0].report, &sides[1].report], stages);
    let same = data.same;
    let errors = [0, 1].map(|side: usize| sides[side].errors_of(&stages[side].name));
    let part = |side: usize, row| mean_error_difference::Part { stage: stages[side], row, errors: errors[side] };
    let Matched { pairs, only_first, only_second } = configuration_matching::matched(stages);
    let units = |side: usize, row| sides[side].units_of(&stages[side].name, row);
    let configurations = pairs.into_iter().map(|[first, second]| {
        let units = same_results::of_configurations(sides, [units(0, first), units(1, second)]);
        ComparedConfiguration {
            model: first.model.clone(),
            title: first.title.clone(),
            variant: if first.variant.is_empty() { second.variant.clone() } else { first.variant.clone() },
            settings: configuration_matching::differences([first, second]),
            first: Found::from_row(first),
            second: Found::from_row(second),
            difference: mean_error_difference::between([part(0, first), part(1, second)], same),
            units,
        }
    });
    let [first, second] = stages;
    ComparedStage {
        name: first.name.clone(),
        evaluations: [first.evaluation, second.evaluation],
        data,
        configurations: configurations.collect(),
        only_first: only_first.into_iter().map(Lone::from_row).collect(),
        only_second: only_second.into_iter().map(Lone::from_row).collect(),
    }
}

#[cfg(test)]
mod tests;
