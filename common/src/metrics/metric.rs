//! The metrics, the facts about each, and the better one of two values.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    description::{Description, Direction, Range, TargetKind, Unit},
    value::Value,
};
use crate::nearest_word::{nearest, plain};

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of the wrongly classified examples.
    Error,
    /// Share of the rightly classified examples.
    Accuracy,
    /// Mean recall of the classes that examples have.
    BalancedAccuracy,
    /// Mean of -log p of the true classes.
    LogLoss,
    /// Mean F1 of the classes.
    MacroF1,
    /// Area under the ROC curve: of class 1 with two classes, the mean of one-vs-rest with more.
    Auc,
    /// Average precision: of class 1 with two classes, the mean of one-vs-rest with more.
    AveragePrecision,
    /// Brier score.
    Brier,
    /// Expected calibration error of the top label.
    CalibrationError,
    /// Root mean squared error.
    Rmse,
    /// Mean absolute error.
    Mae,
    /// Coefficient of determination.
    R2,
}

const SHARES: Range = Range { low: 0.0, high: 1.0 };
const NOT_NEGATIVE: Range = Range { low: 0.0, high: f64::INFINITY };

impl Metric {
    /// Every metric, those of classes first.
    pub const ALL: [Self; 12] = [
        Self::Error,
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::LogLoss,
        Self::MacroF1,
        Self::Auc,
        Self::AveragePrecision,
        Self::Brier,
        Self::CalibrationError,
        Self::Rmse,
        Self::Mae,
        Self::R2,
    ];

    /// The metric that a stage uses where its spec names none.
    pub const fn default_for(kind: TargetKind) -> Self {
        match kind {
            TargetKind::Classes => Self::Error,
            TargetKind::Numbers => Self::Rmse,
        }
    }

