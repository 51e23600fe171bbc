//! Convolutions and fully connected layers: one weighted sum per output, over a window of the input.
//!
//! Images are stored channels last, (image, y, x, channel), so the values under one row of a kernel are contiguous and a
//! convolution multiplies its windows where they lie. A fully connected layer is the case of one window of one row.
//! Weights are stored as (kernel y, kernel x, input channel, output), outputs contiguous.

use super::{
    instructions::Instructions,
    tiles::{Places, Product, Start, TransposedProduct},
};

/// Number of rows that are processed together, so that their values stay in the nearest caches. It is fixed: the order
/// in which an input's gradient is summed depends on it.
const GROUP_ROWS: usize = 96;

/// The windows of a layer's input, one for each output position.
#[derive(Clone, Debug)]
pub struct Windows {
    channels: usize,
    kernel: usize,
    /// Distance of the input's rows, in values.
    row_stride: usize,
    /// Number of values of one image.
    image_values: usize,
    /// Number of windows in one image.
    per_image: usize,
    /// The first index of each window of each image.
    offsets: Vec<usize>,
}

impl Windows {
    /// Windows of `kernel` x `kernel` at every place in each of up to `images` images of (height, width, channels).
    ///
    /// # Panics
    /// When the kernel is larger than an image.
    pub fn of_convolution(height: usize, width: usize, channels: usize, kernel: usize, images: usize) -> Self {
        assert!(0 < kernel && kernel <= height && kernel <= width, "a kernel must fit into its image");
        let row_stride = width * channels;
        let image_values = height * row_stride;
        let offsets: Vec<usize> = (0..images)
            .flat_map(|image| (0..=height - kernel).map(move |y| image * image_values + y * row_stride))
            .flat_map(|row| (0..=width - kernel).map(move |x| row + x * channels))
            .collect();
        let per_image = (height - kernel + 1) * (width - kernel + 1);
        Self { channels, kernel, row_stride, image_values, per_image, offsets }
    }

    /// One window over each of up to `rows` vectors of this width.
    pub fn of_vectors(width: usize, rows: usize) -> Self {
        Self::of_convolution(1, 1, width, 1, rows)
    }

    /// Number of values under a window.
    pub fn depth(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// Number of windows in one image.
    pub fn per_image(&self) -> usize {
        self.per_image
    }

    /// Number of values in one image of the input.
    pub fn image_values(&self) -> usize {
        self.image_values
    }

    /// First window and number of windows of each group, for this many images. A group is a number of whole images.
    fn groups(&self, images: usize) -> impl Iterator<Item = (usize, usize)> {
        let total = images * self.per_image;
        let size = (GROUP_ROWS / self.per_image).max(1) * self.per_image;
        (0..total).step_by(size).map(move |first| (first, size.min(total - first)))
    }

    fn places(&self, first: usize, shift: usize) -> Places<'_> {
        Places::At { offsets: &self.offsets[first..], shift }
    }

    /// `output = bias + windows * weights` for each window of `images` images.
    ///
    /// `input` is (images, height, width, channels), `weights` (depth, outputs), `output` (windows, outputs).
    pub fn forward(&self, images: usize, input: &[f32], weights: &[f32], bias: &[f32], output: &mut [f32]) {
        let outputs = bias.len();
        let depth = self.kernel * self.channels;
        for (first, rows) in self.groups(images) {
            for y in 0..self.kernel {
                Instructions::best().run(Product {
                    left: input,
                    left_rows: self.places(first, y * self.row_stride),
                    rows,
                    depth,
                    right: &weights[y * depth * outputs..],
                    columns: outputs,
                    start: if y == 0 { Start::Bias(bias) } else { Start::Sums },
                    sums: &mut output[first * outputs..],
                    sums_rows: Places::Every(outputs),
                });
            }
        }
    }

