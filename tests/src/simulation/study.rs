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

/// A study drawn from this stream: a stage that selects, often by a race, and one that trains what is selected. Some
/// studies have a second race among the selected, or a stage that trains some of the same units whatever the race does.
pub(super) fn drawn(stream: &mut Stream) -> Study {
    let mut below = |bound: u32| stream.below(bound);
    let rates = ["0.01", "0.02", "0.03", "0.04"][..=1 + below(3) as usize].join(", ");
    let folds = 4 + below(3);
    let select = ["lowest", "one-standard-error"][below(2) as usize];
    let race = match below(5) {
        0 => format!("race = {{ rule = \"halving\", first = {}, keep = 0.5 }}\n", 1 + below(2)),
        1 => "race = { rule = \"halving\", first = 1, keep = 0.3 }\n".to_owned(),
        2 => format!("race = {{ rule = \"friedman\", first = {}, alpha = 0.3 }}\n", 2 + below(2)),
        3 => "race = { rule = \"friedman\", first = 2, alpha = 0.05 }\n".to_owned(),
        _ => String::new(),
    };
    let (tuned, seeds, models) = (1 + below(2), 1 + below(6), 1 + below(2));
    let (shares, races_again) = (below(3) == 0, below(3) == 0);
    let stage = |name: &str, keys: &str| {
        format!(
            "[[stage]]\nname = \"{name}\"\nevaluation = {{ folds = {folds} }}\nseeds = \"1..={tuned}\"\nstop = {{ loss_delta = 0, \
             max_epochs = 9 }}\n{keys}"
        )
    };
    let row = |model: &str, rates: &str| {
        format!("[[stage.model]]\nmodel = \"{model}\"\nbatch_size = 10\nlearning_rate = {{ grid = [{rates}] }}\n")
    };
    let mut text = format!(
        "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = {}\ntest_pairs = 50\n",
        // Every unit scores 50 pairs.
        50 * folds,
    );
    text += &stage("tune", &format!("select = \"{select}\"\n{race}"));
    ["fc", "cnn"][..models as usize].iter().for_each(|model| text += &row(model, &rates));
    if shares {
        text += &(stage("all", "") + &row("fc", "0.01, 0.02"));
    }
    if races_again && models == 2 {
        text += &stage("dropout", &format!("from = \"tune\"\nselect = \"lowest\"\n{race}"));
        text += "[[stage.model]]\nmodel = \"cnn\"\ndropout = { grid = [0.1, 0.3, 0.5] }\n";
        text += "[[stage]]\nname = \"final\"\nfrom = \"dropout\"\nevaluation = \"holdout\"\nseeds = 1\n";
    } else {
        text += &format!(
            "[[stage]]\nname = \"final\"\nfrom = \"tune\"\nevaluation = \"holdout\"\nseeds = \"1..={seeds}\"\n"
        );
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn studies_and_outcomes_are_of_every_kind() {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for seed in 1..=60 {
            let study = drawn(&mut Stream::new(seed, "world"));
            let foreseen = foreseen(&study);
            let mut count = |kind, holds: bool| *kinds.entry(kind).or_default() += usize::from(holds);
            count("a stage beside the race", study.stages.iter().any(|stage| stage.name == "all"));
            count("a second race", foreseen.track.races.iter().any(|race| race.stage == "dropout"));
            count("a configuration that left", foreseen.track.skipped() > 0);
            let outcomes: Vec<Ended> = foreseen.plan.units().into_values().map(outcome).collect();
            count("a failed unit", outcomes.contains(&Ended::Failed));
            count("a diverged unit", outcomes.contains(&Ended::Diverged));
        }
        assert!(kinds.values().all(|count| *count >= 5), "{kinds:?}");
    }
}
