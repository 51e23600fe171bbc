//! The standard error of a mean over seeds and examples together, both of which were drawn.
//!
//! A table has a row for each seed and a column for each example, fold or draw of the data. Its values follow the crossed random
//! effects model `y = mean + seed + column + rest` (Searle, Casella and McCulloch 1992, Variance Components, section 4.3). The
//! mean squares of its two-way analysis of variance give the variance of the mean in closed form.

/// A mean over a table with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Crossed {
    /// The mean over all values.
    pub(crate) mean: f64,
    /// The standard error of the mean, for another draw of the seeds and of the columns.
    pub(crate) standard_error: f64,
    /// Satterthwaite's degrees of freedom of `standard_error`, at least 1.
    pub(crate) freedom: f64,
    /// The part of `standard_error` from the columns, averaged over infinitely many seeds; with one seed, over this
    /// one.
    pub(crate) columns_standard_error: f64,
}

/// Values with a row for each seed and a column for each example, fold or draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    /// Rows of equal length.
    pub(crate) rows: &'a [Vec<f64>],
    /// Each column's cluster, numbered from 0 without gaps: columns of one cluster are drawn together. None if each is
    /// drawn by itself.
    pub(crate) clusters: Option<&'a [usize]>,
    /// The additional correlation of columns: for k folds `1 / (k - 1)`, the ratio of scored to training examples
    /// (Nadeau and Bengio 2003); 0 for independent columns.
    pub(crate) overlap: f64,
}

impl<'a> Table<'a> {
    /// A table of independently drawn columns.
    pub(crate) fn independent(rows: &'a [Vec<f64>]) -> Self {
        Self { rows, clusters: None, overlap: 0.0 }
    }

    /// A table of a cross-validation's folds, each scored by a network that was trained on the others.
    pub(crate) fn of_folds(rows: &'a [Vec<f64>], folds: u32) -> Self {
        Self { rows, clusters: None, overlap: 1.0 / (f64::from(folds) - 1.0) }
    }
}

/// The mean of the table and its standard error. With S rows, N columns and the mean squares MSA of rows, MSB of
/// columns and MSE of the rest, the variance of the mean is `(a + w b + MSE) / (S N)` with `a = max(0, MSA - MSE)`, `b
/// = max(0, MSB - MSE)` and `w = 1 + N overlap`. With one row there is no `a` and no MSE, and the seeds are not in it.
/// Columns of one cluster count by their sum. Returns None for fewer than two columns.
pub(crate) fn crossed(table: Table<'_>) -> Option<Crossed> {
    let (rows, first) = (table.rows, table.rows.first()?);
    let (s, n) = (rows.len() as f64, first.len() as f64);
    let cells = s * n;
    let sums: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
    let mean = sums.iter().sum::<f64>() / cells;
    // Each row's sum within each cluster, minus the expected sum from the mean.
    let sizes = sizes(table.clusters, first.len());
    let (c, of) = (sizes.len() as f64, |column: usize| table.clusters.map_or(column, |clusters| clusters[column]));
    if sizes.len() < 2 {
        return None;
    }
    let mut columns = vec![0.0; sizes.len()];
    for row in rows {
        row.iter().enumerate().for_each(|(column, value)| columns[of(column)] += value);
    }
    let above = |sum: f64, size: f64, rows: f64| sum - size * rows * mean;
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    // Contributions to the variance of the mean: the mean squares over all cells, if no columns are clustered.
    let of_columns = squares(&mut columns.iter().zip(&sizes).map(|(sum, size)| above(*sum, *size, s))) * c / (c - 1.0);
    let of_columns = of_columns / (cells * cells);
    let (mut of_rows, mut of_rest) = (0.0, 0.0);
    let (rows_freedom, columns_freedom) = (s - 1.0, c - 1.0);
    if rows.len() > 1 {
        of_rows = squares(&mut sums.iter().map(|sum| above(*sum, n, 1.0))) * s / (s - 1.0) / (cells * cells);
        let mut rest = 0.0;
        for (row, sum) in rows.iter().zip(&sums) {
            let mut within = vec![0.0; sizes.len()];
            row.iter().enumerate().for_each(|(column, value)| within[of(column)] += value);
            let row_mean = sum / n;
            for ((value, size), column) in within.iter().zip(&sizes).zip(&columns) {
                rest += (value - size * row_mean - column / s + size * mean).powi(2);
            }
        }
        of_rest = rest * s * c / (rows_freedom * columns_freedom) / (cells * cells);
    }
    let weight = 1.0 + c * table.overlap;
    let [from_rows, from_columns] = [of_rows, of_columns].map(|of| beyond(of, of_rest));
    let variance = from_rows + weight * from_columns + of_rest;
    // The same sum as a combination of the mean squares, for the degrees of freedom.
    let (mut rest, mut spent) = (1.0, 0.0);
    if from_rows > 0.0 {
        rest -= 1.0;
        spent += of_rows * of_rows / rows_freedom;
    }
    if from_columns > 0.0 {
        rest -= weight;
        spent += (weight * of_columns).powi(2) / columns_freedom;
    }
    if of_rest > 0.0 {
        spent += (rest * of_rest).powi(2) / (rows_freedom * columns_freedom);
    }
    let freedom = if spent > 0.0 { (variance * variance / spent).max(1.0) } else { columns_freedom };
    Some(Crossed {
        mean,
        standard_error: variance.sqrt(),
        freedom,
        columns_standard_error: (weight * from_columns).sqrt(),
    })
}

