//! Weights of classes in training's loss.

use super::input::{InputError, check_codes};

/// The weights that make every class count the same in a sum over the training examples: n / (K * count) for n examples,
/// K classes that have some, and the class's number of examples. Their mean over the examples is 1. As scikit-learn's
/// `compute_class_weight("balanced", ...)` for the classes that have examples.
///
/// A class without training examples has the weight 0 and does not count in K: no training example has its weight.
///
/// # Errors
/// When a class is not one of `classes`.
pub fn balanced_class_weights(labels: &[u32], classes: usize) -> Result<Vec<f64>, InputError> {
    check_codes(labels, classes)?;
    let mut counts = vec![0_u64; classes];
    labels.iter().for_each(|class| counts[*class as usize] += 1);
    let present = counts.iter().filter(|count| **count > 0).count() as f64;
    let weight = |count: &u64| match count {
        0 => 0.0,
        _ => labels.len() as f64 / (present * *count as f64),
    };
    Ok(counts.iter().map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_weigh_more_and_missing_ones_nothing() {
        assert_eq!(balanced_class_weights(&[0, 0, 0, 2], 4), Ok(vec![2.0 / 3.0, 0.0, 2.0, 0.0]));
        assert_eq!(balanced_class_weights(&[], 2), Ok(vec![0.0, 0.0]));
        let error = balanced_class_weights(&[0, 2], 2).unwrap_err();
        assert_eq!(error, InputError::NoSuchClass { row: 1, class: 2, classes: 2 });
        assert_eq!(error.to_string(), "row 1 has the class 2, but there are 2 classes");
    }
}
