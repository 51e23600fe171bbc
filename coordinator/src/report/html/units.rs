//! Single units: a table of all, and each one's learning curve, small, beside the others of its configuration.

use std::fmt::Write as _;

use seedgrid_common::training::EpochMetrics;

use super::{
    escape,
    results::{mark, name},
    table,
};
use crate::{
    aggregate::{
        Aggregate, Curves, UnitHistory,
        document::{ConfigurationReport, EvaluationReport, StageReport, UnitEnding, UnitReport},
    },
    report::{
        doubtful, draws, figure,
        numbers::{NONE, count, rate, whole},
    },
};

/// Most units whose curves the page draws: of more, as many as fit of each configuration. A unit takes some 1.5 kB.
const DRAWN_MAX: usize = 4_000;
/// Most rows of a stage's table of units.
const ROWS_MAX: usize = 5_000;

/// How many units of each configuration are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn(usize);

impl Drawn {
    pub(super) fn of(aggregate: &Aggregate) -> Self {
        let configurations = || aggregate.curves.iter().flatten();
        Self::among(configurations().map(|curves| curves.learning.units.len()).sum(), configurations().count())
    }

    fn among(units: usize, configurations: usize) -> Self {
        Self(if units <= DRAWN_MAX { usize::MAX } else { DRAWN_MAX / configurations.max(1) })
    }

    /// The units of a configuration that are drawn: each one's place among its planned units (0-based), and its history.
    fn units<'a>(
        self,
        row: &'a ConfigurationReport,
        curves: &'a Curves,
    ) -> impl Iterator<Item = (usize, &'a UnitReport, &'a UnitHistory)> {
        let mut histories = curves.learning.units.iter().peekable();
        let found = row.units.iter().enumerate().filter_map(move |(place, unit)| {
            let history = histories.next_if(|history| history.unit == unit.unit)?;
            Some((place, unit, history))
        });
        found.take(self.0)
    }
}

fn id(stage: usize, row: &ConfigurationReport, place: usize) -> String {
    format!("unit-{stage}-{}-{}", row.number, place + 1)
}

/// Every unit's numbers, with a link to its curve.
pub(super) fn table(page: &mut String, number: usize, stage: &StageReport, curves: &[Curves], drawn: Drawn) {
    let _ = writeln!(page, "<details>\n<summary>Every unit</summary>\n<div id=\"units-{number}\">");
    let several = draws::are_several(stage);
    let data_seed = several.then_some("Data seed");
    let rest = ["Seed", "Fold", "Ending", "Error", "Epochs", "Converged", "Last training loss", "Curve"];
    table::begin(page, "", ["Configuration"].into_iter().chain(data_seed).chain(rest));
    let mut room = ROWS_MAX;
    for (row, curves) in stage.configurations.iter().zip(curves) {
        let mut with_curve = drawn.units(row, curves).map(|(place, ..)| place).peekable();
        let name = name(stage, row);
        for (place, unit) in row.units.iter().enumerate().take(room) {
            let link = with_curve.next_if_eq(&place).map(|place| id(number, row, place));
            unit_row(page, &name, several, row, unit, link);
        }
        room = room.saturating_sub(row.units.len());
    }
    table::end(page);
    let units: usize = stage.configurations.iter().map(|row| row.units.len()).sum();
    if units > ROWS_MAX {
        let _ = writeln!(page, "<p>The first {} of {}; units.csv has all.</p>", whole(ROWS_MAX), whole(units));
    }
    page.push_str("</div>\n</details>\n");
}

fn unit_row(
    page: &mut String,
    name: &str,
    several: bool,
    row: &ConfigurationReport,
    unit: &UnitReport,
    link: Option<String>,
) {
    let data_seed = if several { format!("<td>{}</td>", unit.data_seed) } else { String::new() };
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let _ = writeln!(
        page,
        "<tr><th scope=\"row\">{name}</th>{data_seed}<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        unit.seed,
        or_none(unit.fold.map(|fold| fold.to_string())),
        unit.ending.name(),
        rate(unit.error),
        or_none(unit.epochs.map(|epochs| epochs.to_string())),
        or_none(unit.converged.map(|converged| doubtful::converged(row, converged, unit))),
        or_none(unit.train_loss.map(|loss| format!("{loss:.4}"))),
        or_none(link.map(|id| format!("<a href=\"#{id}\">show</a>")))
    );
}

