//! ROC and precision-recall curves.

use super::{
    axis_and_ticks::{Axis, Panel},
    dots_and_lines_limit::{LINES_MAX, some},
    drawing::{Anchor, Color, Drawing, Stroke, wrap},
    legend::{self, Entry},
    style::{self, BACKGROUND, INK, REFERENCE, SOFT, TEXT},
};
use crate::{
    aggregate::{Band, Curves, PrPoint, RocPoint, report_json::StageReport},
    report::{
        numbers,
        shown_and_best_rows::{Facet, crowded, facets, marked},
    },
};

/// Side of the one panel that a stage of few configurations has.
const SIDE: f64 = 390.0;
/// Side of one of many panels, and how many stand in a row.
const FACET_SIDE: f64 = 230.0;
const FACETS_PER_ROW: usize = 2;

/// The averaged predictions' ROC curves, each with the band of its seeds.
pub(in crate::report) fn roc(stage: &StageReport, curves: &[Curves]) -> Option<Drawing> {
    let lines = curves.iter().zip(&stage.configurations).map(|(curves, row)| {
        let points = curves.roc.as_deref().map(|points| points.iter().map(roc_place).collect());
        Line { points: points.unwrap_or_default(), band: curves.roc_band.as_ref(), value: row.roc.auc }
    });
    let figure = Figure {
        x: "false positive rate",
        y: "true positive rate",
        value: "AUC",
        right: true,
        chance: Some([(0.0, 0.0), (1.0, 1.0)]),
        lines: lines.collect(),
    };
    figure.draw(stage)
}

/// The averaged predictions' precision-recall curves, each with the band of its seeds.
pub(in crate::report) fn precision_recall(stage: &StageReport, curves: &[Curves]) -> Option<Drawing> {
    // A ranking by chance is as precise as everything taken together: the curve's last point.
    let chance = curves.iter().find_map(|curves| curves.precision_recall.as_ref()?.last()).map(|last| last.precision);
    let lines = curves.iter().zip(&stage.configurations).map(|(curves, row)| Line {
        points: curves.precision_recall.as_deref().map(steps).unwrap_or_default(),
        band: curves.precision_recall_band.as_ref(),
        value: row.precision_recall.average_precision,
    });
    let figure = Figure {
        x: "recall",
        y: "precision",
        value: "AP",
        right: false,
        chance: chance.map(|level| [(0.0, level), (1.0, level)]),
        lines: lines.collect(),
    };
    figure.draw(stage)
}

fn roc_place(point: &RocPoint) -> (f64, f64) {
    (point.false_positive_rate, point.true_positive_rate)
}

/// The steps whose area is the average precision: from one recall to the next at the latter's precision.
fn steps(points: &[PrPoint]) -> Vec<(f64, f64)> {
    let mut places: Vec<(f64, f64)> = Vec::with_capacity(2 * points.len());
    for point in points {
        if let Some(&(recall, _)) = places.last() {
            places.push((recall, point.precision));
        }
        places.push((point.recall, point.precision));
    }
    places.dedup();
    places
}

struct Line<'a> {
    points: Vec<(f64, f64)>,
    band: Option<&'a Band>,
    value: Option<f64>,
}

struct Figure<'a> {
    x: &'static str,
    y: &'static str,
    /// The name of the legend's numbers.
    value: &'static str,
    /// Whether the free corner is the lower right one; else the lower left.
    right: bool,
    chance: Option<[(f64, f64); 2]>,
    lines: Vec<Line<'a>>,
}

