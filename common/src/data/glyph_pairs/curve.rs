//! Smooth curves through points, as short straight segments.

/// How many segments there are between two neighbouring points.
const SEGMENTS: usize = 6;

/// The Catmull-Rom curve through `points`, as a polyline. A point that is given twice in a row is a sharp corner.
pub(super) fn through(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut line = Vec::with_capacity(SEGMENTS * points.len() + 1);
    line.extend(points.first());
    for (index, ends) in points.windows(2).enumerate() {
        let [from, to] = [ends[0], ends[1]];
        if from == to {
            continue;
        }
        let before = points[index.saturating_sub(1)];
        let after = *points.get(index + 2).unwrap_or(&to);
        for step in 1..=SEGMENTS {
            let t = step as f64 / SEGMENTS as f64;
            line.push([0, 1].map(|axis| between(before[axis], from[axis], to[axis], after[axis], t)));
        }
    }
    line
}

/// Catmull and Rom's cubic on one axis: at `from` for t = 0 and at `to` for t = 1, where its slopes are half of what lies
/// between the neighbours.
fn between(before: f64, from: f64, to: f64, after: f64, t: f64) -> f64 {
    let (slope_from, slope_to) = ((to - before) / 2.0, (after - from) / 2.0);
    let cubic = 2.0 * (from - to) + slope_from + slope_to;
    let square = 3.0 * (to - from) - 2.0 * slope_from - slope_to;
    ((cubic * t + square) * t + slope_from) * t + from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_meets_every_point() {
        let points = [[0.0, 0.0], [0.3, 0.8], [1.0, 0.2], [1.0, 0.2], [0.4, 0.4]];
        let line = through(&points);
        assert_eq!(line.len(), 3 * SEGMENTS + 1);
        for point in points {
            assert!(line.iter().any(|at| (at[0] - point[0]).abs() < 1e-12 && (at[1] - point[1]).abs() < 1e-12));
        }
    }

    #[test]
    fn between_corners_it_is_straight() {
        let line = through(&[[0.0, 0.0], [1.0, 2.0], [1.0, 2.0], [3.0, 0.0]]);
        for [x, y] in line {
            let expected = if x <= 1.0 { 2.0 * x } else { 3.0 - x };
            assert!((y - expected).abs() < 1e-12, "({x}, {y})");
        }
    }

    #[test]
    fn a_single_point_stays_one() {
        assert_eq!(through(&[[0.5, 0.5]]), [[0.5, 0.5]]);
        assert!(through(&[]).is_empty());
    }
}
