//! Studies with results that no network gave: drawn from seeded streams, shaped like those of the paper's five models.
//!
//! Only sums, products and quotients are used, so that the numbers are the same on every machine.

use std::collections::BTreeMap;

use seedgrid_common::{
    classification,
    data::{
        Dataset, DatasetSpec, Labelled as _, folds, glyph_pairs,
        pairs::{self, Pairs},
        values::NumberType,
    },
    hyperparameters::{Hyperparameters, Value},
    matrix::{Plan, Selections, expand},
    model,
    network_outputs::Outputs,
    random::Stream,
    spec::{Axis, Evaluation, ModelRow, Reference, Stage, Study},
    training::{Ending, EpochMetrics, Normalize, Scores, StopRule, UnitResult},
    unit::{Fold, Unit, UnitId},
};
use seedgrid_coordinator::{
    aggregate::{Aggregate, Input, aggregate},
    plan::data_draws::{DataDraw, DataDraws},
    scheduler::{
        race::RaceTrack,
        ranking::Ended,
        selection::{Committed, settle},
        unit_state::UnitState,
    },
};

/// A study with everything that a report is made from.
pub(crate) struct Synthetic {
    pub(crate) study: Study,
    pub(crate) plan: Plan,
    pub(crate) dataset: Dataset,
    /// Of other data seeds than 0.
    pub(crate) others: BTreeMap<u64, Dataset>,
    pub(crate) results: BTreeMap<UnitId, UnitResult>,
    pub(crate) given_up: BTreeMap<UnitId, UnitState>,
    pub(crate) failures: BTreeMap<UnitId, String>,
    pub(crate) selections: Selections,
    pub(crate) track: RaceTrack,
}

fn digest(data_seed: u64) -> String {
    format!("5eed{data_seed:04x}{}", &DIGEST[8..])
}

pub(crate) const DIGEST: &str = "5eed000000000000000000000000000000000000000000000000000000005eed";

impl Synthetic {
    /// All units of these stages trained, on `pairs` training and as many test pairs.
    pub(crate) fn new(name: &str, pairs: u32, stages: Vec<Stage>) -> Self {
        let spec = DatasetSpec { kind: &glyph_pairs::KIND, train_pairs: pairs, test_pairs: pairs, seed: 0 };
        let study = Study { name: name.to_owned(), dataset: spec, stages, references: Vec::new() };
        let drawn = |seed| {
            let [train, test] = ["train", "test"].map(|part| draw_pairs(seed, part, pairs));
            pairs::dataset("synthetic pairs", seed, NumberType::U8, [&train, &test])
        };
        let dataset = drawn(0);
        let others: BTreeMap<u64, Dataset> =
            study.data_seeds().into_iter().filter(|seed| *seed != 0).map(|seed| (seed, drawn(seed))).collect();
        let digests = study.data_seeds().into_iter().map(|seed| (seed, digest(seed))).collect();
        let plan = expand(&study, &digests, &Selections::new());
        let of = |unit: &Unit| {
            others.iter().find(|(seed, _)| *unit.dataset_digest == digest(**seed)).map_or(&dataset, |(_, other)| other)
        };
        let results = plan.units().into_iter().map(|(id, unit)| (id, train(unit, of(unit)))).collect();
        let (given_up, selections, track) = (BTreeMap::new(), Selections::new(), RaceTrack::default());
        let failures = BTreeMap::new();
        Self { study, plan, dataset, others, results, given_up, failures, selections, track }
    }

    /// Runs races and selects, by the results that are there.
    pub(crate) fn settle(&mut self) {
        let ended = |id: UnitId| match self.given_up.get(&id) {
            Some(UnitState::Quarantined) => Some(Ended::Failed),
            _ => self.results.get(&id).map(Ended::from_result),
        };
        let settled = settle(&self.study, &self.draws().digests(), &Committed::default(), ended);
        (self.plan, self.selections, self.track) = (settled.plan, settled.selections, settled.track);
    }

    /// The id of a unit by stage, configuration (0-based) and place among its units.
    pub(crate) fn unit(&self, stage: usize, configuration: usize, unit: usize) -> UnitId {
        self.plan.stages[stage].configurations[configuration].units[unit].0
    }

    pub(crate) fn lose(&mut self, id: UnitId, state: UnitState) {
        self.results.remove(&id);
        self.given_up.insert(id, state);
    }

