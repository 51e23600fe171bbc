//! Max-pooling that stores the position of each maximum.

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
    /// Writes each window's maximum to `output`, and the maximum's position in the window (row by row) to `chosen`.
    ///
    /// Of equal values the first is chosen; a NaN is larger than every number, and of several the first is chosen.
    pub fn forward(&self, images: usize, input: &[f32], output: &mut [f32], chosen: &mut [u8]) {
        Instructions::best().run_loops(
            #[inline(always)]
            || {
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
            },
        );
    }

    /// Gives each chosen value its window's gradient, and every other value 0.
    pub fn backward(&self, images: usize, output_gradient: &[f32], chosen: &[u8], input_gradient: &mut [f32]) {
        Instructions::best().run_loops(
            #[inline(always)]
            || {
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
            },
        );
    }

    /// The index of a window's first value in the input.
    #[inline(always)]
    fn first_value(&self, window: usize) -> usize {
        let (row, x) = (window / self.width, window % self.width);
        // Rows of windows are counted over all images, like the input's rows.
        (row * self.size * self.width + x) * self.size * self.channels
    }

    /// The distance of a window's value from the window's first value.
    #[inline(always)]
    fn shift(&self, place: usize) -> usize {
        let (y, x) = (place / self.size, place % self.size);
        (y * self.size * self.width + x) * self.channels
    }
}

#[cfg(test)]
mod tests {
    use super::MaxPool;

    #[test]
    fn of_equal_values_the_first_is_chosen_and_nan_wins() {
        let pool = MaxPool { size: 2, height: 1, width: 2, channels: 1 };
        let (mut output, mut chosen) = ([0.0; 2], [9; 2]);
        // Windows (1, 3; 3, 2) and (5, NaN; NaN, 6).
        pool.forward(1, &[1.0, 3.0, 5.0, f32::NAN, 3.0, 2.0, f32::NAN, 6.0], &mut output, &mut chosen);
        assert_eq!(output[0], 3.0);
        assert!(output[1].is_nan());
        assert_eq!(chosen, [1, 1]);
        let mut gradient = [7.0; 8];
        pool.backward(1, &[10.0, 20.0], &chosen, &mut gradient);
        assert_eq!(gradient, [0.0, 10.0, 0.0, 20.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn images_and_channels_are_pooled_apart() {
        let pool = MaxPool { size: 3, height: 1, width: 1, channels: 2 };
        // Two images of 3 x 3 pixels; the second channel is the first one's negative.
        let input: Vec<f32> = (0..18).flat_map(|pixel| [pixel as f32, -(pixel as f32)]).collect();
        let (mut output, mut chosen) = ([0.0; 4], [9; 4]);
        pool.forward(2, &input, &mut output, &mut chosen);
        assert_eq!(output, [8.0, 0.0, 17.0, -9.0]);
        assert_eq!(chosen, [8, 0, 8, 0]);
    }
}