/// Every unit's learning curve: folded, one fold a configuration, in a fold of its model's where there are many.
pub(super) fn curves(page: &mut String, number: usize, stage: &StageReport, curves: &[Curves], drawn: Drawn) {
    let validation = match stage.evaluation {
        EvaluationReport::Holdout => "",
        EvaluationReport::Folds(_) => ", <i class=\"key v\"></i> validation error",
    };
    let _ = writeln!(
        page,
        "<div class=\"unit-curves\" id=\"unit-curves-{number}\">\n<h3>Learning curves of single units</h3>\n<p class=\"columns\">By epoch, each configuration on \
         its own scale, a tip at the upper edge where a line goes on above: <i class=\"key l\"></i> training loss, <i class=\"key t\"></i> training error{validation}. Numbers: epochs.csv.</p>"
    );
    let crowded = figure::crowded(stage);
    for facet in figure::facets(stage) {
        if crowded {
            let title = escape(&stage.configurations[facet.members[0]].title);
            let of = count(facet.members.len(), "configuration");
            let _ = writeln!(page, "<details class=\"model\">\n<summary>{title}: {of}</summary>");
        }
        for &member in &facet.members {
            configuration(page, number, stage, &stage.configurations[member], &curves[member], drawn);
        }
        if crowded {
            page.push_str("</details>\n");
        }
    }
    page.push_str("</div>\n");
}

fn configuration(
    page: &mut String,
    number: usize,
    stage: &StageReport,
    row: &ConfigurationReport,
    curves: &Curves,
    drawn: Drawn,
) {
    let error = match row.error.spread.mean {
        Some(_) => format!(", mean error {}", rate(row.error.spread.mean)),
        None if row.diverged() => format!(", {} diverged", whole(row.counts.diverged)),
        None => String::new(),
    };
    let _ = writeln!(
        page,
        "<details>\n<summary>{}{}: {}{error}</summary>\n<div id=\"curves-of-{number}-{}\" class=\"curves\">",
        escape(&row.heading()),
        mark(stage, row),
        count(row.units.len(), "unit"),
        row.number
    );
    let scale = Scale::of(curves);
    let mut count = 0;
    for (place, unit, history) in drawn.units(row, curves) {
        let _ = write!(page, "<figure id=\"{}\">", id(number, row, place));
        scale.draw(page, &history.epochs);
        let _ = writeln!(page, "<figcaption>{}</figcaption></figure>", caption(stage, unit));
        count += 1;
    }
    page.push_str("</div>\n");
    let rest = row.units.len() - count;
    if rest > 0 {
        let trained = curves.learning.units.len();
        let _ = match trained > count {
            true => writeln!(
                page,
                "<p>The first {} of {} with a result: epochs.csv has all.</p>",
                whole(count),
                whole(trained)
            ),
            false => writeln!(page, "<p>{} of {} without a result.</p>", whole(rest), whole(row.units.len())),
        };
    }
    page.push_str("</details>\n");
}

fn caption(stage: &StageReport, unit: &UnitReport) -> String {
    let place = draws::place(stage, unit);
    let epochs = count(unit.epochs.unwrap_or_default(), "epoch");
    match unit.ending {
        UnitEnding::Diverged => format!("{place}: diverged after {epochs}"),
        _ => format!("{place}: error {}, {epochs}", rate(unit.error)),
    }
}

/// What a configuration's small panels show: the loss on the left, errors on the right.
struct Scale {
    last: u32,
    loss: f64,
    error: f64,
}

/// Size of a panel and where its corners are; the drawing is shown at half this size.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 140.0;
const LEFT: [f64; 2] = [66.0, 346.0];
const TOP: f64 = 12.0;

impl Scale {
    /// From the units that did not diverge; where all did, from their first losses.
    fn of(curves: &Curves) -> Self {
        let units = || curves.learning.units.iter();
        let done: Vec<&UnitHistory> = units().filter(|unit| !unit.diverged).collect();
        let highest = |value: fn(&EpochMetrics) -> f64| {
            let of_done = done.iter().flat_map(|unit| &unit.epochs);
            let first = units().filter_map(|unit| unit.epochs.first()).filter(|_| done.is_empty());
            of_done.chain(first).map(value).filter(|value| value.is_finite()).fold(0.0, f64::max)
        };
        let or_one = |value: f64| if value > 0.0 { value } else { 1.0 };
        Self {
            last: units().filter_map(|unit| unit.epochs.last()).map(|last| last.epoch).max().unwrap_or(1).max(2),
            loss: or_one(highest(|one| one.train_loss)),
            error: or_one(highest(|one| one.train_error.max(one.validation_error.unwrap_or_default()))),
        }
    }

