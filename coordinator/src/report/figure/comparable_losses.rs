//! Which configurations minimise the same sum, so that their training losses compare.

use seedgrid_common::{
    hyperparameters::Value,
    model::{self, Digits},
};

use crate::aggregate::report_json::{ConfigurationReport, StageReport};

/// Configurations of one loss.
pub(super) struct Loss {
    /// Of an axis: "training loss", or which one where there are several.
    pub(super) label: String,
    /// Their places in the stage, ascending.
    pub(super) members: Vec<usize>,
}

/// The losses of these configurations, in the order in which they first appear.
pub(super) fn losses(stage: &StageReport, members: &[usize]) -> Vec<Loss> {
    let mut losses: Vec<(f64, Vec<usize>)> = Vec::new();
    for &member in members {
        let weight = auxiliary_weight(&stage.configurations[member]);
        match losses.iter_mut().find(|(other, _)| *other == weight) {
            Some((_, members)) => members.push(member),
            None => losses.push((weight, vec![member])),
        }
    }
    let several = losses.len() > 1;
    let label = |weight: f64| match weight {
        _ if !several => "training loss".to_owned(),
        0.0 => "loss, comparison alone".to_owned(),
        weight => format!("loss, auxiliary × {weight}"),
    };
    losses.into_iter().map(|(weight, members)| Loss { label: label(weight), members }).collect()
}

/// The share of auxiliary losses in the sum that a configuration minimises.
fn auxiliary_weight(row: &ConfigurationReport) -> f64 {
    let trains_digits = model::find(&row.model)
        .is_some_and(|model| !matches!((model.network)(&row.hyperparameters).digits, Digits::Untrained));
    match row.hyperparameters.get("auxiliary_weight") {
        Some(Value::Number(weight)) if trains_digits => *weight,
        _ => 0.0,
    }
}
