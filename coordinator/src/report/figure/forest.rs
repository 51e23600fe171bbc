//! Forest plots: a row a configuration or pair, its settings in columns, its interval on one axis and its value in numbers.

use super::{
    axis_and_ticks::Axis,
    drawing::{Anchor, Color, Drawing, PAPER_WIDTH, Stroke, text_width},
    style::{self, INK, REFERENCE, SELECTED, SOFT, TEXT},
};
use crate::{
    aggregate::report_json::{ConfigurationReport, StageReport},
    report::{numbers::NONE, shown_and_best_rows},
};

const SIZE: f64 = TEXT - 1.0;
const LINE: f64 = 13.0;
/// Between two columns.
const GAP: f64 = 14.0;
const BELOW: f64 = 42.0;
/// To the right of the values: a reader's typeface may be wider than expected.
const RIGHT: f64 = 14.0;
/// Height of a row of one configuration, and of a pair.
const ROW: f64 = 26.0;
const PAIR: f64 = 32.0;

/// One row.
pub(super) struct Row<'a> {
    /// The configuration, or the pair whose difference it is.
    pub(super) of: Vec<&'a ConfigurationReport>,
    /// To the right of the axis.
    pub(super) value: String,
}

/// Rows on an axis.
pub(super) struct Forest<'a> {
    pub(super) stage: &'a StageReport,
    pub(super) axis: Axis,
    /// Where a dashed line stands.
    pub(super) reference: Option<f64>,
    pub(super) rows: Vec<Row<'a>>,
}

impl Forest<'_> {
    /// `mark` draws what stands on the axis: it is given the row's number, its middle, and the place of a value.
    pub(super) fn draw(&self, mark: impl Fn(&mut Drawing, usize, f64, &dyn Fn(f64) -> f64)) -> Drawing {
        let names = shown_and_best_rows::setting_names(self.stage);
        let cells = |(place, of): (usize, &&ConfigurationReport)| -> Vec<String> {
            let title = if place == 0 { of.title.clone() } else { format!("− {}", of.title) };
            let settings =
                names.iter().map(|name| shown_and_best_rows::setting(of, name).unwrap_or_else(|| NONE.to_owned()));
            std::iter::once(title).chain(settings).collect()
        };
        let lines: Vec<Vec<Vec<String>>> =
            self.rows.iter().map(|row| row.of.iter().enumerate().map(cells).collect()).collect();
        // The names of settings are longer than most values: they are broken.
        let heads = names.iter().map(|name| name.split_inclusive(['_', '.']).collect());
        let heads: Vec<Vec<&str>> = std::iter::once(Vec::new()).chain(heads).collect();
        let widest =
            |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text_width(text, SIZE)).fold(0.0, f64::max);
        let mut left = 4.0;
        let columns = heads.iter().enumerate().map(|(column, head)| {
            let cells = lines.iter().flatten().map(|cells| cells[column].as_str());
            let begin = left;
            left += widest(&mut cells.chain(head.iter().copied())) + GAP;
            begin
        });
        let columns: Vec<f64> = columns.collect();
        let values = widest(&mut self.rows.iter().map(|row| row.value.as_str())) + GAP + RIGHT;
        let width = (PAPER_WIDTH - left - values).clamp(200.0, 320.0);
        let head_lines = heads.iter().map(Vec::len).max().unwrap_or(0);
        let (top, is_pair) = (6.0 + LINE * head_lines as f64, self.rows.iter().any(|row| row.of.len() > 1));
        let row_height = if is_pair { PAIR } else { ROW };
        let height = row_height * self.rows.len() as f64;
        let mut drawing = Drawing::new(left + width + values, top + height + BELOW);
        for (head, &x) in heads.iter().zip(&columns) {
            for (text, line) in head.iter().rev().zip(1..) {
                drawing.text((x, top + 8.0 - LINE * f64::from(line)), text, style::font(SIZE, SOFT, Anchor::Start));
            }
        }
        // A row of a pair is shaded below the name of what was selected; one of a configuration as a whole.
        let shaded = if is_pair { left - GAP / 2.0 } else { drawing.width };
        let middle = |row: usize| top + row_height * (row as f64 + 0.5);
        let base = |row: usize, line: usize| middle(row) + if is_pair { LINE * line as f64 - 2.0 } else { 4.0 };
        for (place, row) in self.rows.iter().enumerate() {
            for (line, _) in
                row.of.iter().enumerate().filter(|(_, of)| shown_and_best_rows::is_selected(self.stage, of))
            {
                let (above, height) =
                    if is_pair { (base(place, line) - 11.0, 14.0) } else { (middle(place) - ROW / 2.0, ROW) };
                drawing.rectangle((0.0, above), (shaded, height), SELECTED, 1.0);
            }
        }
        self.axis.draw_below(&mut drawing, (left, top), (width, height));
        let at = |value: f64| left + self.axis.share(value) * width;
        if let Some(x) = self.reference.map(at) {
            drawing.line((x, top), (x, top + height), Stroke { width: 1.4, ..REFERENCE });
        }
        for (place, (row, lines)) in self.rows.iter().zip(&lines).enumerate() {
            for (line, cells) in lines.iter().enumerate() {
                for (index, (text, &x)) in cells.iter().zip(&columns).enumerate() {
                    let color = if line > 0 || index > 0 { SOFT } else { INK };
                    drawing.text((x, base(place, line)), text, style::font(SIZE, color, Anchor::Start));
                }
            }
            mark(&mut drawing, place, middle(place), &at);
            let value = (left + width + GAP, middle(place) + 4.0);
            drawing.text(value, &row.value, style::font(SIZE, INK, Anchor::Start));
        }
        drawing
    }
}

/// A line from one end to the other with a tick at each.
pub(super) fn interval(drawing: &mut Drawing, ends: [f64; 2], y: f64, color: Color) {
    let [low, high] = ends;
    drawing.line((low, y), (high, y), Stroke::solid(color, 2.2));
    for end in ends {
        drawing.line((end, y - 3.5), (end, y + 3.5), Stroke::solid(color, 1.4));
    }
}