    /// The metrics of a kind of target.
    pub fn for_kind(kind: TargetKind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |metric| metric.kind() == kind)
    }

    /// The metric with this name in specs.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// The name in specs and results.
    pub const fn name(self) -> &'static str {
        self.description().name
    }

    /// The name in reports.
    pub const fn title(self) -> &'static str {
        self.description().title
    }

    /// The kind of target that it belongs to.
    pub const fn kind(self) -> TargetKind {
        self.description().kind
    }

    /// Which values are better.
    pub const fn direction(self) -> Direction {
        self.description().direction
    }

    /// The order of two values, the better one first: numbers in the metric's direction, then undefined values, then
    /// diverged ones. A number that is not finite counts as diverged.
    pub fn compare(self, a: Value, b: Value) -> Ordering {
        let class = |value: Value| match value {
            Value::Undefined(_) => 1,
            Value::Number(_) if value.number().is_some() => 0,
            Value::Number(_) | Value::Diverged => 2,
        };
        match (a.number(), b.number()) {
            (Some(a), Some(b)) => {
                let ascending = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
                match self.direction() {
                    Direction::Lower => ascending,
                    Direction::Higher => ascending.reverse(),
                }
            }
            _ => class(a).cmp(&class(b)),
        }
    }

    /// Whether the first value is better than the second.
    pub fn better(self, a: Value, b: Value) -> bool {
        self.compare(a, b).is_lt()
    }

    /// Everything that is known of the metric.
    pub const fn description(self) -> Description {
        use Direction::{Higher, Lower};
        use TargetKind::{Classes, Numbers};
        match self {
            Self::Error => Description {
                name: "error",
                title: "error",
                unit: Unit::Share,
                kind: Classes,
                direction: Lower,
                range: SHARES,
                mean_over_examples: true,
                meaning: "The share of the examples whose predicted class is wrong.",
                source: "Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.2 (0-1 loss)",
            },
            Self::Accuracy => Description {
                name: "accuracy",
                title: "accuracy",
                unit: Unit::Share,
                kind: Classes,
                direction: Higher,
                range: SHARES,
                mean_over_examples: true,
                meaning: "The share of the examples whose predicted class is right.",
                source: "Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.2 (1 minus the 0-1 loss)",
            },
            Self::BalancedAccuracy => Description {
                name: "balanced-accuracy",
                title: "balanced accuracy",
                unit: Unit::Share,
                kind: Classes,
                direction: Higher,
                range: SHARES,
                mean_over_examples: false,
                meaning: "The mean recall of the classes that examples have, each class counting the same.",
                source: "Brodersen, Ong, Stephan and Buhmann 2010, The balanced accuracy and its posterior distribution",
            },
            Self::LogLoss => Description {
                name: "log-loss",
                title: "log loss",
                unit: Unit::Nats,
                kind: Classes,
                direction: Lower,
                range: NOT_NEGATIVE,
                mean_over_examples: true,
                meaning: "The mean of -log p, where p is the probability that the network gives to an example's true class.",
                source: "Good 1952, Rational decisions (logarithmic score)",
            },
            Self::MacroF1 => Description {
                name: "macro-f1",
                title: "macro F1",
                unit: Unit::Plain,
                kind: Classes,
                direction: Higher,
                range: SHARES,
                mean_over_examples: false,
                meaning: "The mean over the classes of F1, the harmonic mean of precision and recall.",
                source: "van Rijsbergen 1979, Information Retrieval, chapter 7; Opitz and Burst 2019, Macro F1 and Macro F1 (mean of F1)",
            },
            Self::Auc => Description {
                name: "auc",
                title: "ROC AUC",
                unit: Unit::Plain,
                kind: Classes,
                direction: Higher,
                range: SHARES,
                mean_over_examples: false,
                meaning: "The share of the pairs of an example of a class and one of another class that the score ranks rightly, a tie counting half; \
                          with more than two classes, the mean over the classes.",
                source: "Hanley and McNeil 1982, The meaning and use of the area under a ROC curve; Provost and Domingos 2000 (one against the rest)",
            },
            Self::AveragePrecision => Description {
                name: "average-precision",
                title: "average precision (PR AUC)",
                unit: Unit::Plain,
                kind: Classes,
                direction: Higher,
                range: SHARES,
                mean_over_examples: false,
                meaning: "The mean of the precisions at the scores of the examples of a class, without interpolation; with more than two classes, the \
                          mean over the classes.",
                source: "Davis and Goadrich 2006, The relationship between precision-recall and ROC curves; Boyd, Eng and Page 2013",
            },
            Self::Brier => Description {
                name: "brier",
                title: "Brier score",
                unit: Unit::Plain,
                kind: Classes,
                direction: Lower,
                range: Range { low: 0.0, high: 2.0 },
                mean_over_examples: true,
                meaning: "The mean squared distance of the probabilities from 1 for the true class and 0 for every other one; with two classes, half of it.",
                source: "Brier 1950, Verification of forecasts expressed in terms of probability",
            },
            Self::CalibrationError => Description {
                name: "calibration-error",
                title: "expected calibration error",
                unit: Unit::Share,
                kind: Classes,
                direction: Lower,
                range: SHARES,
                mean_over_examples: false,
                meaning: "The mean distance of the accuracy from the mean probability of the predicted class, over 15 bins of that probability.",
                source: "Guo, Pleiss, Sun and Weinberger 2017, On calibration of modern neural networks",
            },
            Self::Rmse => Description {
                name: "rmse",
                title: "RMSE",
                unit: Unit::Target,
                kind: Numbers,
                direction: Lower,
                range: NOT_NEGATIVE,
                mean_over_examples: false,
                meaning: "The square root of the mean squared difference of predicted and true numbers; with several columns, the mean over the columns.",
                source: "Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.2 (squared error)",
            },
            Self::Mae => Description {
                name: "mae",
                title: "MAE",
                unit: Unit::Target,
                kind: Numbers,
                direction: Lower,
                range: NOT_NEGATIVE,
                mean_over_examples: true,
                meaning: "The mean absolute difference of predicted and true numbers; with several columns, the mean over the columns.",
                source: "Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.2 (absolute error)",
            },
            Self::R2 => Description {
                name: "r2",
                title: "R\u{b2}",
                unit: Unit::Plain,
                kind: Numbers,
                direction: Higher,
                range: Range { low: f64::NEG_INFINITY, high: 1.0 },
                mean_over_examples: false,
                meaning: "1 minus the squared differences of predicted and true numbers, relative to those of the true numbers from their mean; with \
                          several columns, the mean over the columns.",
                source: "Kv\u{e5}lseth 1985, Cautionary note about R\u{b2} (its first definition)",
            },
        }
    }
}

