//! Expands a study into configurations and units. Pure: the same study and data set give the same plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    copy_on_write::Shared,
    data::Digests,
    label::Shown,
    spec::{Evaluation, ModelRow, SelectionRule, Stage, Study},
    unit::{Configuration, Fold, Unit, UnitId, UnitIds},
};

/// Everything that a study trains, in the order of its spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The stages, in the order of the spec.
    pub stages: Vec<PlannedStage>,
}

/// One stage, expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStage {
    /// The stage's name.
    pub name: String,
    /// The way in which its configurations are scored.
    pub evaluation: Evaluation,
    /// The stage's seeds, ascending.
    pub seeds: Vec<u64>,
    /// The stage's draws of the data set, ascending.
    pub data_seeds: Vec<u64>,
    /// Rows in the order of the spec, those that start from a selection last; within a row, the last axis varies fastest.
    pub configurations: Vec<PlannedConfiguration>,
    /// The stage's selection rule, if it selects.
    pub select: Option<SelectionRule>,
    /// Rows whose selection has not been made, or gave nothing.
    pub waiting: Vec<WaitingRow>,
    /// The settings that labels of its configurations show.
    pub shown: Shown,
}

/// A row that cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// The row's model.
    pub model: String,
    /// The stage that selects.
    pub from: String,
    /// The number of the row's configurations.
    pub configurations: usize,
    /// The number of their units.
    pub units: usize,
    /// Whether the selection gave nothing, so that the row will never be expanded.
    pub unreachable: bool,
}

/// A stage's selection for a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// The selected configuration.
    Chosen(Configuration),
    /// No configuration: none is complete.
    Nothing,
}

/// The selections that have been made, by stage and model.
pub type Selections = BTreeMap<(String, String), Selection>;

/// One configuration with its units.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedConfiguration {
    /// The configuration.
    pub configuration: Shared<Configuration>,
    /// Its [key](Configuration::key).
    pub key: Shared<String>,
    /// The stage from whose selection the row starts, if it does.
    pub from: Option<String>,
    /// The configuration's units by data seed, then by seed, then by fold, ascending.
    pub units: Vec<(UnitId, Unit)>,
}

impl Plan {
    /// Every different unit by id: a unit that several stages or rows share occurs once.
    pub fn units(&self) -> BTreeMap<UnitId, &Unit> {
        self.stages
            .iter()
            .flat_map(|stage| &stage.configurations)
            .flat_map(|configuration| &configuration.units)
            .map(|(id, unit)| (*id, unit))
            .collect()
    }

    /// Whether the study has this unit.
    pub fn contains(&self, unit: UnitId) -> bool {
        let configurations = self.stages.iter().flat_map(|stage| &stage.configurations);
        configurations.flat_map(|configuration| &configuration.units).any(|(id, _)| *id == unit)
    }

    /// Number of units of rows whose selection has not been made and still can be.
    pub fn units_to_come(&self) -> usize {
        let waiting = self.stages.iter().flat_map(|stage| &stage.waiting);
        waiting.filter(|row| !row.unreachable).map(|row| row.units).sum()
    }
}

