//! Drawings as PNG.
//!
//! The same bytes on every machine: the typeface comes with the program, and nothing but sums, products, quotients and square
//! roots of single precision is computed (tiny-skia without its SIMD, which has approximations of each processor's own).

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, PixelDimensions, Unit};
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Rect, StrokeDash, Transform,
};

use super::{
    drawing::{Anchor, CLIP_MARGIN, Color, Drawing, Element, Font, Point, Stroke},
    typeface::TYPEFACE,
};

/// Side of a drawing's pixel in the file's: figures have 192 of these an inch, enough for print.
const SCALE: f64 = 2.0;
/// An SVG file's pixels a metre: each is a 96th of an inch.
const PER_METRE: f64 = 96.0 / 0.0254;

/// A figure cannot be painted. Each is an error in Seedgrid.
#[derive(Debug, thiserror::Error)]
pub enum PaintError {
    /// It has no size, or one beyond all measure.
    #[error("it is {width} x {height} pixels large")]
    Size {
        /// In its own pixels.
        width: f64,
        /// In its own pixels.
        height: f64,
    },
    /// The encoder refuses it.
    #[error("it cannot be encoded: {0}")]
    Png(#[from] EncodingError),
}

impl Drawing {
    /// A PNG file, on white.
    pub(crate) fn png(&self) -> Result<Vec<u8>, PaintError> {
        let (width, height) = (self.width, self.height);
        let size = || PaintError::Size { width, height };
        if !((width * height).is_finite() && width >= 1.0 && height >= 1.0) {
            return Err(size());
        }
        // So it has at most 1248 x 1728 pixels.
        let scale = SCALE * self.paper_scale();
        let pixels = |length: f64| (length * scale).round().max(1.0) as u32;
        let mut pixmap = Pixmap::new(pixels(width), pixels(height)).ok_or_else(size)?;
        pixmap.fill(tiny_skia::Color::WHITE);
        let mut canvas = Canvas { pixmap, origin: (0.0, 0.0), scale };
        canvas.all(self, (0.0, 0.0));
        encode(&canvas.pixmap)
    }
}

fn encode(pixmap: &Pixmap) -> Result<Vec<u8>, PaintError> {
    // Everything is opaque: on white.
    let colors: Vec<u8> = pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, pixmap.width(), pixmap.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    let per_metre = (PER_METRE * SCALE).round() as u32;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colors)?;
    writer.finish()?;
    Ok(file)
}

/// The canvas.
struct Canvas {
    pixmap: Pixmap,
    /// Where the pixmap's corner lies, in the file's pixels.
    origin: (f64, f64),
    scale: f64,
}

impl Canvas {
    /// Paints a drawing whose corner is at a place of the whole figure.
    fn all(&mut self, drawing: &Drawing, corner: Point) {
        drawing.elements.iter().for_each(|element| self.element(element, corner));
    }

    fn element(&mut self, element: &Element, corner: Point) {
        match element {
            Element::Line { points, stroke, .. } => {
                let path = path(points, false);
                self.stroke(path, *stroke, corner);
            }
            Element::Area { points, color, opacity } => self.fill(path(points, true), *color, *opacity, corner),
            Element::Dot { center, radius, color, opacity, hollow, .. } => {
                let circle = |radius| PathBuilder::from_circle(center.0 as f32, center.1 as f32, radius as f32);
                if *hollow {
                    self.fill(circle(*radius), Color::WHITE, 1.0, corner);
                    self.stroke(circle(*radius), Stroke::solid(*color, 1.8), corner);
                } else {
                    self.fill(circle(*radius), *color, *opacity, corner);
                }
            }
            Element::Rectangle { corner: at, size, color, opacity, rim } => {
                let path =
                    Rect::from_xywh(at.0 as f32, at.1 as f32, size.0 as f32, size.1 as f32).map(PathBuilder::from_rect);
                self.fill(path.clone(), *color, *opacity, corner);
                if let Some(rim) = rim {
                    self.stroke(path, *rim, corner);
                }
            }
            Element::Text { at, upwards, text, font } => self.text(*at, *upwards, text, *font, corner),
            Element::Cells { corner: at, side, columns, values } => {
                self.cells((corner.0 + at.0, corner.1 + at.1), *side, *columns, values);
            }
            Element::Inner { corner: at, clipped, drawing } => {
                let corner = (corner.0 + at.0, corner.1 + at.1);
                if *clipped { self.clipped(drawing, corner) } else { self.all(drawing, corner) }
            }
        }
    }

    /// From the pixels of a drawing at a corner to the pixmap's.
    fn transform(&self, corner: Point) -> Transform {
        let place = |at: f64, origin: f64| (self.scale * at - origin) as f32;
        let scale = self.scale as f32;
        Transform::from_row(scale, 0.0, 0.0, scale, place(corner.0, self.origin.0), place(corner.1, self.origin.1))
    }

