//! Expands a study into configurations and units. Pure: the same study and data set give the same plan.

use std::collections::BTreeMap;

use crate::{
    spec::{Evaluation, ModelRow, SelectionRule, Stage, Study},
    unit::{Configuration, Fold, Unit, UnitId},
};

/// Everything that a study trains, in the order of its spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In the order of the spec.
    pub stages: Vec<PlannedStage>,
}

/// One stage, expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStage {
    /// The stage's name.
    pub name: String,
    /// How its configurations are scored.
    pub evaluation: Evaluation,
    /// Its seeds, ascending.
    pub seeds: Vec<u64>,
    /// Rows in the order of the spec, those that start from a selection last; within a row, the last axis varies fastest.
    pub configurations: Vec<PlannedConfiguration>,
    /// How the stage selects, if it does.
    pub select: Option<SelectionRule>,
    /// Rows whose selection has not been made, or came to nothing.
    pub waiting: Vec<WaitingRow>,
}

/// A row that cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// Its model.
    pub model: String,
    /// The stage that selects.
    pub from: String,
    /// How many configurations it stands for.
    pub configurations: usize,
    /// How many units these have.
    pub units: usize,
    /// Whether the selection came to nothing, so that it will never be expanded.
    pub unreachable: bool,
}

/// What a stage has selected for a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// This configuration.
    Chosen(Configuration),
    /// None: no configuration is complete.
    Nothing,
}

/// The selections that have been made, by stage and model.
pub type Selections = BTreeMap<(String, String), Selection>;

/// One configuration with its units.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedConfiguration {
    /// What is trained.
    pub configuration: Configuration,
    /// Names of the settings (hyper-parameters and `normalize`) that vary in this row, in the order of the spec.
    pub axes: Vec<String>,
    /// The stage from whose selection the row starts, if it does.
    pub from: Option<String>,
    /// By seed, then by fold, ascending.
    pub units: Vec<(UnitId, Unit)>,
}

impl Plan {
    /// Every different unit by id: a unit that several stages or rows share is there once.
    pub fn units(&self) -> BTreeMap<UnitId, &Unit> {
        self.stages
            .iter()
            .flat_map(|stage| &stage.configurations)
            .flat_map(|configuration| &configuration.units)
            .map(|(id, unit)| (*id, unit))
            .collect()
    }
}

impl PlannedStage {
    /// The configurations of `model`, in order.
    pub fn of_model<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a PlannedConfiguration> {
        self.configurations.iter().filter(move |planned| planned.configuration.model == model)
    }

    /// The models of its configurations and waiting rows, each once, in order.
    pub fn models(&self) -> Vec<&str> {
        let mut models: Vec<&str> = Vec::new();
        let planned = self.configurations.iter().map(|planned| planned.configuration.model.as_str());
        for model in planned.chain(self.waiting.iter().map(|row| row.model.as_str())) {
            if !models.contains(&model) {
                models.push(model);
            }
        }
        models
    }
}

/// Expands `study` on the data set with this digest, as far as its selections have been made.
pub fn expand(study: &Study, dataset_digest: &str, selections: &Selections) -> Plan {
    let stages = study.stages.iter().map(|stage| expand_stage(stage, dataset_digest, selections)).collect();
    Plan { stages }
}

fn expand_stage(stage: &Stage, dataset_digest: &str, selections: &Selections) -> PlannedStage {
    let mut planned = PlannedStage {
        name: stage.name.clone(),
        evaluation: stage.evaluation,
        seeds: stage.seeds.clone(),
        configurations: stage.rows.iter().flat_map(|row| expand_row(stage, row, None, dataset_digest)).collect(),
        select: stage.select,
        waiting: Vec::new(),
    };
    for row in &stage.selected {
        let selection = selections.get(&(row.from.clone(), row.model.clone()));
        if let Some(Selection::Chosen(base)) = selection {
            planned.configurations.extend(expand_row(stage, &row.on(base), Some(&row.from), dataset_digest));
            continue;
        }
        let configurations = row.configurations();
        planned.waiting.push(WaitingRow {
            model: row.model.clone(),
            from: row.from.clone(),
            configurations,
            units: configurations * stage.seeds.len() * folds(stage.evaluation).count(),
            unreachable: selection == Some(&Selection::Nothing),
        });
    }
    planned
}

