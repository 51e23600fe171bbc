//! Resolves a definition: parameters become numbers, layers get shapes.

use std::collections::BTreeMap;

use super::{
    definition::{BlockDefinition, ClassWeightsDefinition, Definition, LossWord, Name, OutputDefinition},
    error::{NetworkErrors, Problems},
    limits::PARAMETERS_MAX,
    operation_shapes::{added, joined},
    problem::Problem,
    read_layers::linear_to_target,
    reader::unknown,
    resolve_layers::{Flow, Layers},
    resolved::{Block, BlockCopy, ClassWeights, Input, Join, Loss, Network, Output, Source},
    scope::Scope,
    shape::{InputShape, Schema, Shape, TargetKind},
};
use crate::hyperparameters::Hyperparameters;

impl Definition {
    /// The network that these hyper-parameters make for this data set. Parameters that `given` lacks have their defaults;
    /// hyper-parameters that are none of the network's are ignored.
    ///
    /// # Errors
    /// Everything that does not fit, at once: values, shapes, inputs and targets.
    pub fn resolve(&self, given: &Hyperparameters, schema: &Schema) -> Result<Network, NetworkErrors> {
        let mut problems = Problems::default();
        let scope = self.scope(given, &mut problems);
        let network = match problems.is_empty() {
            true => Some(self.network(&scope, schema, &mut problems)),
            false => None,
        };
        problems.finish(&self.text)?;
        Ok(network.expect("a network is only left out after a problem was reported"))
    }

    /// The parameters' values.
    fn scope(&self, given: &Hyperparameters, problems: &mut Problems) -> Scope {
        let mut values = BTreeMap::new();
        for (parameter, at) in self.parameters.iter().zip(&self.parameter_places) {
            let checked = match given.get(&parameter.name) {
                Some(value) => parameter.check(value.clone()).map_err(Problem::from),
                None => parameter.default.clone().ok_or_else(|| Problem::NoValue { name: parameter.name.clone() }),
            };
            match checked {
                Ok(value) => drop(values.insert(parameter.name.clone(), value)),
                Err(problem) => problems.report(at, problem),
            }
        }
        Scope::new(values)
    }

    fn network(&self, scope: &Scope, schema: &Schema, problems: &mut Problems) -> Network {
        let mut building = Building {
            schema,
            scope,
            problems,
            flows: Vec::new(),
            blocks: Vec::new(),
            inputs: BTreeMap::new(),
            layers: Layers::default(),
        };
        for block in &self.blocks {
            building.block(block);
        }
        let weights = self.weights(scope, building.problems);
        let mut outputs = Vec::new();
        for (output, weight) in self.outputs.iter().zip(weights) {
            outputs.extend(building.output(output, weight, &self.blocks));
        }
        let Building { blocks, inputs, .. } = building;
        let inputs =
            inputs.into_iter().map(|(name, input)| Input { name, shape: input.shape, categories: input.categories });
        let network = Network { inputs: inputs.collect(), blocks, outputs, primary: self.primary };
        let count =
            network.variables().iter().map(super::initialisation::Variable::values).fold(0, u64::saturating_add);
        if count > PARAMETERS_MAX {
            problems.report(&self.at, Problem::TooManyWeights { count });
        }
        network
    }

    /// The factor of each output's loss.
    fn weights(&self, scope: &Scope, problems: &mut Problems) -> Vec<f64> {
        if let Some(auxiliary) = &self.auxiliary_weight {
            let weight = scope.real(auxiliary);
            if !(0.0..=1.0).contains(&weight) {
                let (what, expected) = ("`auxiliary_weight`".to_owned(), "a number from 0 to 1".to_owned());
                problems.report(&auxiliary.at, Problem::OutOfRange { what, expected, found: weight.to_string() });
            }
            let of = |index| if index == self.primary { 1.0 - weight } else { weight };
            return (0..self.outputs.len()).map(of).collect();
        }
        let mut weights = Vec::new();
        for output in &self.outputs {
            let weight = output.weight.as_ref().map_or(1.0, |weight| scope.real(weight));
            if let Some(at) = output.weight.as_ref().map(|weight| &weight.at)
                && !(weight.is_finite() && weight >= 0.0)
            {
                let (what, expected) = ("`weight`".to_owned(), "a number, 0 or above".to_owned());
                problems.report(at, Problem::OutOfRange { what, expected, found: weight.to_string() });
            }
            weights.push(weight);
        }
        weights
    }
}

