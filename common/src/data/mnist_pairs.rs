//! Pairs of MNIST's digits, mean-pooled to 14x14.
//!
//! Training images and test images are shuffled separately, from the data seed; the first two are the first pair, the
//! next two the second, and so on. So no image is used twice, and the first pairs of a larger set are those of a
//! smaller set.

use std::path::{Path, PathBuf};

use super::{
    dataset::Dataset,
    error::DataError,
    idx::{self, IdxError},
    kind::{DatasetKind, DatasetSpec, Supply},
    locate,
    mnist_files::{self, Expected, MnistFile},
    pairs::{self, Pairs},
    values::NumberType,
};
use crate::{model::SIDE, random::Stream};

/// The name of this data set in titles.
pub const TITLE: &str = "MNIST pairs";

/// MNIST's published files, mean-pooled to 14x14.
pub static KIND: DatasetKind = DatasetKind {
    name: "mnist-pairs",
    summary: "MNIST's digits, mean-pooled to 14x14",
    train: Supply {
        pairs_max: 30_000,
        because: Some("MNIST has 60000 training images and a pair takes two of its own"),
    },
    test: Supply { pairs_max: 5_000, because: Some("MNIST has 10000 test images and a pair takes two of its own") },
    reads_files: true,
    draw: |spec, folders| draw(locate::first_with_files(folders)?, spec, Expected::Canonical),
};

/// Height and width of MNIST's images, in pixels.
pub const SOURCE_SIDE: usize = 2 * SIDE;

/// Draws the pairs that `spec` asks for from the four files in `folder`.
pub fn draw(folder: &Path, spec: &DatasetSpec, expected: Expected) -> Result<Dataset, DataError> {
    let part = |name, [images, labels]: [&MnistFile; 2], pairs| {
        let images_content = images.read(folder, expected)?;
        let labels_content = labels.read(folder, expected)?;
        let path = |file: &MnistFile| file.find(folder).unwrap_or_else(|| folder.join(file.name));
        let of = |file: &MnistFile| {
            let path = path(file);
            move |cause: IdxError| DataError::Idx { path, cause }
        };
        let source = Source::new(
            idx::images(&images_content).map_err(of(images))?,
            idx::labels(&labels_content).map_err(of(labels))?,
            [images, labels].map(path),
        )?;
        source.draw(name, pairs, spec.seed)
    };
    let train = part("train", [&mnist_files::TRAIN_IMAGES, &mnist_files::TRAIN_LABELS], spec.train_pairs)?;
    let test = part("test", [&mnist_files::TEST_IMAGES, &mnist_files::TEST_LABELS], spec.test_pairs)?;
    // Quarters of grey values are exact in half precision.
    Ok(pairs::dataset(TITLE, spec.seed, NumberType::F16, [&train, &test]))
}

/// Images with their digits, checked.
struct Source<'a> {
    pixels: &'a [u8],
    labels: &'a [u8],
}

impl<'a> Source<'a> {
    fn new(images: idx::Images<'a>, labels: &'a [u8], paths: [PathBuf; 2]) -> Result<Self, DataError> {
        let [images_path, labels_path] = paths;
        let idx::Images { rows, columns, pixels, count } = images;
        if (rows, columns) != (SOURCE_SIDE, SOURCE_SIDE) {
            return Err(DataError::ImageSize { path: images_path, rows, columns, expected: SOURCE_SIDE });
        }
        if count != labels.len() {
            return Err(DataError::Counts { images_path, images: count, labels: labels.len() });
        }
        if let Some(index) = labels.iter().position(|&label| label > 9) {
            return Err(DataError::Label { path: labels_path, index, label: labels[index] });
        }
        Ok(Self { pixels, labels })
    }

    fn draw(&self, part: &'static str, count: u32, seed: u64) -> Result<Pairs, DataError> {
        let images = self.labels.len();
        if count as usize > images / 2 {
            return Err(DataError::FewImages { part, pairs: count, images });
        }
        let mut order: Vec<usize> = (0..images).collect();
        Stream::new(seed, &format!("mnist-pairs/{part}")).shuffle(&mut order);
        let mut pairs = Pairs { pixels: Vec::new(), digits: Vec::new() };
        for pair in order.chunks_exact(2).take(count as usize) {
            pairs.digits.push([self.labels[pair[0]], self.labels[pair[1]]]);
            for &image in pair {
                let pixels = &self.pixels[image * SOURCE_SIDE * SOURCE_SIDE..(image + 1) * SOURCE_SIDE * SOURCE_SIDE];
                pairs.pixels.extend(mean_pooled(pixels));
            }
        }
        Ok(pairs)
    }
}

