//! What a rung says of those that have raced to it.

use seedgrid_common::spec::RaceRule;

use super::{BlockErrors, friedman::Friedman, wilcoxon::wilcoxon};

/// What a rung says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The test of whether anybody differs; None where the rule makes none, or nobody is left to be tested.
    pub test: Option<Test>,
    /// Of each contender, in the order given.
    pub contenders: Vec<Judged>,
}

/// The test of whether anybody differs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// Which.
    pub kind: TestKind,
    /// Its statistic; None where nobody differs in any fold.
    pub statistic: Option<f64>,
    /// Degrees of freedom of Friedman's.
    pub freedom: Option<usize>,
    /// Two-sided; to 8 digits.
    pub p: Option<f64>,
}

/// Which test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestKind {
    /// Friedman's, of three or more.
    Friedman,
    /// Wilcoxon's signed ranks, of two.
    Wilcoxon,
}

/// What a rung says of one contender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Its mean error over the folds so far.
    pub error: f64,
    /// Its ranks in these folds added up, the best having rank 1; None where the rule does not go by ranks.
    pub rank_sum: Option<f64>,
    /// Of its comparison with the best, where that was made: two-sided; to 8 digits.
    pub p: Option<f64>,
    /// Whether it leaves.
    pub leaves: bool,
}

/// Judges contenders by their errors in the same folds. Depends on nothing else.
pub fn judge(rule: RaceRule, contenders: &[&BlockErrors]) -> Judgement {
    let mut judged: Vec<Judged> = contenders
        .iter()
        .map(|errors| Judged { error: errors.mean(), rank_sum: None, p: None, leaves: false })
        .collect();
    if contenders.len() < 2 {
        return Judgement { test: None, contenders: judged };
    }
    let test = match rule {
        RaceRule::Friedman { alpha, .. } => Some(by_ranks(alpha, contenders, &mut judged)),
        RaceRule::Halving { .. } => {
            halve(rule, contenders, &mut judged);
            None
        }
    };
    Judgement { test, contenders: judged }
}

/// The best ones stay, and everyone who is as good as the last of them: the order of the file does not decide.
fn halve(rule: RaceRule, contenders: &[&BlockErrors], judged: &mut [Judged]) {
    let mut sums: Vec<u64> = contenders.iter().map(|errors| errors.sum()).collect();
    let staying = rule.staying(sums.len()).unwrap_or(sums.len());
    let errors = sums.clone();
    sums.sort_unstable();
    let worst = sums.get(staying.saturating_sub(1)).copied().unwrap_or(u64::MAX);
    judged.iter_mut().zip(errors).for_each(|(judged, error)| judged.leaves = error > worst);
}

/// If anybody differs, those that differ from the best leave.
fn by_ranks(alpha: f64, contenders: &[&BlockErrors], judged: &mut [Judged]) -> Test {
    let errors: Vec<&[u64]> = contenders.iter().map(|errors| errors.0.as_slice()).collect();
    let friedman = Friedman::new(&errors);
    for (judged, doubled) in judged.iter_mut().zip(&friedman.doubled) {
        judged.rank_sum = Some(*doubled as f64 / 2.0);
    }
    if let [first, second] = errors[..] {
        let test = wilcoxon(first, second);
        if let Some(test) = test.filter(|test| test.p < alpha) {
            let worse = &mut judged[usize::from(!test.first_is_worse)];
            (worse.p, worse.leaves) = (Some(test.p), true);
        }
        let (statistic, p) = test.map(|test| (test.statistic, test.p)).unzip();
        return Test { kind: TestKind::Wilcoxon, statistic, freedom: None, p };
    }
    let p = friedman.p();
    if p.is_some_and(|p| p < alpha) {
        for (judged, p) in judged.iter_mut().zip(friedman.against_best()) {
            (judged.p, judged.leaves) = (Some(p), p < alpha);
        }
    }
    Test { kind: TestKind::Friedman, statistic: friedman.statistic(), freedom: Some(friedman.freedom()), p }
}
