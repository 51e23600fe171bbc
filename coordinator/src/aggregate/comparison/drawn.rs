//! Student's t test, paired over draws of the data.

use std::collections::BTreeSet;

use super::{Difference, NOTHING, shared};
use crate::aggregate::{components::error_over_draws, scored::Cell, spread::mean};

/// Whether two configurations' errors differ over draws of the data: a paired t test over the draws, each draw's difference being
/// that of the mean errors on the seeds and folds that both have done. Draws are independent but for images that they share.
pub(super) fn paired(first: &[Cell<'_>], second: &[Cell<'_>]) -> Result<Difference, String> {
    let data_seeds: BTreeSet<u64> = first.iter().map(|cell| cell.data_seed).collect();
    let differences: Vec<f64> = data_seeds
        .into_iter()
        .filter_map(|data_seed| {
            let (a, b) = shared(&of_draw(first, data_seed), &of_draw(second, data_seed));
            Some(mean(&a)? - mean(&b)?)
        })
        .collect();
    let (Some(difference), Some((standard_error, freedom))) = (mean(&differences), error_over_draws(&differences))
    else {
        return Err("it needs two draws of the data that both configurations have done".to_owned());
    };
    if standard_error < NOTHING {
        return Err("the difference is the same on every draw of the data".to_owned());
    }
    Ok(Difference::of(difference, standard_error, freedom))
}

fn of_draw<'a>(cells: &[Cell<'a>], data_seed: u64) -> Vec<Cell<'a>> {
    cells.iter().filter(|cell| cell.data_seed == data_seed).copied().collect()
}
