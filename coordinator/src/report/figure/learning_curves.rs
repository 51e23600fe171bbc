//! Learning curves: losses and errors by epoch. Losses that are different sums do not share an axis.

use seedgrid_common::training::EpochMetrics;

use super::{
    axis_and_ticks::{Axis, Panel},
    comparable_losses::losses,
    dots_and_lines_limit::{LINES_MAX, some},
    drawing::{Anchor, Color, Drawing, Point, Stroke},
    legend::{self, Entry},
    line_markers::{leaves_upwards, mark},
    style::{self, BACKGROUND, SOFT, TEXT},
};
use crate::{
    aggregate::{
        Curves, EpochMean,
        report_json::{ConfigurationReport, EvaluationReport, StageReport},
    },
    report::shown_and_best_rows::{Facet, crowded, facets, marked},
};

/// Width of a figure's panels together, without labels.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 220.0;
/// Of one of several panels in a column.
const SMALL_HEIGHT: f64 = 130.0;

/// The content of one panel.
#[derive(Clone, Copy)]
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
    if curves.iter().all(|curves| curves.learning.is_empty()) {
        return None;
    }
    let errors: &[Measure] = match stage.evaluation {
        EvaluationReport::Holdout => &[TRAIN_ERROR],
        EvaluationReport::Folds(_) => &[TRAIN_ERROR, VALIDATION_ERROR],
    };
    Some(if crowded(stage) { many(stage, curves, errors) } else { few(stage, curves, errors) })
}

/// One panel of some configurations: their places in the stage, ascending, what it shows of them, and its axis' label.
struct Shown {
    members: Vec<usize>,
    measure: Measure,
    label: String,
}

impl Shown {
    fn has(&self, member: usize) -> bool {
        self.members.binary_search(&member).is_ok()
    }
}

/// The columns of a figure of these configurations: losses, each kind in a panel of its own, and errors.
fn columns(stage: &StageReport, members: &[usize], errors: &[Measure]) -> Vec<Vec<Shown>> {
    let of_losses = losses(stage, members).into_iter();
    let of_losses = of_losses.map(|loss| Shown { members: loss.members, measure: TRAIN_LOSS, label: loss.label });
    let of_errors = errors
        .iter()
        .map(|measure| vec![Shown { members: members.to_vec(), measure: *measure, label: measure.label.to_owned() }]);
    std::iter::once(of_losses.collect()).chain(of_errors).collect()
}

fn few(stage: &StageReport, curves: &[Curves], errors: &[Measure]) -> Drawing {
    let all: Vec<usize> = (0..curves.len()).collect();
    let body = row(curves, &columns(stage, &all, errors), HEIGHT, "", |panel, shown| {
        let mut content = panel.content();
        for &member in &shown.members {
            let thin = Stroke { color: style::color(member), width: 0.7, dashes: &[], opacity: 0.28 };
            units(&mut content, panel, &curves[member], &shown.measure, thin);
        }
        for &member in &shown.members {
            let line = mean_line(panel, &curves[member], &shown.measure);
            content.path(&line, style::stroke(member), Some(&stage.configurations[member].heading()));
            if let Some(&end) = line.last() {
                mark(&mut content, member, end);
            }
        }
        content
    });
    let entry = |(index, row): (usize, &ConfigurationReport)| Entry {
        stroke: style::stroke(index),
        text: marked(stage, row.number),
        value: String::new(),
        mark: Some(index),
    };
    let entries: Vec<Entry> = stage.configurations.iter().enumerate().map(entry).collect();
    let key = legend::flow(&entries, body.width - Panel::LEFT);
    let mut above = Drawing::new(body.width, key.height + 4.0);
    above.place((Panel::LEFT, 4.0), &key);
    Drawing::below(&[above, body])
}

fn many(stage: &StageReport, curves: &[Curves], errors: &[Measure]) -> Drawing {
    let rows = facets(stage).into_iter().map(|facet| {
        let columns = columns(stage, &facet.members, errors);
        row(curves, &columns, SMALL_HEIGHT, facet.title, |panel, shown| faceted(stage, curves, panel, shown, &facet))
    });
    Drawing::below(&rows.collect::<Vec<_>>())
}

/// Columns side by side, the first panel with a title. `height`: of a panel that is alone in its column.
fn row(
    curves: &[Curves],
    columns: &[Vec<Shown>],
    height: f64,
    title: &str,
    content: impl Fn(&Panel, &Shown) -> Drawing,
) -> Drawing {
    let column = |(place, column): (usize, &Vec<Shown>)| {
        let height = if column.len() > 1 { SMALL_HEIGHT } else { height };
        let panels = column.iter().enumerate().map(|(below, shown)| {
            // The others are as high with a blank one.
            let title = if (place, below) == (0, 0) || title.is_empty() { title } else { " " };
            let panel = panel(shown, curves, columns.len(), height, title);
            panel.draw(&content(&panel, shown))
        });
        Drawing::below(&panels.collect::<Vec<_>>())
    };
    Drawing::beside(&columns.iter().enumerate().map(column).collect::<Vec<_>>())
}

