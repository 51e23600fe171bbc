//! Measures how often intervals contain the true value, and how often tests find a nonexistent difference, in
//! simulations with known truth. scripts/coverage.sh runs all of it; docs/statistics.md has its table.

use seedgrid_common::{random::Stream, spec::Evaluation};
use statrs::distribution::{ContinuousCDF as _, Normal};

use super::{
    errors_by_seed::{Columns, minus},
    means_and_intervals::{Sample, estimate},
};
use crate::statistics::{
    crossed_standard_error::{Table, crossed},
    paired_t_test::paired,
};

/// A population of networks and examples.
#[derive(Clone, Copy, Debug)]
struct World {
    name: &'static str,
    /// The level: the normal distribution function of the level plus both effects is a unit's probability to err on an
    /// example.
    level: f64,
    /// Standard deviation of the seeds' effect.
    seeds: f64,
    /// Standard deviation of the examples' effect.
    examples: f64,
    /// The share of seeds that get stuck and err on 47 % of the examples at random.
    stuck: f64,
}

/// Examples that are hard for every seed; examples of about equal difficulty; and one seed in ten that gets stuck.
const WORLDS: [World; 3] = [
    World { name: "clear", level: -2.0, seeds: 0.1, examples: 1.8, stuck: 0.0 },
    World { name: "noisy", level: -0.8, seeds: 0.15, examples: 0.8, stuck: 0.0 },
    World { name: "stuck seeds", level: -2.0, seeds: 0.1, examples: 1.8, stuck: 0.1 },
];

/// The error of a stuck seed.
const STUCK: f64 = 0.47;

impl World {
    /// The mean error over all possible seeds and examples.
    fn truth(self) -> f64 {
        let spread = (1.0 + self.seeds * self.seeds + self.examples * self.examples).sqrt();
        (1.0 - self.stuck) * Normal::standard().cdf(self.level / spread) + self.stuck * STUCK
    }

    /// Wrong predictions of this many seeds on this many examples.
    fn draw(self, stream: &mut Stream, seeds: usize, examples: usize) -> Vec<Vec<f64>> {
        let cdf = Normal::standard();
        let hard: Vec<f64> = (0..examples).map(|_| self.examples * normal(stream)).collect();
        let row = |stream: &mut Stream| {
            let (stuck, bad) = (stream.unit_f64() < self.stuck, self.seeds * normal(stream));
            let probability = |hard: &f64| if stuck { STUCK } else { cdf.cdf(self.level + bad + hard) };
            hard.iter().map(|hard| f64::from(u8::from(stream.unit_f64() < probability(hard)))).collect()
        };
        (0..seeds).map(|_| row(stream)).collect()
    }
}