    /// Lets a unit diverge after its first `epochs` epochs, its loss growing.
    pub(crate) fn diverge(&mut self, id: UnitId, epochs: usize) {
        let result = self.results.get_mut(&id).expect("the unit is trained");
        result.epochs.truncate(epochs);
        for (epoch, growth) in result.epochs.iter_mut().zip([1.0, 1.5, 4.0, 30.0, 1e4, 1e8, 1e30]) {
            epoch.train_loss *= growth;
        }
        result.ending = Ending::Diverged { epoch: result.epochs.len() as u32 + 1 };
    }

    /// The draws of its data set.
    pub(crate) fn draws(&self) -> DataDraws {
        let drawn = |seed, dataset: &Dataset| DataDraw::new(dataset, digest(seed));
        let others = self.others.iter().map(|(seed, other)| (*seed, drawn(*seed, other)));
        let all = others.chain([(0, drawn(0, &self.dataset))]).collect();
        DataDraws::new(all, 0).expect("there is one")
    }

    pub(crate) fn aggregate(&self) -> Aggregate {
        let input = Input {
            study: &self.study,
            plan: &self.plan,
            draws: &self.draws(),
            selections: &self.selections,
            track: &self.track,
            given_up: &self.given_up,
            failures: &self.failures,
        };
        let Ok(aggregate) = aggregate(&input, &self.results);
        aggregate
    }
}

pub(crate) fn holdout(name: &str, seeds: std::ops::RangeInclusive<u64>, rows: Vec<ModelRow>) -> Stage {
    Stage {
        name: name.to_owned(),
        evaluation: Evaluation::Holdout,
        seeds: seeds.collect(),
        data_seeds: vec![0],
        rows,
        selected: Vec::new(),
        select: None,
        keep_weights: false,
        race: None,
    }
}

pub(crate) fn cross_validation(
    name: &str,
    folds: u32,
    seeds: std::ops::RangeInclusive<u64>,
    rows: Vec<ModelRow>,
) -> Stage {
    Stage {
        name: name.to_owned(),
        evaluation: Evaluation::Folds(folds),
        seeds: seeds.collect(),
        data_seeds: vec![0],
        rows,
        selected: Vec::new(),
        select: None,
        keep_weights: false,
        race: None,
    }
}

/// A model with its defaults, batches of 20 and these axes.
pub(crate) fn row(name: &str, axes: &[(&str, &[Value])]) -> ModelRow {
    let given: BTreeMap<&str, &[Value]> = axes.iter().copied().collect();
    let model = model::find(name).expect("the model exists");
    let values = |parameter: &model::Parameter| match (given.get(parameter.name), parameter.default_value()) {
        (Some(values), _) => values.to_vec(),
        (None, Some(default)) => vec![default],
        (None, None) if parameter.name == "batch_size" => vec![Value::Integer(20)],
        (None, None) => vec![Value::Number(0.1)],
    };
    ModelRow {
        model: name.to_owned(),
        axes: model.parameters.iter().map(|parameter| Axis::new(parameter.name, values(parameter))).collect(),
        exclude: Vec::new(),
        stop: StopRule::PAPER,
        normalize: Normalize::Standardize,
    }
}

/// The paper's five models.
pub(crate) fn five() -> Vec<ModelRow> {
    ["cnn", "cnn-shared", "cnn-shared-aux", "fc", "fc-aux"].map(|name| row(name, &[])).to_vec()
}

/// The paper's Table III as references of a stage.
pub(crate) fn table_3(stage: &str) -> Vec<Reference> {
    [
        ("cnn", 0.1808, 0.007786, 21.4),
        ("cnn-shared", 0.1286, 0.005168, 23.0),
        ("cnn-shared-aux", 0.1016, 0.007763, 44.5),
        ("fc", 0.2583, 0.01721885, 51.6),
        ("fc-aux", 0.2135, 0.092483, 95.5),
    ]
    .map(|(model, error, std, epochs)| Reference {
        stage: stage.to_owned(),
        model: model.to_owned(),
        given: Hyperparameters::new(),
        error,
        std: Some(std),
        n: Some(10),
        epochs: Some(epochs),
        pairs: Some(1000),
        margin: None,
        source: "Table III".to_owned(),
        note: model.starts_with("fc").then(|| "these results are made up".to_owned()),
    })
    .to_vec()
}