    fn fill(&mut self, path: Option<Path>, color: Color, opacity: f64, corner: Point) {
        let transform = self.transform(corner);
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &paint(color, opacity, true), FillRule::Winding, transform, None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, stroke: Stroke, corner: Point) {
        let transform = self.transform(corner);
        let dashes: Vec<f32> = stroke.dashes.iter().map(|dash| *dash as f32).collect();
        let style = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: StrokeDash::new(dashes, 0.0),
            ..tiny_skia::Stroke::default()
        };
        if let Some(path) = path {
            self.pixmap.stroke_path(&path, &paint(stroke.color, stroke.opacity, true), &style, transform, None);
        }
    }

    fn text(&mut self, at: Point, upwards: bool, text: &str, font: Font, corner: Point) {
        let (Some(glyphs), width) = TYPEFACE.set(text, font.size, font.bold) else { return };
        let begin = match font.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let (x, y) = (at.0 as f32, at.1 as f32);
        let place = if upwards {
            // A quarter turn: x goes up and y to the right.
            Transform::from_row(0.0, -1.0, 1.0, 0.0, x, y - begin)
        } else {
            Transform::from_translate(x + begin, y)
        };
        self.fill(glyphs.transform(place), font.color, 1.0, corner);
    }

    /// Cells with sharp edges: they are data, and neighbours leave no seam.
    fn cells(&mut self, corner: Point, side: f64, columns: usize, values: &[u8]) {
        let transform = self.transform(corner);
        for (index, value) in values.iter().enumerate() {
            let (x, y) = (side * (index % columns.max(1)) as f64, side * (index / columns.max(1)) as f64);
            if let Some(cell) = Rect::from_xywh(x as f32, y as f32, side as f32, side as f32) {
                self.pixmap.fill_rect(cell, &paint(Color::grey(*value), 1.0, false), transform, None);
            }
        }
    }

    /// Paints on a sheet of the drawing's size, whose edges, at whole pixels, cut off what lies outside.
    fn clipped(&mut self, drawing: &Drawing, corner: Point) {
        let edge = |at: f64, origin: f64, limit: u32| (at * self.scale - origin).clamp(0.0, f64::from(limit));
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        let left = edge(corner.0 - CLIP_MARGIN, self.origin.0, width).floor();
        let top = edge(corner.1 - CLIP_MARGIN, self.origin.1, height).floor();
        let right = edge(corner.0 + drawing.width + CLIP_MARGIN, self.origin.0, width).ceil();
        let bottom = edge(corner.1 + drawing.height + CLIP_MARGIN, self.origin.1, height).ceil();
        let Some(pixmap) = Pixmap::new((right - left) as u32, (bottom - top) as u32) else { return };
        let origin = (self.origin.0 + left, self.origin.1 + top);
        let mut sheet = Canvas { pixmap, origin, scale: self.scale };
        sheet.all(drawing, corner);
        let painted = sheet.pixmap;
        let paint = PixmapPaint::default();
        self.pixmap.draw_pixmap(left as i32, top as i32, painted.as_ref(), &paint, Transform::identity(), None);
    }
}

fn paint(Color(red, green, blue): Color, opacity: f64, anti_alias: bool) -> Paint<'static> {
    let mut paint = Paint { anti_alias, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, (opacity * 255.0).round() as u8);
    paint
}

