//! Draws lines with a round pen onto an image, anti-aliased.

use crate::model::SIDE;

/// Ink is laid on a grid that is this many times finer than the image, and averaged.
const FINER: usize = 4;
const FINE_SIDE: usize = SIDE * FINER;

/// A piece of a line, in pixels from the image's upper left corner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) from: [f64; 2],
    pub(super) to: [f64; 2],
    /// Half the pen's width.
    pub(super) radius: f64,
}

impl Segment {
    fn distance_squared(&self, [x, y]: [f64; 2]) -> f64 {
        let [dx, dy] = [self.to[0] - self.from[0], self.to[1] - self.from[1]];
        let [px, py] = [x - self.from[0], y - self.from[1]];
        let length_squared = dx * dx + dy * dy;
        let along = if length_squared > 0.0 { ((px * dx + py * dy) / length_squared).clamp(0.0, 1.0) } else { 0.0 };
        let [ex, ey] = [px - along * dx, py - along * dy];
        ex * ex + ey * ey
    }
}

/// The share of each pixel that ink covers, 0..=1, row-major. What lies outside of the image is cut off.
pub(super) fn draw(segments: &[Segment]) -> [f64; SIDE * SIDE] {
    let mut inked = [false; FINE_SIDE * FINE_SIDE];
    for segment in segments {
        let reach = |axis: usize| {
            let low = segment.from[axis].min(segment.to[axis]) - segment.radius;
            let high = segment.from[axis].max(segment.to[axis]) + segment.radius;
            // A cast to an unsigned number stops at 0.
            let cell = |at: f64| ((at * FINER as f64) as usize).min(FINE_SIDE);
            cell(low)..cell(high + 1.0 / FINER as f64)
        };
        let radius_squared = segment.radius * segment.radius;
        for row in reach(1) {
            for column in reach(0) {
                let centre = [column, row].map(|cell| (cell as f64 + 0.5) / FINER as f64);
                if segment.distance_squared(centre) <= radius_squared {
                    inked[row * FINE_SIDE + column] = true;
                }
            }
        }
    }
    let mut covered = [0.0; SIDE * SIDE];
    for (cell, _) in inked.iter().enumerate().filter(|(_, inked)| **inked) {
        let (row, column) = (cell / FINE_SIDE / FINER, cell % FINE_SIDE / FINER);
        covered[row * SIDE + column] += 1.0 / (FINER * FINER) as f64;
    }
    covered
}

/// Mixes each pixel with its neighbourhood (weights 1 2 1 by 1 2 1, over 16; nothing beyond the border). `share` 0: sharp.
pub(super) fn blur(image: &[f64; SIDE * SIDE], share: f64) -> [f64; SIDE * SIDE] {
    let at = |row: usize, column: usize| {
        // Row and column are one too large here, so that a neighbour before the first is 0.
        let inside = (1..=SIDE).contains(&row) && (1..=SIDE).contains(&column);
        if inside { image[(row - 1) * SIDE + column - 1] } else { 0.0 }
    };
    std::array::from_fn(|pixel| {
        let (row, column) = (pixel / SIDE, pixel % SIDE);
        let line = |row: usize| at(row, column) + 2.0 * at(row, column + 1) + at(row, column + 2);
        let neighbourhood = (line(row) + 2.0 * line(row + 1) + line(row + 2)) / 16.0;
        (1.0 - share) * image[pixel] + share * neighbourhood
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_covers_its_area() {
        let radius = 3.0;
        let covered: f64 = draw(&[Segment { from: [7.0, 7.0], to: [7.0, 7.0], radius }]).iter().sum();
        let area = std::f64::consts::PI * radius * radius;
        assert!((covered - area).abs() < 0.03 * area, "{covered} of {area}");
    }

    #[test]
    fn crossing_lines_do_not_add_up() {
        let across = Segment { from: [2.0, 7.0], to: [12.0, 7.0], radius: 1.0 };
        let down = Segment { from: [7.0, 2.0], to: [7.0, 12.0], radius: 1.0 };
        assert!(draw(&[across, down]).iter().all(|&pixel| (0.0..=1.0).contains(&pixel)));
    }

    #[test]
    fn ink_outside_of_the_image_is_cut_off() {
        let segment = Segment { from: [-5.0, -5.0], to: [30.0, 30.0], radius: 0.5 };
        let image = draw(&[segment]);
        assert!(image[0] > 0.0 && image[SIDE * SIDE - 1] > 0.0);
        let outside = Segment { from: [-5.0, -5.0], to: [-3.0, 30.0], radius: 0.5 };
        assert!(draw(&[outside]).iter().all(|&pixel| pixel == 0.0));
    }

    #[test]
    fn blur_keeps_ink_inside() {
        let mut image = [0.0; SIDE * SIDE];
        image[7 * SIDE + 7] = 1.0;
        let blurred = blur(&image, 0.5);
        assert!((blurred.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((blurred[7 * SIDE + 7] - 0.625).abs() < 1e-12);
        assert!((blurred[6 * SIDE + 7] - 0.0625).abs() < 1e-12);
        assert_eq!(blur(&image, 0.0), image);
    }
}
