//! The decision at a rung of a race: which configurations leave and which stay. The numbers of folds at which rungs are
//! decided are [`RaceRule`]'s.

use seedgrid_common::{matrix::PlannedConfiguration, spec::RaceRule, unit::UnitId};

use super::{BlockErrors, LeaveReason, Leaver, error_blocks::BlockError};
use crate::scheduler::ranking::{Ended, Rank};
use crate::statistics::{
    friedman::Friedman,
    mean_error::MeanError,
    wilcoxon::{Wilcoxon, wilcoxon},
};

/// The judgement at a rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The test of whether any contender differs; None if the rule has no test, or too few contenders are left.
    pub test: Option<Test>,
    /// The judgement of each contender, in the order given.
    pub contenders: Vec<JudgedContender>,
}

/// The test of whether any contender differs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The kind of test.
    pub kind: TestKind,
    /// The test statistic; None if no contender differs in any fold.
    pub statistic: Option<f64>,
    /// Degrees of freedom of Friedman's test.
    pub freedom: Option<usize>,
    /// The two-sided p-value, to 8 digits.
    pub p: Option<f64>,
}

/// The kind of test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestKind {
    /// Friedman's test, of three or more contenders.
    Friedman,
    /// Wilcoxon's signed-rank test, of two contenders.
    Wilcoxon,
}

/// The judgement of one contender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedContender {
    /// The contender's mean error over the folds so far; None if a unit diverged.
    pub error: Option<f64>,
    /// The sum of the contender's ranks in these folds, the best having rank 1; None if the rule does not use ranks.
    pub rank_sum: Option<f64>,
    /// The two-sided p-value of its comparison with the best, to 8 digits; None without that comparison.
    pub p: Option<f64>,
    /// The reason for which the contender leaves, if it does.
    pub leaves: Option<LeaveReason>,
}

/// Whether a rung with these configurations is decided. The last configuration is not judged: it is trained to its end, so
/// that its error covers all folds.
pub(super) fn is_due(racing: &[usize]) -> bool {
    racing.len() >= 2
}

/// The configurations that leave after `at` folds: those with a failed unit, and those that the rule excludes.
pub(super) fn decide(
    rule: RaceRule,
    at: u32,
    candidates: &[&PlannedConfiguration],
    racing: &[usize],
    ended: &impl Fn(UnitId) -> Option<Ended>,
) -> Vec<Leaver> {
    let blocks: Vec<(usize, Option<BlockErrors>)> =
        racing.iter().map(|&place| (place, BlockErrors::from_units(candidates[place], at, ended))).collect();
    let complete: Vec<&BlockErrors> = blocks.iter().filter_map(|(_, errors)| errors.as_ref()).collect();
    let mut judged = judge(rule, &complete).contenders.into_iter();
    let leaver = |(place, errors): (usize, Option<BlockErrors>)| match errors {
        Some(_) => judged.next()?.leaves.map(|why| Leaver { place, why }),
        None => Some(Leaver { place, why: LeaveReason::Incomplete }),
    };
    blocks.into_iter().filter_map(leaver).collect()
}

/// Judges contenders by their errors in the same folds, and by nothing else.
///
/// Contenders with more diverged units than another leave first: a selection ranks all others above them. The rule
/// judges the rest.
pub fn judge(rule: RaceRule, contenders: &[&BlockErrors]) -> Judgement {
    let fewest = contenders.iter().map(|errors| errors.all.diverged()).min().unwrap_or_default();
    let mut judged: Vec<JudgedContender> = contenders
        .iter()
        .map(|errors| JudgedContender {
            error: errors.all.mean().map(MeanError::to_f64),
            rank_sum: None,
            p: None,
            leaves: (errors.all.diverged() > fewest).then_some(LeaveReason::Diverged),
        })
        .collect();
    let mut rest: Vec<(&BlockErrors, &mut JudgedContender)> =
        contenders.iter().copied().zip(&mut judged).filter(|(_, judged)| judged.leaves.is_none()).collect();
    if rest.len() < 2 {
        return Judgement { test: None, contenders: judged };
    }
    let test = match rule {
        RaceRule::Friedman { alpha, .. } => Some(by_ranks(alpha, &mut rest)),
        RaceRule::Halving { .. } => {
            halve(rule, contenders.len(), &mut rest);
            None
        }
    };
    Judgement { test, contenders: judged }
}

/// Keeps the best share of `all` contenders, and every contender that equals the last of them: the order in the file is
/// irrelevant.
fn halve(rule: RaceRule, all: usize, rest: &mut [(&BlockErrors, &mut JudgedContender)]) {
    let mut ranks: Vec<&Rank> = rest.iter().map(|(errors, _)| &errors.all).collect();
    ranks.sort_unstable();
    let staying = rule.staying(all).unwrap_or(all);
    let Some(worst) = ranks.get(staying.saturating_sub(1)).copied() else { return };
    for (errors, judged) in rest {
        judged.leaves = (errors.all > *worst).then_some(LeaveReason::Outraced);
    }
}

/// Wilcoxon's test of two contenders, fold by fold.
pub(super) fn signed_ranks(first: &[BlockError], second: &[BlockError]) -> Option<Wilcoxon> {
    wilcoxon(first.iter().zip(second).filter_map(|(first, second)| first.against(second)))
}

/// If any contender differs, those that differ from the best leave.
fn by_ranks(alpha: f64, rest: &mut [(&BlockErrors, &mut JudgedContender)]) -> Test {
    let errors: Vec<&[BlockError]> = rest.iter().map(|(errors, _)| errors.folds.as_slice()).collect();
    let friedman = Friedman::new(&errors);
    for ((_, judged), doubled) in rest.iter_mut().zip(&friedman.doubled) {
        judged.rank_sum = Some(*doubled as f64 / 2.0);
    }
    if let [first, second] = errors[..] {
        let test = signed_ranks(first, second);
        if let Some(test) = test.filter(|test| test.p < alpha) {
            let (_, worse) = &mut rest[usize::from(!test.first_is_worse)];
            (worse.p, worse.leaves) = (Some(test.p), Some(LeaveReason::Outraced));
        }
        let (statistic, p) = test.map(|test| (test.statistic, test.p)).unzip();
        return Test { kind: TestKind::Wilcoxon, statistic, freedom: None, p };
    }
    let p = friedman.p();
    if p.is_some_and(|p| p < alpha) {
        for ((_, judged), p) in rest.iter_mut().zip(friedman.against_best()) {
            (judged.p, judged.leaves) = (Some(p), (p < alpha).then_some(LeaveReason::Outraced));
        }
    }
    Test { kind: TestKind::Friedman, statistic: friedman.statistic(), freedom: Some(friedman.freedom()), p }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(wrong: &[u32]) -> Vec<BlockError> {
        wrong.iter().map(|wrong| BlockError { diverged: 0, mean: MeanError::from_counts([(*wrong, 1000)]) }).collect()
    }

    #[test]
    fn blocks_that_tell_nothing_are_no_test() {
        assert_eq!(signed_ranks(&blocks(&[5, 7]), &blocks(&[5, 7])), None);
    }

    #[test]
    fn a_diverged_block_is_the_largest_difference() {
        let mut first = blocks(&[0, 0, 0]);
        first[2] = BlockError { diverged: 1, mean: None };
        // Ranks 1 and 2 against rank 3.
        let test = signed_ranks(&first, &blocks(&[10, 1000, 1000])).unwrap();
        assert_eq!((test.statistic, test.p), (3.0, 1.0));
    }
}
