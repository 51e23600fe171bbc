//! The facts about a metric: names, kind of target, direction, range, meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of target that a metric belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// One class of several for each example.
    Classes,
    /// One or more numbers for each example.
    Numbers,
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classes => "classes",
            Self::Numbers => "numbers",
        })
    }
}

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Lower values are better.
    Lower,
    /// Higher values are better.
    Higher,
}

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A share of 1, which may be shown in percent.
    Share,
    /// Nats, the unit of natural logarithms.
    Nats,
    /// The unit of the target's numbers.
    Target,
    /// None: a plain number.
    Plain,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "share",
            Self::Nats => "nats",
            Self::Target => "the target's unit",
            Self::Plain => "none",
        })
    }
}

/// The least and the greatest value of a metric; infinite where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low.is_finite(), self.high.is_finite()) {
            (true, true) => write!(f, "{} to {}", self.low, self.high),
            (true, false) => write!(f, "{} or more", self.low),
            (false, true) => write!(f, "{} or less", self.high),
            (false, false) => f.write_str("any number"),
        }
    }
}

/// A metric for people and programs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description {
    /// The name in specs and results.
    pub name: &'static str,
    /// The name in reports.
    pub title: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// The kind of target that it belongs to.
    pub kind: TargetKind,
    /// Which values are better.
    pub direction: Direction,
    /// The least and the greatest value.
    pub range: Range,
    /// Whether it is a mean over examples: then its value for several parts together is the mean of the parts' values,
    /// weighted by their numbers of examples.
    pub mean_over_examples: bool,
    /// Its meaning in one sentence.
    pub meaning: &'static str,
    /// The work that defines it.
    pub source: &'static str,
}
