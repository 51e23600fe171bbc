//! The training data and the networks.

use super::wording;
use crate::{
    aggregate::{Aggregate, report_json::Report},
    report::{
        document::{Block, Field, Figure, Kind, Label, Section, Table, Tone},
        figure::{self, Drawing},
        numbers::whole,
        shown_and_best_rows,
        trained_networks::Trained,
    },
};

/// Some pairs of the data set.
pub(super) fn data(report: &Report, aggregate: Option<&Aggregate>) -> Section {
    let mut blocks = vec![Block::Text(Tone::Plain, format!("{}.", wording::dataset(&report.dataset)))];
    blocks.extend(figure("digits", "Training pairs", DIGITS, aggregate.and_then(figure::digits)));
    Section::new("data", "Data", blocks)
}

/// Diagrams and tables of layers.
pub(super) fn networks(trained: &[Trained<'_>], drawn: bool) -> Section {
    let mut blocks = vec![Block::Text(Tone::Plain, ABOUT.to_owned())];
    let drawing = figure::networks(trained).filter(|_| drawn);
    blocks.extend(figure("networks", "Networks", NETWORKS, drawing));
    for (index, one) in trained.iter().enumerate() {
        let text = format!("{}, from {}; {}.", one.model.summary, one.model.source, one.which);
        let blocks_of_one = vec![Block::Text(Tone::Plain, text), Block::Table(layers(one, index == 0))];
        blocks.push(Section::new(format!("network-{}", index + 1), one.model.title, blocks_of_one).into());
    }
    Section::new("networks", "Networks", blocks)
}

fn figure(file: &str, title: &str, caption: &str, drawing: Option<Drawing>) -> Option<Block> {
    let [file, title, caption] = [file, title, caption].map(str::to_owned);
    Some(Block::Figure(Figure { file, title, caption, drawing: drawing? }))
}

/// Each layer that has weights with what follows it, and the sum. The first of the tables says in LaTeX what its rows are.
fn layers(one: &Trained<'_>, is_first: bool) -> Table {
    let mut rows = Vec::new();
    for part in &one.parts {
        for (index, row) in part.rows.iter().enumerate() {
            let name = if index == 0 { part.name } else { "" };
            // The first row is the input.
            let (operations, weights) = match (index, row.steps.is_empty()) {
                (0, true) => (format!("reads {}", part.reads), String::new()),
                (0, false) => (format!("reads {}, {}", part.reads, row.layers()), String::new()),
                _ => (row.layers(), whole(row.weights)),
            };
            rows.push([name.to_owned(), row.name.clone(), operations, row.shape(), weights]);
        }
    }
    let all = whole(one.network.parameter_count());
    rows.push(["all".to_owned(), String::new(), String::new(), String::new(), all]);
    let about = if is_first { format!(" {ABOUT}") } else { String::new() };
    type Of = [String; 5];
    let fields = [
        Field::name("Part", |row: &Of| row[0].clone()),
        Field::words("Layer", |row: &Of| row[1].clone()),
        Field::words("Operations", |row: &Of| row[2].clone()),
        Field::number("Output", |row: &Of| row[3].clone()),
        Field::number("Weights", |row: &Of| row[4].clone()),
    ];
    let name = one.model.name;
    Table {
        label: Some(Label { file: format!("network-{name}"), label: format!("tab:network:{name}") }),
        caption: format!("{}, {}.{about}", one.model.title, one.which),
        notes: settings(one),
        ..Table::new(Kind::Layers, one.model.title, &fields, &rows)
    }
}

/// How it was trained: hyper-parameters, inputs and when training ends.
fn settings(one: &Trained<'_>) -> String {
    let given: Vec<String> = one.row.hyperparameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let inputs = shown_and_best_rows::normalize(one.row);
    format!("{}. Inputs: {inputs}. Stopping rule: {}.", given.join(", "), wording::stop(one.row))
}

const ABOUT: &str = "Each row is a layer with weights and what follows it; output shapes are channels x height x width, or a width. Weights \
     count biases too, and those of a tower that reads each image once.";

const DIGITS: &str = "The first training pairs of each class, as the networks see them before pixels become inputs: two \
     images of 14 x 14 pixels, ink dark. Below each pair: its digits, which the auxiliary losses name, and its place among the training pairs.";

const NETWORKS: &str = "Each model's network, from left to right. Below a box: the shape of what comes out of it. Dashed lines \
     join layers that share their weights: one tower reads both images. Blue: the comparison, whose two outputs say whether the first digit \
     is at most the second; orange: auxiliary outputs, ten for each digit, which are used in training only. Losses are added up with the \
     weights that are written beside them.";
