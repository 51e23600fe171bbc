//! The inner loops of every multiplication: tiles of sums that stay in registers.
//!
//! Each element of a result is one chain of fused multiply-adds over its whole depth, in ascending order. Tiles only
//! group elements, and never change the order within one, so neither the instruction set (which decides the tiles'
//! sizes) nor an element's place in its tile changes a bit of any result.

use pulp::{MemMask, Simd, WithSimd};

/// The first indices of a matrix's rows in its slice.
#[derive(Clone, Copy)]
pub(super) enum Places<'a> {
    /// Row `i` begins at `i * stride`.
    Every(usize),
    /// Row `i` begins at `offsets[i] + shift`.
    At {
        /// The rows' offsets, never empty.
        offsets: &'a [usize],
        /// The number added to each offset.
        shift: usize,
    },
}

impl Places<'_> {
    #[inline(always)]
    fn row(self, index: usize) -> usize {
        match self {
            Self::Every(stride) => index * stride,
            Self::At { offsets, shift } => offsets[index] + shift,
        }
    }
}

/// The first values of a [`Product`]'s sums.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// The biases, one for each column.
    Bias(&'a [f32]),
    /// The present values of `sums`.
    Sums,
}

/// `sums[row][column] = start + Σ_k left[row][k] * right[k][column]`.
///
/// Rows of `left` and `sums` may start anywhere in their slices, so that a convolution reads its windows in place.
pub(super) struct Product<'a> {
    /// Holds the rows of the left factor, each contiguous and `depth` long.
    pub(super) left: &'a [f32],
    /// The first indices of the left factor's rows.
    pub(super) left_rows: Places<'a>,
    /// Number of rows.
    pub(super) rows: usize,
    /// Length of the sums.
    pub(super) depth: usize,
    /// The right factor, (depth, columns), row-major.
    pub(super) right: &'a [f32],
    /// Number of columns.
    pub(super) columns: usize,
    /// The first values of the sums.
    pub(super) start: Start<'a>,
    /// Receives the sums; holds their rows, each contiguous and `columns` long.
    pub(super) sums: &'a mut [f32],
    /// The first indices of the rows of `sums`. They do not overlap.
    pub(super) sums_rows: Places<'a>,
}

/// `sums[row][column] += Σ_k left[k][row] * right[k][column]`: the left factor is transposed.
pub(super) struct TransposedProduct<'a> {
    /// Holds the rows of the left factor before it is transposed, each contiguous and `rows` long.
    pub(super) left: &'a [f32],
    /// The first indices of the left factor's rows.
    pub(super) left_rows: Places<'a>,
    /// Number of rows of `sums`.
    pub(super) rows: usize,
    /// Length of the sums.
    pub(super) depth: usize,
    /// The right factor, (depth, columns), row-major.
    pub(super) right: &'a [f32],
    /// Number of columns.
    pub(super) columns: usize,
    /// The sums, (rows, columns), row-major.
    pub(super) sums: &'a mut [f32],
}

/// Number of adjacent vectors in a tile.
const VECTORS: usize = 2;
/// Rows of a tile where there are 32 vector registers.
const ROWS_MANY: usize = 12;
/// Rows of a tile where there are 16 vector registers.
const ROWS_FEW: usize = 6;

const fn tile_rows<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { ROWS_MANY } else { ROWS_FEW }
}

/// Calls a tile with the number of rows (1 to `ROWS_MANY`) as a constant.
macro_rules! with_rows {
    ($rows:expr, $this:ident.$tile:ident::<$simd:ty, $vectors:tt>($($argument:expr),*)) => {
        match $rows {
            1 => $this.$tile::<$simd, 1, $vectors>($($argument),*),
            2 => $this.$tile::<$simd, 2, $vectors>($($argument),*),
            3 => $this.$tile::<$simd, 3, $vectors>($($argument),*),
            4 => $this.$tile::<$simd, 4, $vectors>($($argument),*),
            5 => $this.$tile::<$simd, 5, $vectors>($($argument),*),
            6 => $this.$tile::<$simd, 6, $vectors>($($argument),*),
            7 => $this.$tile::<$simd, 7, $vectors>($($argument),*),
            8 => $this.$tile::<$simd, 8, $vectors>($($argument),*),
            9 => $this.$tile::<$simd, 9, $vectors>($($argument),*),
            10 => $this.$tile::<$simd, 10, $vectors>($($argument),*),
            11 => $this.$tile::<$simd, 11, $vectors>($($argument),*),
            _ => $this.$tile::<$simd, ROWS_MANY, $vectors>($($argument),*),
        }
    };
}

/// Adjacent columns, at most as many as a tile is wide.
#[derive(Clone, Copy)]
struct Panel<S: Simd> {
    first: usize,
    width: usize,
    /// The lanes of the panel's last vector that are columns.
    lanes: MemMask<S::m32s>,
}

