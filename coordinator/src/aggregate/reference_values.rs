//! A stage's configurations next to published values, and whether chance explains the difference.

use seedgrid_common::{
    matrix::PlannedStage,
    spec::{Evaluation, Reference},
};

use super::report_json::{ConfigurationReport, FoundError, ReferenceReport, Verdict};
use crate::statistics::student_t::quantile;

/// Each reference for this stage next to every configuration that it matches.
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
                .map(|(_, row)| compare(reference, planned, row))
        })
        .collect()
}

/// References for the stage that match none of its configurations, all of which are known.
pub(super) fn idle(references: &[Reference], planned: &PlannedStage) -> Vec<String> {
    // If nothing was selected, the spec's own check has covered this.
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

fn compare(reference: &Reference, planned: &PlannedStage, row: &ConfigurationReport) -> ReferenceReport {
    let interval = &row.error.interval;
    let ours = FoundError {
        error: row.error.spread.mean,
        std: row.error.spread.std,
        n: Some(row.n),
        epochs: row.epochs.mean,
        pairs: row.draw.pairs,
        standard_error: interval.standard_error,
        draw_standard_error: row.draw.standard_error,
    };
    let pairs = reference.pairs.map_or(row.draw.pairs, |pairs| pairs as usize);
    let [of_seeds, of_draw] = their_parts(reference, planned, row, pairs);
    let parts: Vec<(f64, f64)> = [of_seeds, of_draw].into_iter().flatten().collect();
    let theirs = FoundError {
        error: Some(reference.error),
        std: reference.std,
        n: reference.n.map(|n| n as usize),
        epochs: reference.epochs,
        pairs,
        standard_error: Some(parts.iter().map(|(error, _)| error * error).sum::<f64>().sqrt()),
        draw_standard_error: of_draw.map(|(error, _)| error),
    };
    let difference = ours.error.map(|error| error - reference.error);
    let sure = interval.standard_error.zip(interval.freedom).map(|ours| [&[ours][..], &parts].concat());
    let [uncertainty95, uncertainty90] = [0.025, 0.05].map(|above| sure.as_deref().map(|sure| half_width(sure, above)));
    let verdict = difference
        .zip(uncertainty95.zip(uncertainty90))
        .map(|(difference, halves)| verdict(difference, halves, reference.error, reference.margin));
    let reason = match (difference, uncertainty95) {
        (Some(_), Some(_)) => None,
        (None, _) if row.diverged() => row.error.spread.reason.clone(),
        (None, _) => Some("no unit of this configuration is done".to_owned()),
        (Some(_), None) => interval.reason.clone(),
    };
    ReferenceReport {
        configuration: row.number,
        given: reference.given.clone(),
        source: reference.source.clone(),
        ours,
        theirs,
        difference,
        uncertainty95,
        uncertainty90,
        margin: reference.margin,
        verdict,
        reason,
        note: reference.note.clone(),
    }
}

/// The verdict on a difference with these half widths, of 95 and of 90 %.
fn verdict(difference: f64, (half95, half90): (f64, f64), error: f64, margin: Option<f64>) -> Verdict {
    match margin {
        _ if difference.abs() > half95 => Verdict::Differs,
        Some(margin) if difference.abs() + half90 <= margin => Verdict::Equivalent,
        margin if half95 > margin.unwrap_or(error / 2.0) => Verdict::TooUncertain,
        _ => Verdict::Within,
    }
}

/// The standard errors of the reference, with their degrees of freedom: from its seeds, then from its draw of the
/// pairs. The draw's effect on its error is assumed to equal the effect on ours; a reference without a deviation counts
/// as exact over its seeds.
fn their_parts(
    reference: &Reference,
    planned: &PlannedStage,
    row: &ConfigurationReport,
    pairs: usize,
) -> [Option<(f64, f64)>; 2] {
    let of_seeds = reference.std.zip(reference.n).map(|(std, n)| (std / (n as f64).sqrt(), n as f64 - 1.0));
    let binomial = |error: f64| error * (1.0 - error);
    let one_draw = (pairs > 0).then(|| (binomial(reference.error) / pairs as f64).sqrt());
    let draw = match (planned.evaluation, of_seeds) {
        // One draw more, with the effect of our draws, and at least the effect of its test pairs.
        _ if planned.data_seeds.len() > 1 => {
            let freedom = row.error.interval.freedom.unwrap_or(f64::INFINITY);
            [row.draw.draws_std, one_draw].into_iter().flatten().reduce(f64::max).map(|error| (error, freedom))
        }
        // Folds score different pairs, so the variation over them already contains the draw of the pairs.
        (Evaluation::Folds(_), Some(_)) => None,
        (Evaluation::Folds(_) | Evaluation::Holdout, _) => {
            let share = row.draw.standard_error.zip(row.error.spread.mean).and_then(|(measured, error)| {
                let most = binomial(error) / row.draw.pairs as f64;
                (most > 0.0).then(|| (measured / most.sqrt()).min(1.0))
            });
            one_draw.map(|error| (error * share.unwrap_or(1.0), f64::INFINITY))
        }
    };
    [of_seeds, draw]
}

/// Half the width of the interval of a sum of independent parts, each with its standard error and degrees of freedom
/// (possibly infinite), with the probability `above` beyond either end: `t(1 - above, f) * sqrt(sum of squared standard
/// errors)`, f by Welch and Satterthwaite.
pub(crate) fn half_width(parts: &[(f64, f64)], above: f64) -> f64 {
    let variance: f64 = parts.iter().map(|(standard_error, _)| standard_error.powi(2)).sum();
    if variance == 0.0 {
        return 0.0;
    }
    let spent: f64 =
        parts.iter().map(|(standard_error, freedom)| (standard_error.powi(2) / variance).powi(2) / freedom).sum();
    quantile(above, 1.0 / spent) * variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_interval_is_no_agreement() {
        let of = |difference, half, margin| verdict(difference, (half, half * 0.84), 0.2, margin);
        assert_eq!(of(0.3, 1.48, None), Verdict::TooUncertain);
        assert_eq!(of(0.01, 0.03, None), Verdict::Within);
        assert_eq!(of(-0.04, 0.03, None), Verdict::Differs);
        assert_eq!(of(0.01, 0.03, Some(0.05)), Verdict::Equivalent);
        assert_eq!(of(0.02, 0.04, Some(0.05)), Verdict::Within);
        assert_eq!(of(0.01, 0.06, Some(0.05)), Verdict::TooUncertain);
        assert_eq!(of(0.04, 0.03, Some(0.05)), Verdict::Differs, "a margin does not hide a difference");
    }
}
