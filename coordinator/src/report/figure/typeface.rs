//! The typeface of painted figures, which comes with the program, so that a figure looks the same on every machine.
//!
//! Liberation Sans's glyphs are as wide as those of Helvetica and Arial, which SVG files ask for. It is under the SIL Open Font
//! License: fonts/OFL.txt.

use std::sync::LazyLock;

use skrifa::{
    FontRef, MetadataProvider as _,
    instance::{LocationRef, Size},
    outline::{DrawSettings, OutlinePen},
};
use tiny_skia::{Path, PathBuilder};

const REGULAR: &[u8] = include_bytes!("fonts/LiberationSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("fonts/LiberationSans-Bold.ttf");

/// Both weights.
pub(super) struct Typeface {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

/// The one typeface of all figures.
pub(super) static TYPEFACE: LazyLock<Typeface> = LazyLock::new(|| {
    let face = |bytes| FontRef::new(bytes).expect("a typeface that comes with the program can be read");
    Typeface { regular: face(REGULAR), bold: face(BOLD) }
});

impl Typeface {
    /// A text's glyphs from its base line's beginning at (0, 0), and its width. No glyphs: None.
    pub(super) fn set(&self, text: &str, size: f64, bold: bool) -> (Option<Path>, f32) {
        let face = if bold { &self.bold } else { &self.regular };
        // In the typeface's own units: what is scaled here is the same on every machine.
        let (unscaled, upright) = (Size::unscaled(), LocationRef::default());
        let (characters, outlines) = (face.charmap(), face.outline_glyphs());
        let metrics = face.glyph_metrics(unscaled, upright);
        let em = f32::from(face.metrics(unscaled, upright).units_per_em);
        let mut pen = Pen { path: PathBuilder::new(), x: 0.0, scale: size as f32 / em };
        for character in text.chars() {
            // Glyph 0 stands for what the typeface lacks.
            let glyph = characters.map(character).unwrap_or_default();
            if let Some(outline) = outlines.get(glyph) {
                // A glyph that cannot be drawn leaves a gap of its width.
                let _ = outline.draw(DrawSettings::unhinted(unscaled, upright), &mut pen);
            }
            pen.x += pen.scale * metrics.advance_width(glyph).unwrap_or_default();
        }
        (pen.path.finish(), pen.x)
    }
}

/// Draws outlines, whose y grows upwards, one after the other.
struct Pen {
    path: PathBuilder,
    x: f32,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.scale * x, -self.scale * y)
    }
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_wide_as_the_typeface_says() {
        let typeface = &TYPEFACE;
        // Advances of 1139 for each digit and 1366 for an A, of 2048 units an em.
        assert_eq!(typeface.set("07", 2048.0, false).1, 2.0 * 1139.0);
        assert_eq!(typeface.set("A", 2048.0, false).1, 1366.0);
        assert!(typeface.set("mean", 10.0, true).1 > typeface.set("mean", 10.0, false).1);
        assert_eq!(typeface.set(" ", 10.0, false).0, None);
    }

    #[test]
    fn every_character_that_figures_use_has_a_glyph() {
        let typeface = &TYPEFACE;
        let used = (' '..='~').chain("±−–×≤>→…%·".chars());
        for character in used {
            for face in [&typeface.regular, &typeface.bold] {
                assert!(face.charmap().map(character).is_some(), "{character}");
            }
        }
    }
}
