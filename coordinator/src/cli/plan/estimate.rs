//! The part of `seedgrid plan` that shows the duration of the remaining units.

use std::{collections::BTreeMap, path::PathBuf};

use seedgrid_common::{
    matrix::{Plan, PlannedStage},
    text::count,
    unit::UnitId,
};
use serde::Serialize;

use crate::cli::{Failure, arguments::PlanArguments, measure_training_speed};
use crate::{
    cli::{progress::duration, stop_signals::StopSignal},
    plan::{Prepared, past_durations},
    run_directory::RunDirectory,
    scheduler::{
        forecast::{Bounds, Forecast, Measured, Origin, Place, Work, forecast},
        queue::Rules,
    },
    store::{Store, StoredUnit},
};

/// The estimated duration of the remaining units, in the form of `--format json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EstimateListing {
    /// The number of slots in the estimate.
    slots: usize,
    /// "cores" for this machine's cores, or "given".
    slots_are: &'static str,
    /// The number of remaining units, including those that wait for selections, without those given up.
    units: usize,
    /// The seconds of all remaining units on one slot.
    core_seconds: Bounds,
    /// The duration on these slots, in seconds.
    wall_seconds: Bounds,
    /// The origins of the seconds of an epoch.
    speed: Vec<Basis>,
    /// The origins of the numbers of epochs.
    epochs: Vec<Basis>,
    /// The run directories behind `other-runs`.
    other_runs: Vec<PathBuf>,
}

/// The origin of a number.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Basis {
    /// The origin.
    from: Origin,
    /// The share of the expected seconds.
    share: f64,
}

/// Forecasts the remaining work. The inner error is the signal that ended it.
pub(super) async fn estimate(
    arguments: &PlanArguments,
    directory: &RunDirectory,
    store: Option<&Store>,
    prepared: &Prepared,
    known: &BTreeMap<UnitId, StoredUnit>,
) -> Result<Result<(Forecast, EstimateListing), StopSignal>, Failure> {
    let slots = arguments.slots.map_or_else(crate::cli::cores, |slots| slots as usize);
    let rules = Rules::default();
    let wanted = |id| known.get(&id).is_none_or(|unit| unit.result.is_none() && !unit.is_given_up(&rules));
    let left = |id| wanted(id) && !prepared.track.is_skipped(id);
    let mut samples =
        store.map_or_else(|| Ok(Vec::new()), |store| past_durations::of_store(store, Place::ThisStudy))?;
    if arguments.measure {
        match measure_training_speed::measure(&prepared.plan, left, slots.min(crate::cli::cores())).await? {
            Ok(measured) => samples.extend(measured),
            Err(signal) => return Ok(Err(signal)),
        }
    }
    let mut other_runs = Vec::new();
    if past_durations::are_few(&samples, &models(&prepared.plan)) {
        for (path, others) in past_durations::beside(directory) {
            other_runs.push(path);
            samples.extend(others);
        }
    }
    let work = Work {
        study: &prepared.spec.study,
        plan: &prepared.plan,
        selections: &prepared.selections,
        dataset: &prepared.draws.first().digest,
    };
    let forecast = forecast(work, left, &Measured::new(samples), slots);
    let basis = |shares: &[(Origin, f64)]| shares.iter().map(|&(from, share)| Basis { from, share }).collect();
    let uses_others = |shares: &[(Origin, f64)]| shares.iter().any(|(origin, _)| *origin == Origin::OtherRuns);
    if !uses_others(&forecast.speed) && !uses_others(&forecast.epochs) {
        other_runs.clear();
    }
    let listing = EstimateListing {
        slots,
        slots_are: if arguments.slots.is_some() { "given" } else { "cores" },
        units: forecast.units,
        core_seconds: forecast.core_seconds,
        wall_seconds: forecast.wall_seconds,
        speed: basis(&forecast.speed),
        epochs: basis(&forecast.epochs),
        other_runs,
    };
    Ok(Ok((forecast, listing)))
}

/// The models of the plan, including those of waiting rows.
fn models(plan: &Plan) -> Vec<&str> {
    plan.stages.iter().flat_map(PlannedStage::models).collect()
}

impl EstimateListing {
    /// The estimate as text; empty if no unit is left.
    pub(super) fn text(&self) -> Vec<String> {
        if self.units == 0 {
            return Vec::new();
        }
        let slots = match (self.slots, self.slots_are) {
            (1, "cores") => "1 slot, this machine's core".to_owned(),
            (slots, "cores") => format!("{}, this machine's cores", count(slots, "slot")),
            (slots, _) => count(slots, "slot"),
        };
        let mut lines = vec![
            format!("to train: {} on {slots}", between(self.wall_seconds)),
            format!("          {} of one slot", between(self.core_seconds)),
            format!("  speed:  {}", self.basis(&self.speed)),
            format!("  epochs: {}", self.basis(&self.epochs)),
        ];
        if self.speed.iter().any(|basis| basis.from == Origin::Guess) {
            lines.push(
                "  a guessed speed may be wrong by a factor of 3 either way; `--measure` trains a few epochs here to find out".to_owned(),
            );
        }
        lines
    }

    fn basis(&self, all: &[Basis]) -> String {
        let one = |basis: &Basis| {
            let what = match basis.from {
                Origin::Spec => "as the spec says".to_owned(),
                Origin::MeasuredNow => "measured just now".to_owned(),
                Origin::SameConfiguration => "measured in this study, of equal configurations".to_owned(),
                Origin::SameModel => "measured in this study, of the same models".to_owned(),
                Origin::OtherRuns => format!("measured in {}", self.named_runs()),
                Origin::OtherModels => "a guess, corrected by what other models took in this study".to_owned(),
                Origin::Guess => "a guess, nothing was measured".to_owned(),
            };
            match all.len() {
                1 => what,
                _ => format!("{what} ({:.0} %)", 100.0 * basis.share),
            }
        };
        all.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// The names of at most three of the other runs.
    fn named_runs(&self) -> String {
        let mut names: Vec<String> = self.other_runs.iter().take(3).map(|path| path.display().to_string()).collect();
        if self.other_runs.len() > names.len() {
            names.push(format!("{} more", self.other_runs.len() - names.len()));
        }
        names.join(", ")
    }
}

/// The shortest duration, in seconds, that is shown as a number.
const SHORTEST: f64 = 0.1;

/// Examples: "12 s", or "< 0.1 s".
pub(super) fn shown(seconds: f64) -> String {
    if seconds < SHORTEST { format!("< {SHORTEST} s") } else { duration((1000.0 * seconds) as u64) }
}

/// Examples: "about 12 s (8.5 s to 40 s)", or "less than 0.1 s".
fn between(seconds: Bounds) -> String {
    if seconds.high < SHORTEST {
        return format!("less than {SHORTEST} s");
    }
    let Bounds { low, expected, high } = seconds;
    format!("about {} ({} to {})", shown(expected), shown(low), shown(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_told_as_nothing() {
        let told = |low, expected, high| between(Bounds { low, expected, high });
        assert_eq!(told(0.001, 0.002, 0.006), "less than 0.1 s");
        assert_eq!(told(0.02, 0.2, 0.6), "about 0.2 s (< 0.1 s to 0.6 s)");
        assert_eq!(told(8.5, 12.0, 40.0), "about 12 s (8.5 s to 40 s)");
    }
}