impl PlannedStage {
    /// The settings in each configuration's label, without the model: "batch_size=20 learning_rate=0.1", or nothing.
    /// Equal configurations of several rows are numbered.
    pub fn variants(&self) -> Vec<String> {
        // Equal configurations have equal units.
        let first = |planned: &PlannedConfiguration| planned.units.first().map(|(id, _)| *id);
        let mut rows: BTreeMap<Option<UnitId>, usize> = BTreeMap::new();
        self.configurations.iter().for_each(|planned| *rows.entry(first(planned)).or_default() += 1);
        let variant = |(number, planned): (usize, &PlannedConfiguration)| {
            let settings = self.shown.settings(&planned.configuration);
            let row = if rows[&first(planned)] > 1 { format!("row {number}") } else { String::new() };
            [settings, row].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        };
        (1..).zip(&self.configurations).map(variant).collect()
    }

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

/// Expands `study` on the draws with these digests, as far as its selections have been made.
///
/// # Panics
/// When a draw that the study [names](Study::data_seeds) is not among `digests`.
pub fn expand(study: &Study, digests: &Digests, selections: &Selections) -> Plan {
    let stages = study.stages.iter().map(|stage| expand_stage(study, stage, digests, selections)).collect();
    Plan { stages }
}

/// Expands those stages of `plan` again that start from one of these new selections; `selections` are all.
///
/// # Panics
/// As [`expand`].
pub fn expand_selected(
    plan: &mut Plan,
    study: &Study,
    digests: &Digests,
    selections: &Selections,
    new: &BTreeSet<(String, String)>,
) {
    for (stage, planned) in study.stages.iter().zip(&mut plan.stages) {
        if stage.selected.iter().any(|row| new.contains(&(row.from.clone(), row.model.clone()))) {
            *planned = expand_stage(study, stage, digests, selections);
        }
    }
}

fn expand_stage(study: &Study, stage: &Stage, digests: &Digests, selections: &Selections) -> PlannedStage {
    let mut planned = PlannedStage {
        name: stage.name.clone(),
        evaluation: stage.evaluation,
        seeds: stage.seeds.clone(),
        data_seeds: stage.data_seeds.clone(),
        configurations: stage.rows.iter().flat_map(|row| expand_row(stage, row, None, digests)).collect(),
        select: stage.select,
        waiting: Vec::new(),
        shown: Shown::from_stages(&study.stages, |one| one.name == stage.name),
    };
    for row in &stage.selected {
        let selection = selections.get(&(row.from.clone(), row.model.clone()));
        if let Some(Selection::Chosen(base)) = selection {
            planned.configurations.extend(expand_row(stage, &row.on(base), Some(&row.from), digests));
            continue;
        }
        let configurations = row.configurations();
        planned.waiting.push(WaitingRow {
            model: row.model.clone(),
            from: row.from.clone(),
            configurations,
            units: configurations * stage.data_seeds.len() * stage.seeds.len() * folds(stage.evaluation).count(),
            unreachable: selection == Some(&Selection::Nothing),
        });
    }
    planned
}

fn expand_row(stage: &Stage, row: &ModelRow, from: Option<&str>, digests: &Digests) -> Vec<PlannedConfiguration> {
    // Held once for all units.
    let digests: BTreeMap<u64, Shared<String>> =
        stage.data_seeds.iter().map(|seed| (*seed, digests[seed].clone().into())).collect();
    let digests = &digests;
    let planned = |configuration: Configuration| {
        let configuration = Shared::from(configuration);
        let key = Shared::from(configuration.key());
        let mut units =
            Vec::with_capacity(stage.data_seeds.len() * stage.seeds.len() * folds(stage.evaluation).count());
        for data_seed in &stage.data_seeds {
            let dataset_digest = &digests[data_seed];
            let ids = UnitIds::new(dataset_digest, &configuration.model, &key);
            for &seed in &stage.seeds {
                units.extend(folds(stage.evaluation).map(|fold| {
                    let (dataset_digest, configuration) = (dataset_digest.clone(), configuration.clone());
                    (ids.id(fold, seed), Unit { dataset_digest, configuration, fold, seed })
                }));
            }
        }
        PlannedConfiguration { configuration, key, from: from.map(str::to_owned), units }
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
        data::{DatasetSpec, glyph_pairs},
        hyperparameters::Value,
        spec::{Axis, ModelRow, Stage},
        training::{Normalize, StopRule},
    };

    const STOP: StopRule = StopRule::PAPER;

    fn row(model: &str, axes: &[(&str, &[u64])]) -> ModelRow {
        let axes = axes
            .iter()
            .map(|(name, values)| Axis::new(name, values.iter().map(|&value| Value::Integer(value))))
            .collect();
        ModelRow { model: model.to_owned(), axes, exclude: Vec::new(), stop: STOP, normalize: Normalize::Scale }
    }

    fn stage(name: &str, evaluation: Evaluation, seeds: &[u64], rows: Vec<ModelRow>) -> Stage {
        Stage {
            name: name.to_owned(),
            evaluation,
            seeds: seeds.to_vec(),
            data_seeds: vec![0],
            rows,
            selected: Vec::new(),
            select: None,
            keep_weights: false,
            race: None,
        }
    }

    fn study(stages: Vec<Stage>) -> Study {
        let dataset = DatasetSpec { kind: &glyph_pairs::KIND, train_pairs: 100, test_pairs: 100, seed: 0 };
        Study { name: "study".to_owned(), dataset, stages, references: Vec::new() }
    }

    fn digests(digest: &str) -> Digests {
        [(0, digest.to_owned())].into()
    }

    fn hyperparameters(planned: &PlannedConfiguration) -> String {
        let given = &planned.configuration.hyperparameters;
        given.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_axis_varies_fastest() {
        let rows = vec![row("fc", &[("z", &[1, 2]), ("fixed", &[9]), ("a", &[3, 4, 5])]), row("cnn", &[("a", &[7])])];
        let plan =
            expand(&study(vec![stage("s", Evaluation::Holdout, &[1], rows)]), &digests("digest"), &Selections::new());
        let planned = &plan.stages[0].configurations;
        // The spec writes z before a: its order decides, not the alphabet's.
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
        assert!(planned[..6].iter().all(|planned| planned.configuration.model == "fc"));
        assert!(planned[6].configuration.model == "cnn");
    }

    #[test]
    fn units_go_by_seed_then_by_fold() {
        let rows = || vec![row("cnn", &[])];
        let plan = expand(
            &study(vec![stage("s", Evaluation::Folds(2), &[4, 7], rows())]),
            &digests("digest"),
            &Selections::new(),
        );
        let order: Vec<(u64, Fold)> =
            plan.stages[0].configurations[0].units.iter().map(|(_, unit)| (unit.seed, unit.fold)).collect();
        let part = |index| Fold::Part { index, of: 2 };
        assert_eq!(order, [(4, part(0)), (4, part(1)), (7, part(0)), (7, part(1))]);
        let plan = expand(
            &study(vec![stage("s", Evaluation::Holdout, &[4, 7], rows())]),
            &digests("digest"),
            &Selections::new(),
        );
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
            &digests("digest"),
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
        let plan =
            expand(&study(vec![stage("s", Evaluation::Holdout, &[1], rows)]), &digests("digest"), &Selections::new());
        assert_eq!(plan.units().len(), 3);
    }

    #[test]
    fn every_draw_has_every_seed_and_fold() {
        let mut drawn = stage("s", Evaluation::Folds(2), &[4, 7], vec![row("cnn", &[])]);
        drawn.data_seeds = vec![3, 5];
        let digests: Digests = [(3, "three".to_owned()), (5, "five".to_owned())].into();
        let plan = expand(&study(vec![drawn]), &digests, &Selections::new());
        let units = &plan.stages[0].configurations[0].units;
        let order: Vec<(&str, u64)> = units.iter().map(|(_, unit)| (unit.dataset_digest.as_str(), unit.seed)).collect();
        let of = |digest: &'static str| [(digest, 4), (digest, 4), (digest, 7), (digest, 7)];
        assert_eq!(order, [of("three"), of("five")].concat());
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
            let plan = expand(&study, &digests("digest"), &Selections::new());
            prop_assert_eq!(&plan, &expand(&study, &digests("digest"), &Selections::new()), "pure");
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

        /// Ids are equal exactly if units are: keeping each id once loses nothing.
        #[test]
        fn one_id_is_one_unit(stages in vec(any_stage(), 1..3)) {
            let plan = expand(&study(stages), &digests("digest"), &Selections::new());
            let units = plan.units();
            for (id, unit) in
                plan.stages.iter().flat_map(|stage| &stage.configurations).flat_map(|planned| &planned.units)
            {
                prop_assert_eq!(units[id], unit);
            }
        }

        /// Plans on different data sets share no unit.
        #[test]
        fn data_sets_share_nothing(stage in any_stage()) {
            let study = study(vec![stage]);
            let (here, there) = (expand(&study, &digests("here"), &Selections::new()), expand(&study, &digests("there"), &Selections::new()));
            prop_assert!(here.units().keys().all(|id| !there.units().contains_key(id)));
        }
    }
}