    /// `weights_gradient += windows^T * output_gradient`. Shapes as in [`Self::forward`].
    pub fn weights_gradient(
        &self,
        images: usize,
        outputs: usize,
        input: &[f32],
        output_gradient: &[f32],
        weights_gradient: &mut [f32],
    ) {
        let rows = self.kernel * self.channels;
        for (first, depth) in self.groups(images) {
            for y in 0..self.kernel {
                Instructions::best().run(TransposedProduct {
                    left: input,
                    left_rows: self.places(first, y * self.row_stride),
                    rows,
                    depth,
                    right: &output_gradient[first * outputs..],
                    columns: outputs,
                    sums: &mut weights_gradient[y * rows * outputs..],
                });
            }
        }
    }

    /// `input_gradient += output_gradient * weights^T`, each product added to the value that its weight was multiplied
    /// with.
    ///
    /// `transposed` holds the weights as (kernel y, kernel x, output, input channel): see [`transpose`].
    pub fn input_gradient(
        &self,
        images: usize,
        outputs: usize,
        output_gradient: &[f32],
        transposed: &[f32],
        input_gradient: &mut [f32],
    ) {
        for (first, rows) in self.groups(images) {
            for tap in 0..self.kernel * self.kernel {
                let (y, x) = (tap / self.kernel, tap % self.kernel);
                Instructions::best().run(Product {
                    left: &output_gradient[first * outputs..],
                    left_rows: Places::Every(outputs),
                    rows,
                    depth: outputs,
                    right: &transposed[tap * outputs * self.channels..],
                    columns: self.channels,
                    start: Start::Sums,
                    sums: input_gradient,
                    sums_rows: self.places(first, y * self.row_stride + x * self.channels),
                });
            }
        }
    }

    /// Writes `weights`, (kernel y, kernel x, input channel, output), as (kernel y, kernel x, output, input channel).
    pub fn transpose(&self, outputs: usize, weights: &[f32], transposed: &mut [f32]) {
        let tap = self.channels * outputs;
        for (from, to) in weights.chunks_exact(tap).zip(transposed.chunks_exact_mut(tap)) {
            transpose(self.channels, outputs, from, to);
        }
    }
}

/// Writes the (rows, columns) matrix `from` as (columns, rows), both row-major.
pub fn transpose(rows: usize, columns: usize, from: &[f32], to: &mut [f32]) {
    /// Side of the squares that are transposed in registers.
    const SQUARE: usize = 4;
    let (whole_rows, whole_columns) = (rows / SQUARE * SQUARE, columns / SQUARE * SQUARE);
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for top in (0..whole_rows).step_by(SQUARE) {
                let lines: [&[[f32; SQUARE]]; SQUARE] = [0, 1, 2, 3].map(|row| {
                    let line = &from[(top + row) * columns..][..whole_columns];
                    line.as_chunks().0
                });
                for (index, (((a, b), c), d)) in lines[0].iter().zip(lines[1]).zip(lines[2]).zip(lines[3]).enumerate() {
                    for turned in 0..SQUARE {
                        let to = &mut to[(index * SQUARE + turned) * rows + top..][..SQUARE];
                        to.copy_from_slice(&[a[turned], b[turned], c[turned], d[turned]]);
                    }
                }
            }
        },
    );
    let mut one = |row: usize, column: usize| to[column * rows + row] = from[row * columns + column];
    (0..whole_rows).for_each(|row| (whole_columns..columns).for_each(|column| one(row, column)));
    (whole_rows..rows).for_each(|row| (0..columns).for_each(|column| one(row, column)));
}

/// `bias_gradient += Σ rows of output_gradient`, (rows, outputs), in order.
pub fn bias_gradient(output_gradient: &[f32], bias_gradient: &mut [f32]) {
    Instructions::best().run_loops(
        #[inline(always)]
        || {
            for row in output_gradient.chunks_exact(bias_gradient.len()) {
                for (sum, value) in bias_gradient.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        },
    );
}
