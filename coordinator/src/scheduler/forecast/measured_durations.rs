//! The durations of trained units, and estimates from them for the remaining units. Pure.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    hyperparameters::Value,
    model,
    training::StopRule,
    unit::{Configuration, Fold},
};
use serde::Serialize;

use super::{bounds::Bounds, default_durations};

/// The smallest assumed error of a mean of measurements, as a share of the mean.
const MARGIN: f64 = 0.25;

/// The largest number of a model's other configurations that are compared with a job.
const CANDIDATES_MAX: usize = 200;

/// A trained unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The unit's configuration.
    pub configuration: Configuration,
    /// The unit's fold.
    pub fold: Fold,
    /// Digest of the data set.
    pub dataset: String,
    /// The number of training pairs of the data set.
    pub train_pairs: u32,
    /// The number of whole epochs.
    pub epochs: u32,
    /// Whether the unit diverged.
    pub diverged: bool,
    /// The duration of training.
    pub seconds: f64,
    /// The unit's place of training.
    pub place: Place,
}

/// The place where a unit was trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// This process, for the forecast itself, over a few epochs.
    Now,
    /// This study.
    ThisStudy,
    /// Another run directory.
    OtherRuns,
}

/// The origin of a number, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The spec defines the number; nothing was measured.
    Spec,
    /// A few epochs trained for this forecast.
    MeasuredNow,
    /// Units of the same configuration in this study.
    SameConfiguration,
    /// Units of the same model in this study.
    SameModel,
    /// Units of the same model in other run directories.
    OtherRuns,
    /// The speed of other models in this study, relative to the guess.
    OtherModels,
    /// A default that ships with Seedgrid; nothing was measured.
    Guess,
}

/// A number with its origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The number.
    pub bounds: Bounds,
    /// The number's origin.
    pub origin: Origin,
}

/// A configuration to train on a part of a data set.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The configuration.
    pub configuration: &'a Configuration,
    /// The number of folds; None for the hold-out.
    pub folds: Option<u32>,
    /// Digest of the data set.
    pub dataset: &'a str,
    /// The number of training pairs of the data set.
    pub train_pairs: u32,
}

impl Job<'_> {
    /// Multiplications of an epoch's forward passes. Scoring a validation pair costs a third of training on one: it has no
    /// backward pass, which costs twice the forward pass.
    pub fn epoch_cost(&self) -> f64 {
        let Configuration { model, hyperparameters, .. } = self.configuration;
        let network = model::find(model).map(|model| (model.network)(hyperparameters));
        let per_pair = network.map_or(1, |network| network.multiplications()) as f64;
        let pairs = f64::from(self.train_pairs);
        per_pair
            * match self.folds {
                None => pairs,
                Some(of) => {
                    let validated = pairs / f64::from(of.max(1));
                    pairs - validated + validated / 3.0
                }
            }
    }
}

/// All units of one configuration on one data set that were trained in one place.
#[derive(Clone, Debug)]
struct Group {
    configuration: Configuration,
    dataset: String,
    train_pairs: u32,
    place: Place,
    /// Epochs of each unit that says something about convergence, and whether the epoch limit ended it.
    epochs: Vec<(u32, bool)>,
    diverged: bool,
    /// Seconds per multiplication of each unit.
    paces: Vec<f64>,
    seconds: f64,
    cost: f64,
}

/// The key of a group: place, data set, and the configuration as text.
type GroupKey = (Place, String, String);

/// All measurements.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    groups: BTreeMap<GroupKey, Group>,
    /// The keys of the groups of each model, and of each configuration regardless of its epoch limit.
    of_model: BTreeMap<String, BTreeSet<GroupKey>>,
    alike: BTreeMap<String, BTreeSet<GroupKey>>,
    /// The ratio of measured to guessed durations, without units of other run directories.
    to_guess: Option<Bounds>,
}

impl Measured {
    /// Collects units of this study and of others, in any order. Invalid times are ignored: they come from workers.
    pub fn new(samples: impl IntoIterator<Item = Sample>) -> Self {
        let mut measured = Self::default();
        samples.into_iter().for_each(|sample| measured.add(sample));
        let here = measured.groups.values().filter(|group| group.place != Place::OtherRuns && group.cost > 0.0);
        let to_guess =
            here.map(|group| group.seconds / group.cost / default_durations::pace(&group.configuration).expected);
        measured.to_guess = Bounds::from_values(to_guess.collect(), 2.0 * MARGIN);
        measured
    }

    fn add(&mut self, sample: Sample) {
        let Sample { configuration, fold, dataset, train_pairs, epochs, diverged, seconds, place } = sample;
        if !(seconds.is_finite() && seconds > 0.0) {
            return;
        }
        let folds = match fold {
            Fold::Holdout => None,
            Fold::Part { of, .. } => Some(of),
        };
        let job = Job { configuration: &configuration, folds, dataset: &dataset, train_pairs };
        let cost = job.epoch_cost() * f64::from(epochs + u32::from(diverged));
        let stop = configuration.stop;
        let key = (place, dataset.clone(), text(&configuration));
        if !self.groups.contains_key(&key) {
            self.of_model.entry(configuration.model.clone()).or_default().insert(key.clone());
            self.alike.entry(without_limit(&configuration)).or_default().insert(key.clone());
        }
        let group = self.groups.entry(key).or_insert_with(|| Group {
            configuration,
            dataset,
            train_pairs,
            place,
            epochs: Vec::new(),
            diverged: false,
            paces: Vec::new(),
            seconds: 0.0,
            cost: 0.0,
        });
        group.diverged |= diverged;
        // A rule without convergence says nothing about the number of epochs.
        if stop.can_converge() {
            group.epochs.push((epochs, !diverged && epochs >= stop.max_epochs));
        }
        if cost > 0.0 {
            group.paces.push(seconds / cost);
            group.seconds += seconds;
            group.cost += cost;
        }
    }

