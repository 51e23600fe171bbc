//! Resolves lists of layers: repeats and choices are expanded, sizes become numbers, shapes are inferred.

use std::collections::BTreeMap;

use super::{
    definition::{ConvDefinition, LayerDefinition, LayerKind, Over, Padding, activation},
    error::{Problems, Span},
    layer::{Branch, Layer, Operation, Window},
    limits::{LAYERS_MAX, ROUNDS_MAX, VALUES_MAX},
    operation_shapes::{added, joined},
    problem::Problem,
    scope::Scope,
    shape::Shape,
    values::Sizes,
};
use crate::hyperparameters::Value;

/// Values between two layers; the shape is None after a reported problem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) shape: Option<Shape>,
    /// The number of different codes, where the values are codes of categories.
    pub(super) categories: Option<usize>,
}

/// The common state of all blocks of a network: counts, and the names of variables with their places.
#[derive(Debug, Default)]
pub(super) struct Layers {
    layers: usize,
    rounds: usize,
    /// Whether more layers than are allowed were reported.
    full: bool,
    variables: BTreeMap<String, Span>,
}

/// The names of a list of layers.
struct Names<'n> {
    prefix: &'n str,
    position: usize,
}

/// A round of the repeats around a list.
struct Round<'r> {
    scope: &'r Scope,
    /// The numbers of the rounds, from 1, outermost first.
    rounds: &'r [usize],
}

impl Layers {
    /// The layers for an input of this kind, and the kind of their output.
    pub(super) fn resolve(
        &mut self,
        layers: &[LayerDefinition],
        prefix: &str,
        input: Flow,
        scope: &Scope,
        problems: &mut Problems,
    ) -> (Vec<Layer>, Flow) {
        let (mut flow, mut resolved) = (input, Vec::new());
        let mut names = Names { prefix, position: 0 };
        self.list(layers, &mut names, &Round { scope, rounds: &[] }, &mut flow, &mut resolved, problems);
        (resolved, flow)
    }

    fn list(
        &mut self,
        layers: &[LayerDefinition],
        names: &mut Names<'_>,
        round: &Round<'_>,
        flow: &mut Flow,
        resolved: &mut Vec<Layer>,
        problems: &mut Problems,
    ) {
        for layer in layers {
            match &layer.kind {
                LayerKind::Repeat { over, variable, layers } => {
                    let members = members(over, round.scope);
                    for (index, member) in members.enumerate() {
                        self.rounds += 1;
                        if self.is_full(&layer.at, flow, problems) {
                            return;
                        }
                        let inner = match variable {
                            Some(name) => &round.scope.with_loop(name, member),
                            None => round.scope,
                        };
                        let rounds = [round.rounds, &[index + 1]].concat();
                        let round = Round { scope: inner, rounds: &rounds };
                        self.list(layers, names, &round, flow, resolved, problems);
                    }
                }
                LayerKind::Choose { parameter, cases } => {
                    let word = match round.scope.value(parameter) {
                        Some(Value::Flag(flag)) => flag.to_string(),
                        Some(Value::Text(word)) => word.clone(),
                        _ => continue,
                    };
                    if let Some((_, layers)) = cases.iter().find(|(case, _)| *case == word) {
                        self.list(layers, names, round, flow, resolved, problems);
                    }
                }
                _ => {
                    self.layers += 1;
                    if self.is_full(&layer.at, flow, problems) {
                        return;
                    }
                    let name = name(layer, names, round);
                    names.position += 1;
                    self.layer(layer, name, round, flow, resolved, problems);
                }
            }
        }
    }

    /// Whether there are more layers than are allowed, which is reported once.
    fn is_full(&mut self, at: &Span, flow: &mut Flow, problems: &mut Problems) -> bool {
        let full = self.layers > LAYERS_MAX || self.rounds > ROUNDS_MAX;
        if full {
            if !self.full {
                problems.report(at, Problem::TooManyLayers);
            }
            (self.full, *flow) = (true, Flow::default());
        }
        full
    }