fn normal(stream: &mut Stream) -> f64 {
    let (radius, angle) = (1.0 - stream.unit_f64(), stream.unit_f64());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// The share of this many repetitions in which `is_so` is true.
fn share(repeats: usize, mut is_so: impl FnMut() -> bool) -> f64 {
    (0..repeats).filter(|_| is_so()).count() as f64 / repeats as f64
}

/// Whether the test of these differences, whose true mean is 0, finds one at 0.05.
fn is_found(table: Table<'_>) -> bool {
    paired(table, "columns").is_ok_and(|test| test.p < 0.05)
}

/// The difference of two tables, element by element.
fn differences(first: &[Vec<f64>], second: &[Vec<f64>]) -> Vec<Vec<f64>> {
    first.iter().zip(second).map(|(first, second)| minus(first, second)).collect()
}

/// The share of `repeats` hold-outs whose 95 % interval contains the true value: for the interval over seeds and
/// examples, and for the narrower one given the examples.
fn coverage(world: World, seeds: usize, examples: usize, repeats: usize) -> [f64; 2] {
    let mut stream = Stream::new(seeds as u64, world.name);
    let mut held = [0_usize; 2];
    for _ in 0..repeats {
        let rows = world.draw(&mut stream, seeds, examples);
        let errors: Vec<f64> = rows.iter().map(|row| row.iter().sum::<f64>() / examples as f64).collect();
        let (found, columns) = (crossed(Table::independent(&rows)), Columns::new(Evaluation::Holdout, 1));
        let found = estimate(&Sample { errors: &errors, crossed: found, seeds, columns, examples });
        let given = found.given_examples.and_then(|given| given.ci95);
        for (count, ends) in held.iter_mut().zip([found.interval.ci95, given]) {
            *count += usize::from(ends.is_some_and(|[low, high]| (low..=high).contains(&world.truth())));
        }
    }
    held.map(|count| count as f64 / repeats as f64)
}

/// The share of `repeats` comparisons on one set of test examples that find a difference at 0.05 between two
/// configurations of one world. Each example is equally hard for both.
fn holdout_level(world: World, seeds: usize, examples: usize, repeats: usize) -> f64 {
    let mut stream = Stream::new(seeds as u64, world.name);
    share(repeats, || {
        // Twice as many seeds on the same examples; each configuration gets one half.
        let rows = world.draw(&mut stream, 2 * seeds, examples);
        let (first, second) = rows.split_at(seeds);
        is_found(Table::independent(&differences(first, second)))
    })
}

/// Two configurations in cross-validation that are equally good over all possible data.
#[derive(Clone, Copy, Debug)]
struct Folds {
    name: &'static str,
    /// Standard deviation of a fold's difference, over infinitely many seeds. As Nadeau and Bengio assume, the
    /// differences of two folds correlate by one over the number of folds, since they share training examples.
    folds: f64,
    /// Standard deviation of a single unit's difference around it.
    units: f64,
    /// The share of units that get stuck.
    stuck: f64,
}

const FOLDS: [Folds; 3] = [
    Folds { name: "clear", folds: 0.02, units: 0.005, stuck: 0.0 },
    Folds { name: "noisy", folds: 0.01, units: 0.02, stuck: 0.0 },
    Folds { name: "stuck seeds", folds: 0.02, units: 0.005, stuck: 0.1 },
];

impl Folds {
    fn draw(self, stream: &mut Stream, folds: u32, seeds: usize) -> Vec<Vec<f64>> {
        let shared = 1.0 / f64::from(folds);
        let common = shared.sqrt() * normal(stream);
        let of_folds: Vec<f64> =
            (0..folds).map(|_| self.folds * (common + (1.0 - shared).sqrt() * normal(stream))).collect();
        let stuck = |stream: &mut Stream| if stream.unit_f64() < self.stuck { STUCK - 0.1 } else { 0.0 };
        (0..seeds)
            .map(|_| {
                let [first, second] = [stuck(stream), stuck(stream)];
                of_folds.iter().map(|fold| fold + self.units * normal(stream) + first - second).collect()
            })
            .collect()
    }
}

/// The share of `repeats` comparisons over folds and seeds that find a difference at 0.05 where there is none.
fn folds_level(world: Folds, folds: u32, seeds: usize, repeats: usize) -> f64 {
    let mut stream = Stream::new(seeds as u64, world.name);
    share(repeats, || is_found(Table::of_folds(&world.draw(&mut stream, folds, seeds), folds)))
}

/// Trained networks of one layer. Both configurations see different features of the same examples, and both are equally
/// good by symmetry; training makes the folds depend on each other as in practice.
#[derive(Clone, Copy, Debug)]
struct Trained {
    name: &'static str,
    /// The distance of the classes.
    apart: f64,
    rate: f64,
    stuck: f64,
}

const TRAINED: [Trained; 3] = [
    Trained { name: "clear", apart: 0.9, rate: 0.1, stuck: 0.0 },
    Trained { name: "noisy", apart: 0.35, rate: 0.5, stuck: 0.0 },
    Trained { name: "stuck seeds", apart: 0.9, rate: 0.1, stuck: 0.1 },
];

/// The number of a network's inputs.
const INPUTS: usize = 8;
/// The number of inputs that depend on the class.
const TELLING: usize = 2;
/// The number of examples that are split into folds.
const EXAMPLES: usize = 200;
const EPOCHS: usize = 3;

impl Trained {
    fn level(self, folds: usize, seeds: usize, repeats: usize) -> f64 {
        let mut stream = Stream::new(seeds as u64, &format!("trained {}", self.name));
        share(repeats, || {
            let signs: Vec<f64> = (0..EXAMPLES).map(|_| if stream.below(2) == 1 { 1.0 } else { -1.0 }).collect();
            let [first, second] = [(), ()].map(|()| self.errors(&mut stream, &signs, folds, seeds));
            is_found(Table::of_folds(&differences(&first, &second), folds as u32))
        })
    }

    /// Each seed's error on each fold.
    fn errors(self, stream: &mut Stream, signs: &[f64], folds: usize, seeds: usize) -> Vec<Vec<f64>> {
        let examples: Vec<[f64; INPUTS]> = signs
            .iter()
            .map(|sign| {
                std::array::from_fn(|input| normal(stream) + if input < TELLING { sign * self.apart } else { 0.0 })
            })
            .collect();
        (0..seeds)
            .map(|_| {
                let stuck = stream.unit_f64() < self.stuck;
                (0..folds).map(|fold| self.error(stream, (&examples, signs), (fold, folds), stuck)).collect()
            })
            .collect()
    }

    fn error(
        self,
        stream: &mut Stream,
        (examples, signs): (&[[f64; INPUTS]], &[f64]),
        (fold, folds): (usize, usize),
        stuck: bool,
    ) -> f64 {
        let (scored, mut trained): (Vec<usize>, Vec<usize>) =
            (0..EXAMPLES).partition(|example| example % folds == fold);
        let mut weights: [f64; INPUTS] = std::array::from_fn(|_| normal(stream));
        let sum = |weights: &[f64; INPUTS], example: usize| -> f64 {
            weights.iter().zip(&examples[example]).map(|(weight, value)| weight * value).sum()
        };
        for _ in 0..EPOCHS {
            stream.shuffle(&mut trained);
            for &example in &trained {
                let step = self.rate * signs[example] / (1.0 + (signs[example] * sum(&weights, example)).exp());
                weights.iter_mut().zip(&examples[example]).for_each(|(weight, value)| *weight += step * value);
            }
        }
        let wrong = scored.iter().filter(|&&example| {
            let output = if stuck { 1.0 } else { sum(&weights, example) };
            output * signs[example] <= 0.0
        });
        wrong.count() as f64 / scored.len() as f64
    }
}

const SEEDS: [usize; 3] = [3, 5, 10];
const FOLDS_AND_SEEDS: [(u32, usize); 3] = [(5, 1), (5, 6), (10, 10)];

/// Formats "0.948", with a star outside of these bounds.
fn marked(share: f64, [low, high]: [f64; 2]) -> String {
    format!("{share:.3}{}", if (low..=high).contains(&share) { "" } else { " *" })
}

#[test]
#[ignore = "minutes of computing; scripts/coverage.sh runs it"]
#[allow(clippy::print_stdout, reason = "what it prints is what it is for")]
fn table() {
    let repeats: usize =
        std::env::var("SEEDGRID_COVERAGE_REPEATS").ok().and_then(|text| text.parse().ok()).unwrap_or(4000);
    println!("\n95 % intervals of a mean test error that hold the truth (wanted: 0.93 to 0.97; * is outside)\n");
    println!("| world | seeds | examples | seeds and examples | seeds alone |\n|---|---|---|---|---|");
    for world in WORLDS {
        for seeds in SEEDS {
            for examples in [100, 1000] {
                let [wide, narrow] =
                    coverage(world, seeds, examples, if examples > 100 { repeats / 4 } else { repeats });
                let wide = marked(wide, [0.93, 0.97]);
                println!("| {} | {seeds} | {examples} | {wide} | {narrow:.3} |", world.name);
            }
        }
    }
    println!("\nDifferences found where there are none, at the level 0.05 (wanted: 0.03 to 0.07; * is outside)\n");
    println!("| world | hold-out, 5 seeds, 1,000 examples | folds x seeds | drawn | trained |\n|---|---|---|---|---|");
    for ((world, drawn), trained) in WORLDS.into_iter().zip(FOLDS).zip(TRAINED) {
        let mut holdout = marked(holdout_level(world, 5, 1000, repeats / 4), [0.03, 0.07]);
        for (folds, seeds) in FOLDS_AND_SEEDS {
            let drawn = marked(folds_level(drawn, folds, seeds, repeats), [0.03, 0.07]);
            let few = (repeats / seeds.min(8)).max(1);
            let trained = marked(trained.level(folds as usize, seeds, few), [0.03, 0.07]);
            println!("| {} | {holdout} | {folds}x{seeds} | {drawn} | {trained} |", world.name);
            holdout = String::new();
        }
    }
}

#[test]
fn intervals_over_seeds_and_examples_hold_the_truth_where_those_over_seeds_do_not() {
    let [wide, narrow] = coverage(WORLDS[0], 5, 100, 400);
    assert!((0.92..=0.98).contains(&wide), "{wide}");
    assert!(narrow < 0.8, "an interval given the test examples is not about others: {narrow}");
}

#[test]
fn repeating_seeds_on_the_same_folds_finds_no_differences_that_are_not_there() {
    for (folds, seeds) in FOLDS_AND_SEEDS {
        let level = folds_level(FOLDS[0], folds, seeds, 2000);
        assert!((0.03..=0.07).contains(&level), "{folds}x{seeds}: {level}");
    }
}

#[test]
fn a_columns_kind_has_its_correction() {
    // These simulations use the same table as a stage.
    let rows = FOLDS[0].draw(&mut Stream::new(1, "kind"), 5, 3);
    let columns = Columns::new(Evaluation::Folds(5), 1);
    assert_eq!(crossed(columns.table(&rows, None)), crossed(Table::of_folds(&rows, 5)));
}
