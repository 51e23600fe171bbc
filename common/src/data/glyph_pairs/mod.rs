//! Pairs of digits that the program draws: no download, and as hard to compare as MNIST's.
//!
//! A glyph is drawn in steps: a digit and one of its [`writings`], a [`hand`] that bends, slants and places the strokes, the
//! [`curve`]s through their points, the [`pen`]; then blur, contrast and noise. Each image has a random stream of its own, so
//! that the first pairs of a larger set are a smaller set's, and only IEEE arithmetic and `libm` are used, so that a data seed
//! gives the same pixels on every machine.

mod curve;
mod hand;
mod pen;
mod writings;

use self::{hand::Hand, pen::Segment};
use super::{Dataset, Pairs};
use crate::{model::SIDE, random::Stream, spec::DatasetSpec};

/// As titles call this data set.
pub const TITLE: &str = "Drawn glyph pairs";

/// Draws the pairs that `spec` asks for. Digits are uniform and independent.
pub fn draw(spec: &DatasetSpec) -> Dataset {
    Dataset {
        title: TITLE.to_owned(),
        seed: spec.seed,
        train: pairs(spec.seed, "train", spec.train_pairs),
        test: pairs(spec.seed, "test", spec.test_pairs),
    }
}

fn pairs(seed: u64, part: &str, count: u32) -> Pairs {
    let mut pairs = Pairs { pixels: Vec::new(), digits: Vec::new() };
    for pair in 0..count {
        pairs.digits.push([0, 1].map(|side| {
            let mut stream = Stream::new(seed, &format!("glyph-pairs/{part}/{pair}/{side}"));
            let digit = stream.below(10) as u8;
            pairs.pixels.extend(glyph(digit, &mut stream));
            digit
        }));
    }
    pairs
}

/// One image of `digit`: whole grey values 0..=255, row-major.
fn glyph(digit: u8, stream: &mut Stream) -> [f32; SIDE * SIDE] {
    let ways = writings::WRITINGS[usize::from(digit)];
    let writing = ways[stream.below(ways.len() as u32) as usize];
    let hand = Hand::draw(stream);
    let covered = pen::blur(&pen::draw(&segments(writing, &hand)), hand.blur);
    covered.map(|share| {
        let value = hand.ink * share + hand.noise * normal(stream);
        value.round().clamp(0.0, 255.0) as f32
    })
}

/// The strokes as this hand writes them, sized and centred on the image.
fn segments(writing: writings::Writing, hand: &Hand) -> Vec<Segment> {
    let strokes: Vec<Vec<[f64; 2]>> = writing
        .iter()
        .map(|stroke| cut(curve::through(stroke), hand.cut).into_iter().map(|point| hand.place(point)).collect())
        .collect();
    let mut ink = Ink::default();
    for stroke in &strokes {
        ink.add(stroke);
    }
    let [scale, left, top] = ink.placement(hand);
    let on_image = |[x, y]: [f64; 2]| [scale * x + left, scale * y + top];
    strokes
        .iter()
        .flat_map(|stroke| {
            let last = stroke.len().max(2) - 1;
            stroke.windows(2).enumerate().map(move |(index, ends)| Segment {
                from: on_image(ends[0]),
                to: on_image(ends[1]),
                radius: hand.radius_at(index as f64 / last as f64),
            })
        })
        .collect()
}

/// A stroke without these shares of its points at the beginning and at the end.
fn cut(mut stroke: Vec<[f64; 2]>, [beginning, end]: [f64; 2]) -> Vec<[f64; 2]> {
    let points = stroke.len() as f64;
    stroke.truncate(stroke.len() - (end * points).floor() as usize);
    stroke.drain(..(beginning * points).floor() as usize);
    stroke
}

/// Where the ink lies.
#[derive(Default)]
struct Ink {
    length: f64,
    moment: [f64; 2],
    low: Option<[f64; 2]>,
    high: Option<[f64; 2]>,
}

impl Ink {
    fn add(&mut self, stroke: &[[f64; 2]]) {
        for point in stroke {
            let low = self.low.get_or_insert(*point);
            *low = [low[0].min(point[0]), low[1].min(point[1])];
            let high = self.high.get_or_insert(*point);
            *high = [high[0].max(point[0]), high[1].max(point[1])];
        }
        for ends in stroke.windows(2) {
            let [dx, dy] = [ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]];
            let length = (dx * dx + dy * dy).sqrt();
            self.length += length;
            for axis in [0, 1] {
                self.moment[axis] += length * (ends[0][axis] + ends[1][axis]) / 2.0;
            }
        }
    }

    /// Scale and shift onto the image: the larger side as large as the hand writes, the centre of mass in the middle (as
    /// MNIST's digits are normalised), moved by the hand's offset.
    fn placement(&self, hand: &Hand) -> [f64; 3] {
        let (Some(low), Some(high)) = (self.low, self.high) else { return [0.0; 3] };
        let scale = hand.height / (high[0] - low[0]).max(high[1] - low[1]).max(0.1);
        let middle = SIDE as f64 / 2.0;
        let [x, y] = [0, 1].map(|axis| middle - scale * self.moment[axis] / self.length.max(0.1) + hand.offset[axis]);
        [scale, x, y]
    }
}

/// Near enough to a standard normal number: a sum of four uniform ones, scaled to variance 1. At most 3.47 in size.
fn normal(stream: &mut Stream) -> f64 {
    let sum: f64 = (0..4).map(|_| stream.unit_f64()).sum();
    (sum - 2.0) * 3.0_f64.sqrt()
}