/// One of many panels: the best configuration over the others in grey.
fn faceted(stage: &StageReport, curves: &[Curves], panel: &Panel, shown: &Shown, facet: &Facet<'_>) -> Drawing {
    let mut content = panel.content();
    let best = facet.best.filter(|best| shown.has(*best));
    let others = facet.others().into_iter().filter(|member| shown.has(*member));
    for member in some(others.collect(), LINES_MAX) {
        let line = mean_line(panel, &curves[member], &shown.measure);
        let label = stage.configurations[member].heading();
        content.path(&line, Stroke::solid(BACKGROUND, 0.8), Some(&label));
    }
    if shown.members.iter().all(|&member| curves[member].learning.is_empty()) {
        let middle = (panel.width / 2.0, panel.height / 2.0);
        content.text(middle, "no unit is done", style::font(TEXT - 1.0, SOFT, Anchor::Middle));
    }
    if let Some(best) = best {
        let thin = Stroke { color: style::color(0), width: 0.7, dashes: &[], opacity: 0.3 };
        units(&mut content, panel, &curves[best], &shown.measure, thin);
        let line = mean_line(panel, &curves[best], &shown.measure);
        let label = stage.configurations[best].heading();
        content.path(&line, Stroke::solid(style::color(0), 2.0), Some(&label));
    }
    if let Some(selected) = facet.selected.filter(|one| Some(*one) != best && shown.has(*one)) {
        let line = mean_line(panel, &curves[selected], &shown.measure);
        let label = marked(stage, stage.configurations[selected].number);
        content.path(&line, Stroke::solid(style::color(1), 2.0), Some(&label));
    }
    content
}

/// Axes from epoch 1 to the last of any done unit, and from 0 to the highest mean; where no unit is done, to the highest first value.
fn panel(shown: &Shown, curves: &[Curves], columns: usize, height: f64, title: &str) -> Panel {
    let of_members = || shown.members.iter().map(|&member| &curves[member]);
    let means = || of_members().flat_map(|curves| &curves.learning);
    let last = means().map(|mean| mean.epoch).max().unwrap_or(1).max(2);
    let highest = |values: &mut dyn Iterator<Item = f64>| values.filter(|value| value.is_finite()).reduce(f64::max);
    let first = || of_members().flat_map(|curves| &curves.units).filter_map(|unit| unit.history.first());
    let highest = highest(&mut means().filter_map(shown.measure.of_mean))
        .or_else(|| highest(&mut first().filter_map(shown.measure.of_unit)));
    Panel {
        width: WIDTH / columns as f64,
        height,
        x: Axis::around("epoch", 1.0, f64::from(last)),
        y: Axis::around(&shown.label, 0.0, 1.06 * highest.unwrap_or(0.0)),
        title: title.to_owned(),
    }
}

/// The mean by epoch, as long as at least half of the done units train.
fn mean_line(panel: &Panel, curves: &Curves, measure: &Measure) -> Vec<(f64, f64)> {
    let all = curves.learning.first().map_or(0, |first| first.units);
    curves
        .learning
        .iter()
        .take_while(|mean| 2 * mean.units >= all)
        .filter_map(|mean| Some(panel.at(f64::from(mean.epoch), (measure.of_mean)(mean)?)))
        .collect()
}

fn units(content: &mut Drawing, panel: &Panel, curves: &Curves, measure: &Measure, thin: Stroke) {
    for unit in some(curves.units.iter().filter(|unit| unit.has_result()).collect(), LINES_MAX) {
        let stroke = if unit.is_diverged() { Stroke { dashes: &[2.0, 3.0], opacity: 0.9, ..thin } } else { thin };
        let points: Vec<(f64, f64)> = unit
            .history
            .iter()
            .filter_map(|metrics| Some((metrics.epoch, (measure.of_unit)(metrics)?)))
            // A diverging loss can be beyond what renderers take: far above the panel it is cut off.
            .map(|(epoch, value)| panel.at(f64::from(epoch), value.min(panel.y.beyond())))
            .collect();
        content.path(&points, stroke, None);
        mark_leaving(content, &points, stroke.color);
    }
}

/// Marks each place where a line goes on above the panel.
fn mark_leaving(content: &mut Drawing, points: &[Point], color: Color) {
    if let Some(&(x, _)) = points.first().filter(|(_, y)| *y < 0.0) {
        leaves_upwards(content, x, color);
    }
    for ends in points.windows(2) {
        if let &[(from_x, from_y), (to_x, to_y)] = ends
            && from_y >= 0.0
            && to_y < 0.0
        {
            leaves_upwards(content, from_x + (to_x - from_x) * from_y / (from_y - to_y), color);
        }
    }
}