/// A 28x28 image, each 2x2 pixels averaged to one: multiples of 0.25.
///
/// # Panics
/// When there are fewer pixels.
pub fn mean_pooled(pixels: &[u8]) -> impl Iterator<Item = f32> {
    (0..SIDE * SIDE).map(|pixel| {
        let corner = 2 * (pixel / SIDE) * SOURCE_SIDE + 2 * (pixel % SIDE);
        let sum: u16 =
            [0, 1, SOURCE_SIDE, SOURCE_SIDE + 1].iter().map(|offset| u16::from(pixels[corner + offset])).sum();
        f32::from(sum) / 4.0
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use flate2::{Compression, write::GzEncoder};
    use miette::Diagnostic as _;

    use super::*;
    use crate::data::{Labelled as _, Part, build, dataset::Examples, encode, mnist_files::FileError};

    fn pairs(examples: &Examples) -> Pairs {
        Pairs::from_examples(examples).unwrap()
    }

    fn hint(error: &DataError) -> String {
        error.help().unwrap().to_string()
    }

    fn spec(train_pairs: u32, test_pairs: u32, seed: u64) -> DatasetSpec {
        DatasetSpec { kind: &KIND, train_pairs, test_pairs, seed }
    }

    /// Image `index` has the grey value `index` everywhere and the label `index % 10`.
    fn images(count: u8) -> Vec<u8> {
        let head = [[0, 0, 8, 3], [0, 0, 0, count], [0, 0, 0, 28], [0, 0, 0, 28]].concat();
        head.into_iter().chain((0..count).flat_map(|index| [index; 784])).collect()
    }

    fn labels(count: u8) -> Vec<u8> {
        [0, 0, 8, 1, 0, 0, 0, count].into_iter().chain((0..count).map(|index| index % 10)).collect()
    }

    /// 50 training images and 20 test images, the test files compressed.
    fn small_copy() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("train-images-idx3-ubyte", &images(50));
        write("train-labels-idx1-ubyte", &labels(50));
        for (name, bytes) in [("t10k-images-idx3-ubyte.gz", images(20)), ("t10k-labels-idx1-ubyte.gz", labels(20))] {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&bytes).unwrap();
            write(name, &encoder.finish().unwrap());
        }
        folder
    }

    #[test]
    fn no_image_is_used_twice() {
        let folder = small_copy();
        let dataset = draw(folder.path(), &spec(25, 10, 3), Expected::Any).unwrap();
        for (pairs, count) in [(pairs(&dataset.train), 50), (pairs(&dataset.test), 20)] {
            let mut used: Vec<u32> = pairs.pixels.chunks(SIDE * SIDE).map(|image| image[0] as u32).collect();
            let digits: Vec<u32> = pairs.digits.iter().flatten().map(|&digit| u32::from(digit)).collect();
            assert_eq!(used.iter().map(|image| image % 10).collect::<Vec<_>>(), digits);
            used.sort_unstable();
            assert_eq!(used, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_larger_set_begins_with_the_smaller_one() {
        let folder = small_copy();
        let of = |count, seed| pairs(&draw(folder.path(), &spec(count, 1, seed), Expected::Any).unwrap().train);
        assert_eq!(of(25, 3).digits[..7], of(7, 3).digits);
        assert_eq!(of(25, 3).pixels[..7 * 392], of(7, 3).pixels);
        assert_ne!(of(7, 4), of(7, 3));
    }

    #[test]
    fn too_many_pairs_are_refused() {
        let folder = small_copy();
        let error = draw(folder.path(), &spec(26, 1, 0), Expected::Any).unwrap_err();
        assert_eq!(error.to_string(), "train_pairs is 26, but MNIST's 50 train images make only 25 pairs");
        assert!(hint(&error).contains("train_pairs in [dataset] to 25 or less"), "{}", hint(&error));
        let error = draw(folder.path(), &spec(25, 11, 0), Expected::Any).unwrap_err();
        assert!(matches!(error, DataError::FewImages { part: "test", pairs: 11, images: 20 }));
    }

    #[test]
    fn files_that_do_not_fit_together_are_refused() {
        let folder = small_copy();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        let error = || draw(folder.path(), &spec(5, 5, 0), Expected::Any).unwrap_err();
        write("train-labels-idx1-ubyte", &labels(49));
        assert!(matches!(error(), DataError::Counts { images: 50, labels: 49, .. }));
        let mut letter = labels(50);
        letter[8 + 31] = 11;
        write("train-labels-idx1-ubyte", &letter);
        assert!(matches!(error(), DataError::Label { index: 31, label: 11, .. }));
        write("train-labels-idx1-ubyte", &images(50));
        assert!(matches!(error(), DataError::Idx { cause: IdxError::Magic { .. }, .. }));
        let tall = [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 56, 0, 0, 0, 14][..], &[0; 784]].concat();
        write("train-images-idx3-ubyte", &tall);
        write("train-labels-idx1-ubyte", &labels(1));
        assert!(matches!(error(), DataError::ImageSize { rows: 56, columns: 14, .. }));
    }

    #[test]
    fn missing_truncated_and_altered_files_are_told_apart() {
        let folder = small_copy();
        let places = [folder.path().to_owned()];
        let error = || build(&spec(5, 5, 0), &places).unwrap_err();
        assert!(matches!(error(), DataError::File(FileError::Altered { .. })), "small files are not MNIST");
        let path = folder.path().join("train-images-idx3-ubyte");
        fs::write(&path, &images(50)[..5000]).unwrap();
        let truncated = error();
        assert!(matches!(truncated, DataError::File(FileError::Truncated { .. })));
        assert_eq!(truncated.to_string(), format!("{} is truncated", path.display()));
        assert!(hint(&truncated).contains("seedgrid data fetch"));
        fs::remove_file(&path).unwrap();
        assert!(matches!(error(), DataError::File(FileError::Missing { name: "train-images-idx3-ubyte", .. })));
        let nothing = build(&spec(5, 5, 0), &[]).unwrap_err();
        assert!(matches!(&nothing, DataError::NotFound { places } if places.is_empty()));
        assert!(hint(&nothing).contains("seedgrid data fetch") && hint(&nothing).contains("SEEDGRID_DATA"));
    }

    #[test]
    fn pooling_averages_two_by_two() {
        let mut image = [0; SOURCE_SIDE * SOURCE_SIDE];
        // The four pixels of row 3, column 5 of the small image.
        for (offset, value) in [(0, 1), (1, 2), (28, 3), (29, 255)] {
            image[6 * 28 + 10 + offset] = value;
        }
        let pooled: Vec<f32> = mean_pooled(&image).collect();
        assert_eq!(pooled[3 * 14 + 5], 65.25);
        assert_eq!(pooled.iter().sum::<f32>(), 65.25);
    }

    #[test]
    fn mnist_itself_gives_the_known_pairs() {
        let Some(folder) = std::env::var_os("SEEDGRID_TEST_MNIST") else {
            println!("skipped: SEEDGRID_TEST_MNIST is not set");
            return;
        };
        let dataset = build(&spec(1000, 1000, 0), &[PathBuf::from(&folder)]).unwrap();
        assert_eq!(dataset.about.title, "MNIST pairs");
        assert_eq!(Part::ALL.map(|part| dataset.examples(part)), [1000, 1000]);
        assert_eq!(
            encode::digest(&encode::encode(&dataset).unwrap()),
            "508f3aa381fe84c78da9363f0b2bce1107699b6c91d58ce645662aeda3842f1e"
        );
        // All 60,000 images: their mean is the mean of MNIST's training images, 33.318.
        let all = build(&spec(30_000, 5_000, 0), &[PathBuf::from(&folder)]).unwrap();
        let pixels = pairs(&all.train).pixels;
        let mean = pixels.iter().map(|&value| f64::from(value)).sum::<f64>() / pixels.len() as f64;
        assert!((mean - 33.318_421).abs() < 1e-6, "{mean}");
        let error = build(&spec(30_001, 1000, 0), &[PathBuf::from(folder)]).unwrap_err();
        assert!(matches!(error, DataError::FewImages { part: "train", pairs: 30_001, images: 60_000 }));
    }
}
