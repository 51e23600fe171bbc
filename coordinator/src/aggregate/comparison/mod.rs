//! Whether a stage's configurations differ: every pair's difference, its interval, its effect size and its tests.
//!
//! Hold-out: Welch's test over seeds ([`welch`]) and McNemar's over test pairs ([`mcnemar`]). Cross-validation: Nadeau and
//! Bengio's test over (fold, seed) ([`resampled`]). On several draws of the data: a paired test over draws ([`drawn`]). [`holm`] corrects each for the number of pairs; [`effect`] is the size.

mod drawn;
mod effect;
#[cfg(test)]
mod fixtures;
mod holm;
mod mcnemar;
mod resampled;
mod welch;

use std::collections::BTreeMap;

pub(crate) use resampled::resampled;
pub(crate) use welch::welch;

use seedgrid_common::{spec::Evaluation, unit::Fold};

use super::{
    document::{Against, ComparisonReport, ComparisonsReport, McNemarReport, TTestMethod, TTestReport},
    scored::Cell,
    spread::mean,
    student::{quantile_975, two_sided},
};

/// Most configurations of a stage of which all pairs are compared.
const ALL_PAIRS_MAX: usize = 12;

/// Deviations below this are rounding: error rates are multiples of one in some thousands.
const NOTHING: f64 = 1e-12;

/// One configuration, to be compared with others of its stage.
pub(super) struct Contender<'a> {
    pub(super) number: usize,
    pub(super) cells: Vec<Cell<'a>>,
    /// Which scored pairs its averaged prediction classifies wrongly; or why there is none.
    pub(super) wrong: Result<Vec<bool>, String>,
}

/// A difference of two means, tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    t: f64,
    freedom: f64,
    p: f64,
    pub(crate) ci95: [f64; 2],
}

impl Difference {
    /// Student's t test of a difference with this standard error, above 0.
    fn of(difference: f64, standard_error: f64, freedom: f64) -> Self {
        let half = quantile_975(freedom) * standard_error;
        let t = difference / standard_error;
        Self { t, freedom, p: two_sided(t, freedom), ci95: [difference - half, difference + half] }
    }
}

/// Compares all pairs of configurations that were trained on so many draws of the data; of many configurations each with the one of the lowest mean error.
pub(super) fn compare(evaluation: Evaluation, draws: usize, contenders: &[Contender<'_>]) -> ComparisonsReport {
    let pair = |first: &Contender<'_>, second: &Contender<'_>| pair(evaluation, draws, first, second);
    if contenders.len() < 2 {
        let reason = Some("the stage has one configuration only".to_owned());
        return ComparisonsReport { against: Against::EachOther, best: None, reason, pairs: Vec::new() };
    }
    if contenders.len() <= ALL_PAIRS_MAX {
        let pairs = contenders.iter().enumerate();
        let pairs = pairs.flat_map(|(index, first)| contenders[index + 1..].iter().map(move |second| (first, second)));
        let pairs = corrected(pairs.map(|(first, second)| pair(first, second)).collect());
        return ComparisonsReport { against: Against::EachOther, best: None, reason: None, pairs };
    }
    let Some(best) = best(contenders) else {
        let reason = Some("no configuration has a mean error yet".to_owned());
        return ComparisonsReport { against: Against::Best, best: None, reason, pairs: Vec::new() };
    };
    let others = contenders.iter().filter(|other| other.number != best.number);
    let pairs = corrected(others.map(|other| pair(other, best)).collect());
    ComparisonsReport { against: Against::Best, best: Some(best.number), reason: None, pairs }
}

/// The contender of the lowest mean error among those that no race stopped; the first of equals.
fn best<'c, 'a>(contenders: &'c [Contender<'a>]) -> Option<&'c Contender<'a>> {
    let stopped = |one: &Contender<'_>| one.cells.iter().any(Cell::is_skipped);
    let errors = contenders.iter().filter_map(|one| Some((one, (stopped(one), mean(&errors(&one.cells))?))));
    errors.reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(one, _)| one)
}

