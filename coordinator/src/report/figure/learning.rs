//! Learning curves: losses and errors by epoch.

use seedgrid_common::training::EpochMetrics;

use super::{
    drawing::{Anchor, Drawing, Stroke},
    facets::{crowded, facets},
    legend::{self, Entry},
    marks::mark,
    panel::{Axis, Panel},
    style::{self, BACKGROUND, SOFT, TEXT},
};
use crate::aggregate::{
    Curves, EpochMean,
    document::{EvaluationReport, StageReport},
};

/// Width of a figure's panels together, without labels.
const WIDTH: f64 = 700.0;
const HEIGHT: f64 = 250.0;
const FACET_HEIGHT: f64 = 150.0;

/// What one panel shows.
struct Measure {
    label: &'static str,
    of_mean: fn(&EpochMean) -> Option<f64>,
    of_unit: fn(&EpochMetrics) -> Option<f64>,
}

const TRAIN_LOSS: Measure = Measure {
    label: "training loss",
    of_mean: |mean| Some(mean.train_loss),
    of_unit: |metrics| Some(metrics.train_loss),
};
const TRAIN_ERROR: Measure = Measure {
    label: "training error",
    of_mean: |mean| Some(mean.train_error),
    of_unit: |metrics| Some(metrics.train_error),
};
const VALIDATION_ERROR: Measure = Measure {
    label: "validation error",
    of_mean: |mean| mean.validation_error,
    of_unit: |metrics| metrics.validation_error,
};

/// Means over the units in training, as long as at least half of them are, over thin lines of the single units.
pub(in crate::report) fn learning(stage: &StageReport, curves: &[Curves]) -> Option<Drawing> {
    if curves.iter().all(|curves| curves.learning.epochs.is_empty()) {
        return None;
    }
    let measures: &[Measure] = match stage.evaluation {
        EvaluationReport::Holdout => &[TRAIN_LOSS, TRAIN_ERROR],
        EvaluationReport::Folds(_) => &[TRAIN_LOSS, TRAIN_ERROR, VALIDATION_ERROR],
    };
    Some(if crowded(stage) { many(stage, curves, measures) } else { few(stage, curves, measures) })
}

fn few(stage: &StageReport, curves: &[Curves], measures: &[Measure]) -> Drawing {
    let members: Vec<&Curves> = curves.iter().collect();
    let panels: Vec<Drawing> = measures
        .iter()
        .map(|measure| {
            let panel = panel(&members, measure, measures.len(), HEIGHT, "");
            let mut content = panel.content();
            for (index, curves) in curves.iter().enumerate() {
                let thin = Stroke { color: style::color(index), width: 0.7, dashes: &[], opacity: 0.28 };
                units(&mut content, &panel, curves, measure, thin);
            }
            for (index, (curves, row)) in curves.iter().zip(&stage.configurations).enumerate() {
                let line = mean_line(&panel, curves, measure);
                content.path(&line, style::stroke(index), Some(&row.heading()));
                if let Some(&end) = line.last() {
                    mark(&mut content, index, end);
                }
            }
            panel.draw(&content)
        })
        .collect();
    let entries: Vec<Entry> = stage
        .configurations
        .iter()
        .enumerate()
        .map(|(index, row)| Entry {
            stroke: style::stroke(index),
            text: row.heading(),
            value: String::new(),
            mark: Some(index),
        })
        .collect();
    let body = beside(&panels);
    let key = legend::flow(&entries, body.width - Panel::LEFT);
    let mut drawing = Drawing::new(body.width, body.height + key.height + 4.0);
    drawing.place((Panel::LEFT, 4.0), &key);
    drawing.place((0.0, key.height + 4.0), &body);
    drawing
}