fn path(points: &[Point], closed: bool) -> Option<Path> {
    let (first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0 as f32, first.1 as f32);
    rest.iter().for_each(|(x, y)| path.line_to(*x as f32, *y as f32));
    if closed {
        path.close();
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::report::figure::style;

    const BLUE: Color = Color(0, 0, 255);

    /// A decoded file: its width, its height and its pixels.
    fn decoded(file: &[u8]) -> (usize, usize, Vec<[u8; 3]>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (ColorType::Rgb, BitDepth::Eight));
        let pixels = bytes.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        (info.width as usize, info.height as usize, pixels)
    }

    /// The box around what is not white: left, top, right and bottom, in the file's pixels.
    fn ink(drawing: &Drawing) -> [usize; 4] {
        let (width, _, pixels) = decoded(&drawing.png().unwrap());
        let places = || pixels.iter().enumerate().filter(|(_, pixel)| **pixel != [255; 3]).map(|(place, _)| place);
        let (left, right) = (places().map(|at| at % width).min(), places().map(|at| at % width).max());
        let (top, bottom) = (places().map(|at| at / width).min(), places().map(|at| at / width).max());
        [left, top, right, bottom].map(Option::unwrap)
    }

    fn text(upwards: bool, anchor: Anchor) -> [usize; 4] {
        let mut drawing = Drawing::new(200.0, 200.0);
        let font = style::font(20.0, style::INK, anchor);
        match upwards {
            true => drawing.upward_text((100.0, 100.0), "HHHH", font),
            false => drawing.text((100.0, 100.0), "HHHH", font),
        }
        ink(&drawing)
    }

    #[test]
    fn a_drawings_pixel_is_two_of_the_file() {
        let mut drawing = Drawing::new(30.0, 20.5);
        drawing.rectangle((10.0, 5.0), (4.0, 3.0), BLUE, 1.0);
        let (width, height, pixels) = decoded(&drawing.png().unwrap());
        assert_eq!((width, height), (60, 41));
        assert_eq!(ink(&drawing), [20, 10, 27, 15]);
        assert_eq!(pixels[12 * width + 24], [0, 0, 255]);
    }

    #[test]
    fn texts_begin_end_and_turn_where_they_should() {
        // An em of 40 of the file's pixels; four times 0.72 of it wide and 0.69 of it high, less what an H leaves free.
        let [left, top, right, bottom] = text(false, Anchor::Start);
        assert!(left.abs_diff(203) < 4 && right.abs_diff(312) < 5 && bottom.abs_diff(199) < 2 && top.abs_diff(172) < 3);
        let [left, _, right, _] = text(false, Anchor::Middle);
        assert!((left + right).abs_diff(400) < 4);
        assert!(text(false, Anchor::End)[2] < 200);
        let [left, top, right, bottom] = text(true, Anchor::Start);
        assert!(right.abs_diff(199) < 2 && left.abs_diff(172) < 3, "the base line is on the right");
        assert!(bottom.abs_diff(197) < 4 && top.abs_diff(87) < 5, "it reads upwards");
    }

    #[test]
    fn what_lies_outside_of_a_clipped_drawing_is_cut_off() {
        let mut inner = Drawing::new(20.0, 20.0);
        inner.path(&[(-500.0, 10.0), (1e6, 10.0)], Stroke::solid(BLUE, 4.0), None);
        let mut drawing = Drawing::new(100.0, 60.0);
        drawing.clipped((30.0, 20.0), &inner);
        assert_eq!(ink(&drawing), [56, 56, 103, 63]);
        let mut drawing = Drawing::new(100.0, 60.0);
        drawing.place((30.0, 20.0), &inner);
        assert_eq!(ink(&drawing), [0, 56, 199, 63]);
        let mut outside = Drawing::new(100.0, 60.0);
        outside.clipped((300.0, 20.0), &inner);
        outside.rectangle((0.0, 0.0), (1.0, 1.0), BLUE, 1.0);
        assert_eq!(ink(&outside), [0, 0, 1, 1]);
    }

    #[test]
    fn a_very_large_drawing_fits_on_a_page() {
        let size = |width, height| {
            let (width, height, _) = decoded(&Drawing::new(width, height).png().unwrap());
            (width, height)
        };
        assert_eq!(size(100.0, 50.0), (200, 100));
        assert_eq!((size(6_240.0, 100.0), size(1_000.0, 4_000.0)), ((1248, 20), (432, 1728)));
        assert_eq!(size(10.0, 60_000.0), (1, 1728));
        for (width, height) in [(0.0, 100.0), (f64::NAN, 100.0), (1e200, 1e200)] {
            assert!(matches!(Drawing::new(width, height).png(), Err(PaintError::Size { .. })));
        }
    }

    /// Everything that figures are made of. The pixels, not the file's bytes: those may change with the encoder's version.
    #[test]
    fn the_same_pixels_on_every_machine() {
        let mut inner = Drawing::new(60.0, 40.0);
        inner.area(&[(0.0, 30.0), (20.0, -10.0), (70.0, 35.0)], style::color(2), 0.3);
        let curve: Vec<Point> = (0..100).map(|x| (f64::from(x), 20.0 + f64::from(x * x % 37) / 3.0)).collect();
        inner.path(&curve, style::stroke(3), None);
        let mut drawing = Drawing::new(150.0, 90.0);
        drawing.clipped((70.3, 20.7), &inner);
        drawing.dot((20.0, 40.0), 7.3, style::color(1), 0.45, None);
        drawing.ring((44.0, 40.0), 5.0, style::color(4), None);
        drawing.framed((5.5, 55.5), (40.0, 20.0), Color::grey(200), Stroke::solid(style::INK, 1.0));
        drawing.cells((50.0, 55.0), 5.0, 3, vec![0, 255, 100, 7, 50, 200]);
        drawing.text((10.0, 15.0), "mean ± 0.0123, p ≤ 5 %", style::bold(12.0, Anchor::Start));
        drawing.upward_text((145.0, 60.0), "false positive", style::font(11.0, style::SOFT, Anchor::Middle));
        let (_, _, pixels) = decoded(&drawing.png().unwrap());
        let digest: String = Sha256::digest(pixels.as_flattened()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "a9c9d4dae29821dd5615b3356a58814abed99b625a871b43866a3bbec0994e7f");
    }
}
