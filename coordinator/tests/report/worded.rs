//! The words of notes and of the texts below tables.

use seedgrid_common::{spec::Stage, training::StopRule};

use super::*;

fn fc() -> Vec<seedgrid_common::spec::ModelRow> {
    vec![row("fc", &[])]
}

/// This stage on the draws 0 and 1 of the data.
fn on_two_draws(stage: Stage) -> Synthetic {
    Synthetic::new("worded", 40, vec![Stage { data_seeds: vec![0, 1], ..stage }])
}

/// Every form of a report for people, but for the figures; the terminal's without line breaks.
fn forms(aggregate: &Aggregate) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), aggregate, &provenance("a")).unwrap();
    let mut texts = texts(files(folder.path()).unwrap());
    texts.retain(|name, _| ["report.html", "report.md", "tables.tex"].contains(&name.as_str()));
    let terminal = terminal_table(aggregate, 100).split_whitespace().collect::<Vec<_>>().join(" ");
    texts.insert("terminal".to_owned(), terminal);
    texts
}

#[test]
fn an_interval_covers_the_same_below_every_table() {
    let covers = "covers the draw of the training and test pairs; not the choice of the seed, as there is one seed";
    let mut study = on_two_draws(holdout("final", 1..=1, fc()));
    study.study.references = table_3("final");
    let forms = forms(&study.aggregate());
    for (name, times) in [("report.md", 4), ("report.html", 4)] {
        let text = &forms[name];
        assert_eq!(text.matches(covers).count(), times, "results, draws, references, and the figure: {name}: {text}");
        assert!(!text.contains("the choice of the seeds"), "{name}: {text}");
        assert!(text.contains("Where there is no deviation: it needs two seeds on one draw of the data"), "{name}");
        assert!(text.contains("# Draws of the data") || text.contains("<h3>Draws of the data</h3>"), "{name}: {text}");
    }
    assert!(forms["tables.tex"].contains("stage final. Draws of the data."), "{}", forms["tables.tex"]);
    let folds = on_two_draws(cross_validation("tune", 4, 1..=2, fc())).aggregate();
    let covers = "covers the choice of the seeds and the draw of the training pairs, of which the folds are made";
    for (name, text) in self::forms(&folds) {
        assert!(name == "terminal" || text.contains(covers), "{name}: {text}");
        assert!(!text.contains("training and test pairs"), "the test pairs are not used: {name}: {text}");
    }
}

#[test]
fn a_share_that_is_there_is_not_called_0() {
    let mut aggregate = on_two_draws(holdout("final", 1..=2, fc())).aggregate();
    aggregate.report.stages[0].shared_images = Some(0.005);
    for (name, text) in forms(&aggregate) {
        let says = text.contains("Of the scored images less than 1 % are in more than one draw of the data");
        assert_eq!(says, name != "tables.tex", "{name}: {text}");
    }
}

#[test]
fn units_are_named_with_their_data_seed_where_there_are_several() {
    let mut study = on_two_draws(cross_validation("tune", 3, 1..=2, fc()));
    // By data seed, seed and fold.
    [0, 1, 6, 7].into_iter().for_each(|place| study.diverge(study.unit(0, 0, place), 2));
    study.lose(study.unit(0, 0, 11), UnitState::Quarantined);
    for (name, text) in forms(&study.aggregate()).iter().filter(|(name, _)| *name != "tables.tex") {
        let diverged = "4 of 12 units diverged (data seed 0: seed 1 fold 1 in epoch 3, seed 1 fold 2 in epoch 3; data seed 1: seed 1 fold 1 in \
                        epoch 3, seed 1 fold 2 in epoch 3)";
        assert!(text.contains(diverged), "{name}: {text}");
        assert!(text.contains("1 of 12 units quarantined (data seed 1: seed 2 fold 3)"), "{name}: {text}");
        assert!(text.contains("data seeds 0 and 1"), "{name}: {text}");
    }
    let page = &forms(&study.aggregate())["report.html"];
    assert!(page.contains("<figcaption>data seed 1, seed 1, fold 1: diverged after 2 epochs</figcaption>"));
    assert!(page.contains("<th scope=\"col\">Data seed</th>"));
    [2, 3, 4, 5, 8, 9, 10].into_iter().for_each(|place| study.diverge(study.unit(0, 0, place), 2));
    let page = &forms(&study.aggregate())["report.md"];
    assert!(page.contains("seed 2 fold 3 in epoch 3; data seed 1:"), "six of each: {page}");
}

