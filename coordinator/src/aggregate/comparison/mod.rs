//! Comparisons of a stage's configurations: every pair's difference, its intervals, its effect size and its tests.
//!
//! `paired_t_test` tests mean errors, seed by seed; [`mcnemar`] and [`delong`] test the averaged predictions of a
//! hold-out. [`holm`] corrects each test for the number of pairs; [`effect_size`] computes the size.

use crate::{
    scheduler::ranking::{self, Rank},
    statistics::{
        delong, effect_size,
        exact::mean,
        holm, mcnemar,
        paired_t_test::{Difference, over_seeds},
    },
};

use super::{
    errors_by_seed::{BySeed, Columns, Paired, SEEDS_COVER},
    report_json::{
        Against, AucTestReport, ComparisonReport, ComparisonsReport, IntervalMethod, McNemarReport, TTestReport,
    },
    scored_predictions::Scored,
    split,
};

/// The largest number of configurations of a stage for a comparison of all pairs.
const ALL_PAIRS_MAX: usize = 12;

/// One configuration, to be compared with others of its stage.
pub(super) struct Contender {
    pub(super) number: usize,
    /// The seed and the error of each done unit.
    pub(super) errors: Vec<(u64, f64)>,
    /// The errors of its complete seeds.
    pub(super) by_seed: BySeed,
    /// Marks of the scored pairs that its averaged prediction classifies wrongly, or the reason for missing ones.
    pub(super) wrong: Result<Vec<bool>, String>,
    /// The averaged prediction's score of each scored pair, or the reason for missing ones.
    pub(super) scores: Result<Vec<f64>, String>,
    pub(super) rank: Rank,
}

/// The common data of a stage's comparisons.
struct Stage<'a> {
    columns: Columns,
    scored: &'a Scored,
}

/// A pair's report and the tests whose intervals depend on the number of pairs.
struct Tested {
    report: ComparisonReport,
    t_test: Option<Difference>,
    seeds_test: Option<Difference>,
}

/// Compares all pairs of configurations with these columns; of many configurations, each with the best one.
pub(super) fn compare(columns: Columns, scored: &Scored, contenders: &[Contender]) -> ComparisonsReport {
    let stage = Stage { columns, scored };
    if contenders.len() < 2 {
        let reason = Some("the stage has one configuration only".to_owned());
        return ComparisonsReport { against: Against::EachOther, best: None, reason, pairs: Vec::new() };
    }
    if contenders.len() <= ALL_PAIRS_MAX {
        let pairs = contenders.iter().enumerate();
        let pairs = pairs.flat_map(|(index, first)| contenders[index + 1..].iter().map(move |second| (first, second)));
        let pairs = corrected(pairs.map(|(first, second)| stage.pair(first, second)).collect());
        return ComparisonsReport { against: Against::EachOther, best: None, reason: None, pairs };
    }
    let Some(best) = ranking::best(contenders.iter().map(|one| (one, &one.rank))) else {
        let reason = Some("every configuration lacks results of units, so none is the best".to_owned());
        return ComparisonsReport { against: Against::Best, best: None, reason, pairs: Vec::new() };
    };
    let others = contenders.iter().filter(|other| other.number != best.number);
    let pairs = corrected(others.map(|other| stage.pair(other, best)).collect());
    ComparisonsReport { against: Against::Best, best: Some(best.number), reason: None, pairs }
}