/// The excess of a mean square over the rest's; 0 if it is only rounding.
fn beyond(of: f64, rest: f64) -> f64 {
    if of > rest * (1.0 + 1e-9) { of - rest } else { 0.0 }
}

/// The number of columns of each cluster.
fn sizes(clusters: Option<&[usize]>, columns: usize) -> Vec<f64> {
    let Some(clusters) = clusters else { return vec![1.0; columns] };
    let mut sizes = vec![0.0; clusters.iter().max().map_or(0, |last| last + 1)];
    clusters.iter().for_each(|cluster| sizes[*cluster] += 1.0);
    sizes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(rows: &[&[f64]]) -> Vec<Vec<f64>> {
        rows.iter().map(|row| row.to_vec()).collect()
    }

    #[test]
    fn one_seed_leaves_the_examples_alone() {
        let rows = table(&[&[0.0, 1.0, 0.0, 1.0, 1.0]]);
        let found = crossed(Table::independent(&rows)).unwrap();
        // The plain standard error of five values.
        assert!((found.standard_error - (0.3_f64 / 5.0).sqrt()).abs() < 1e-15);
        assert_eq!((found.mean, found.freedom), (0.6, 4.0));
        assert_eq!(found.columns_standard_error, found.standard_error);
    }

    #[test]
    fn fewer_than_two_columns_tell_nothing() {
        assert_eq!(crossed(Table::independent(&table(&[&[1.0], &[0.0]]))), None);
        assert_eq!(crossed(Table::independent(&[])), None);
        let rows = table(&[&[1.0, 0.0, 1.0]]);
        assert_eq!(crossed(Table { clusters: Some(&[0, 0, 0]), ..Table::independent(&rows) }), None);
    }

    #[test]
    fn one_seed_on_folds_is_nadeaus_and_bengios_interval() {
        let rows = table(&[&[0.1, 0.2, 0.15, 0.3, 0.25]]);
        let found = crossed(Table::of_folds(&rows, 5)).unwrap();
        let variance = 0.00625; // of the five values
        assert!((found.standard_error - (variance * (0.2 + 0.25_f64)).sqrt()).abs() < 1e-15, "{found:?}");
        assert!((found.freedom - 4.0).abs() < 1e-12);
    }

    #[test]
    fn twice_the_same_example_is_one_example() {
        let single = table(&[&[0.0, 1.0, 0.0, 1.0], &[0.0, 1.0, 1.0, 1.0], &[0.0, 0.0, 0.0, 1.0]]);
        let twice: Vec<Vec<f64>> =
            single.iter().map(|row| row.iter().flat_map(|value| [*value; 2]).collect()).collect();
        let clusters = [0, 0, 1, 1, 2, 2, 3, 3];
        let expected = crossed(Table::independent(&single)).unwrap();
        let found = crossed(Table { clusters: Some(&clusters), ..Table::independent(&twice) }).unwrap();
        assert!((found.standard_error - expected.standard_error).abs() < 1e-15);
        assert!((found.freedom - expected.freedom).abs() < 1e-9);
        let taken_for_eight = crossed(Table::independent(&twice)).unwrap();
        assert!(taken_for_eight.standard_error < found.standard_error);
    }

    #[test]
    fn more_seeds_cannot_make_examples_surer() {
        let row = vec![0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        let one = crossed(Table::independent(std::slice::from_ref(&row))).unwrap();
        let many = crossed(Table::independent(&vec![row; 50])).unwrap();
        assert!((one.standard_error - many.standard_error).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn neither_order_matters_and_nothing_is_negative(
            values in prop::collection::vec(prop::collection::vec(0_u8..2, 7), 1..6), turn in 0_usize..7,
        ) {
            let rows: Vec<Vec<f64>> = values.iter().map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect();
            let found = crossed(Table::independent(&rows)).unwrap();
            prop_assert!(found.standard_error >= 0.0 && found.freedom >= 1.0);
            prop_assert!(found.standard_error >= found.columns_standard_error);
            let mut turned = rows.clone();
            turned.iter_mut().for_each(|row| row.rotate_left(turn));
            turned.reverse();
            let again = crossed(Table::independent(&turned)).unwrap();
            prop_assert!((found.standard_error - again.standard_error).abs() < 1e-12);
            prop_assert!((found.freedom - again.freedom).abs() < 1e-6 * found.freedom);
        }
    }
}