fn many(stage: &StageReport, curves: &[Curves], measures: &[Measure]) -> Drawing {
    let rows: Vec<Drawing> = facets(stage)
        .iter()
        .map(|facet| {
            let members: Vec<&Curves> = facet.members.iter().map(|&member| &curves[member]).collect();
            let panels: Vec<Drawing> = measures
                .iter()
                .enumerate()
                .map(|(index, measure)| {
                    let title = if index == 0 { facet.title } else { " " };
                    let panel = panel(&members, measure, measures.len(), FACET_HEIGHT, title);
                    let mut content = panel.content();
                    for &member in facet.members.iter().filter(|member| Some(**member) != facet.best) {
                        let line = mean_line(&panel, &curves[member], measure);
                        let label = stage.configurations[member].heading();
                        content.path(&line, Stroke::solid(BACKGROUND, 0.8), Some(&label));
                    }
                    if members.iter().all(|curves| curves.learning.epochs.is_empty()) {
                        let middle = (panel.width / 2.0, panel.height / 2.0);
                        content.text(middle, "no unit is done", style::font(TEXT - 1.0, SOFT, Anchor::Middle));
                    }
                    if let Some(best) = facet.best {
                        let thin = Stroke { color: style::color(0), width: 0.7, dashes: &[], opacity: 0.3 };
                        units(&mut content, &panel, &curves[best], measure, thin);
                        let line = mean_line(&panel, &curves[best], measure);
                        let label = stage.configurations[best].heading();
                        content.path(&line, Stroke::solid(style::color(0), 2.0), Some(&label));
                    }
                    panel.draw(&content)
                })
                .collect();
            beside(&panels)
        })
        .collect();
    let width = rows.iter().map(|row| row.width).fold(0.0, f64::max);
    let mut drawing = Drawing::new(width, rows.iter().map(|row| row.height).sum());
    let mut top = 0.0;
    for row in &rows {
        drawing.place((0.0, top), row);
        top += row.height;
    }
    drawing
}

fn beside(panels: &[Drawing]) -> Drawing {
    let height = panels.iter().map(|panel| panel.height).fold(0.0, f64::max);
    let mut drawing = Drawing::new(panels.iter().map(|panel| panel.width).sum(), height);
    let mut left = 0.0;
    for panel in panels {
        drawing.place((left, 0.0), panel);
        left += panel.width;
    }
    drawing
}

/// Axes from epoch 1 to the last of any done unit, and from 0 to the highest mean.
fn panel(members: &[&Curves], measure: &Measure, panels: usize, height: f64, title: &str) -> Panel {
    let means = || members.iter().flat_map(|curves| &curves.learning.epochs);
    let last = means().map(|mean| mean.epoch).max().unwrap_or(1).max(2);
    let highest = means().filter_map(measure.of_mean).filter(|value| value.is_finite()).fold(0.0, f64::max);
    Panel {
        width: WIDTH / panels as f64,
        height,
        x: Axis::around("epoch", 1.0, f64::from(last)),
        y: Axis::around(measure.label, 0.0, 1.06 * highest),
        title: title.to_owned(),
    }
}

/// The mean by epoch, as long as at least half of the done units train.
fn mean_line(panel: &Panel, curves: &Curves, measure: &Measure) -> Vec<(f64, f64)> {
    let all = curves.learning.epochs.first().map_or(0, |first| first.units);
    curves
        .learning
        .epochs
        .iter()
        .take_while(|mean| 2 * mean.units >= all)
        .filter_map(|mean| Some(panel.at(f64::from(mean.epoch), (measure.of_mean)(mean)?)))
        .collect()
}

fn units(content: &mut Drawing, panel: &Panel, curves: &Curves, measure: &Measure, thin: Stroke) {
    for unit in &curves.learning.units {
        let stroke = if unit.diverged { Stroke { dashes: &[2.0, 3.0], opacity: 0.9, ..thin } } else { thin };
        let points: Vec<(f64, f64)> = unit
            .epochs
            .iter()
            .filter_map(|metrics| Some((metrics.epoch, (measure.of_unit)(metrics)?)))
            // A diverging loss can be beyond what renderers take: far above the panel it is cut off.
            .map(|(epoch, value)| panel.at(f64::from(epoch), value.min(panel.y.beyond())))
            .collect();
        content.path(&points, stroke, None);
    }
}