    fn layer(
        &mut self,
        definition: &LayerDefinition,
        name: String,
        round: &Round<'_>,
        flow: &mut Flow,
        resolved: &mut Vec<Layer>,
        problems: &mut Problems,
    ) {
        let operation = match &definition.kind {
            LayerKind::Branches { add, branches } => {
                self.branches(definition, *add, branches, &name, round, flow, problems)
            }
            kind => operation(kind, &definition.at, round.scope, flow, problems),
        };
        let Some(operation) = operation else {
            *flow = after_failure(&definition.kind, round.scope);
            return;
        };
        if matches!(operation, Operation::Dropout { probability } if probability == 0.0) {
            return;
        }
        let Some(input) = flow.shape.clone() else { return };
        if !self.takes_codes(&operation, flow, &definition.at, problems) {
            *flow = after_failure(&definition.kind, round.scope);
            return;
        }
        let output = match &operation {
            Operation::Add(branches) | Operation::Concat(branches) => {
                let shapes: Vec<Shape> = branches.iter().map(|branch| branch_output(branch, &input)).collect();
                match &operation {
                    Operation::Add(_) => added("the branches to be added", &shapes),
                    _ => joined("the branches to be joined", &shapes),
                }
            }
            other => other.output(&input),
        };
        let output = match output {
            Ok(output) => output,
            Err(misfit) => {
                problems.report(&definition.at, misfit);
                *flow = after_failure(&definition.kind, round.scope);
                return;
            }
        };
        let layer = Layer { name, operation, input, output: output.clone() };
        for variable in layer.variables() {
            if let Some(first) = self.variables.get(&variable.name) {
                let problem = Problem::RepeatedVariable { name: variable.name, repeated: *first == definition.at };
                problems.collision(&definition.at, &first.clone(), problem);
                break;
            }
            self.variables.insert(variable.name, definition.at.clone());
        }
        if !matches!(layer.operation, Operation::Flatten) {
            flow.categories = None;
        }
        flow.shape = Some(output);
        resolved.push(layer);
    }

    /// Whether the operation reads what flows: numbers, or codes for an embedding.
    fn takes_codes(&self, operation: &Operation, flow: &Flow, at: &Span, problems: &mut Problems) -> bool {
        let branches_read = |branches: &[Branch]| branches.iter().all(|branch| !branch.layers.is_empty());
        let fits = match (operation, flow.categories) {
            (Operation::Embedding { .. } | Operation::Flatten, _) | (_, None) => true,
            (Operation::Add(branches) | Operation::Concat(branches), Some(_)) => branches_read(branches),
            (_, Some(_)) => false,
        };
        if !fits {
            problems.report(at, Problem::Codes { layer: operation.word() });
        }
        fits
    }

    #[expect(clippy::too_many_arguments, reason = "a step of the recursion, with the state of all")]
    fn branches(
        &mut self,
        definition: &LayerDefinition,
        add: bool,
        branches: &[(String, Vec<LayerDefinition>)],
        name: &str,
        round: &Round<'_>,
        flow: &Flow,
        problems: &mut Problems,
    ) -> Option<Operation> {
        let mut resolved = Vec::new();
        let mut complete = flow.shape.is_some();
        for (branch, layers) in branches {
            let prefix = format!("{name}.{branch}");
            let mut names = Names { prefix: &prefix, position: 0 };
            let (mut inner, mut layers_of_branch) = (flow.clone(), Vec::new());
            self.list(layers, &mut names, round, &mut inner, &mut layers_of_branch, problems);
            complete &= inner.shape.is_some();
            if inner.categories.is_some() && !layers_of_branch.is_empty() {
                problems.report(&definition.at, Problem::Codes { layer: if add { "add" } else { "concat" } });
                complete = false;
            }
            resolved.push(Branch { layers: layers_of_branch });
        }
        complete.then_some(if add { Operation::Add(resolved) } else { Operation::Concat(resolved) })
    }
}

fn branch_output(branch: &Branch, input: &Shape) -> Shape {
    branch.layers.last().map_or_else(|| input.clone(), |layer| layer.output.clone())
}

/// The name that is written, with its rounds, or the position in the list.
fn name(layer: &LayerDefinition, names: &Names<'_>, round: &Round<'_>) -> String {
    let rounds = || round.rounds.iter().map(usize::to_string).collect::<Vec<_>>().join(".");
    match &layer.name {
        Some(name) if name.contains('#') => name.replace('#', &rounds()),
        Some(name) => name.clone(),
        None => format!("{}.{}", names.prefix, names.position),
    }
}