    /// As short as can be: there may be thousands.
    fn draw(&self, page: &mut String, epochs: &[EpochMetrics]) {
        page.push_str("<svg viewBox=\"0 0 560 190\" aria-hidden=\"true\">");
        let bottom = TOP + HEIGHT;
        let frames = LEFT.map(|left| format!("M{left} {TOP}v{HEIGHT}h{WIDTH}")).concat();
        let _ = write!(page, "<path class=\"f\" d=\"{frames}\"/>");
        for (left, top, word) in [(LEFT[0], self.loss, "loss"), (LEFT[1], self.error, "error")] {
            let (right, below, beside) = (left + WIDTH, bottom + 24.0, left - 8.0);
            let _ = write!(
                page,
                "<text x=\"{left}\" y=\"{below}\">1</text><text class=\"e\" x=\"{right}\" y=\"{below}\">{}</text>\
                 <text class=\"e\" x=\"{beside}\" y=\"{}\">{}</text><text class=\"e\" x=\"{beside}\" y=\"{bottom}\">0</text>\
                 <text class=\"e\" x=\"{right}\" y=\"28\">{word}</text>",
                self.last,
                TOP + 14.0,
                two_digits(top)
            );
        }
        self.line(page, "l", LEFT[0], self.loss, epochs, |one| Some(one.train_loss));
        self.line(page, "t", LEFT[1], self.error, epochs, |one| Some(one.train_error));
        self.line(page, "v", LEFT[1], self.error, epochs, |one| one.validation_error);
        page.push_str("</svg>");
    }

    /// A path of whole steps, each from the point before it.
    fn line(
        &self,
        page: &mut String,
        class: &str,
        left: f64,
        top: f64,
        epochs: &[EpochMetrics],
        value: fn(&EpochMetrics) -> Option<f64>,
    ) {
        let place = |one: &EpochMetrics| {
            let share = f64::from(one.epoch.saturating_sub(1)) / f64::from(self.last - 1);
            // A diverging loss leaves through the top.
            let height = (value(one)? / top).clamp(0.0, 20.0);
            Some(((left + WIDTH * share).round() as i64, (TOP + HEIGHT * (1.0 - height)).round() as i64))
        };
        let edge = TOP.round() as i64;
        let mut points: Vec<(i64, i64)> = epochs.iter().filter_map(place).collect();
        points.dedup();
        let Some(&(mut x, mut y)) = points.first() else { return };
        let mut leaves = if y < edge { vec![x] } else { Vec::new() };
        let _ = write!(page, "<path class=\"{class}\" d=\"m{x} {y}");
        if points.len() == 1 {
            // A line without length shows as a dot.
            page.push_str("h0");
        }
        for (next_x, next_y) in points.into_iter().skip(1) {
            let (right, down) = (next_x - x, next_y - y);
            let _ = write!(page, "{}{right}{}{down}", separator(right), separator(down));
            if y >= edge && next_y < edge {
                leaves.push(x + right * (y - edge) / (y - next_y));
            }
            (x, y) = (next_x, next_y);
        }
        // Marks where it goes on above.
        for at in leaves {
            let _ = write!(page, "M{} {}l6-9 6 9", at - 6, edge + 9);
        }
        page.push_str("\"/>");
    }
}

/// A minus sign separates by itself.
fn separator(number: i64) -> &'static str {
    if number < 0 { "" } else { " " }
}

/// "0.69", "1.9", "0.043".
fn two_digits(value: f64) -> String {
    let decimals = [10.0, 1.0, 0.1, 0.01, 0.001].into_iter().take_while(|limit| value < *limit).count();
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_draws_a_bounded_number_of_units() {
        assert_eq!(Drawn::among(1_170, 130).0, usize::MAX, "the paper's study has all");
        assert_eq!(Drawn::among(DRAWN_MAX, 1).0, usize::MAX);
        assert_eq!(Drawn::among(100_000, 1_000).0, 4);
        assert_eq!(Drawn::among(100_000, 50_000).0, 0);
    }

    #[test]
    fn the_top_of_an_axis_has_two_digits() {
        assert_eq!([12.3, 1.92, 0.693, 0.0431].map(two_digits), ["12", "1.9", "0.69", "0.043"]);
    }
}
