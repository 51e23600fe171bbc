//! Shapes that tell lines apart by their ends, where dashes are too few to be read.

use super::{
    drawing::{Color, Drawing, Point, Stroke},
    style::color,
};

/// Marks a place with the shape of a stage's `index`th configuration: one of eight, in its colour.
pub(super) fn mark(drawing: &mut Drawing, index: usize, (x, y): Point) {
    let color = color(index);
    let mut polygon = |corners: &[Point]| {
        let corners: Vec<Point> = corners.iter().map(|(right, down)| (x + right, y + down)).collect();
        drawing.area(&corners, color, 1.0);
    };
    match index % 8 {
        0 => drawing.dot((x, y), 3.2, color, 1.0, None),
        1 => polygon(&[(-3.0, -3.0), (3.0, -3.0), (3.0, 3.0), (-3.0, 3.0)]),
        2 => polygon(&[(0.0, -4.2), (4.0, 3.0), (-4.0, 3.0)]),
        3 => polygon(&[(0.0, -4.4), (4.0, 0.0), (0.0, 4.4), (-4.0, 0.0)]),
        4 => polygon(&[(0.0, 4.2), (4.0, -3.0), (-4.0, -3.0)]),
        5 => drawing.ring((x, y), 3.2, color, None),
        6 => cross(drawing, (x, y), [(4.2, 0.0), (0.0, 4.2)], Stroke::solid(color, 2.0)),
        _ => cross(drawing, (x, y), [(3.2, 3.2), (3.2, -3.2)], Stroke::solid(color, 2.0)),
    }
}

/// Marks a place at the upper edge of a panel above which a line goes on.
pub(super) fn leaves_upwards(drawing: &mut Drawing, x: f64, color: Color) {
    drawing.area(&[(x, 0.5), (x + 4.0, 7.5), (x - 4.0, 7.5)], color, 1.0);
}

fn cross(drawing: &mut Drawing, (x, y): Point, arms: [Point; 2], stroke: Stroke) {
    for (right, down) in arms {
        drawing.line((x - right, y - down), (x + right, y + down), stroke);
    }
}
