//! A stage's configurations next to values that others found, and whether chance explains the difference.

use seedgrid_common::{
    matrix::PlannedStage,
    spec::{Evaluation, Reference},
};

use super::{
    document::{ConfigurationReport, DrawMethod, DrawReport, FoundError, ReferenceReport, Verdict},
    spread::binomial_standard_error,
    student::quantile_975,
};

/// Every reference for this stage next to every configuration that it is for.
pub(super) fn next_to(
    references: &[Reference],
    planned: &PlannedStage,
    rows: &[ConfigurationReport],
) -> Vec<ReferenceReport> {
    let of_stage = references.iter().filter(|reference| reference.stage == planned.name);
    of_stage
        .flat_map(|reference| {
            let configurations = planned.configurations.iter().zip(rows);
            configurations
                .filter(|(planned, _)| reference.is_for(&planned.configuration))
                .map(|(_, row)| compare(reference, planned.evaluation, row))
        })
        .collect()
}

/// References for the stage that are for none of its configurations, all of which are known.
pub(super) fn idle(references: &[Reference], planned: &PlannedStage) -> Vec<String> {
    // Where nothing was selected, the spec's own check has seen to it.
    let selected = planned.configurations.iter().any(|one| one.from.is_some());
    if !selected || !planned.waiting.is_empty() {
        return Vec::new();
    }
    let for_nothing = |reference: &&Reference| {
        reference.stage == planned.name
            && !planned.configurations.iter().any(|one| reference.is_for(&one.configuration))
    };
    let label = |reference: &Reference| {
        let values: String = reference.given.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{}{values} ({})", reference.model, reference.source)
    };
    references.iter().filter(for_nothing).map(label).collect()
}

fn compare(reference: &Reference, evaluation: Evaluation, row: &ConfigurationReport) -> ReferenceReport {
    let ours = FoundError {
        error: row.error.spread.mean,
        std: row.error.spread.std,
        n: Some(row.n),
        epochs: row.epochs.mean,
        pairs: row.draw.pairs,
        units_standard_error: row.error.standard_error,
        draw_standard_error: row.draw.standard_error,
    };
    let pairs = reference.pairs.map_or(row.draw.pairs, |pairs| pairs as usize);
    let theirs = FoundError {
        error: Some(reference.error),
        std: reference.std,
        n: reference.n.map(|n| n as usize),
        epochs: reference.epochs,
        pairs,
        units_standard_error: reference.std.zip(reference.n).map(|(std, n)| std / (n as f64).sqrt()),
        draw_standard_error: (pairs > 0).then(|| binomial_standard_error(reference.error, pairs)),
    };
    let [ours, theirs] = match row.draw.method {
        DrawMethod::Binomial => [ours, theirs].map(|side| counted_once(side, evaluation)),
        DrawMethod::Draws => over_draws(ours, theirs, &row.draw),
    };
    let difference = ours.error.map(|error| error - reference.error);
    let their_draws = match row.draw.method {
        DrawMethod::Binomial => f64::INFINITY,
        DrawMethod::Draws => row.error.freedom.unwrap_or(f64::INFINITY),
    };
    let uncertainty95 = uncertainty(&ours, row.error.freedom, &theirs, their_draws);
    let verdict = difference.zip(uncertainty95).map(|(difference, uncertainty)| {
        if difference.abs() <= uncertainty { Verdict::Within } else { Verdict::Differs }
    });
    let reason = match (difference, uncertainty95) {
        (Some(_), Some(_)) => None,
        (None, _) => Some("no unit of this configuration is done".to_owned()),
        (Some(_), None) => row.error.ci95_reason.clone(),
    };
    ReferenceReport {
        configuration: row.number,
        given: reference.given.clone(),
        source: reference.source.clone(),
        ours,
        theirs,
        difference,
        uncertainty95,
        verdict,
        reason,
        note: reference.note.clone(),
    }
}

/// Folds score different pairs, so what varies over them has the draw of the pairs in it already.
fn counted_once(side: FoundError, evaluation: Evaluation) -> FoundError {
    match (evaluation, side.units_standard_error) {
        (Evaluation::Folds(_), Some(_)) => FoundError { draw_standard_error: None, ..side },
        (Evaluation::Folds(_), None) | (Evaluation::Holdout, _) => side,
    }
}

/// What varies over our draws has the seeds in it already; theirs is one draw, which varies as ours do, and at least as its test
/// pairs make it.
fn over_draws(ours: FoundError, theirs: FoundError, draw: &DrawReport) -> [FoundError; 2] {
    let draw_standard_error = [draw.draws_std, theirs.draw_standard_error].into_iter().flatten().reduce(f64::max);
    [FoundError { draw_standard_error: None, ..ours }, FoundError { draw_standard_error, ..theirs }]
}

/// `t(0.975, f) * sqrt(sum of squared standard errors)`, f by Welch and Satterthwaite: each side's units have n - 1 degrees of
/// freedom, draws of pairs whose variance follows from the error have no end of them, and `their_draws` are those of a variance
/// that was measured over our draws. None where our own spread is not
/// known; a reference without one counts as exact.
pub(super) fn uncertainty(
    ours: &FoundError,
    freedom: Option<f64>,
    theirs: &FoundError,
    their_draws: f64,
) -> Option<f64> {
    let their_freedom = theirs.n.map_or(f64::INFINITY, |n| n as f64 - 1.0);
    let parts = [
        (ours.units_standard_error?, freedom?),
        (ours.draw_standard_error.unwrap_or(0.0), f64::INFINITY),
        (theirs.units_standard_error.unwrap_or(0.0), their_freedom),
        (theirs.draw_standard_error.unwrap_or(0.0), their_draws),
    ];
    Some(half_width(&parts))
}

/// Half the width of a 95 % interval of a sum of independent parts, each with its standard error and degrees of freedom (maybe
/// without end): `t(0.975, f) * sqrt(sum of squared standard errors)`, f by Welch and Satterthwaite.
pub(crate) fn half_width(parts: &[(f64, f64)]) -> f64 {
    let variance: f64 = parts.iter().map(|(standard_error, _)| standard_error.powi(2)).sum();
    if variance == 0.0 {
        return 0.0;
    }
    let spent: f64 =
        parts.iter().map(|(standard_error, freedom)| (standard_error.powi(2) / variance).powi(2) / freedom).sum();
    quantile_975(1.0 / spent) * variance.sqrt()
}
