//! The components of the errors' variance: the draw of the data and the seed.

use super::exact::mean;

/// The variance of errors over several draws of the data with several seeds each, split in two by a one-way random
/// effects analysis of variance (Searle, Casella and McCulloch 1992, Variance Components, section 3.6).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Components {
    /// Standard deviation over draws, of an error averaged over infinitely many seeds: `sqrt((MSB - MSW) / n0)`. None
    /// if MSB is below MSW: the draws' means then differ no more than the seeds make them differ, and their own part is
    /// indistinguishable from 0.
    pub(crate) draws: Option<f64>,
    /// Standard deviation over seeds within a draw: `sqrt(MSW)`.
    pub(crate) seeds: f64,
}

/// The components of `errors`, one list for each draw with one value for each seed. With D draws, N values and n_d of them in
/// draw d, `MSB = sum n_d (mean_d - mean)^2 / (D - 1)`, `MSW = sum (x - mean_d)^2 / (N - D)` and
/// `n0 = (N - sum n_d^2 / N) / (D - 1)`. Draws without values are left out.
pub(crate) fn components(errors: &[Vec<f64>]) -> Result<Components, String> {
    let groups: Vec<(&[f64], f64)> = errors.iter().filter_map(|one| Some((one.as_slice(), mean(one)?))).collect();
    let values: Vec<f64> = groups.iter().flat_map(|(values, _)| values.iter().copied()).collect();
    let (draws, n) = (groups.len() as f64, values.len() as f64);
    if groups.len() < 2 {
        return Err("it needs two draws of the data with done units".to_owned());
    }
    if values.len() == groups.len() {
        return Err(
            "it needs two seeds on one draw of the data: with one each, the two cannot be told apart".to_owned()
        );
    }
    let center = mean(&values).unwrap_or_default();
    let between: f64 = groups.iter().map(|(values, mean)| values.len() as f64 * (mean - center).powi(2)).sum();
    let within: f64 =
        groups.iter().flat_map(|(values, mean)| values.iter().map(move |value| (value - mean).powi(2))).sum();
    let (msb, msw) = (between / (draws - 1.0), within / (n - draws));
    let squares: f64 = groups.iter().map(|(values, _)| (values.len() as f64).powi(2)).sum();
    let n0 = (n - squares / n) / (draws - 1.0);
    let draws = (msb > msw).then(|| ((msb - msw) / n0).sqrt());
    Ok(Components { draws, seeds: msw.sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_draw_or_one_seed_tells_nothing() {
        assert!(components(&[vec![0.1, 0.2], vec![]]).unwrap_err().contains("two draws"));
        assert!(components(&[vec![0.1], vec![0.2]]).unwrap_err().contains("two seeds"));
        assert!(components(&[]).is_err());
    }

    #[test]
    fn draws_that_differ_less_than_seeds_have_no_deviation_of_their_own() {
        let same = components(&[vec![0.1, 0.3], vec![0.3, 0.1]]).unwrap();
        assert_eq!(same.draws, None, "an estimate of 0 would claim that draws do not matter");
        assert!((same.seeds - 0.02_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn seeds_that_agree_leave_all_to_the_draws() {
        let drawn = components(&[vec![0.1, 0.1], vec![0.3, 0.3], vec![0.2, 0.2]]).unwrap();
        assert!((drawn.draws.unwrap() - 0.1).abs() < 1e-15 && drawn.seeds < 1e-15);
    }
}
