//! The networks' inputs: some pairs of the data set.

use super::{
    drawing::{Anchor, Drawing, Stroke},
    style::{self, AXIS, INK, SOFT, TEXT},
};
use crate::{
    aggregate::{Aggregate, Sample},
    report::numbers::whole,
};
use seedgrid_common::model::SIDE;

/// Side of a shown pixel.
const CELL: f64 = 3.5;
const IMAGE: f64 = CELL * SIDE as f64;
/// Between a pair's images, and between pairs.
const WITHIN: f64 = 6.0;
const BETWEEN: f64 = 20.0;
const PAIR: f64 = 2.0 * IMAGE + WITHIN;
const HEADING: f64 = 28.0;
const CAPTION: f64 = 40.0;
const LEFT: f64 = 12.0;

/// Some training pairs, a row for each class, with their digits below them; None where there are none.
pub(in crate::report) fn digits(aggregate: &Aggregate) -> Option<Drawing> {
    let classes = [(1, "class 1: the first digit is at most the second"), (0, "class 0: the first digit is larger")];
    let rows: Vec<(&str, Vec<&Sample>)> = classes
        .into_iter()
        .map(|(label, words)| (words, aggregate.samples.iter().filter(|one| one.label == label).collect::<Vec<_>>()))
        .filter(|(_, samples)| !samples.is_empty())
        .collect();
    let most = rows.iter().map(|(_, samples)| samples.len()).max()?;
    // A heading needs about as much as three pairs do.
    let width = 2.0 * LEFT + (PAIR + BETWEEN) * most.max(3) as f64 - BETWEEN;
    let height = HEADING + IMAGE + CAPTION;
    let mut drawing = Drawing::new(width, height * rows.len() as f64);
    for (index, (words, samples)) in rows.iter().enumerate() {
        let top = height * index as f64;
        drawing.text((LEFT, top + 18.0), words, style::font(TEXT, INK, Anchor::Start));
        for (place, sample) in samples.iter().enumerate() {
            pair(&mut drawing, sample, (LEFT + (PAIR + BETWEEN) * place as f64, top + HEADING));
        }
    }
    Some(drawing)
}

fn pair(drawing: &mut Drawing, sample: &Sample, (left, top): (f64, f64)) {
    for (image, pixels) in sample.pixels.chunks(SIDE * SIDE).enumerate() {
        let corner = (left + (IMAGE + WITHIN) * image as f64, top);
        // Ink is dark on paper.
        let values = pixels.iter().map(|value| 255 - value.round().clamp(0.0, 255.0) as u8).collect();
        drawing.cells(corner, CELL, SIDE, values);
        let rim = Stroke::solid(AXIS, 1.0);
        let [right, bottom] = [corner.0 + IMAGE, corner.1 + IMAGE];
        let frame = [corner, (right, corner.1), (right, bottom), (corner.0, bottom), corner];
        drawing.path(&frame, rim, None);
    }
    let [first, second] = sample.digits;
    let sign = if sample.label == 1 { "≤" } else { ">" };
    let middle = left + PAIR / 2.0;
    let below = top + IMAGE + 17.0;
    drawing.text((middle, below), &format!("{first} {sign} {second}"), style::bold(TEXT + 1.0, Anchor::Middle));
    let place = format!("pair {}", whole(sample.place));
    drawing.text((middle, below + 14.0), &place, style::font(TEXT - 2.0, SOFT, Anchor::Middle));
}
