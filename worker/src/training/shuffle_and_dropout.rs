//! The random numbers of a unit's training: the order of the examples in each epoch, and the values that dropout sets to
//! zero.

use seedgrid_common::random::Stream;

use crate::networks::{DropoutLayer, Masks};

/// The positions of streams, in 32-bit words drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Positions {
    /// The position of the stream of the epochs' orders.
    pub(super) shuffle: u64,
    /// The position of the stream of dropout's masks.
    pub(super) dropout: u64,
}

/// The random streams of a unit's training.
#[derive(Clone, Debug)]
pub(super) struct TrainingStreams {
    shuffle: Stream,
    dropout: Stream,
    layers: Vec<DropoutLayer>,
}

impl TrainingStreams {
    pub(super) fn new(seed: u64, layers: Vec<DropoutLayer>) -> Self {
        Self { shuffle: Stream::new(seed, "shuffle"), dropout: Stream::new(seed, "dropout"), layers }
    }

    /// The positions of the streams.
    pub(super) fn positions(&self) -> Positions {
        Positions { shuffle: self.shuffle.position(), dropout: self.dropout.position() }
    }

    /// Continues from these positions.
    pub(super) fn seek(&mut self, positions: Positions) {
        self.shuffle.seek(positions.shuffle);
        self.dropout.seek(positions.dropout);
    }

    /// The next epoch's order of `count` examples: ascending, then shuffled.
    pub(super) fn order(&mut self, count: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count).map(|place| place as u32).collect();
        self.shuffle.shuffle(&mut order);
        order
    }

    /// The masks for the next batch: layer by layer, each value with its own random number, which drops it if it is
    /// below the layer's probability.
    pub(super) fn masks(&mut self, pairs: usize) -> Masks {
        let stream = &mut self.dropout;
        let of_layer = |layer: &DropoutLayer| {
            let kept = (1.0 / (1.0 - layer.probability)) as f32;
            (0..pairs * layer.values_per_pair)
                .map(|_| if f64::from(stream.unit_f32()) < layer.probability { 0.0 } else { kept })
                .collect()
        };
        self.layers.iter().map(of_layer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> TrainingStreams {
        TrainingStreams::new(7, vec![DropoutLayer { probability: 0.25, values_per_pair: 1000 }])
    }

    #[test]
    fn dropout_zeroes_its_share_and_enlarges_the_rest() {
        let masks = streams().masks(4);
        let (zeros, kept): (Vec<f32>, Vec<f32>) = masks[0].iter().partition(|value| **value == 0.0);
        assert_eq!(masks[0].len(), 4000);
        assert!((900..1100).contains(&zeros.len()), "{}", zeros.len());
        assert!(kept.iter().all(|value| *value == 4.0 / 3.0));
    }

    #[test]
    fn the_streams_continue_from_their_positions() {
        let mut streams = streams();
        let first = (streams.order(50), streams.masks(2));
        let positions = streams.positions();
        let second = (streams.order(50), streams.masks(2));
        assert_ne!(first, second);
        streams.seek(positions);
        assert_eq!((streams.order(50), streams.masks(2)), second);
    }
}
