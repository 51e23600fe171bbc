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
use super::{
    dataset::Dataset,
    kind::{DatasetKind, DatasetSpec, Supply},
    pairs::{self, Pairs},
    values::NumberType,
};
use crate::{model::SIDE, random::Stream};

/// As titles call this data set.
pub const TITLE: &str = "Drawn glyph pairs";

/// Digits that the program draws.
pub static KIND: DatasetKind = DatasetKind {
    name: "glyph-pairs",
    summary: "digits that the program draws, for machines without MNIST",
    train: Supply { pairs_max: 100_000, because: None },
    test: Supply { pairs_max: 100_000, because: None },
    reads_files: false,
    draw: |spec, _| Ok(draw(spec)),
};

/// Draws the pairs that `spec` asks for. Digits are uniform and independent.
pub fn draw(spec: &DatasetSpec) -> Dataset {
    let [train, test] = [("train", spec.train_pairs), ("test", spec.test_pairs)]
        .map(|(part, count)| draw_pairs(spec.seed, part, count));
    pairs::dataset(TITLE, spec.seed, NumberType::U8, [&train, &test])
}

fn draw_pairs(seed: u64, part: &str, count: u32) -> Pairs {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::encode;

    fn spec(train_pairs: u32, test_pairs: u32, seed: u64) -> DatasetSpec {
        DatasetSpec { kind: &KIND, train_pairs, test_pairs, seed }
    }

    /// The training pairs and the test pairs.
    fn drawn(train_pairs: u32, test_pairs: u32, seed: u64) -> [Pairs; 2] {
        let dataset = draw(&spec(train_pairs, test_pairs, seed));
        [&dataset.train, &dataset.test].map(|part| Pairs::from_examples(part).unwrap())
    }

    #[test]
    fn a_data_seed_gives_the_same_pixels_for_ever() {
        let bytes = encode::encode(&draw(&spec(50, 50, 0))).unwrap();
        assert_eq!(
            encode::digest(&bytes),
            "e9ca6c45df9c1ef6a6abdd05534e82a470f731e08f02e07a82380261757d2557",
            "other pixels are another data set: stored results no longer fit"
        );
    }

    #[test]
    fn a_larger_set_begins_with_the_smaller_one() {
        let ([train, test], [large_train, large_test]) = (drawn(3, 2, 9), drawn(5, 4, 9));
        assert_eq!(large_train.digits[..3], train.digits);
        assert_eq!(large_train.pixels[..3 * 392], train.pixels);
        assert_eq!(large_test.pixels[..2 * 392], test.pixels);
        assert_ne!(test.pixels[..], train.pixels[..2 * 392], "test images are their own");
        assert_ne!(drawn(3, 2, 10), [train, test]);
    }

    #[test]
    fn every_digit_is_as_likely_and_every_pixel_a_whole_grey_value() {
        let [train, _] = drawn(1000, 0, 0);
        let mut counts = [0_u32; 10];
        for digit in train.digits.iter().flatten() {
            counts[usize::from(*digit)] += 1;
        }
        // Five standard deviations of a binomial(2000, 1/10) are 67.
        assert!(counts.iter().all(|&count| count.abs_diff(200) < 67), "{counts:?}");
        assert!(train.pixels.iter().all(|&value| value.fract() == 0.0 && (0.0..=255.0).contains(&value)));
    }

    #[test]
    fn glyphs_keep_inside_the_image() {
        let [train, _] = drawn(500, 0, 1);
        let share_at_border: f64 = train
            .pixels
            .chunks(SIDE * SIDE)
            .map(|image| {
                let border = |pixel: usize| matches!(pixel / SIDE, 0 | 13) || matches!(pixel % SIDE, 0 | 13);
                let sum = |of: &dyn Fn(usize) -> bool| -> f64 {
                    image.iter().enumerate().filter(|(pixel, _)| of(*pixel)).map(|(_, value)| f64::from(*value)).sum()
                };
                sum(&border) / sum(&|_| true)
            })
            .sum::<f64>()
            / 1000.0;
        assert!(share_at_border < 0.05, "{share_at_border} of the ink lies on the border");
    }

    /// A new image of a digit is nearer, on average, to the mean of its own digit's images than to any other's: the drawings
    /// can be told apart, though not all by so simple a rule.
    #[test]
    fn digits_can_be_told_apart_but_not_trivially() {
        let [train, test] = drawn(1000, 500, 2);
        let images = |pairs: &Pairs| -> Vec<(u8, Vec<f32>)> {
            let digits = pairs.digits.iter().flatten().copied();
            digits.zip(pairs.pixels.chunks(SIDE * SIDE).map(<[f32]>::to_vec)).collect()
        };
        let mut means = vec![(0_u32, vec![0.0_f32; SIDE * SIDE]); 10];
        for (digit, image) in images(&train) {
            let (count, sum) = &mut means[usize::from(digit)];
            *count += 1;
            sum.iter_mut().zip(image).for_each(|(sum, value)| *sum += value);
        }
        let distance = |image: &[f32], (count, sum): &(u32, Vec<f32>)| -> f32 {
            image.iter().zip(sum).map(|(value, sum)| (value - sum / *count as f32).powi(2)).sum()
        };
        let test = images(&test);
        let right = test
            .iter()
            .filter(|(digit, image)| {
                let nearest =
                    (0..10).min_by(|&a, &b| distance(image, &means[a]).total_cmp(&distance(image, &means[b])));
                nearest == Some(usize::from(*digit))
            })
            .count();
        let share = right as f64 / test.len() as f64;
        assert!((0.5..0.9).contains(&share), "nearest means are right for {share}");
    }
}
