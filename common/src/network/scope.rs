//! The values of names at one place of a network.

use std::collections::BTreeMap;

use super::{
    error::Problems,
    limits::VALUES_MAX,
    problem::Problem,
    reader::TARGET,
    values::{Factor, Flag, Real, RealValue, Size},
};
use crate::hyperparameters::Value;

/// The values of the parameters, of the repeats around a place, and of the word `target`.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    parameters: BTreeMap<String, Value>,
    loops: Vec<(String, u64)>,
    target: Option<usize>,
}

impl Scope {
    pub(super) fn new(parameters: BTreeMap<String, Value>) -> Self {
        Self { parameters, loops: Vec::new(), target: None }
    }

    pub(super) fn with_target(&self, target: Option<usize>) -> Self {
        Self { target, ..self.clone() }
    }

    pub(super) fn with_loop(&self, name: &str, value: u64) -> Self {
        let mut inner = self.clone();
        inner.loops.push((name.to_owned(), value));
        inner
    }

    /// A parameter's value. Names were checked when the definition was read.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name)
    }

    fn whole(&self, name: &str) -> u64 {
        if let Some((_, value)) = self.loops.iter().rev().find(|(known, _)| known == name) {
            return *value;
        }
        match (self.value(name), self.target) {
            (Some(Value::Integer(value)), _) => *value,
            (None, Some(width)) if name == TARGET => width as u64,
            _ => 0,
        }
    }

    /// The product; saturates.
    pub(super) fn product(&self, size: &Size) -> u64 {
        let factor = |factor: &Factor| match factor {
            Factor::Number(number) => *number,
            Factor::Name(name) => self.whole(name),
        };
        size.factors.iter().map(factor).fold(1, u64::saturating_mul)
    }

    /// A size of at least 1; one of 0 or beyond the limit is reported.
    pub(super) fn size(&self, size: &Size, what: &str, problems: &mut Problems) -> Option<usize> {
        self.between(size, 1, what, problems)
    }

    /// A size of at least `least`.
    pub(super) fn between(&self, size: &Size, least: u64, what: &str, problems: &mut Problems) -> Option<usize> {
        let value = self.product(size);
        if (least..=VALUES_MAX as u64).contains(&value) {
            return Some(value as usize);
        }
        let expected = format!("a whole number from {least} to {VALUES_MAX}");
        let found = if value == u64::MAX { "a larger one".to_owned() } else { value.to_string() };
        problems.report(&size.at, Problem::OutOfRange { what: what.to_owned(), expected, found });
        None
    }

    pub(super) fn real(&self, real: &Real) -> f64 {
        match &real.value {
            RealValue::Number(number) => *number,
            RealValue::Name(name) => match self.value(name) {
                Some(Value::Number(number)) => *number,
                _ => self.whole(name) as f64,
            },
        }
    }

    pub(super) fn flag(&self, flag: &Flag) -> bool {
        match flag {
            Flag::Fixed(flag) => *flag,
            Flag::Name(name) => matches!(self.value(name), Some(Value::Flag(true))),
        }
    }
}