impl<S: Simd> Panel<S> {
    #[inline(always)]
    fn new(simd: S, first: usize, columns: usize) -> Self {
        let width = (VECTORS * S::F32_LANES).min(columns - first);
        let in_last = width - (width - 1) / S::F32_LANES * S::F32_LANES;
        // A new mask: the one with its own load and store routines calls them through a pointer.
        let lanes = MemMask::new(simd.mask_between_m32s(0, in_last as u32).mask());
        Self { first, width, lanes }
    }

    /// The panel's `VECTORS` vectors at `from`.
    ///
    /// # Safety
    /// `from` must be valid for reading `width` values, and `VECTORS` the number of vectors that they fill.
    #[inline(always)]
    unsafe fn load<const VECTORS: usize>(self, simd: S, from: *const f32) -> [S::f32s; VECTORS] {
        let mut vectors = [simd.splat_f32s(0.0); VECTORS];
        for (index, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: all vectors but the last lie within `width` values, of the last those that the mask lets through.
            *vector = unsafe {
                let from = from.add(index * S::F32_LANES);
                if index + 1 < VECTORS {
                    from.cast::<S::f32s>().read_unaligned()
                } else {
                    simd.mask_load_ptr_f32s(self.lanes, from)
                }
            };
        }
        vectors
    }

    /// Writes the values that [`Self::load`] reads.
    ///
    /// # Safety
    /// `to` must be valid for writing `width` values, and `VECTORS` the number of vectors that they fill.
    #[inline(always)]
    unsafe fn store<const VECTORS: usize>(self, simd: S, vectors: [S::f32s; VECTORS], to: *mut f32) {
        for (index, vector) in vectors.into_iter().enumerate() {
            // SAFETY: as in `load`.
            unsafe {
                let to = to.add(index * S::F32_LANES);
                if index + 1 < VECTORS {
                    to.cast::<S::f32s>().write_unaligned(vector);
                } else {
                    simd.mask_store_ptr_f32s(self.lanes, to, vector);
                }
            }
        }
    }
}

/// `sums += left * right`, for each of a panel's vectors.
#[inline(always)]
fn multiply_add<S: Simd, const V: usize>(simd: S, left: f32, right: [S::f32s; V], sums: &mut [S::f32s; V]) {
    let left = simd.splat_f32s(left);
    for (sum, right) in sums.iter_mut().zip(right) {
        *sum = simd.mul_add_f32s(left, right, *sum);
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        assert!(self.right.len() >= self.depth * self.columns, "the right factor is too short");
        if let Start::Bias(bias) = self.start {
            assert!(bias.len() >= self.columns, "the bias is too short");
        }
        let mut column = 0;
        while column < self.columns {
            let panel = Panel::new(simd, column, self.columns);
            let mut row = 0;
            while row < self.rows {
                let rows = tile_rows::<S>().min(self.rows - row);
                if panel.width > S::F32_LANES {
                    with_rows!(rows, self.tile::<S, VECTORS>(simd, row, panel));
                } else {
                    with_rows!(rows, self.tile::<S, 1>(simd, row, panel));
                }
                row += rows;
            }
            column += panel.width;
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const V: usize>(&mut self, simd: S, first: usize, panel: Panel<S>) {
        let mut left = [self.left.as_ptr(); ROWS];
        let mut places = [0; ROWS];
        let mut sums = [[simd.splat_f32s(0.0); V]; ROWS];
        for row in 0..ROWS {
            left[row] = self.left[self.left_rows.row(first + row)..][..self.depth].as_ptr();
            places[row] = self.sums_rows.row(first + row) + panel.first;
            let start = match self.start {
                Start::Bias(bias) => &bias[panel.first..][..panel.width],
                Start::Sums => &self.sums[places[row]..][..panel.width],
            };
            // SAFETY: `start` has the panel's width.
            sums[row] = unsafe { panel.load(simd, start.as_ptr()) };
        }
        let mut right = self.right[panel.first..].as_ptr();
        // A local copy stays in registers.
        let mut running = sums;
        for k in 0..self.depth {
            // SAFETY: row `k` of `right` has `columns` values (asserted on entry), of which the panel's begin at its first;
            // each row of `left` has `depth` values (sliced above).
            unsafe {
                let columns = panel.load(simd, right);
                for (left, sums) in left.iter().zip(&mut running) {
                    multiply_add(simd, *left.add(k), columns, sums);
                }
            }
            right = right.wrapping_add(self.columns);
        }
        for (place, sums) in places.into_iter().zip(running) {
            let to = &mut self.sums[place..][..panel.width];
            // SAFETY: `to` has the panel's width.
            unsafe { panel.store(simd, sums, to.as_mut_ptr()) };
        }
    }
}

impl WithSimd for TransposedProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        assert!(self.right.len() >= self.depth * self.columns, "the right factor is too short");
        assert!(self.sums.len() >= self.rows * self.columns, "there is no room for the sums");
        for k in 0..self.depth {
            assert!(self.left_rows.row(k) + self.rows <= self.left.len(), "the left factor is too short");
        }
        let mut row = 0;
        while row < self.rows {
            let rows = tile_rows::<S>().min(self.rows - row);
            let mut column = 0;
            while column < self.columns {
                let panel = Panel::new(simd, column, self.columns);
                if panel.width > S::F32_LANES {
                    with_rows!(rows, self.tile::<S, VECTORS>(simd, row, panel));
                } else {
                    with_rows!(rows, self.tile::<S, 1>(simd, row, panel));
                }
                column += panel.width;
            }
            row += rows;
        }
    }
}

