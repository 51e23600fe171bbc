//! Keys to lines.

use super::{
    drawing::{Anchor, Color, Drawing, Point, Stroke, text_width},
    line_markers::mark,
    style::{self, INK, SOFT, TEXT},
};

/// One line of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) stroke: Stroke,
    pub(super) text: String,
    /// Set flush right; may be empty.
    pub(super) value: String,
    /// Whose mark ends the line, if any.
    pub(super) mark: Option<usize>,
}

impl Entry {
    fn draw(&self, drawing: &mut Drawing, (x, y): Point) {
        drawing.line((x, y), (x + SWATCH, y), self.stroke);
        if let Some(index) = self.mark {
            mark(drawing, index, (x + SWATCH, y));
        }
        drawing.text((x + SWATCH + 8.0, y + 4.0), &self.text, style::font(TEXT, INK, Anchor::Start));
    }
}

const LINE: f64 = 17.0;
const SWATCH: f64 = 30.0;
const PADDING: f64 = 8.0;
const GAP: f64 = 14.0;

/// A box with one line an entry, under a heading for the values.
pub(super) fn column(heading: &str, entries: &[Entry]) -> Drawing {
    let texts = widest(entries.iter().map(|entry| entry.text.as_str()));
    let values = widest(entries.iter().map(|entry| entry.value.as_str()).chain([heading]));
    let width = 2.0 * PADDING + SWATCH + 8.0 + texts + GAP + values;
    let heading_height = if heading.is_empty() { 0.0 } else { LINE };
    let height = 2.0 * PADDING - 4.0 + heading_height + LINE * entries.len() as f64;
    let mut drawing = Drawing::new(width, height);
    drawing.rectangle((0.0, 0.0), (width, height), Color::WHITE, 0.86);
    drawing.text((width - PADDING, PADDING + 9.0), heading, style::font(TEXT - 1.0, SOFT, Anchor::End));
    let mut y = PADDING - 2.0 + heading_height + LINE / 2.0;
    for entry in entries {
        entry.draw(&mut drawing, (PADDING, y));
        drawing.text((width - PADDING, y + 4.0), &entry.value, style::font(TEXT, INK, Anchor::End));
        y += LINE;
    }
    drawing
}

/// Entries side by side, in as many lines as `width` needs.
pub(super) fn flow(entries: &[Entry], width: f64) -> Drawing {
    let mut places = Vec::new();
    let (mut x, mut line) = (0.0, 0.0);
    for entry in entries {
        let taken = SWATCH + 8.0 + text_width(&entry.text, TEXT) + 2.0 * GAP;
        if x > 0.0 && x + taken > width {
            x = 0.0;
            line += 1.0;
        }
        places.push((x, line * LINE));
        x += taken;
    }
    let mut drawing = Drawing::new(width, LINE * (line + 1.0) + 4.0);
    entries.iter().zip(places).for_each(|(entry, (x, top))| entry.draw(&mut drawing, (x, top + LINE / 2.0)));
    drawing
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> f64 {
    texts.map(|text| text_width(text, TEXT)).fold(0.0, f64::max)
}
