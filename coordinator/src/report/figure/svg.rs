//! Drawings as SVG.
//!
//! plotters' SVG backend rounds every point to whole pixels and draws dashes and clipping as many short pieces; figures for
//! print need fractions, dash patterns and real clipping, and need little else.

use std::{collections::BTreeMap, fmt::Write as _};

use super::drawing::{Anchor, CLIP_MARGIN, Color, Drawing, Element, Font, Point, Stroke};

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

fn hex(Color(red, green, blue): Color) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

impl Drawing {
    /// An SVG file of a size for a paper. `title` says what it shows to those who cannot see it.
    pub(crate) fn file(&self, title: &str) -> String {
        self.document(title, self.paper_scale())
    }

    /// An SVG document, which may also stand inside an HTML page, of so many times its size.
    pub(crate) fn document(&self, title: &str, scale: f64) -> String {
        let [width, height] = [self.width, self.height].map(length);
        let [shown_width, shown_height] = [self.width, self.height].map(|side| length(scale * side));
        let title = escape(title);
        let mut body = String::new();
        write_all(&mut body, self);
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{shown_width}" height="{shown_height}" viewBox="0 0 {width} {height}" "#,
                r#"role="img" aria-label="{title}" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif">"#,
                "\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
            ),
            shown_width = shown_width,
            shown_height = shown_height,
            width = width,
            height = height,
            title = title,
            body = body
        )
    }
}

fn write_all(svg: &mut String, drawing: &Drawing) {
    drawing.elements.iter().for_each(|element| write(svg, element));
}

