//! Small studies with stages, selections and races, and the outcomes of their units, which depend on the unit alone.

use std::collections::BTreeMap;

use seedgrid_common::{
    data::Digests,
    network_outputs::Outputs,
    random::Stream,
    spec::{self, Study},
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::{Unit, UnitId},
};
use seedgrid_coordinator::scheduler::{
    ranking::Ended,
    selection::{self, Committed, Settled},
};

/// A study drawn from this stream.
pub(super) fn drawn(stream: &mut Stream) -> Study {
    let mut below = |bound: u32| stream.below(bound);
    let rates = ["0.01", "0.02", "0.03", "0.04"][..=1 + below(3) as usize].join(", ");
    let folds = 4 + below(3);
    let race = match below(3) {
        0 => "race = { rule = \"halving\", first = 1, keep = 0.5 }\n",
        1 => "race = { rule = \"friedman\", first = 2, alpha = 0.3 }\n",
        _ => "",
    };
    let (tuned, seeds, models) = (1 + below(2), 1 + below(6), 1 + below(2));
    let mut text = format!(
        "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = {}\ntest_pairs = 50\n[[stage]]\nname = \"tune\"\n\
         evaluation = {{ folds = {folds} }}\nseeds = \"1..={tuned}\"\nstop = {{ loss_delta = 0, max_epochs = 9 }}\nselect = \"lowest\"\n{race}",
        // Every unit scores 50 pairs.
        50 * folds,
    );
    for model in &["fc", "cnn"][..models as usize] {
        text +=
            &format!("[[stage.model]]\nmodel = \"{model}\"\nbatch_size = 10\nlearning_rate = {{ grid = [{rates}] }}\n");
    }
    text +=
        &format!("[[stage]]\nname = \"final\"\nfrom = \"tune\"\nevaluation = \"holdout\"\nseeds = \"1..={seeds}\"\n");
    spec::parse("drawn.toml", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// The data set's digest: no data is read.
pub(super) fn digests() -> Digests {
    [(0, "digest".to_owned())].into()
}

/// The outcome of a unit.
pub(super) fn outcome(unit: &Unit) -> Ended {
    let mut stream = Stream::new(0, &format!("fate/{}", unit.id()));
    let rate = unit.configuration.hyperparameters["learning_rate"].to_string().parse::<f64>().unwrap_or(0.0);
    match stream.below(50) {
        0 => Ended::Failed,
        1 => Ended::Diverged,
        _ => Ended::Scored { wrong: (500.0 * rate) as u32 + stream.below(8), of: 50 },
    }
}

/// The result of training a unit. None: it fails.
pub(super) fn result(unit: &Unit) -> Option<UnitResult> {
    let ending = match outcome(unit) {
        Ended::Scored { wrong, of } => {
            let outputs = Outputs::new(2, vec![0.5; 2 * of as usize]).unwrap();
            Ending::Done(Scores { converged: true, outputs, wrong, loss: 0.5 })
        }
        Ended::Diverged => Ending::Diverged { epoch: 2 },
        Ended::Failed => return None,
    };
    let epoch = EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.25, validation_error: Some(0.5) };
    Some(UnitResult { epochs: vec![epoch], ending })
}

/// The final state of the study, computed from every unit's outcome.
pub(super) fn foreseen(study: &Study) -> Settled {
    let mut committed = Committed::default();
    let mut known: BTreeMap<UnitId, Ended> = BTreeMap::new();
    loop {
        let settled = selection::settle(study, &digests(), &committed, |id| known.get(&id).copied());
        let before = known.len();
        known.extend(settled.plan.units().into_iter().map(|(id, unit)| (id, outcome(unit))));
        committed.selections.extend(settled.made.iter().map(|decision| (decision.key, decision.chosen)));
        committed.rungs.extend(settled.rungs.iter().map(|made| (made.rung.key, made.rung.left.clone())));
        if known.len() == before {
            return settled;
        }
    }
}