/// The members that a repeat goes over; numbers from 1 for a count.
fn members(over: &Over, scope: &Scope) -> Box<dyn Iterator<Item = u64>> {
    match over {
        Over::Count(size) => Box::new(1..=scope.product(size)),
        Over::List(sizes) => Box::new(sizes.iter().map(|size| scope.product(size)).collect::<Vec<_>>().into_iter()),
        Over::Parameter(name) => match scope.value(name) {
            Some(Value::Integers(items)) => Box::new(items.clone().into_iter()),
            Some(Value::Integer(count)) => Box::new(1..=*count),
            _ => Box::new(std::iter::empty()),
        },
    }
}

/// The known part of the output of a layer that does not fit: later layers are checked as far as it goes.
fn after_failure(kind: &LayerKind, scope: &Scope) -> Flow {
    let shape = match kind {
        LayerKind::Linear { width, .. } => {
            usize::try_from(scope.product(width)).ok().filter(|width| (1..=VALUES_MAX).contains(width))
        }
        _ => None,
    };
    Flow { shape: shape.map(Shape::flat), categories: None }
}

/// The operation with its numbers; None after a report, or where they depend on an unknown shape.
fn operation(kind: &LayerKind, at: &Span, scope: &Scope, flow: &Flow, problems: &mut Problems) -> Option<Operation> {
    let shape = flow.shape.as_ref();
    let mut in_range = |real: &super::values::Real, what: &str, expected: &str, allowed: fn(f64) -> bool| {
        let value = scope.real(real);
        if value.is_finite() && allowed(value) {
            return Some(value);
        }
        let (what, expected) = (what.to_owned(), expected.to_owned());
        problems.report(&real.at, Problem::OutOfRange { what, expected, found: value.to_string() });
        None
    };
    const POSITIVE: &str = "a number above 0";
    Some(match kind {
        LayerKind::Dropout(probability) => {
            let share = |value| (0.0..1.0).contains(&value);
            let probability = in_range(probability, "the probability of dropout", "a number from 0 to below 1", share)?;
            Operation::Dropout { probability }
        }
        LayerKind::LeakyRelu(slope) => {
            Operation::LeakyRelu { slope: in_range(slope, "the slope of leaky-relu", "a finite number", |_| true)? }
        }
        LayerKind::Elu(alpha) => {
            Operation::Elu { alpha: in_range(alpha, "the alpha of elu", POSITIVE, |alpha| alpha > 0.0)? }
        }
        LayerKind::BatchNorm { epsilon, momentum } => {
            let epsilon = in_range(epsilon, "epsilon", POSITIVE, |epsilon| epsilon > 0.0);
            let share = |value| value > 0.0 && value <= 1.0;
            let momentum = in_range(momentum, "the momentum of batch-norm", "a number from above 0 to 1", share);
            Operation::BatchNorm { epsilon: epsilon?, momentum: momentum? }
        }
        LayerKind::LayerNorm { epsilon } => {
            Operation::LayerNorm { epsilon: in_range(epsilon, "epsilon", POSITIVE, |epsilon| epsilon > 0.0)? }
        }
        LayerKind::GroupNorm { groups, epsilon } => {
            let epsilon = in_range(epsilon, "epsilon", POSITIVE, |epsilon| epsilon > 0.0);
            let groups = scope.size(groups, "the groups of group-norm", problems);
            Operation::GroupNorm { groups: groups?, epsilon: epsilon? }
        }
        LayerKind::Linear { width, bias, initialisation } => Operation::Linear {
            outputs: scope.size(width, "the width of linear", problems)?,
            bias: scope.flag(bias),
            initialisation: *initialisation,
        },
        LayerKind::Conv(conv) => convolution(conv, at, scope, shape, problems)?,
        LayerKind::Pool { maximum, kernel, stride, padding } => {
            let windows = Windows { scope, shape, at, layer: if *maximum { "max-pool" } else { "average-pool" } };
            let kernel = windows.sizes(kernel, "kernel", 1, problems);
            let stride = windows.or(stride.as_ref(), "stride", 1, || kernel.clone(), problems);
            let padding = windows.or(padding.as_ref(), "padding", 0, || windows.all(0), problems);
            let window = Window { kernel: kernel?, stride: stride?, padding: padding? };
            if *maximum { Operation::MaxPool(window) } else { Operation::AveragePool(window) }
        }
        LayerKind::Activation { parameter } => match scope.value(parameter) {
            Some(Value::Text(word)) => activation(word)?,
            _ => return None,
        },
        LayerKind::Embedding { width, initialisation } => {
            let width = scope.size(width, "the width of embedding", problems);
            shape?;
            let Some(categories) = flow.categories else {
                problems.report(at, Problem::NoCodes);
                return None;
            };
            Operation::Embedding { categories, width: width?, initialisation: *initialisation }
        }
        LayerKind::Fixed(operation) => operation.clone(),
        LayerKind::Branches { .. } | LayerKind::Repeat { .. } | LayerKind::Choose { .. } => return None,
    })
}