// Writing into a string cannot fail.
fn write(svg: &mut String, element: &Element) {
    match element {
        Element::Line { points, stroke, label } => line(svg, points, *stroke, label.as_deref()),
        Element::Area { points, color, opacity } => {
            let (color, opacity, points) = (hex(*color), length(*opacity), list(points));
            let _ = writeln!(svg, r#"<polygon fill="{color}" fill-opacity="{opacity}" points="{points}"/>"#);
        }
        Element::Dot { center, radius, color, opacity, hollow, label } => {
            let ([x, y, radius], color) = ([center.0, center.1, *radius].map(length), hex(*color));
            let fill = if *hollow {
                format!(r##"fill="#fff" stroke="{color}" stroke-width="1.8""##)
            } else {
                format!(r#"fill="{color}" fill-opacity="{}""#, length(*opacity))
            };
            let _ = write!(svg, r#"<circle cx="{x}" cy="{y}" r="{radius}" {fill}"#);
            close(svg, "circle", label.as_deref());
        }
        Element::Rectangle { corner, size, color, opacity, rim } => {
            let [x, y, width, height] = [corner.0, corner.1, size.0, size.1].map(length);
            let (color, opacity) = (hex(*color), length(*opacity));
            let rim = rim.map_or_else(String::new, |rim| format!(" {}", attributes(rim)));
            let _ = writeln!(
                svg,
                r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{color}" fill-opacity="{opacity}"{rim}/>"#
            );
        }
        Element::Text { at, upwards, text, font } => write_text(svg, *at, *upwards, text, *font),
        Element::Cells { corner, side, columns, values } => cells(svg, *corner, *side, *columns, values),
        Element::Inner { corner, clipped: false, drawing } => {
            let [x, y] = [corner.0, corner.1].map(length);
            let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
            write_all(svg, drawing);
            svg.push_str("</g>\n");
        }
        Element::Inner { corner, clipped: true, drawing } => {
            let [x, y] = [corner.0 - CLIP_MARGIN, corner.1 - CLIP_MARGIN].map(length);
            let [width, height] = [drawing.width + 2.0 * CLIP_MARGIN, drawing.height + 2.0 * CLIP_MARGIN].map(length);
            let _ = writeln!(
                svg,
                "<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"-{CLIP_MARGIN} -{CLIP_MARGIN} {width} {height}\">"
            );
            write_all(svg, drawing);
            svg.push_str("</svg>\n");
        }
    }
}

fn line(svg: &mut String, points: &[Point], stroke: Stroke, label: Option<&str>) {
    let attributes = attributes(stroke);
    if let ([from, to], None) = (points, label) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(length);
        let _ = writeln!(svg, r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {attributes}/>"#);
        return;
    }
    let points = list(points);
    let _ = write!(svg, r#"<polyline fill="none" stroke-linejoin="round" {attributes} points="{points}""#);
    close(svg, "polyline", label);
}

/// Ends an element whose attributes are written, with a label that browsers show when asked.
fn close(svg: &mut String, name: &str, label: Option<&str>) {
    match label {
        Some(label) => {
            let _ = writeln!(svg, "><title>{}</title></{name}>", escape(label));
        }
        None => svg.push_str("/>\n"),
    }
}

fn attributes(stroke: Stroke) -> String {
    let mut text = format!(r#"stroke="{}" stroke-width="{}""#, hex(stroke.color), length(stroke.width));
    if !stroke.dashes.is_empty() {
        let dashes: Vec<String> = stroke.dashes.iter().copied().map(length).collect();
        let _ = write!(text, r#" stroke-dasharray="{}""#, dashes.join(" "));
    }
    if stroke.opacity < 1.0 {
        let _ = write!(text, r#" stroke-opacity="{}""#, length(stroke.opacity));
    }
    text
}

fn write_text(svg: &mut String, at: Point, upwards: bool, text: &str, font: Font) {
    let [x, y, size] = [at.0, at.1, font.size].map(length);
    let anchor = match font.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if font.bold { r#" font-weight="600""# } else { "" };
    let turn = if upwards { format!(r#" transform="rotate(-90 {x} {y})""#) } else { String::new() };
    let _ = writeln!(
        svg,
        r#"<text x="{x}" y="{y}" font-size="{size}" fill="{}" text-anchor="{anchor}"{weight}{turn}>{}</text>"#,
        hex(font.color),
        escape(text)
    );
}

/// One path for each grey value: all of its cells. White ones are left out, as pages are white.
fn cells(svg: &mut String, corner: Point, side: f64, columns: usize, values: &[u8]) {
    let mut paths: BTreeMap<u8, String> = BTreeMap::new();
    for (index, value) in values.iter().enumerate().filter(|(_, value)| **value < 255) {
        let x = length(corner.0 + side * (index % columns.max(1)) as f64);
        let y = length(corner.1 + side * (index / columns.max(1)) as f64);
        let _ = write!(paths.entry(*value).or_default(), "M{x} {y}h{0}v{0}h-{0}z", length(side));
    }
    svg.push_str("<g shape-rendering=\"crispEdges\">\n");
    for (value, path) in paths {
        let _ = writeln!(svg, r#"<path fill="{}" d="{path}"/>"#, hex(Color::grey(value)));
    }
    svg.push_str("</g>\n");
}

fn list(points: &[Point]) -> String {
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
        let font = Font { size: 10.0, color: Color::grey(0), anchor: Anchor::Start, bold: false };
        drawing.text((0.0, 0.0), "</text><script>", font);
        assert!(!drawing.document("\"><script>", 1.0).contains("<script>"));
    }

    #[test]
    fn lengths_are_short() {
        assert_eq!([12.5, -0.001, 3.0, 2.0 / 3.0].map(length), ["12.5", "0", "3", "0.67"].map(str::to_owned));
    }

    #[test]
    fn cells_of_one_grey_are_one_path() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.cells((1.0, 2.0), 3.0, 2, vec![0, 255, 128, 0]);
        let svg = drawing.document("cells", 1.0);
        assert!(svg.contains(r##"<path fill="#000000" d="M1 2h3v3h-3zM4 5h3v3h-3z"/>"##), "{svg}");
        assert_eq!(svg.matches("<path").count(), 2, "white needs no path");
    }
}