impl Stage<'_> {
    fn pair(&self, first: &Contender, second: &Contender) -> Tested {
        let (method, rows) = (self.columns.method(), first.by_seed.minus(&second.by_seed));
        // A diverged unit ranks after every error, so a mean with one is not a number to compare.
        let are_numbers = first.rank.diverged() + second.rank.diverged() == 0;
        let unless_diverged = || if are_numbers { Ok(()) } else { Err("units of one of them diverged".to_owned()) };
        let Paired { seeds, difference, tested } = self.columns.paired(&rows, self.scored.clusters.as_deref());
        let tested = unless_diverged().and(tested);
        let one_set = method == IntervalMethod::SeedsExamples;
        let by_seed: Vec<f64> = rows.iter().filter_map(|row| mean(row)).collect();
        let of_seeds = unless_diverged().and_then(|()| match one_set {
            true => over_seeds(&by_seed),
            false => Err("the test is for one set of test pairs".to_owned()),
        });
        let is_shared = |(seed, _): &&(u64, f64)| first.by_seed.has(*seed) && second.by_seed.has(*seed);
        let [a, b] =
            [first, second].map(|one| one.errors.iter().filter(is_shared).map(|(_, error)| *error).collect::<Vec<_>>());
        let (hedges_g, hedges_g_reason) = split(unless_diverged().and_then(|()| effect_size::hedges_g(&a, &b)));
        let not_one_set = || {
            let of = if method == IntervalMethod::SeedsDraws { "draw of the data has" } else { "fold is scored by" };
            format!("the test is for one classifier each; every {of} another network")
        };
        Tested {
            report: ComparisonReport {
                first: first.number,
                second: second.number,
                difference: difference.filter(|_| are_numbers),
                hedges_g,
                hedges_g_reason,
                t_test: t_test(method, seeds, self.columns.covers(seeds), &tested),
                seeds_test: t_test(IntervalMethod::Seeds, seeds, SEEDS_COVER.to_owned(), &of_seeds),
                mcnemar: if one_set { same_pairs(first, second) } else { untested(not_one_set()) },
                auc_test: auc_test(if one_set { self.areas(first, second) } else { Err(not_one_set()) }),
            },
            t_test: tested.ok(),
            seeds_test: of_seeds.ok(),
        }
    }

    fn areas(&self, first: &Contender, second: &Contender) -> Result<delong::AucDifference, String> {
        delong::delong(
            first.scores.as_deref().map_err(String::clone)?,
            second.scores.as_deref().map_err(String::clone)?,
            &self.scored.labels,
        )
    }
}

fn t_test(method: IntervalMethod, seeds: usize, covers: String, tested: &Result<Difference, String>) -> TTestReport {
    let test = tested.as_ref().ok();
    TTestReport {
        method,
        seeds,
        t: test.map(|test| test.t),
        freedom: test.map(|test| test.freedom),
        p: test.map(|test| test.p),
        p_holm: None,
        ci95: test.map(|test| test.ci95),
        ci95_simultaneous: None,
        covers,
        reason: tested.as_ref().err().cloned(),
    }
}

fn same_pairs(first: &Contender, second: &Contender) -> McNemarReport {
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

fn auc_test(tested: Result<delong::AucDifference, String>) -> AucTestReport {
    let (test, reason) = split(tested);
    AucTestReport {
        difference: test.map(|test| test.difference),
        standard_error: test.map(|test| test.standard_error),
        ci95: test.map(|test| test.ci95),
        p: test.map(|test| test.p),
        p_holm: None,
        reason,
    }
}

/// Applies Holm's correction to each kind of test, and adds the simultaneous intervals for this many tests.
fn corrected(mut pairs: Vec<Tested>) -> Vec<ComparisonReport> {
    let holm = |p: fn(&Tested) -> Option<f64>| holm::holm(&pairs.iter().map(p).collect::<Vec<_>>());
    let corrected = [
        holm(|pair| pair.report.t_test.p),
        holm(|pair| pair.report.seeds_test.p),
        holm(|pair| pair.report.mcnemar.p),
        holm(|pair| pair.report.auc_test.p),
    ];
    let tests = |test: fn(&Tested) -> &Option<Difference>| pairs.iter().filter(|pair| test(pair).is_some()).count();
    let (t_tests, seeds_tests) = (tests(|pair| &pair.t_test), tests(|pair| &pair.seeds_test));
    for (index, Tested { report, t_test, seeds_test }) in pairs.iter_mut().enumerate() {
        report.t_test.ci95_simultaneous = t_test.map(|test| test.simultaneous(t_tests));
        report.seeds_test.ci95_simultaneous = seeds_test.map(|test| test.simultaneous(seeds_tests));
        report.t_test.p_holm = corrected[0][index];
        report.seeds_test.p_holm = corrected[1][index];
        report.mcnemar.p_holm = corrected[2][index];
        report.auc_test.p_holm = corrected[3][index];
    }
    pairs.into_iter().map(|pair| pair.report).collect()
}