fn convolution(
    conv: &ConvDefinition,
    at: &Span,
    scope: &Scope,
    shape: Option<&Shape>,
    problems: &mut Problems,
) -> Option<Operation> {
    let windows = Windows { scope, shape, at, layer: "conv" };
    let outputs = scope.size(&conv.outputs, "the channels of conv", problems);
    let kernel = windows.sizes(&conv.kernel, "kernel", 1, problems);
    let stride = windows.or(conv.stride.as_ref(), "stride", 1, || windows.all(1), problems);
    let padding = match &conv.padding {
        Padding::None => windows.all(0),
        Padding::Sizes(sizes) => windows.sizes(sizes, "padding", 0, problems),
        Padding::Same(at) => match (&kernel, &stride) {
            (Some(kernel), Some(stride)) => {
                if kernel.iter().any(|size| size % 2 == 0) || stride.iter().any(|&size| size != 1) {
                    problems.report(at, Problem::SamePadding);
                    return None;
                }
                Some(kernel.iter().map(|size| size / 2).collect())
            }
            _ => None,
        },
    };
    let groups = match &conv.groups {
        Some(groups) => scope.size(groups, "the groups of conv", problems),
        None => Some(1),
    };
    Some(Operation::Conv {
        outputs: outputs?,
        kernel: kernel?,
        stride: stride?,
        padding: padding?,
        groups: groups?,
        bias: scope.flag(&conv.bias),
        initialisation: conv.initialisation,
    })
}

/// Sizes of windows, one for each dimension behind the channels.
struct Windows<'w> {
    scope: &'w Scope,
    shape: Option<&'w Shape>,
    at: &'w Span,
    layer: &'static str,
}

impl Windows<'_> {
    /// The same size everywhere; None where the shape is unknown. A vector has one, so that the layer reports it.
    fn all(&self, size: usize) -> Option<Vec<usize>> {
        self.shape.map(|shape| vec![size; shape.spatial().len().max(1)])
    }

    fn sizes(&self, sizes: &Sizes, key: &'static str, least: u64, problems: &mut Problems) -> Option<Vec<usize>> {
        let what = format!("the {key} of {}", self.layer);
        let values: Vec<Option<usize>> =
            sizes.sizes.iter().map(|size| self.scope.between(size, least, &what, problems)).collect();
        let values: Vec<usize> = values.into_iter().collect::<Option<_>>()?;
        let shape = self.shape?;
        match values[..] {
            [size] => self.all(size),
            _ if values.len() == shape.spatial().len() || !matches!(shape.rank(), 2 | 3) => Some(values),
            _ => {
                let problem = Problem::Dimensions { key, found: values.len(), input: shape.clone() };
                problems.report(if sizes.at.is_empty() { self.at } else { &sizes.at }, problem);
                None
            }
        }
    }

    fn or(
        &self,
        sizes: Option<&Sizes>,
        key: &'static str,
        least: u64,
        default: impl FnOnce() -> Option<Vec<usize>>,
        problems: &mut Problems,
    ) -> Option<Vec<usize>> {
        match sizes {
            Some(sizes) => self.sizes(sizes, key, least, problems),
            None => default(),
        }
    }
}
