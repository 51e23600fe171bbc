//! Holm's correction (1979) for testing several hypotheses at once.

/// Adjusted p-values, in the order given: the smallest times m, the next times m - 1 and so on, none below one before
/// it and none above 1, where m is the number of tests. Those below a level hold together at that level.
pub(crate) fn holm(given: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut made: Vec<(usize, f64)> = given.iter().enumerate().filter_map(|(index, p)| Some((index, (*p)?))).collect();
    made.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; given.len()];
    let mut largest: f64 = 0.0;
    for (rank, (index, p)) in made.iter().enumerate() {
        largest = largest.max((made.len() - rank) as f64 * p).min(1.0);
        adjusted[*index] = Some(largest);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_is_held_against_those_that_are_left() {
        let adjusted = holm(&[Some(0.04), None, Some(0.01), Some(0.03), Some(0.5)]);
        assert_eq!(adjusted, [Some(0.09), None, Some(0.04), Some(0.09), Some(0.5)]);
        assert_eq!(holm(&[]), []);
        assert_eq!(holm(&[Some(0.7), Some(0.8)]), [Some(1.0), Some(1.0)]);
    }

    proptest! {
        #[test]
        fn between_the_value_and_bonferronis(given in prop::collection::vec(0.0..1.0, 1..20)) {
            let adjusted = holm(&given.iter().copied().map(Some).collect::<Vec<_>>());
            for (p, holm) in given.iter().zip(adjusted) {
                let holm = holm.unwrap();
                prop_assert!(*p <= holm && holm <= (p * given.len() as f64).min(1.0));
            }
        }
    }
}
