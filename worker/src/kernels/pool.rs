//! Max-pooling that remembers where each maximum was.

use super::instructions::Instructions;

/// Maxima over windows of `size` x `size` with stride `size`, of images stored as (image, y, x, channel).
#[derive(Clone, Debug)]
pub struct MaxPool {
    /// Height and width of the windows.
    pub size: usize,
    /// Height of the output; the input is `size` times as high.
    pub height: usize,
    /// Width of the output; the input is `size` times as wide.
    pub width: usize,
    /// Number of channels.
    pub channels: usize,
}

impl MaxPool {
    /// Writes each window's maximum, and which of its values that was (row by row), to `output` and `chosen`.
    ///
    /// Of equal values the first is chosen; a NaN is larger than every number, and of several the first is chosen.
    pub fn forward(&self, images: usize, input: &[f32], output: &mut [f32], chosen: &mut [u8]) {
        Instructions::best().run(|| {
            for (window, (best, chosen)) in output
                .chunks_exact_mut(self.channels)
                .zip(chosen.chunks_exact_mut(self.channels))
                .take(images * self.height * self.width)
                .enumerate()
            {
                let first = self.first_value(window);
                best.copy_from_slice(&input[first..][..self.channels]);
                chosen.fill(0);
                for place in 1..self.size * self.size {
                    let values = &input[first + self.shift(place)..][..self.channels];
                    for ((best, chosen), &value) in best.iter_mut().zip(chosen.iter_mut()).zip(values) {
                        let better = (value > *best) | (value.is_nan() & !best.is_nan());
                        *best = if better { value } else { *best };
                        *chosen = if better { place as u8 } else { *chosen };
                    }
                }
            }
        });
    }

    /// Gives each chosen value its window's gradient, and every other value 0.
    pub fn backward(&self, images: usize, output_gradient: &[f32], chosen: &[u8], input_gradient: &mut [f32]) {
        Instructions::best().run(|| {
            for (window, (gradient, chosen)) in output_gradient
                .chunks_exact(self.channels)
                .zip(chosen.chunks_exact(self.channels))
                .take(images * self.height * self.width)
                .enumerate()
            {
                let first = self.first_value(window);
                for place in 0..self.size * self.size {
                    let values = &mut input_gradient[first + self.shift(place)..][..self.channels];
                    for ((value, &gradient), &chosen) in values.iter_mut().zip(gradient).zip(chosen) {
                        *value = if chosen == place as u8 { gradient } else { 0.0 };
                    }
                }
            }
        });
    }

    /// Where a window's first value lies in the input.
    #[inline(always)]
    fn first_value(&self, window: usize) -> usize {
        let (row, x) = (window / self.width, window % self.width);
        // Rows of windows count on from image to image, as the input's rows do.
        (row * self.size * self.width + x) * self.size * self.channels
    }

    /// How far a window's value lies from its first.
    #[inline(always)]
    fn shift(&self, place: usize) -> usize {
        let (y, x) = (place / self.size, place % self.size);
        (y * self.size * self.width + x) * self.channels
    }
}