fn expand_row(stage: &Stage, row: &ModelRow, from: Option<&str>, dataset_digest: &str) -> Vec<PlannedConfiguration> {
    let axes = row.varying();
    let planned = |configuration: Configuration| {
        let units = stage
            .seeds
            .iter()
            .flat_map(|&seed| folds(stage.evaluation).map(move |fold| (seed, fold)))
            .map(|(seed, fold)| {
                let unit = Unit {
                    dataset_digest: dataset_digest.to_owned(),
                    configuration: configuration.clone(),
                    fold,
                    seed,
                };
                (unit.id(), unit)
            })
            .collect();
        PlannedConfiguration { configuration, axes: axes.clone(), from: from.map(str::to_owned), units }
    };
    row.settings().map(|settings| planned(row.configuration(settings))).collect()
}

fn folds(evaluation: Evaluation) -> Box<dyn Iterator<Item = Fold>> {
    match evaluation {
        Evaluation::Holdout => Box::new(std::iter::once(Fold::Holdout)),
        Evaluation::Folds(of) => Box::new((0..of).map(move |index| Fold::Part { index, of })),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        spec::{Axis, DatasetKind, DatasetSpec, ModelRow, Stage},
        training::{Normalize, StopLoss, StopRule},
        unit::Value,
    };

    const STOP: StopRule = StopRule {
        loss_delta: 0.001,
        max_epochs: 300,
        min_epochs: 1,
        patience: 1,
        loss_drop: 0.0,
        loss: StopLoss::Mean,
    };

    fn row(model: &str, axes: &[(&str, &[u64])]) -> ModelRow {
        let axes = axes
            .iter()
            .map(|(name, values)| Axis::of(name, values.iter().map(|&value| Value::Integer(value))))
            .collect();
        ModelRow { model: model.to_owned(), axes, exclude: Vec::new(), stop: STOP, normalize: Normalize::Scale }
    }

    fn stage(name: &str, evaluation: Evaluation, seeds: &[u64], rows: Vec<ModelRow>) -> Stage {
        Stage {
            name: name.to_owned(),
            evaluation,
            seeds: seeds.to_vec(),
            rows,
            selected: Vec::new(),
            select: None,
            race: None,
        }
    }

    fn study(stages: Vec<Stage>) -> Study {
        let dataset = DatasetSpec { kind: DatasetKind::GlyphPairs, train_pairs: 100, test_pairs: 100, seed: 0 };
        Study { name: "study".to_owned(), dataset, stages, references: Vec::new() }
    }

    fn hyperparameters(planned: &PlannedConfiguration) -> String {
        let given = &planned.configuration.hyperparameters;
        given.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_axis_varies_fastest() {
        let rows = vec![row("fc", &[("z", &[1, 2]), ("fixed", &[9]), ("a", &[3, 4, 5])]), row("cnn", &[("a", &[7])])];
        let plan = expand(&study(vec![stage("s", Evaluation::Holdout, &[1], rows)]), "digest", &Selections::new());
        let planned = &plan.stages[0].configurations;
        // Written z before a: the order of the spec, not of the alphabet, decides.
        assert_eq!(
            planned.iter().map(hyperparameters).collect::<Vec<_>>(),
            [
                "a=3 fixed=9 z=1",
                "a=4 fixed=9 z=1",
                "a=5 fixed=9 z=1",
                "a=3 fixed=9 z=2",
                "a=4 fixed=9 z=2",
                "a=5 fixed=9 z=2",
                "a=7",
            ]
        );
        assert!(planned[..6].iter().all(|planned| planned.axes == ["z", "a"] && planned.configuration.model == "fc"));
        assert!(planned[6].axes.is_empty() && planned[6].configuration.model == "cnn");
    }

    #[test]
    fn units_go_by_seed_then_by_fold() {
        let rows = || vec![row("cnn", &[])];
        let plan =
            expand(&study(vec![stage("s", Evaluation::Folds(2), &[4, 7], rows())]), "digest", &Selections::new());
        let order: Vec<(u64, Fold)> =
            plan.stages[0].configurations[0].units.iter().map(|(_, unit)| (unit.seed, unit.fold)).collect();
        let part = |index| Fold::Part { index, of: 2 };
        assert_eq!(order, [(4, part(0)), (4, part(1)), (7, part(0)), (7, part(1))]);
        let plan = expand(&study(vec![stage("s", Evaluation::Holdout, &[4, 7], rows())]), "digest", &Selections::new());
        let folds: Vec<Fold> = plan.stages[0].configurations[0].units.iter().map(|(_, unit)| unit.fold).collect();
        assert_eq!(folds, [Fold::Holdout, Fold::Holdout]);
    }

    #[test]
    fn shared_units_are_there_once() {
        let narrow = || row("cnn", &[("a", &[1])]);
        let wide = row("cnn", &[("a", &[1, 2])]);
        let plan = expand(
            &study(vec![
                stage("first", Evaluation::Holdout, &[1, 2], vec![narrow()]),
                stage("second", Evaluation::Holdout, &[2, 3], vec![wide]),
                stage("folds", Evaluation::Folds(3), &[2], vec![narrow()]),
            ]),
            "digest",
            &Selections::new(),
        );
        let listed: Vec<usize> = plan
            .stages
            .iter()
            .map(|stage| stage.configurations.iter().map(|planned| planned.units.len()).sum())
            .collect();
        assert_eq!(listed, [2, 4, 3], "each stage lists all of its own");
        assert_eq!(plan.units().len(), 2 + 4 + 3 - 1, "a = 1 with seed 2 is in both hold-out stages");
    }

    #[test]
    fn a_shared_rule_is_part_of_what_is_shared() {
        let patient = ModelRow { stop: StopRule { patience: 2, ..STOP }, ..row("cnn", &[]) };
        let raw = ModelRow { normalize: Normalize::None, ..row("cnn", &[]) };
        let rows = vec![row("cnn", &[]), patient, raw];
        let plan = expand(&study(vec![stage("s", Evaluation::Holdout, &[1], rows)]), "digest", &Selections::new());
        assert_eq!(plan.units().len(), 3);
    }

    fn any_stage() -> impl Strategy<Value = Stage> {
        let axis = vec(1_u64..100, 1..4).prop_map(|mut values| {
            values.sort_unstable();
            values.dedup();
            values
        });
        let rows = vec((prop::sample::select(vec!["cnn", "fc"]), vec(axis, 0..4)), 1..3);
        let evaluation = prop_oneof![Just(Evaluation::Holdout), (2_u32..5).prop_map(Evaluation::Folds)];
        let seeds = prop::collection::btree_set(0_u64..20, 1..5);
        (rows, evaluation, seeds).prop_map(|(rows, evaluation, seeds)| {
            let names = ["a", "b", "c"];
            let rows = rows
                .into_iter()
                .map(|(model, axes)| {
                    let axes: Vec<(&str, &[u64])> = names.into_iter().zip(axes.iter().map(Vec::as_slice)).collect();
                    row(model, &axes)
                })
                .collect();
            stage("any", evaluation, &seeds.into_iter().collect::<Vec<_>>(), rows)
        })
    }

    proptest! {
        #[test]
        fn a_stage_is_the_product_of_everything(stages in vec(any_stage(), 1..3)) {
            let study = study(stages);
            let plan = expand(&study, "digest", &Selections::new());
            prop_assert_eq!(&plan, &expand(&study, "digest", &Selections::new()), "pure");
            for (stage, planned) in study.stages.iter().zip(&plan.stages) {
                let products: Vec<usize> =
                    stage.rows.iter().map(|row| row.axes.iter().map(|axis| axis.points.len()).product()).collect();
                prop_assert_eq!(planned.configurations.len(), products.iter().sum::<usize>());
                let folds = match stage.evaluation {
                    Evaluation::Holdout => 1,
                    Evaluation::Folds(of) => of as usize,
                };
                for configuration in &planned.configurations {
                    prop_assert_eq!(configuration.units.len(), stage.seeds.len() * folds);
                    let order: Vec<(u64, Fold)> =
                        configuration.units.iter().map(|(_, unit)| (unit.seed, unit.fold)).collect();
                    prop_assert!(order.is_sorted_by(|first, second| first < second), "ascending, each once");
                    for (id, unit) in &configuration.units {
                        prop_assert_eq!(*id, unit.id());
                        prop_assert_eq!(&unit.configuration, &configuration.configuration);
                    }
                }
                // Within a row every configuration differs from every other.
                let mut rest = planned.configurations.as_slice();
                for product in products {
                    let (row, others) = rest.split_at(product);
                    rest = others;
                    for (index, one) in row.iter().enumerate() {
                        prop_assert!(row[..index].iter().all(|other| other.configuration != one.configuration));
                    }
                }
            }
        }

        /// Ids are equal exactly if units are: nothing is lost by keeping each id once.
        #[test]
        fn one_id_is_one_unit(stages in vec(any_stage(), 1..3)) {
            let plan = expand(&study(stages), "digest", &Selections::new());
            let units = plan.units();
            for (id, unit) in
                plan.stages.iter().flat_map(|stage| &stage.configurations).flat_map(|planned| &planned.units)
            {
                prop_assert_eq!(units[id], unit);
            }
        }

        /// Another data set is other work.
        #[test]
        fn data_sets_share_nothing(stage in any_stage()) {
            let study = study(vec![stage]);
            let (here, there) = (expand(&study, "here", &Selections::new()), expand(&study, "there", &Selections::new()));
            prop_assert!(here.units().keys().all(|id| !there.units().contains_key(id)));
        }
    }
}