fn draw_pairs(seed: u64, part: &str, pairs: u32) -> Pairs {
    let mut stream = Stream::new(seed, part);
    let digits: Vec<[u8; 2]> = (0..pairs).map(|_| [stream.below(10) as u8, stream.below(10) as u8]).collect();
    // Every image is another one.
    let image = |place: usize| {
        (0..model::SIDE * model::SIDE).map(move |pixel| f32::from(u8::from(pixel < 32 && (place >> pixel) & 1 == 1)))
    };
    let first = seed as usize * 2 * digits.len();
    Pairs { pixels: (first..first + 2 * digits.len()).flat_map(image).collect(), digits }
}

/// How well a model tells classes apart, and after how many epochs it stops.
fn character(unit: &Unit) -> (f64, f64) {
    let (skill, epochs) = match unit.configuration.model.as_str() {
        "cnn" => (0.95, 21.0),
        "cnn-shared" => (1.2, 23.0),
        "cnn-shared-aux" => (1.38, 45.0),
        "fc" => (0.66, 52.0),
        _ => (0.8, 95.0),
    };
    let number = |name: &str| match unit.configuration.hyperparameters.get(name) {
        Some(Value::Number(number)) => *number,
        Some(Value::Integer(integer)) => *integer as f64,
        _ => 0.0,
    };
    // Best at a rate of 0.1 and batches of 20.
    let off = (number("learning_rate") - 0.1).abs() * 3.0 + (number("batch_size") - 20.0).abs() / 300.0;
    (skill / (1.0 + off), epochs * (1.0 + off))
}

fn train(unit: &Unit, dataset: &Dataset) -> UnitResult {
    let mut stream = Stream::new(unit.seed.wrapping_add(dataset.about.seed << 32), &unit.label());
    let (skill, epochs) = character(unit);
    let epochs = (epochs * stream.between(0.7, 1.35)) as u32 + 2;
    let skill = skill * stream.between(0.94, 1.06) * (1.0 - dataset.about.seed as f64 / 50.0);

    let scored = folds::split(dataset, unit.fold).expect("enough pairs").scored;
    let (classes, scored) = (dataset.classes(scored.part()).expect("it has classes"), scored.places(dataset));
    let outputs: Vec<[f32; 2]> = scored
        .iter()
        .map(|&pair| {
            let sign = if classes[pair] == 1 { 1.0 } else { -1.0 };
            // A pair is as difficult for every seed, and partly for every model.
            let difficulty = normal(&mut Stream::new(pair as u64, "difficulty"))
                + 0.7 * normal(&mut Stream::new(pair as u64, &unit.configuration.model));
            let logit = 3.0 * (skill * sign + 0.75 * difficulty + 0.4 * normal(&mut stream));
            [0.0, logit as f32]
        })
        .collect();
    let class = |outputs: &[f32; 2]| classification::class(outputs);
    let wrong =
        scored.iter().zip(&outputs).filter(|(pair, outputs)| class(outputs) != classes[**pair] as usize).count();
    let error = wrong as f64 / scored.len() as f64;

    let start = if unit.configuration.model.ends_with("-aux") { 1.87 } else { 0.69 };
    let epochs = (1..=epochs)
        .map(|epoch| {
            let rest = 1.0 / (1.0 + f64::from(epoch - 1) / (0.12 * f64::from(epochs))).powi(2);
            let noise = stream.between(-0.01, 0.01);
            EpochMetrics {
                epoch,
                train_loss: start * (0.04 + 0.96 * rest) + noise,
                train_error: (0.01 + 0.44 * rest + noise).max(0.0),
                validation_error: match unit.fold {
                    Fold::Holdout => None,
                    Fold::Part { .. } => Some(error + (0.46 - error) * rest),
                },
            }
        })
        .collect();
    let outputs = Outputs::new(2, outputs.into_flattened()).expect("finite pairs");
    let scores = Scores { converged: true, outputs, wrong: wrong as u32, loss: 2.0 * error };
    UnitResult { epochs, ending: Ending::Done(scores) }
}

/// Nearly a standard normal: twelve uniform numbers have variance 1 together.
fn normal(stream: &mut Stream) -> f64 {
    (0..12).map(|_| stream.unit_f64()).sum::<f64>() - 6.0
}