impl fmt::Display for Metric {
    /// The name in specs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Names of other programs, in small letters with `_` between words.
const SYNONYMS: &[(&str, Metric)] = &[
    ("zero_one_loss", Metric::Error),
    ("err", Metric::Error),
    ("acc", Metric::Accuracy),
    ("bacc", Metric::BalancedAccuracy),
    ("balanced_acc", Metric::BalancedAccuracy),
    ("loss", Metric::LogLoss),
    ("nll", Metric::LogLoss),
    ("cross_entropy", Metric::LogLoss),
    ("crossentropy", Metric::LogLoss),
    ("neg_log_loss", Metric::LogLoss),
    ("f1", Metric::MacroF1),
    ("f1_macro", Metric::MacroF1),
    ("f1_score", Metric::MacroF1),
    ("auroc", Metric::Auc),
    ("roc_auc", Metric::Auc),
    ("roc_auc_ovr", Metric::Auc),
    ("ap", Metric::AveragePrecision),
    ("auprc", Metric::AveragePrecision),
    ("pr_auc", Metric::AveragePrecision),
    ("prauc", Metric::AveragePrecision),
    ("brier_score", Metric::Brier),
    ("neg_brier_score", Metric::Brier),
    ("ece", Metric::CalibrationError),
    ("expected_calibration_error", Metric::CalibrationError),
    ("mse", Metric::Rmse),
    ("mean_squared_error", Metric::Rmse),
    ("root_mean_squared_error", Metric::Rmse),
    ("neg_root_mean_squared_error", Metric::Rmse),
    ("l1", Metric::Mae),
    ("mean_absolute_error", Metric::Mae),
    ("neg_mean_absolute_error", Metric::Mae),
    ("r2_score", Metric::R2),
    ("r_squared", Metric::R2),
];

impl Metric {
    /// The metric that was probably meant by a word which is no name.
    pub fn suggestion(written: &str) -> Option<Self> {
        // Longer words have no synonym and cost time.
        const LONG: usize = 64;
        if written.len() > LONG {
            return None;
        }
        let word = plain(written);
        let synonym = SYNONYMS.iter().find(|(synonym, _)| *synonym == word).map(|(_, metric)| *metric);
        synonym.or_else(|| nearest(written, &Self::ALL.map(Self::name)).and_then(Self::named))
    }
}

/// A word that names no metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{written:?} is no metric")]
#[diagnostic(help("{}", hint(*suggestion)))]
pub struct UnknownMetric {
    /// The word.
    pub written: String,
    /// The metric that was probably meant.
    pub suggestion: Option<Metric>,
}

fn hint(suggestion: Option<Metric>) -> String {
    let known = format!("known: {}", Metric::ALL.map(Metric::name).join(", "));
    match suggestion {
        Some(metric) => format!("did you mean \"{metric}\"? {known}"),
        None => known,
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(written: &str) -> Result<Self, UnknownMetric> {
        Self::named(written)
            .ok_or_else(|| UnknownMetric { written: written.to_owned(), suggestion: Self::suggestion(written) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use miette::Diagnostic as _;

    use super::{super::value::Undefined, *};

    #[test]
    fn names_are_the_same_in_specs_and_results() {
        for metric in Metric::ALL {
            let name = metric.name();
            assert_eq!(serde_json::to_string(&metric).unwrap(), format!("{name:?}"));
            assert_eq!((name.parse(), metric.to_string().as_str()), (Ok(metric), name));
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        }
        let names = BTreeSet::from(Metric::ALL.map(Metric::name));
        assert_eq!(names.len(), Metric::ALL.len(), "every metric is there once");
        assert_eq!(BTreeSet::from(Metric::ALL.map(Metric::title)).len(), Metric::ALL.len());
    }

    #[test]
    fn descriptions_fit_together() {
        for metric in Metric::ALL {
            let Description { meaning, source, range, kind, direction, .. } = metric.description();
            assert!(meaning.ends_with('.') && meaning.matches(". ").count() == 0, "{metric}: one sentence");
            assert!(!source.is_empty() && range.low < range.high);
            let best = if direction == Direction::Lower { range.low } else { range.high };
            assert!(best.is_finite(), "{metric}: a perfect network has a value");
            assert!(Metric::for_kind(kind).any(|other| other == metric));
        }
        for kind in [TargetKind::Classes, TargetKind::Numbers] {
            assert_eq!(Metric::default_for(kind).kind(), kind);
        }
        assert_eq!(Metric::LogLoss.description().range.to_string(), "0 or more");
        assert_eq!(Metric::R2.description().range.to_string(), "1 or less");
        assert_eq!(Metric::Brier.description().range.to_string(), "0 to 2");
    }

    #[test]
    fn the_page_lists_every_metric_as_it_is() {
        let page = include_str!("../../../docs/metrics.md");
        for metric in Metric::ALL {
            let Description { name, direction, range, kind, source, .. } = metric.description();
            let (_, section) = page.split_once(&format!("## Metrics of {kind}")).unwrap();
            let row = section.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
            let better = if direction == Direction::Lower { "lower" } else { "higher" };
            assert!(row.contains(&format!(" | {better} | {range} | ")), "{row}");
            let author = source.split(&[' ', ','][..]).next().unwrap();
            let (_, sources) = page.split_once("## Sources").unwrap();
            let row = sources.lines().find(|line| line.contains(&format!("`{name}`"))).unwrap();
            assert!(row.contains(author), "{row}");
        }
        let (_, folds) = page.split_once("## Folds").unwrap();
        let (means, _) = folds.split_once(" are means over the examples").unwrap();
        for metric in Metric::ALL {
            assert_eq!(means.contains(&format!("`{metric}`")), metric.description().mean_over_examples, "{metric}");
        }
    }

    #[test]
    fn misspelt_and_other_names_are_answered_with_a_metric() {
        for (written, meant) in [
            ("acuracy", Some(Metric::Accuracy)),
            ("balanced_accuracy", Some(Metric::BalancedAccuracy)),
            ("ECE", Some(Metric::CalibrationError)),
            ("roc-auc", Some(Metric::Auc)),
            ("Cross Entropy", Some(Metric::LogLoss)),
            ("mse", Some(Metric::Rmse)),
            ("speed", None),
        ] {
            let error = written.parse::<Metric>().unwrap_err();
            assert_eq!(error.suggestion, meant, "{written}");
            assert_eq!(error.to_string(), format!("{written:?} is no metric"));
        }
        let help = "f1".parse::<Metric>().unwrap_err().help().unwrap().to_string();
        assert!(help.starts_with("did you mean \"macro-f1\"? known: error, accuracy"), "{help}");
        let mut seen = BTreeSet::new();
        for (synonym, _) in SYNONYMS {
            assert!(seen.insert(synonym) && plain(synonym) == *synonym, "{synonym}");
        }
    }

    #[test]
    fn what_has_no_number_comes_last_in_both_directions() {
        let undefined = Value::Undefined(Undefined::OneExample);
        for metric in Metric::ALL {
            let (better, worse) = match metric.direction() {
                Direction::Lower => (-1e300, 1e300),
                Direction::Higher => (1e300, -1e300),
            };
            let ordered = [Value::Number(better), Value::Number(worse), undefined, Value::Diverged];
            for (a, first) in ordered.into_iter().enumerate() {
                for (b, second) in ordered.into_iter().enumerate() {
                    assert_eq!(metric.compare(first, second), a.cmp(&b), "{metric}: {first} and {second}");
                    assert_eq!(metric.better(first, second), a < b);
                }
            }
            for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(metric.compare(Value::Number(number), Value::Diverged), Ordering::Equal);
                assert!(metric.better(undefined, Value::Number(number)));
            }
            assert_eq!(metric.compare(Value::Number(0.0), Value::Number(-0.0)), Ordering::Equal);
            let other = Value::Undefined(Undefined::Empty);
            assert_eq!(metric.compare(undefined, other), Ordering::Equal);
        }
    }
}