impl Figure<'_> {
    fn draw(&self, stage: &StageReport) -> Option<Drawing> {
        if self.lines.iter().all(|line| line.points.is_empty()) {
            return None;
        }
        Some(if crowded(stage) { self.facets(stage) } else { self.single(stage) })
    }

    fn panel(&self, side: f64, title: &str) -> Panel {
        Panel { width: side, height: side, x: Axis::unit(self.x), y: Axis::unit(self.y), title: title.to_owned() }
    }

    fn content(&self, panel: &Panel) -> Drawing {
        let mut content = panel.content();
        if let Some([from, to]) = self.chance {
            content.line(panel.at(from.0, from.1), panel.at(to.0, to.1), REFERENCE);
        }
        content
    }

    fn single(&self, stage: &StageReport) -> Drawing {
        let panel = self.panel(SIDE, "");
        let mut content = self.content(&panel);
        self.lines
            .iter()
            .enumerate()
            .for_each(|(index, line)| draw_band(&mut content, &panel, line, style::color(index)));
        let mut entries = Vec::new();
        for (index, (line, row)) in self.lines.iter().zip(&stage.configurations).enumerate() {
            let stroke = style::stroke(index);
            let name = marked(stage, row.number);
            content.path(&places(&panel, line), stroke, Some(&name));
            entries.push(Entry { stroke, text: name, value: numbers::rate(line.value), mark: None });
        }
        let key = legend::column(self.value, &entries);
        if key.width < 0.75 * SIDE && key.height < 0.5 * SIDE {
            let left = if self.right { SIDE - key.width - 4.0 } else { 4.0 };
            content.place((left, SIDE - key.height - 4.0), &key);
            return panel.draw(&content);
        }
        Drawing::below(&[panel.draw(&content), key])
    }

    fn facets(&self, stage: &StageReport) -> Drawing {
        let panels: Vec<Drawing> = facets(stage).iter().map(|facet| self.facet(stage, facet)).collect();
        Drawing::below(&panels.chunks(FACETS_PER_ROW).map(Drawing::beside).collect::<Vec<_>>())
    }

    fn facet(&self, stage: &StageReport, facet: &Facet<'_>) -> Drawing {
        let panel = self.panel(FACET_SIDE, facet.title);
        let mut content = self.content(&panel);
        for member in some(facet.others(), LINES_MAX) {
            let label = stage.configurations[member].heading();
            content.path(&places(&panel, &self.lines[member]), Stroke::solid(BACKGROUND, 0.8), Some(&label));
        }
        let mut notes = vec![(numbers::count(facet.members.len(), "configuration"), SOFT)];
        if let Some(best) = facet.best {
            let (line, row) = (&self.lines[best], &stage.configurations[best]);
            draw_band(&mut content, &panel, line, style::color(0));
            content.path(&places(&panel, line), Stroke::solid(style::color(0), 2.0), Some(&row.heading()));
            notes.push((format!("{} {}", self.value, numbers::rate(line.value)), style::color(0)));
            notes.extend(wrap(&row.variant, 28).into_iter().map(|text| (text, INK)));
        }
        match facet.selected {
            Some(selected) if facet.best != facet.selected => {
                let row = &stage.configurations[selected];
                let line = places(&panel, &self.lines[selected]);
                content.path(&line, Stroke::solid(style::color(1), 2.0), Some(&marked(stage, row.number)));
                notes.push(("selected:".to_owned(), style::color(1)));
                notes.extend(wrap(&row.variant, 28).into_iter().map(|text| (text, INK)));
            }
            Some(_) => notes.push(("selected".to_owned(), style::color(0))),
            None => {}
        }
        let (x, anchor) = if self.right { (FACET_SIDE - 6.0, Anchor::End) } else { (6.0, Anchor::Start) };
        let mut y = FACET_SIDE - 8.0;
        for (text, color) in notes.iter().rev() {
            content.text((x, y), text, style::font(TEXT - 1.0, *color, anchor));
            y -= 14.0;
        }
        panel.draw(&content)
    }
}

fn places(panel: &Panel, line: &Line<'_>) -> Vec<(f64, f64)> {
    line.points.iter().map(|&(x, y)| panel.at(x, y)).collect()
}

/// The band of the seeds' own curves, cut off where no curve can be, and their mean.
fn draw_band(content: &mut Drawing, panel: &Panel, line: &Line<'_>, color: Color) {
    let points = || line.band.iter().flat_map(|band| &band.points);
    let upper = points().map(|point| panel.at(point.x, (point.mean + point.std).min(1.0)));
    let mut lower: Vec<_> = points().map(|point| panel.at(point.x, (point.mean - point.std).max(0.0))).collect();
    lower.reverse();
    let outline: Vec<_> = upper.chain(lower).collect();
    if !outline.is_empty() {
        content.area(&outline, color, 0.14);
    }
    let mean: Vec<_> = points().map(|point| panel.at(point.x, point.mean)).collect();
    content.path(&mean, Stroke { color, width: 0.7, dashes: &[], opacity: 0.7 }, None);
}