impl TransposedProduct<'_> {
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const V: usize>(&mut self, simd: S, first: usize, panel: Panel<S>) {
        let mut sums = [[simd.splat_f32s(0.0); V]; ROWS];
        let to = self.sums[first * self.columns + panel.first..].as_mut_ptr();
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row `first + row` of `sums` is there (asserted on entry) and holds the panel's columns.
            *sums = unsafe { panel.load(simd, to.add(row * self.columns)) };
        }
        let left = self.left.as_ptr();
        let mut right = self.right[panel.first..].as_ptr();
        // A local copy stays in registers.
        let mut running = sums;
        for k in 0..self.depth {
            // SAFETY: row `k` of `left` has `rows` values and row `k` of `right` has `columns` (both asserted on entry).
            unsafe {
                let left = left.add(self.left_rows.row(k) + first);
                let columns = panel.load(simd, right);
                for (row, sums) in running.iter_mut().enumerate() {
                    multiply_add(simd, *left.add(row), columns, sums);
                }
            }
            right = right.wrapping_add(self.columns);
        }
        for (row, sums) in running.into_iter().enumerate() {
            // SAFETY: as for the load.
            unsafe { panel.store(simd, sums, to.add(row * self.columns)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::instructions::Instructions;

    /// Values with many digits, so that every rounding has an effect.
    fn values(count: usize, salt: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 2_654_435_761 + salt * 40_503) % 1_000_003) as f32 / 500_000.0 - 1.0).collect()
    }

    #[test]
    fn products_are_chains_in_ascending_order_with_any_instructions() {
        // Sizes around those of tiles and vectors, and odd ones.
        for (rows, depth, columns) in
            [(1, 1, 1), (3, 7, 2), (5, 4, 10), (6, 9, 16), (12, 5, 32), (13, 8, 33), (29, 3, 100)]
        {
            let stride = depth + 3;
            let left = values(rows * stride + 5, 1);
            let right = values(depth * columns, 2);
            let bias = values(columns, 3);
            // Rows in reverse, with gaps.
            let offsets: Vec<usize> = (0..rows).rev().map(|row| row * stride).collect();
            let mut expected = vec![0.0; rows * columns];
            for row in 0..rows {
                for column in 0..columns {
                    expected[row * columns + column] = (0..depth).fold(bias[column], |sum, k| {
                        left[offsets[row] + 5 + k].mul_add(right[k * columns + column], sum)
                    });
                }
            }
            for instructions in Instructions::available() {
                let mut sums = vec![f32::NAN; rows * columns];
                instructions.run(Product {
                    left: &left,
                    left_rows: Places::At { offsets: &offsets, shift: 5 },
                    rows,
                    depth,
                    right: &right,
                    columns,
                    start: Start::Bias(&bias),
                    sums: &mut sums,
                    sums_rows: Places::Every(columns),
                });
                assert_eq!(sums, expected, "{rows}x{depth}x{columns} with {}", instructions.name());
            }
        }
    }

    #[test]
    fn transposed_products_are_chains_in_ascending_order_with_any_instructions() {
        for (rows, depth, columns) in
            [(1, 1, 1), (3, 7, 2), (5, 4, 10), (6, 9, 16), (12, 5, 32), (13, 8, 33), (29, 3, 100)]
        {
            let left = values(depth * rows, 1);
            let right = values(depth * columns, 2);
            let before = values(rows * columns, 3);
            let mut expected = before.clone();
            for row in 0..rows {
                for column in 0..columns {
                    let sum = &mut expected[row * columns + column];
                    *sum =
                        (0..depth).fold(*sum, |sum, k| left[k * rows + row].mul_add(right[k * columns + column], sum));
                }
            }
            for instructions in Instructions::available() {
                let mut sums = before.clone();
                instructions.run(TransposedProduct {
                    left: &left,
                    left_rows: Places::Every(rows),
                    rows,
                    depth,
                    right: &right,
                    columns,
                    sums: &mut sums,
                });
                assert_eq!(sums, expected, "{rows}x{depth}x{columns} with {}", instructions.name());
            }
        }
    }

    #[test]
    #[should_panic(expected = "range end index")]
    fn a_row_beyond_its_slice_is_refused() {
        Instructions::best().run(Product {
            left: &[1.0; 7],
            left_rows: Places::Every(4),
            rows: 2,
            depth: 4,
            right: &[1.0; 4],
            columns: 1,
            start: Start::Sums,
            sums: &mut [0.0; 2],
            sums_rows: Places::Every(1),
        });
    }
}