fn errors(cells: &[Cell<'_>]) -> Vec<f64> {
    cells.iter().filter_map(Cell::error).collect()
}

fn pair(evaluation: Evaluation, draws: usize, first: &Contender<'_>, second: &Contender<'_>) -> ComparisonReport {
    let (method, values, tested) = match evaluation {
        _ if draws > 1 => {
            let values = shared(&first.cells, &second.cells);
            (TTestMethod::PairedDraws, values, drawn::paired(&first.cells, &second.cells))
        }
        Evaluation::Holdout => {
            let values = (errors(&first.cells), errors(&second.cells));
            let tested = welch::welch(&values.0, &values.1);
            (TTestMethod::Welch, values, tested)
        }
        Evaluation::Folds(folds) => {
            let values = shared(&first.cells, &second.cells);
            let differences: Vec<f64> = values.0.iter().zip(&values.1).map(|(a, b)| a - b).collect();
            (TTestMethod::CorrectedResampled, values, resampled::resampled(&differences, folds))
        }
    };
    let difference = mean(&values.0).zip(mean(&values.1)).map(|(first, second)| first - second);
    let (hedges_g, hedges_g_reason) = split(effect::hedges_g(&values.0, &values.1));
    let (tested, reason) = split(tested);
    ComparisonReport {
        first: first.number,
        second: second.number,
        difference,
        ci95: tested.map(|test| test.ci95),
        hedges_g,
        hedges_g_reason,
        t_test: TTestReport {
            method,
            n_first: values.0.len(),
            n_second: values.1.len(),
            t: tested.map(|test| test.t),
            freedom: tested.map(|test| test.freedom),
            p: tested.map(|test| test.p),
            p_holm: None,
            reason,
        },
        mcnemar: match evaluation {
            _ if draws > 1 => {
                untested("the test is for one classifier each; every draw of the data has another network".to_owned())
            }
            Evaluation::Holdout => same_pairs(first, second),
            Evaluation::Folds(_) => {
                untested("the test is for one classifier each; every fold is scored by another network".to_owned())
            }
        },
    }
}

/// Both configurations' errors, in the same order, on every draw, seed and fold that both have done.
fn shared(first: &[Cell<'_>], second: &[Cell<'_>]) -> (Vec<f64>, Vec<f64>) {
    let place = |cell: &Cell<'_>| -> (u64, u64, Fold) { (cell.data_seed, cell.unit.seed, cell.unit.fold) };
    let others: BTreeMap<_, f64> = second.iter().filter_map(|cell| Some((place(cell), cell.error()?))).collect();
    first.iter().filter_map(|cell| Some((cell.error()?, *others.get(&place(cell))?))).unzip()
}

fn same_pairs(first: &Contender<'_>, second: &Contender<'_>) -> McNemarReport {
    let (a, b) = match (&first.wrong, &second.wrong) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(reason), _) | (_, Err(reason)) => return untested(reason.clone()),
    };
    let test = mcnemar::mcnemar(a, b);
    McNemarReport {
        first_only_wrong: Some(test.first_only),
        second_only_wrong: Some(test.second_only),
        p: test.p,
        p_holm: None,
        reason: test.p.is_none().then(|| "both averaged predictions are wrong on the same test pairs".to_owned()),
    }
}

fn untested(reason: String) -> McNemarReport {
    McNemarReport { first_only_wrong: None, second_only_wrong: None, p: None, p_holm: None, reason: Some(reason) }
}

fn split<T>(result: Result<T, String>) -> (Option<T>, Option<String>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(reason) => (None, Some(reason)),
    }
}

/// With Holm's correction over all of them, each test by itself.
fn corrected(mut pairs: Vec<ComparisonReport>) -> Vec<ComparisonReport> {
    let t_tests = holm::holm(&pairs.iter().map(|pair| pair.t_test.p).collect::<Vec<_>>());
    let mcnemars = holm::holm(&pairs.iter().map(|pair| pair.mcnemar.p).collect::<Vec<_>>());
    for ((pair, t_test), mcnemar) in pairs.iter_mut().zip(t_tests).zip(mcnemars) {
        pair.t_test.p_holm = t_test;
        pair.mcnemar.p_holm = mcnemar;
    }
    pairs
}
