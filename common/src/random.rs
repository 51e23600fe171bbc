//! Seeded random streams: the only source of randomness in data sets and training.
//!
//! A stream is named by a seed and a purpose, so that a new use of randomness never shifts an existing one. ChaCha8's
//! output is fixed by its specification, and every draw is computed in this module, so a stream is the same on every
//! machine and in every version.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use sha2::{Digest as _, Sha256};

/// One reproducible stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The stream for `purpose` (for example `"weights/conv1.weight"`) under `seed`.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"seedgrid stream 1\0");
        hash.update(seed.to_le_bytes());
        hash.update(purpose.as_bytes());
        Self { generator: ChaCha8Rng::from_seed(hash.finalize().into()) }
    }

    /// The number of 32-bit words drawn so far. [`Self::seek`] to it continues the stream.
    ///
    /// # Panics
    /// After 2^64 words, which nothing here draws.
    pub fn position(&self) -> u64 {
        u64::try_from(self.generator.get_word_pos()).expect("nothing draws 2^64 words")
    }

    /// Moves to the place where this many words have been drawn.
    pub fn seek(&mut self, position: u64) {
        self.generator.set_word_pos(position.into());
    }

    /// 32 uniform random bits.
    pub fn bits(&mut self) -> u32 {
        self.generator.next_u32()
    }

    /// A number uniform in `[0, 1)`, a multiple of 2^-24, so exact in `f32`.
    pub fn unit_f32(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// A number uniform in `[0, 1)`, a multiple of 2^-53.
    pub fn unit_f64(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A number uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit_f64()
    }

    /// A number uniform in `0..bound`, without bias. `bound` must be at least 1.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "an empty range has no members");
        // Rejecting the low end makes the number of accepted values a multiple of `bound` (Lemire 2019).
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.bits()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Puts `items` into a uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u32::try_from(last + 1).expect("no list here has 2^32 members");
            items.swap(last, self.below(bound) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    #[test]
    fn a_stream_is_fixed_for_ever() {
        let mut stream = Stream::new(7, "weights/a");
        let drawn: Vec<u32> = (0..3).map(|_| stream.bits()).collect();
        assert_eq!(drawn, GOLDEN, "a changed stream changes every result ever computed");
    }
    /// The numbers of common/fixtures/golden.py.
    const GOLDEN: [u32; 3] = [613_356_374, 943_809_556, 3_157_503_340];

    #[test]
    fn a_stream_goes_on_from_any_position() {
        let mut stream = Stream::new(7, "weights/a");
        for _ in 0..100 {
            let mut other = Stream::new(7, "weights/a");
            other.seek(stream.position());
            assert_eq!(other.unit_f64(), stream.clone().unit_f64());
            assert_eq!(other.position(), stream.position() + 2);
            stream.bits();
        }
    }

    #[test]
    fn purposes_and_seeds_are_independent() {
        let first = |seed, purpose| Stream::new(seed, purpose).bits();
        assert_ne!(first(1, "a"), first(2, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
    }

    #[test]
    fn below_reaches_every_value_evenly() {
        let mut stream = Stream::new(1, "below");
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // Five standard deviations of a binomial(70000, 1/7) are 463.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 463), "{counts:?}");
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Stream::new(1, "shuffle").shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
