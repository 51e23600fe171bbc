//! The mean error by each hyper-parameter that varies: a row of panels a model, a panel a hyper-parameter.

use super::{
    axis_and_ticks::{Axis, Panel},
    dots_and_lines_limit::{DOTS_MAX, some},
    drawing::{Anchor, Drawing, Stroke, wrap},
    style::{self, AXIS, BACKGROUND, INK, SOFT, TEXT, TICK_TEXT},
};
use crate::{
    aggregate::{
        Curves,
        report_json::{ConfigurationReport, EvaluationReport, StageReport},
    },
    report::{
        numbers::{ends, rate},
        shown_and_best_rows::{self, Facet},
    },
};

/// Width of a row's panels together, without labels.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 130.0;
/// Most panels of a row.
const PANELS_MAX: usize = 3;
/// Most values that stand side by side, each with its name; more are places on a scale.
const NAMED_MAX: usize = 8;

/// A panel for each model and each setting in which its configurations differ; None where there is none.
pub(in crate::report) fn axes(stage: &StageReport, _curves: &[Curves]) -> Option<Drawing> {
    let mut rows: Vec<Vec<Drawing>> = Vec::new();
    for facet in shown_and_best_rows::facets(stage) {
        let mut members: Vec<&ConfigurationReport> =
            facet.members.iter().map(|&member| &stage.configurations[member]).collect();
        members.retain(|row| row.error.spread.mean.is_some());
        members.sort_by_key(|row| row.rank);
        let names = shown_and_best_rows::setting_names(stage);
        let scales: Vec<Scale<'_>> = names.into_iter().filter_map(|name| Scale::from_rows(name, &members)).collect();
        for (place, scales) in scales.chunks(PANELS_MAX).enumerate() {
            let width = WIDTH / scales.len().max(2) as f64;
            let panels = scales.iter().enumerate().map(|(index, scale)| {
                let title = if (place, index) == (0, 0) { facet.title } else { " " };
                panel(stage, &facet, &members, scale, width, title)
            });
            rows.push(panels.collect());
        }
    }
    let rows: Vec<Drawing> = rows.iter().map(|panels| Drawing::beside(panels)).collect();
    (!rows.is_empty()).then(|| Drawing::below(&rows))
}

/// The values of a setting as places.
struct Scale<'a> {
    name: &'a str,
    /// In order; more than [`NAMED_MAX`] are all numbers.
    values: Vec<String>,
}

impl<'a> Scale<'a> {
    /// None where all have the same value, and where many have values that are no numbers.
    fn from_rows(name: &'a str, members: &[&ConfigurationReport]) -> Option<Self> {
        let mut values: Vec<String> =
            members.iter().filter_map(|row| shown_and_best_rows::setting(row, name)).collect();
        match values.iter().map(|value| value.parse::<f64>()).collect::<Result<Vec<_>, _>>() {
            Ok(_) => values.sort_by(|a, b| number(a).total_cmp(&number(b))),
            Err(_) => values.sort(),
        }
        values.dedup();
        let fits = values.len() <= NAMED_MAX || values.iter().all(|value| value.parse::<f64>().is_ok());
        (values.len() > 1 && fits).then_some(Self { name, values })
    }

    fn is_named(&self) -> bool {
        self.values.len() <= NAMED_MAX
    }

    /// From where to where: named values have a place each.
    fn axis(&self) -> Axis {
        match (self.is_named(), self.values.as_slice()) {
            (false, [low, .., high]) => Axis::around(self.name, number(low), number(high)),
            (_, values) => Axis::bare(-0.5, values.len() as f64 - 0.5),
        }
    }

    fn place(&self, value: &str) -> f64 {
        match self.is_named() {
            true => self.values.iter().position(|one| one == value).unwrap_or(0) as f64,
            false => number(value),
        }
    }
}

fn number(value: &str) -> f64 {
    value.parse().unwrap_or(f64::NAN)
}

/// Dots of configurations over their values, and a line through the lowest of each. `members` come from the best to the worst.
fn panel(
    stage: &StageReport,
    facet: &Facet<'_>,
    members: &[&ConfigurationReport],
    scale: &Scale<'_>,
    width: f64,
    title: &str,
) -> Drawing {
    let mean = |row: &ConfigurationReport| row.error.spread.mean.unwrap_or(f64::NAN);
    let means = ends(members.iter().map(|row| mean(row))).unwrap_or_default();
    let label = match stage.evaluation {
        EvaluationReport::Holdout => "mean test error",
        EvaluationReport::Folds(_) => "mean validation error",
    };
    let panel =
        Panel { width, height: HEIGHT, x: scale.axis(), y: Axis::roomy(label, means, 0.0), title: title.to_owned() };
    let at = |row: &ConfigurationReport| {
        let value = shown_and_best_rows::setting(row, scale.name)?;
        Some(panel.at(scale.place(&value), mean(row)))
    };
    let mut content = panel.content();
    if scale.is_named() {
        // From the best to the worst: the first of each value is its lowest.
        let lowest = |value: &String| {
            members.iter().find(|row| shown_and_best_rows::setting(row, scale.name).as_ref() == Some(value))
        };
        let line: Vec<(f64, f64)> = scale.values.iter().filter_map(lowest).filter_map(|row| at(row)).collect();
        content.path(&line, Stroke::solid(BACKGROUND, 1.2), None);
    }
    let selected = facet.selected.map(|index| &stage.configurations[index]);
    for row in some(members.to_vec(), DOTS_MAX) {
        let Some(place) = at(row) else { continue };
        let label = format!("{}: {}", row.heading(), rate(row.error.spread.mean));
        content.dot(place, 3.0, style::color(0), 0.5, Some(&label));
    }
    if let Some((row, place)) =
        selected.and_then(|row| Some((row, at(row).filter(|_| row.error.spread.mean.is_some())?)))
    {
        let label = format!("{}: {}, selected", row.heading(), rate(row.error.spread.mean));
        content.ring(place, 5.0, style::color(1), Some(&label));
    }
    let mut drawing = panel.draw(&content);
    if scale.is_named() {
        names(&mut drawing, &panel, scale);
    }
    drawing
}

/// The values below their places, long ones in several lines.
fn names(drawing: &mut Drawing, panel: &Panel, scale: &Scale<'_>) {
    let room = panel.width / scale.values.len() as f64;
    let font = style::font(TICK_TEXT - 1.0, SOFT, Anchor::Middle);
    let broken = scale.values.iter().map(|value| wrap(value, (room / 6.0).max(4.0) as usize));
    let broken: Vec<Vec<String>> = broken.collect();
    let most = broken.iter().map(Vec::len).max().unwrap_or(1);
    let bottom = panel.above() + panel.height;
    for (place, lines) in broken.iter().enumerate() {
        let x = Panel::LEFT + panel.x.share(place as f64) * panel.width;
        drawing.line((x, bottom), (x, bottom + 4.0), Stroke::solid(AXIS, 1.0));
        for (line, text) in lines.iter().enumerate() {
            drawing.text((x, bottom + 15.0 + 11.0 * line as f64), text, font);
        }
    }
    let below = bottom + 20.0 + 11.0 * most as f64;
    drawing.text((Panel::LEFT + panel.width / 2.0, below), scale.name, style::font(TEXT, INK, Anchor::Middle));
    drawing.height = drawing.height.max(below + 12.0);
}
