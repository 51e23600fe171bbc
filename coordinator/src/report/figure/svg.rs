//! A small SVG writer.
//!
//! plotters' SVG backend rounds every point to whole pixels and draws dashes and clipping as many short pieces; figures for
//! print need fractions, dash patterns and real clipping, and need little else.

use std::fmt::Write as _;

/// Text that is safe inside XML and HTML elements and quoted attributes. Characters that XML does not allow are replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            control if control.is_control() => escaped.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A length or place, in hundredths of a pixel: "12.5".
fn length(value: f64) -> String {
    let hundredths = (value * 100.0).round() / 100.0;
    // Adding 0 turns -0 into 0.
    (hundredths + 0.0).to_string()
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stroke {
    pub(super) color: &'static str,
    pub(super) width: f64,
    /// As SVG's stroke-dasharray; empty: solid.
    pub(super) dashes: &'static str,
    /// 0..=1.
    pub(super) opacity: f64,
}

impl Stroke {
    pub(super) const fn solid(color: &'static str, width: f64) -> Self {
        Self { color, width, dashes: "", opacity: 1.0 }
    }

    fn attributes(&self) -> String {
        let mut text = format!(r#"stroke="{}" stroke-width="{}""#, self.color, length(self.width));
        if !self.dashes.is_empty() {
            let _ = write!(text, r#" stroke-dasharray="{}""#, self.dashes);
        }
        if self.opacity < 1.0 {
            let _ = write!(text, r#" stroke-opacity="{}""#, length(self.opacity));
        }
        text
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
    pub(super) color: &'static str,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
}

/// Width that a text takes at this size, estimated for a wide sans-serif face: whoever looks at a figure brings the font.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | ' ' | 'f' | 't' | 'r' => 0.4,
            'm' | 'w' | 'M' | 'W' | '%' | '@' | '&' => 0.95,
            upper if upper.is_uppercase() => 0.74,
            _ => 0.64,
        })
        .sum();
    ems * size
}

/// A drawing: its size in pixels and its elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    body: String,
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(length);
        let _ = writeln!(self.body, r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {}/>"#, stroke.attributes());
    }

    /// A line through points. `label` is shown by browsers that are asked what it is.
    pub(super) fn path(&mut self, points: &[(f64, f64)], stroke: Stroke, label: Option<&str>) {
        if points.len() < 2 {
            return;
        }
        let attributes = stroke.attributes();
        let points = list(&thinned(points));
        let _ = write!(self.body, r#"<polyline fill="none" stroke-linejoin="round" {attributes} points="{points}""#);
        match label {
            Some(label) => {
                let _ = writeln!(self.body, "><title>{}</title></polyline>", escape(label));
            }
            None => self.body.push_str("/>\n"),
        }
    }

    pub(super) fn area(&mut self, points: &[(f64, f64)], color: &str, opacity: f64) {
        let opacity = length(opacity);
        let points = list(points);
        let _ = writeln!(self.body, r#"<polygon fill="{color}" fill-opacity="{opacity}" points="{points}"/>"#);
    }

    pub(super) fn dot(&mut self, center: (f64, f64), radius: f64, color: &str, opacity: f64, label: Option<&str>) {
        let [x, y, radius, opacity] = [center.0, center.1, radius, opacity].map(length);
        let _ = write!(self.body, r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}" fill-opacity="{opacity}""#);
        match label {
            Some(label) => {
                let _ = writeln!(self.body, "><title>{}</title></circle>", escape(label));
            }
            None => self.body.push_str("/>\n"),
        }
    }

    pub(super) fn rectangle(&mut self, corner: (f64, f64), size: (f64, f64), color: &str, opacity: f64) {
        let [x, y, width, height, opacity] = [corner.0, corner.1, size.0, size.1, opacity].map(length);
        let _ = writeln!(
            self.body,
            r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{color}" fill-opacity="{opacity}"/>"#
        );
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: &str, font: Font) {
        self.turned_text(at, 0.0, text, font);
    }

    /// Turned by `degrees`, clockwise, around its anchor.
    pub(super) fn turned_text(&mut self, at: (f64, f64), degrees: f64, text: &str, font: Font) {
        let [x, y, size] = [at.0, at.1, font.size].map(length);
        let anchor = match font.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if font.bold { r#" font-weight="600""# } else { "" };
        let turn = if degrees == 0.0 { String::new() } else { format!(r#" transform="rotate({degrees} {x} {y})""#) };
        let _ = writeln!(
            self.body,
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{}" text-anchor="{anchor}"{weight}{turn}>{}</text>"#,
            font.color,
            escape(text)
        );
    }

    /// Puts `inner` at a place. What lies outside of its size is cut off, except for a margin that lines on its edge need.
    pub(super) fn clipped(&mut self, corner: (f64, f64), inner: &Self) {
        const MARGIN: f64 = 2.0;
        let [x, y] = [corner.0 - MARGIN, corner.1 - MARGIN].map(length);
        let [width, height] = [inner.width + 2.0 * MARGIN, inner.height + 2.0 * MARGIN].map(length);
        let _ = writeln!(
            self.body,
            "<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"-{MARGIN} -{MARGIN} {width} {height}\">\n{}</svg>",
            inner.body
        );
    }

    /// Puts `inner` at a place.
    pub(super) fn place(&mut self, corner: (f64, f64), inner: &Self) {
        let [x, y] = [corner.0, corner.1].map(length);
        let _ = writeln!(self.body, "<g transform=\"translate({x} {y})\">\n{}</g>", inner.body);
    }

    /// An SVG document, which may also stand inside an HTML page. `title` says what it shows to who cannot see it.
    pub(crate) fn document(&self, title: &str) -> String {
        let [width, height] = [self.width, self.height].map(length);
        let title = escape(title);
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" "#,
                r#"role="img" aria-label="{title}" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif">"#,
                "\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
            ),
            width = width,
            height = height,
            title = title,
            body = self.body
        )
    }
}

/// Points that can be told apart: the first, the last and those at some distance from the one kept before.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const NEAR: f64 = 0.2;
    let mut kept: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for (index, &(x, y)) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|last| (last.0 - x).abs() + (last.1 - y).abs() > NEAR);
        if far || index + 1 == points.len() {
            kept.push((x, y));
        }
    }
    kept
}

fn list(points: &[(f64, f64)]) -> String {
    let mut text = String::with_capacity(points.len() * 12);
    for (index, (x, y)) in points.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&length(*x));
        text.push(',');
        text.push_str(&length(*y));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_element() {
        assert_eq!(escape("<a b=\"c\">&'\u{0}"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;\u{fffd}");
        let mut drawing = Drawing::new(10.0, 10.0);
        let font = Font { size: 10.0, color: "#000", anchor: Anchor::Start, bold: false };
        drawing.text((0.0, 0.0), "</text><script>", font);
        assert!(!drawing.document("\"><script>").contains("<script>"));
    }

    #[test]
    fn lengths_are_short() {
        assert_eq!([12.5, -0.001, 3.0, 2.0 / 3.0].map(length), ["12.5", "0", "3", "0.67"].map(str::to_owned));
    }
}