/// A network in the making.
struct Building<'b> {
    schema: &'b Schema,
    scope: &'b Scope,
    problems: &'b mut Problems,
    /// The output of each copy of each block, as far as it is known.
    flows: Vec<Flow>,
    blocks: Vec<Block>,
    inputs: BTreeMap<String, InputShape>,
    layers: Layers,
}

/// The meaning of a name: a source and the values that it gives.
type Read = (Source, Flow);

impl Building<'_> {
    fn block(&mut self, definition: &BlockDefinition) {
        if self.schema.inputs.contains_key(&definition.name.text) {
            self.problems.report(&definition.name.at, Problem::InputName { name: definition.name.text.clone() });
        }
        let mut copies = Vec::new();
        let mut flows: Vec<Flow> = Vec::new();
        let mut join = Join::Channels;
        for names in &definition.copies {
            let (reads, how, flow) = self.read(names, definition.join);
            let name =
                if definition.each { names.iter().map(|name| name.text.clone()).collect() } else { String::new() };
            copies.push(BlockCopy { name, reads });
            flows.push(flow);
            join = how;
        }
        let first = flows.first().cloned().unwrap_or_default();
        let shapes: Option<Vec<Shape>> = flows.iter().map(|flow| flow.shape.clone()).collect();
        if let Some(shapes) = shapes
            && flows.iter().any(|flow| *flow != first)
        {
            let what = format!("the inputs of block `{}`", definition.name.text);
            let hint = "`each` needs inputs of one shape and one kind: they share the weights";
            self.problems.report(&definition.name.at, Problem::UnequalShapes { what, shapes, hint });
        }
        let prefix = &definition.name.text;
        let (layers, flow) = self.layers.resolve(&definition.layers, prefix, first.clone(), self.scope, self.problems);
        self.push(definition.name.text.clone(), copies, join, first, layers, flow);
    }

    fn push(
        &mut self,
        name: String,
        copies: Vec<BlockCopy>,
        join: Join,
        input: Flow,
        layers: Vec<super::layer::Layer>,
        output: Flow,
    ) {
        // A block of unknown shape stands after a reported problem, and its network is not handed out.
        let shape = |flow: &Flow| flow.shape.clone().unwrap_or(Shape(Vec::new()));
        self.blocks.push(Block { name, copies, join, input: shape(&input), layers, output: shape(&output) });
        self.flows.push(output);
    }

    /// The outputs of these names, joined.
    fn read(&mut self, names: &[Name], join: Option<Join>) -> (Vec<Source>, Join, Flow) {
        let reads: Vec<Vec<Read>> = names.iter().map(|name| self.named(name)).collect();
        let reads: Vec<Read> = reads.into_iter().flatten().collect();
        let sources: Vec<Source> = reads.iter().map(|(source, _)| source.clone()).collect();
        let join = join.unwrap_or(Join::Channels);
        let shapes: Option<Vec<Shape>> = reads.iter().map(|(_, flow)| flow.shape.clone()).collect();
        let unknown = (sources.clone(), join, Flow::default());
        let (Some(shapes), Some((_, first))) = (shapes, reads.first()) else { return unknown };
        let at =
            names.first().map_or(0..0, |first| first.at.start..names.last().map_or(first.at.end, |last| last.at.end));
        let codes = reads.iter().filter(|(_, flow)| flow.categories.is_some()).count();
        if codes > 0 && reads.iter().any(|(_, flow)| flow.categories != first.categories) {
            self.problems.report(&at, Problem::Codes { layer: "a joined list" });
            return unknown;
        }
        let shape = match (join, &shapes[..]) {
            (Join::Channels | Join::Add, [only]) => Ok(only.clone()),
            (Join::Channels, shapes) => joined("", shapes),
            (Join::Add, shapes) => added("", shapes),
            (Join::Features, shapes) => {
                Ok(Shape::flat(shapes.iter().fold(0, |sum, shape| sum.saturating_add(shape.values()))))
            }
        };
        let shape = shape.map_err(|_| Problem::UnequalShapes {
            what: "the joined values".to_owned(),
            shapes,
            hint: match join {
                Join::Add => "values of one shape can be added",
                Join::Channels | Join::Features => {
                    "channels need equal sizes behind them; join = \"features\" flattens each and joins all"
                }
            },
        });
        match shape {
            Ok(shape) => (sources, join, Flow { shape: Some(shape), categories: first.categories }),
            Err(problem) => {
                self.problems.report(&at, problem);
                unknown
            }
        }
    }

    /// The meaning of a name: an input, a block, or one copy of a block.
    fn named(&mut self, name: &Name) -> Vec<Read> {
        if let Some(input) = self.schema.inputs.get(&name.text) {
            self.inputs.insert(name.text.clone(), input.clone());
            let zero = input.shape.0.is_empty() || input.shape.values() == 0;
            if zero {
                let what = format!("the shape of input `{}`", name.text);
                let (expected, found) = ("one value or more".to_owned(), input.shape.to_string());
                self.problems.report(&name.at, Problem::OutOfRange { what, expected, found });
            }
            let shape = (!zero).then(|| input.shape.clone());
            return vec![(Source::Input(name.text.clone()), Flow { shape, categories: input.categories })];
        }
        let (block, copy) = match name.text.split_once('.') {
            Some((block, copy)) => (block, Some(copy)),
            None => (name.text.as_str(), None),
        };
        if let Some(index) = self.blocks.iter().position(|other| other.name == block) {
            let flow = &self.flows[index];
            let all = self.blocks[index].copies.iter().enumerate();
            let wanted = all.filter(|(_, other)| copy.is_none_or(|copy| copy == other.name));
            return wanted.map(|(copy, _)| (Source::Block { block: index, copy }, flow.clone())).collect();
        }
        let known: Vec<&str> =
            self.schema.inputs.keys().chain(self.blocks.iter().map(|block| &block.name)).map(String::as_str).collect();
        self.problems.report(&name.at, unknown("input or block", &name.text, &known));
        vec![(Source::Input(name.text.clone()), Flow::default())]
    }

    fn output(&mut self, definition: &OutputDefinition, weight: f64, blocks: &[BlockDefinition]) -> Option<Output> {
        let target = self.schema.targets.get(&definition.target).copied();
        if target.is_none() {
            let known: Vec<&str> = self.schema.targets.keys().map(String::as_str).collect();
            self.problems.report(&definition.target_at, unknown("target", &definition.target, &known));
        }
        let loss = target.and_then(|target| self.loss(definition, target));
        let width = target.map(|target| match (target, &loss) {
            (TargetKind::Classes(2), Some(Loss::BinaryCrossEntropy)) => 1,
            (TargetKind::Classes(count) | TargetKind::Numbers(count), _) => count,
        });
        if let (Some(written), Some(expected)) = (&definition.width, width) {
            let found = self.scope.size(written, "`width`", self.problems);
            if let Some(found) = found.filter(|found| *found != expected) {
                let (target, found) = (definition.target.clone(), Shape::flat(found));
                self.problems.report(&written.at, Problem::OutputShape { target, found, expected });
            }
        }
        // Blocks of outputs have targets' names and cannot be read.
        let outputs = self.blocks.split_off(blocks.len());
        let (reads, join, input) = self.read(&definition.from, definition.join);
        self.blocks.extend(outputs);
        let added = [linear_to_target(&definition.at, &definition.target)];
        let layers = definition.layers.as_deref().unwrap_or(&added);
        let scope = self.scope.with_target(width);
        let prefix = &definition.target;
        let (layers, flow) = match width {
            Some(_) => self.layers.resolve(layers, prefix, input.clone(), &scope, self.problems),
            None => (Vec::new(), Flow::default()),
        };
        if let (Some(found), Some(expected)) = (&flow.shape, width) {
            if flow.categories.is_some() {
                self.problems.report(&definition.at, Problem::Codes { layer: "an output" });
            } else if *found != Shape::flat(expected) {
                let problem =
                    Problem::OutputShape { target: definition.target.clone(), found: found.clone(), expected };
                self.problems.report(&definition.at, problem);
            }
        }
        let copies = vec![BlockCopy { name: String::new(), reads }];
        self.push(definition.target.clone(), copies, join, input, layers, flow);
        let block = self.blocks.len() - 1;
        Some(Output { target: definition.target.clone(), block, width: width?, loss: loss?, weight })
    }

    fn loss(&mut self, definition: &OutputDefinition, target: TargetKind) -> Option<Loss> {
        let default = match target {
            TargetKind::Classes(_) => LossWord::CrossEntropy,
            TargetKind::Numbers(_) => LossWord::Squared,
        };
        let word = definition.loss.as_ref().map_or(default, |(_, word)| *word);
        let fits = match (word, target) {
            (LossWord::CrossEntropy, TargetKind::Classes(_)) => true,
            (LossWord::BinaryCrossEntropy, TargetKind::Classes(count)) => count == 2,
            (_, TargetKind::Classes(_)) | (LossWord::CrossEntropy, TargetKind::Numbers(_)) => false,
            (_, TargetKind::Numbers(_)) => true,
        };
        if let (false, Some((at, _))) = (fits, &definition.loss) {
            let problem = Problem::LossMisfit { loss: word.word(), target: definition.target.clone(), kind: target };
            self.problems.report(at, problem);
            return None;
        }
        let mut belongs = |key, at: Option<&super::error::Span>, to: LossWord| {
            if let Some(at) = at.filter(|_| word != to) {
                self.problems.report(at, Problem::KeyOfOtherLoss { key, loss: word.word(), belongs: to.word() });
            }
        };
        belongs("label_smoothing", definition.label_smoothing.as_ref().map(|real| &real.at), LossWord::CrossEntropy);
        belongs("class_weights", definition.class_weights.as_ref().map(|(at, _)| at), LossWord::CrossEntropy);
        belongs("delta", definition.delta.as_ref().map(|real| &real.at), LossWord::Huber);
        Some(match word {
            LossWord::CrossEntropy => {
                let smoothing = definition.label_smoothing.as_ref();
                let label_smoothing = smoothing.map_or(0.0, |real| self.scope.real(real));
                if let Some(real) = smoothing.filter(|_| !(0.0..1.0).contains(&label_smoothing)) {
                    self.out_of_range(&real.at, "`label_smoothing`", "a number from 0 to below 1", label_smoothing);
                }
                let class_weights = self.class_weights(definition, target);
                Loss::CrossEntropy { label_smoothing, class_weights }
            }
            LossWord::BinaryCrossEntropy => Loss::BinaryCrossEntropy,
            LossWord::Squared => Loss::Squared,
            LossWord::Absolute => Loss::Absolute,
            LossWord::Huber => {
                let delta = definition.delta.as_ref().map_or(1.0, |real| self.scope.real(real));
                if let Some(real) = definition.delta.as_ref().filter(|_| !(delta > 0.0 && delta.is_finite())) {
                    self.out_of_range(&real.at, "`delta`", "a number above 0", delta);
                }
                Loss::Huber { delta }
            }
        })
    }

    fn class_weights(&mut self, definition: &OutputDefinition, target: TargetKind) -> Option<ClassWeights> {
        let (at, written) = definition.class_weights.as_ref()?;
        let ClassWeightsDefinition::Given(weights) = written else { return Some(ClassWeights::Balanced) };
        let values: Vec<f64> = weights.iter().map(|weight| self.scope.real(weight)).collect();
        for (weight, &value) in weights.iter().zip(&values).filter(|(_, value)| !(**value > 0.0 && value.is_finite())) {
            self.out_of_range(&weight.at, "each of `class_weights`", "a number above 0", value);
        }
        if let TargetKind::Classes(expected) = target
            && values.len() != expected
        {
            self.problems.report(at, Problem::ClassWeights { found: values.len(), expected });
        }
        Some(ClassWeights::Given(values))
    }

    fn out_of_range(&mut self, at: &super::error::Span, what: &str, expected: &str, found: f64) {
        let (what, expected, found) = (what.to_owned(), expected.to_owned(), found.to_string());
        self.problems.report(at, Problem::OutOfRange { what, expected, found });
    }
}
