//! A drawing as plain data, which [`super::svg`] writes and [`super::png`] paints.

use super::typeface::TYPEFACE;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stroke {
    pub(super) color: Color,
    pub(super) width: f64,
    /// Lengths of strokes and gaps in turn; empty: solid.
    pub(super) dashes: &'static [f64],
    /// 0..=1.
    pub(super) opacity: f64,
}

impl Stroke {
    pub(super) const fn solid(color: Color, width: f64) -> Self {
        Self { color, width, dashes: &[], opacity: 1.0 }
    }
}

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(pub(super) u8, pub(super) u8, pub(super) u8);

impl Color {
    pub(super) const WHITE: Self = Self::grey(255);

    pub(super) const fn grey(value: u8) -> Self {
        Self(value, value, value)
    }
}

/// Where a text's anchor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Font {
    pub(super) size: f64,
    pub(super) color: Color,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
}

/// A place, in pixels from the left and from the top.
pub(super) type Point = (f64, f64);

/// The elements of a drawing, in the order in which they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Element {
    /// A line through points. `label` is shown by browsers that are asked what it is.
    Line { points: Vec<Point>, stroke: Stroke, label: Option<String> },
    /// A filled polygon.
    Area { points: Vec<Point>, color: Color, opacity: f64 },
    /// A circle, filled, or white with a rim.
    Dot { center: Point, radius: f64, color: Color, opacity: f64, hollow: bool, label: Option<String> },
    /// A filled rectangle, perhaps with a rim.
    Rectangle { corner: Point, size: (f64, f64), color: Color, opacity: f64, rim: Option<Stroke> },
    /// Text on a base line; `upwards`: turned to read from the bottom to the top.
    Text { at: Point, upwards: bool, text: String, font: Font },
    /// Square grey cells of this side, row by row, 255 being white.
    Cells { corner: Point, side: f64, columns: usize, values: Vec<u8> },
    /// Another drawing at a place; `clipped`: what lies outside of its size is cut off, except for [`CLIP_MARGIN`].
    Inner { corner: Point, clipped: bool, drawing: Drawing },
}

/// Most width of a file's figure: 6.5 inches.
pub(super) const PAPER_WIDTH: f64 = 624.0;
/// Most height of a file's figure: 9 inches.
const PAPER_HEIGHT: f64 = 864.0;

/// The room around a clipped drawing for lines on its edge.
pub(super) const CLIP_MARGIN: f64 = 2.0;

/// A drawing: its size in pixels and its elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) elements: Vec<Element>,
}

impl Drawing {
    /// In pixels, of which 96 are an inch.
    pub(in crate::report) fn width(&self) -> f64 {
        self.width
    }

    /// How much smaller it becomes to fit between a paper's margins.
    pub(super) fn paper_scale(&self) -> f64 {
        (PAPER_WIDTH / self.width).min(PAPER_HEIGHT / self.height).min(1.0)
    }

    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, elements: Vec::new() }
    }

    /// Drawings one below the other.
    pub(super) fn below(parts: &[Self]) -> Self {
        let width = parts.iter().map(|one| one.width).fold(0.0, f64::max);
        let mut whole = Self::new(width, 0.0);
        for one in parts {
            whole.place((0.0, whole.height), one);
            whole.height += one.height;
        }
        whole
    }

    /// Drawings side by side.
    pub(super) fn beside(parts: &[Self]) -> Self {
        let height = parts.iter().map(|one| one.height).fold(0.0, f64::max);
        let mut whole = Self::new(0.0, height);
        for one in parts {
            whole.place((whole.width, 0.0), one);
            whole.width += one.width;
        }
        whole
    }

    pub(super) fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.elements.push(Element::Line { points: vec![from, to], stroke, label: None });
    }

    /// A line through points; nothing of fewer than two.
    pub(super) fn path(&mut self, points: &[Point], stroke: Stroke, label: Option<&str>) {
        if points.len() > 1 {
            let label = label.map(str::to_owned);
            self.elements.push(Element::Line { points: thinned(points), stroke, label });
        }
    }

    pub(super) fn area(&mut self, points: &[Point], color: Color, opacity: f64) {
        self.elements.push(Element::Area { points: points.to_vec(), color, opacity });
    }

    pub(super) fn dot(&mut self, center: Point, radius: f64, color: Color, opacity: f64, label: Option<&str>) {
        let label = label.map(str::to_owned);
        self.elements.push(Element::Dot { center, radius, color, opacity, hollow: false, label });
    }

    /// A white dot with a rim.
    pub(super) fn ring(&mut self, center: Point, radius: f64, color: Color, label: Option<&str>) {
        let label = label.map(str::to_owned);
        self.elements.push(Element::Dot { center, radius, color, opacity: 1.0, hollow: true, label });
    }

    pub(super) fn rectangle(&mut self, corner: Point, size: (f64, f64), color: Color, opacity: f64) {
        self.elements.push(Element::Rectangle { corner, size, color, opacity, rim: None });
    }

    pub(super) fn framed(&mut self, corner: Point, size: (f64, f64), color: Color, rim: Stroke) {
        self.elements.push(Element::Rectangle { corner, size, color, opacity: 1.0, rim: Some(rim) });
    }

    pub(super) fn text(&mut self, at: Point, text: &str, font: Font) {
        self.elements.push(Element::Text { at, upwards: false, text: text.to_owned(), font });
    }

    pub(super) fn upward_text(&mut self, at: Point, text: &str, font: Font) {
        self.elements.push(Element::Text { at, upwards: true, text: text.to_owned(), font });
    }

    /// Grey cells, row by row.
    pub(super) fn cells(&mut self, corner: Point, side: f64, columns: usize, values: Vec<u8>) {
        self.elements.push(Element::Cells { corner, side, columns, values });
    }

    /// Puts `inner` at a place. What lies outside of its size is cut off, except for [`CLIP_MARGIN`].
    pub(super) fn clipped(&mut self, corner: Point, inner: &Self) {
        self.elements.push(Element::Inner { corner, clipped: true, drawing: inner.clone() });
    }

    /// Puts `inner` at a place.
    pub(super) fn place(&mut self, corner: Point, inner: &Self) {
        self.elements.push(Element::Inner { corner, clipped: false, drawing: inner.clone() });
    }
}

/// Points that can be told apart: the first, the last and those at some distance from the one kept before.
fn thinned(points: &[Point]) -> Vec<Point> {
    const NEAR: f64 = 0.5;
    let mut kept: Vec<Point> = Vec::with_capacity(points.len());
    for (index, &(x, y)) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|last| (last.0 - x).abs() + (last.1 - y).abs() > NEAR);
        if far || index + 1 == points.len() {
            kept.push((x, y));
        }
    }
    kept
}

/// Width that a text takes at this size, with room for a wider typeface: an SVG file is shown in its reader's own.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    1.15 * f64::from(TYPEFACE.set(text, size, false).1)
}

/// Text broken at spaces into lines of at most `width` characters, where words allow.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