#[test]
fn a_rule_that_cannot_end_training_is_a_number_of_epochs() {
    let study = |stop: StopRule| {
        let mut row = row("fc", &[]);
        row.stop = StopRule { max_epochs: 40, ..stop };
        let mut study = Synthetic::new("stops", 40, vec![holdout("final", 1..=2, vec![row])]);
        for result in study.results.values_mut() {
            if let Ending::Done(scores) = &mut result.ending {
                scores.converged = false;
            }
        }
        forms(&study.aggregate())
    };
    let waits = StopRule { min_epochs: 30, patience: 3, ..StopRule::PAPER };
    let fixed = study(StopRule { loss_delta: 0.0, ..waits });
    for (name, text) in &fixed {
        assert!(!text.contains("had not met the stopping rule"), "{name}: {text}");
        assert!(!text.contains("changes by less than"), "{name}: {text}");
    }
    assert!(fixed["report.md"].contains("Stopping rule: 40 epochs.") && fixed["report.md"].contains("| 40 epochs "));
    assert!(!fixed["report.html"].contains("<td>no</td>"), "nothing was to converge");
    let ruled = study(waits);
    let rule = "loss changes by less than 0.001 in 3 epochs in a row, not before epoch 30; or 40 epochs";
    assert!(ruled["report.md"].contains(rule), "{}", ruled["report.md"]);
    assert!(ruled["terminal"].contains("2 of 2 trained units had not met the stopping rule when max_epochs (40)"));
    assert!(ruled["report.html"].contains("<td>no</td>"));
}

#[test]
fn what_an_interval_is_wider_than_is_said_of_the_interval() {
    let forms = forms(&small().aggregate());
    for name in ["report.html", "report.md", "tables.tex"] {
        let text = forms[name].replace('\\', "");
        assert!(text.contains("in the means. The 95 % interval of the mean is "), "{name}: {text}");
        assert!(!text.contains("means. It is"), "{name}");
    }
}

#[test]
fn intervals_that_are_not_there_have_a_reason() {
    let mut stage = cross_validation("tune", 4, 1..=2, fc());
    stage.select = Some(SelectionRule::Lowest);
    let selecting = forms(&Synthetic::new("selecting", 80, vec![stage]).aggregate());
    let plain = forms(&Synthetic::new("plain", 80, vec![cross_validation("tune", 4, 1..=2, fc())]).aggregate());
    let (about, reason) =
        ("The 95 % intervals are about", "Where there is no interval: not computed in a stage that selects.");
    for name in ["report.html", "report.md", "tables.tex"] {
        let [selecting, plain] = [&selecting, &plain].map(|forms| forms[name].replace('\\', ""));
        assert_eq!((selecting.contains(about), selecting.contains(reason)), (false, true), "{name}: {selecting}");
        assert_eq!((plain.contains(about), plain.contains("Where there is no")), (true, false), "{name}: {plain}");
    }
    // No seed has all of its folds.
    let mut holes = Synthetic::new("holes", 80, vec![cross_validation("tune", 4, 1..=2, fc())]);
    [0, 4].into_iter().for_each(|place| holes.lose(holes.unit(0, 0, place), UnitState::Quarantined));
    let page = &forms(&holes.aggregate())["report.md"];
    assert!(page.contains("Where there is no interval: no seed has all of its units done."), "{page}");
}

#[test]
fn a_difference_over_fewer_seeds_is_named_also_where_nothing_is_tested() {
    let mut study = Synthetic::new("alike", 40, vec![holdout("final", 1..=3, vec![row("fc", &[]), row("cnn", &[])])]);
    // Both predict alike, and one lacks a seed.
    for seed in 0..3 {
        let outputs = study.results[&study.unit(0, 0, seed)].clone();
        study.results.insert(study.unit(0, 1, seed), outputs);
    }
    study.lose(study.unit(0, 1, 2), UnitState::Quarantined);
    let page = &forms(&study.aggregate())["report.md"];
    assert!(page.contains("No t test, as they never differ: FC Network against Basic CNN."), "{page}");
    assert!(page.contains("Over fewer seeds than planned: FC Network against Basic CNN."), "{page}");
}