    /// Seconds in training per multiplication of [`Job::epoch_cost`].
    pub fn pace(&self, job: &Job<'_>) -> Found {
        for place in [Place::Now, Place::ThisStudy, Place::OtherRuns] {
            let nearest = self.nearest(job, |group| group.place == place && group.cost > 0.0);
            let paces = nearest.groups.iter().flat_map(|group| &group.paces).copied().collect();
            let Some(bounds) = Bounds::from_values(paces, MARGIN) else { continue };
            // Long units weigh more: the start of training has a larger share in short ones.
            let seconds: f64 = nearest.groups.iter().map(|group| group.seconds).sum();
            let cost: f64 = nearest.groups.iter().map(|group| group.cost).sum();
            let expected = (seconds / cost).clamp(bounds.low, bounds.high);
            return Found { bounds: Bounds { expected, ..bounds }, origin: nearest.origin() };
        }
        let guess = default_durations::pace(job.configuration);
        match self.to_guess {
            Some(factor) => Found { bounds: factor.map(|factor| factor * guess.expected), origin: Origin::OtherModels },
            None => Found { bounds: guess, origin: Origin::Guess },
        }
    }

    /// Epochs until training ends.
    pub fn epochs(&self, job: &Job<'_>) -> Found {
        let stop = &job.configuration.stop;
        let ceiling = f64::from(stop.max_epochs);
        if !stop.can_converge() {
            return Found { bounds: Bounds::exactly(ceiling), origin: Origin::Spec };
        }
        let nearest = self.nearest(job, |group| !group.epochs.is_empty());
        // A unit that an earlier limit ended is assumed to need as many epochs again.
        let mut cut_off = false;
        let mut values = Vec::new();
        for group in &nearest.groups {
            for &(epochs, limited) in &group.epochs {
                let earlier = limited && group.configuration.stop.max_epochs < stop.max_epochs;
                cut_off |= earlier;
                values.push(f64::from(epochs) * if earlier { 2.0 } else { 1.0 });
            }
        }
        let Some(mut bounds) = Bounds::from_values(values, MARGIN) else {
            return Found { bounds: default_durations::epochs(stop), origin: Origin::Guess };
        };
        if cut_off {
            bounds.high = ceiling;
        }
        // A configuration that diverges may end before the rule lets one converge.
        let diverges = nearest.groups.iter().any(|group| group.diverged);
        let floor = if diverges { 0.0 } else { default_durations::fewest_epochs(stop) };
        Found { bounds: bounds.at_least(floor).at_most(ceiling), origin: nearest.origin() }
    }

    /// The groups most similar to the job, among those that `wanted` accepts.
    fn nearest(&self, job: &Job<'_>, wanted: impl Fn(&Group) -> bool) -> Nearest<'_> {
        let mut nearest = Nearest { distance: usize::MAX, groups: Vec::new() };
        // Equal configurations come first: a model may have more groups than the limit.
        let alike = self.alike.get(&without_limit(job.configuration));
        let of_model = self.of_model.get(&job.configuration.model);
        let others = of_model.into_iter().flatten().filter(|key| alike.is_none_or(|alike| !alike.contains(*key)));
        for key in alike.into_iter().flatten().chain(others.take(CANDIDATES_MAX)) {
            let group = &self.groups[key];
            let distance = distance(group, job);
            // A diverged group says nothing about other configurations.
            if !wanted(group) || distance > nearest.distance || group.diverged && distance > 0 {
                continue;
            }
            if distance < nearest.distance {
                nearest = Nearest { distance, groups: Vec::new() };
            }
            nearest.groups.push(group);
        }
        nearest
    }
}

/// The groups most similar to a job.
struct Nearest<'a> {
    distance: usize,
    groups: Vec<&'a Group>,
}

impl Nearest<'_> {
    /// The origin of the least trusted group.
    fn origin(&self) -> Origin {
        match self.groups.iter().map(|group| group.place).max() {
            None => Origin::Guess,
            Some(Place::Now) => Origin::MeasuredNow,
            Some(Place::ThisStudy) if self.distance == 0 => Origin::SameConfiguration,
            Some(Place::ThisStudy) => Origin::SameModel,
            Some(Place::OtherRuns) => Origin::OtherRuns,
        }
    }
}

fn text(configuration: &Configuration) -> String {
    serde_json::to_string(configuration).expect("plain data with string keys always serialises")
}

/// The configuration as text, without its epoch limit.
fn without_limit(configuration: &Configuration) -> String {
    let stop = StopRule { max_epochs: 0, ..configuration.stop };
    text(&Configuration { stop, ..configuration.clone() })
}

/// The number of differences between a group and the job: hyper-parameters, normalisation, stopping rule (without its
/// limit), data.
fn distance(group: &Group, job: &Job<'_>) -> usize {
    let (one, other) = (&group.configuration, job.configuration);
    let differs = |(name, value): &(&String, &Value)| one.hyperparameters.get(*name) != Some(*value);
    let stop = StopRule { max_epochs: other.stop.max_epochs, ..one.stop };
    other.hyperparameters.iter().filter(differs).count()
        + usize::from(one.normalize != other.normalize)
        + usize::from(stop != other.stop)
        + usize::from(group.dataset != job.dataset)
        + usize::from(group.train_pairs != job.train_pairs)
        + usize::from(group.place == Place::OtherRuns)
}

#[cfg(test)]
mod tests;
