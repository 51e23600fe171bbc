//! Drawings as SVG.
//!
//! plotters' SVG backend rounds every point to whole pixels and draws dashes and clipping as many short pieces; figures for
//! print need fractions, dash patterns and real clipping, and need little else.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, Render, html};

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

/// A text; characters that XML does not allow are replaced.
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl Render for Text<'_> {
    fn render(&self) -> Markup {
        PreEscaped(escape(self.0))
    }
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
        let svg = html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(shown_width) height=(shown_height) viewBox={ "0 0 " (width) " " (height) }
                role="img" aria-label=(Text(title)) font-family="Helvetica, Arial, Liberation Sans, sans-serif" {
                "\n" rect width=(width) height=(height) fill="#fff" {} "\n" (all(self))
            }
        };
        svg.into_string() + "\n"
    }
}

fn all(drawing: &Drawing) -> Markup {
    html! { @for one in &drawing.elements { (element(one)) "\n" } }
}

fn element(element: &Element) -> Markup {
    match element {
        Element::Line { points, stroke, label } => line(points, *stroke, label.as_deref()),
        Element::Area { points, color, opacity } => html! {
            polygon fill=(hex(*color)) fill-opacity=(length(*opacity)) points=(list(points)) {}
        },
        Element::Dot { center, radius, color, opacity, hollow, label } => {
            let (fill, rim) = if *hollow { (Color::WHITE, Some(hex(*color))) } else { (*color, None) };
            html! {
                circle cx=(length(center.0)) cy=(length(center.1)) r=(length(*radius)) fill=(hex(fill)) fill-opacity=(length(*opacity))
                    stroke=[rim.as_ref()] stroke-width=[rim.as_ref().map(|_| "1.8")] { (title(label.as_deref())) }
            }
        }
        Element::Rectangle { corner, size, color, opacity, rim } => html! {
            rect x=(length(corner.0)) y=(length(corner.1)) width=(length(size.0)) height=(length(size.1)) fill=(hex(*color))
                fill-opacity=(length(*opacity)) stroke=[rim.map(|rim| hex(rim.color))] stroke-width=[rim.map(|rim| length(rim.width))] {}
        },
        Element::Text { at, upwards, text, font } => set_text(*at, *upwards, text, *font),
        Element::Cells { corner, side, columns, values } => cells(*corner, *side, *columns, values),
        Element::Inner { corner, clipped: false, drawing } => html! {
            g transform={ "translate(" (length(corner.0)) " " (length(corner.1)) ")" } { "\n" (all(drawing)) }
        },
        Element::Inner { corner, clipped: true, drawing } => {
            let [x, y] = [corner.0, corner.1].map(|at| length(at - CLIP_MARGIN));
            let [width, height] = [drawing.width, drawing.height].map(|side| length(side + 2.0 * CLIP_MARGIN));
            let seen = format!("-{CLIP_MARGIN} -{CLIP_MARGIN} {width} {height}");
            html! { svg x=(x) y=(y) width=(width) height=(height) viewBox=(seen) { "\n" (all(drawing)) } }
        }
    }
}

/// A label that browsers show when asked.
fn title(label: Option<&str>) -> Markup {
    html! { @if let Some(label) = label { title { (Text(label)) } } }
}

fn line(points: &[Point], stroke: Stroke, label: Option<&str>) -> Markup {
    let (color, width) = (hex(stroke.color), length(stroke.width));
    let dashes: Vec<String> = stroke.dashes.iter().copied().map(length).collect();
    let dashes = (!dashes.is_empty()).then(|| dashes.join(" "));
    let opacity = (stroke.opacity < 1.0).then(|| length(stroke.opacity));
    match (points, label) {
        ([(x1, y1), (x2, y2)], None) => html! {
            line x1=(length(*x1)) y1=(length(*y1)) x2=(length(*x2)) y2=(length(*y2)) stroke=(color) stroke-width=(width)
                stroke-dasharray=[dashes] stroke-opacity=[opacity] {}
        },
        _ => html! {
            polyline fill="none" stroke-linejoin="round" stroke=(color) stroke-width=(width) stroke-dasharray=[dashes]
                stroke-opacity=[opacity] points=(list(points)) { (title(label)) }
        },
    }
}

fn set_text(at: Point, upwards: bool, text: &str, font: Font) -> Markup {
    let [x, y] = [at.0, at.1].map(length);
    let anchor = match font.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    html! {
        text x=(x) y=(y) font-size=(length(font.size)) fill=(hex(font.color)) text-anchor=(anchor)
            font-weight=[font.bold.then_some("600")] transform=[upwards.then(|| format!("rotate(-90 {x} {y})"))] { (Text(text)) }
    }
}

/// One path for each grey value: all of its cells. White ones are left out, as pages are white.
fn cells(corner: Point, side: f64, columns: usize, values: &[u8]) -> Markup {
    let mut paths: BTreeMap<u8, String> = BTreeMap::new();
    for (index, value) in values.iter().enumerate().filter(|(_, value)| **value < 255) {
        let x = length(corner.0 + side * (index % columns.max(1)) as f64);
        let y = length(corner.1 + side * (index / columns.max(1)) as f64);
        *paths.entry(*value).or_default() += &format!("M{x} {y}h{0}v{0}h-{0}z", length(side));
    }
    html! {
        g shape-rendering="crispEdges" {
            @for (value, path) in paths { "\n" path fill=(hex(Color::grey(value))) d=(path) {} }
        }
    }
}

fn list(points: &[Point]) -> String {
    let mut text = String::with_capacity(points.len() * 12);
    for (index, (x, y)) in points.iter().enumerate() {
        text += if index > 0 { " " } else { "" };
        text += &format!("{},{}", length(*x), length(*y));
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
        assert!(svg.contains(r##"<path fill="#000000" d="M1 2h3v3h-3zM4 5h3v3h-3z">"##), "{svg}");
        assert_eq!(svg.matches("<path").count(), 2, "white needs no path");
    }
}
