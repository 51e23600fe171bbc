//! The scored pairs: a data set's, or the user's own images.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use seedgrid_common::{
    data::{
        encode,
        idx::{self, IdxError},
        kind::PAIRS_MAX,
        mnist_pairs::{SOURCE_SIDE, mean_pooled},
        pairs::Pairs,
    },
    model::SIDE,
    wire::limits,
};

use super::{PredictError, arguments::Part};

/// Most bytes of an IDX file of images: its head, and the largest images of as many pairs as a data set may have.
const IMAGES_BYTES_MAX: usize = 16 + 2 * PAIRS_MAX as usize * SOURCE_SIDE * SOURCE_SIDE;
/// Most bytes of an IDX file of their labels.
const LABELS_BYTES_MAX: usize = 8 + 2 * PAIRS_MAX as usize;

/// Pairs with their labels and their source.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    /// Grey values 0..=255, shape (pairs, 2, 14, 14).
    pub(super) pixels: Vec<f32>,
    /// The comparison's label of each pair, where the digits are known.
    pub(super) labels: Option<Vec<u8>>,
    pub(super) source: Source,
}

/// The source of the pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A part of this data set.
    Dataset { title: String, digest: String, part: Part },
    /// The user's own images.
    Images,
}

/// A part of the data set at `path`: a file, or a run directory with the data set of this digest.
pub(super) fn dataset(path: &Path, digest: &str, part: Part) -> Result<Input, PredictError> {
    let path = if path.is_dir() { path.join("datasets").join(digest) } else { path.to_owned() };
    let bytes = read(&path, limits::DATASET_BYTES_MAX, "a data set")?;
    let digest = encode::digest(&bytes);
    let dataset = encode::decode(bytes.into()).map_err(|cause| PredictError::Dataset { path: path.clone(), cause })?;
    let examples = match part {
        Part::Test => &dataset.test,
        Part::Train => &dataset.train,
    };
    let pairs = Pairs::from_examples(examples).filter(|pairs| !pairs.digits.is_empty());
    let pairs = pairs.ok_or(PredictError::NoPairs { path, part: part.name() })?;
    let source = Source::Dataset { title: dataset.about.title, digest, part };
    Ok(Input { labels: Some(labels(&pairs.digits)), pixels: pairs.pixels, source })
}

/// Pairs of the images in an IDX file, with their digits if a file of them is given.
pub(super) fn images(path: &Path, digits: Option<&PathBuf>) -> Result<Input, PredictError> {
    let wrong = |path: &Path, what| {
        let path = path.to_owned();
        move |cause: IdxError| PredictError::Idx { path, what, cause }
    };
    let stored = read(path, IMAGES_BYTES_MAX as u64, "a file of images")?;
    let content = idx::content(&stored, IMAGES_BYTES_MAX).map_err(wrong(path, "images"))?;
    let idx::Images { rows, columns, pixels, count } = idx::images(&content).map_err(wrong(path, "images"))?;
    if count == 0 || count % 2 == 1 {
        return Err(PredictError::OddImages { path: path.to_owned(), images: count });
    }
    if count / 2 > PAIRS_MAX as usize {
        let bytes = content.len() as u64;
        return Err(PredictError::Large { path: path.to_owned(), bytes, what: "a file of images" });
    }
    let pixels: Vec<f32> = match (rows, columns) {
        (SIDE, SIDE) => pixels.iter().copied().map(f32::from).collect(),
        (SOURCE_SIDE, SOURCE_SIDE) => pixels.chunks_exact(SOURCE_SIDE * SOURCE_SIDE).flat_map(mean_pooled).collect(),
        (rows, columns) => return Err(PredictError::ImageSize { path: path.to_owned(), rows, columns }),
    };
    let labels = match digits {
        None => None,
        Some(path) => {
            let stored = read(path, LABELS_BYTES_MAX as u64, "a file of labels")?;
            let content = idx::content(&stored, LABELS_BYTES_MAX).map_err(wrong(path, "labels"))?;
            let digits = idx::labels(&content).map_err(wrong(path, "labels"))?;
            if digits.len() != count {
                return Err(PredictError::Counts { path: path.clone(), labels: digits.len(), images: count });
            }
            if let Some(index) = digits.iter().position(|&digit| digit > 9) {
                return Err(PredictError::Label { path: path.clone(), index, label: digits[index] });
            }
            let digits: Vec<[u8; 2]> = digits.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
            Some(labels(&digits))
        }
    };
    Ok(Input { pixels, labels, source: Source::Images })
}

/// The comparison's class of each pair.
fn labels(digits: &[[u8; 2]]) -> Vec<u8> {
    digits.iter().map(|[first, second]| u8::from(first <= second)).collect()
}

/// A file's bytes, if they are within the limit.
pub(super) fn read(path: &Path, bytes_max: u64, what: &'static str) -> Result<Vec<u8>, PredictError> {
    let failed = |cause| PredictError::Read { path: path.to_owned(), cause };
    let about = fs::metadata(path).map_err(failed)?;
    // A device such as /dev/zero has no end: a message about its size would mislead.
    if about.file_type().is_char_device() || about.file_type().is_block_device() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is a device, not a file")));
    }
    let (file, length) = (File::open(path).map_err(failed)?, about.len());
    let mut bytes = Vec::new();
    // One byte more than the limit shows a pipe or a file that grows.
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 {
        found if found > bytes_max => {
            Err(PredictError::Large { path: path.to_owned(), bytes: found.max(length), what })
        }
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use seedgrid_common::data::{
        pairs::{self, PAIR_PIXELS},
        values::NumberType,
    };

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.path().join(name);
            File::create(&path).unwrap().write_all(bytes).unwrap();
            path
        }
    }

    fn folder() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn idx(sizes: &[u32], elements: Vec<u8>) -> Vec<u8> {
        let mut bytes = (0x800 + sizes.len() as u32).to_be_bytes().to_vec();
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(elements);
        bytes
    }

    #[test]
    fn images_that_follow_one_another_are_pairs() {
        let folder = folder();
        let small = folder.write("small", &idx(&[4, 14, 14], (0..4 * 196).map(|pixel| (pixel / 196) as u8).collect()));
        let digits = folder.write("digits", &idx(&[4], vec![3, 4, 9, 0]));
        let input = images(&small, Some(&digits)).unwrap();
        assert_eq!(input.pixels.len(), 2 * PAIR_PIXELS);
        assert_eq!((input.pixels[0], input.pixels[196], input.pixels[3 * 196]), (0.0, 1.0, 3.0));
        assert_eq!(input.labels, Some(vec![1, 0]));
        assert_eq!(images(&small, None).unwrap().labels, None);
        // The mean of four pixels of 1, 2, 3 and 4.
        let mut large = vec![0; 2 * 784];
        (large[0], large[1], large[28], large[29]) = (1, 2, 3, 4);
        let large = folder.write("large", &idx(&[2, 28, 28], large));
        assert_eq!(images(&large, None).unwrap().pixels[..2], [2.5, 0.0]);
    }

    #[test]
    fn images_that_make_no_pairs_are_refused() {
        let folder = folder();
        let odd = folder.write("odd", &idx(&[3, 14, 14], vec![0; 3 * 196]));
        assert!(matches!(images(&odd, None), Err(PredictError::OddImages { images: 3, .. })));
        let none = folder.write("none", &idx(&[0, 14, 14], vec![]));
        assert!(matches!(images(&none, None), Err(PredictError::OddImages { images: 0, .. })));
        let wide = folder.write("wide", &idx(&[2, 14, 28], vec![0; 2 * 392]));
        assert!(matches!(images(&wide, None), Err(PredictError::ImageSize { rows: 14, columns: 28, .. })));
        let cut = folder.write("cut", &idx(&[2, 14, 14], vec![0; 391]));
        assert!(matches!(images(&cut, None), Err(PredictError::Idx { what: "images", .. })));
        assert!(matches!(images(&folder.0.path().join("x"), None), Err(PredictError::Read { .. })));
        let good = folder.write("good", &idx(&[2, 14, 14], vec![0; 392]));
        let few = folder.write("few", &idx(&[1], vec![1]));
        assert!(matches!(images(&good, Some(&few)), Err(PredictError::Counts { labels: 1, images: 2, .. })));
        let letter = folder.write("letter", &idx(&[2], vec![1, 11]));
        assert!(matches!(images(&good, Some(&letter)), Err(PredictError::Label { index: 1, label: 11, .. })));
        assert!(matches!(images(&good, Some(&good)), Err(PredictError::Idx { what: "labels", .. })));
    }

    #[test]
    fn a_data_set_is_found_by_its_digest_in_a_run_directory() {
        let folder = folder();
        let made = |digits: Vec<[u8; 2]>| Pairs { pixels: vec![1.0; digits.len() * PAIR_PIXELS], digits };
        let parts = [made(vec![[3, 3]]), made(vec![[1, 2], [2, 1]])];
        let made = pairs::dataset("two", 0, NumberType::U8, parts.each_ref());
        let bytes = encode::encode(&made).unwrap();
        let digest = encode::digest(&bytes);
        fs::create_dir(folder.0.path().join("datasets")).unwrap();
        let file = folder.write(&format!("datasets/{digest}"), &bytes);
        let input = dataset(folder.0.path(), &digest, Part::Test).unwrap();
        assert_eq!(input.labels, Some(vec![1, 0]));
        assert_eq!(input, dataset(&file, "any", Part::Test).unwrap());
        assert_eq!(dataset(&file, "any", Part::Train).unwrap().labels, Some(vec![1]));
        let untested = pairs::dataset("two", 0, NumberType::U8, [&parts[0], &Pairs { pixels: vec![], digits: vec![] }]);
        let untested = folder.write("untested", &encode::encode(&untested).unwrap());
        assert!(matches!(dataset(&untested, "any", Part::Test), Err(PredictError::NoPairs { part: "test", .. })));
        assert!(matches!(dataset(folder.0.path(), "0", Part::Test), Err(PredictError::Read { .. })));
        let junk = folder.write("junk", b"junk");
        assert!(matches!(dataset(&junk, "any", Part::Test), Err(PredictError::Dataset { .. })));
    }

    #[test]
    fn a_file_is_read_no_further_than_it_may_be_long() {
        let long = folder();
        let path = long.write("long", &[0; 11]);
        assert!(matches!(read(&path, 10, "it"), Err(PredictError::Large { bytes: 11, .. })));
        assert_eq!(read(&path, 11, "it").unwrap().len(), 11);
    }

    #[test]
    fn a_device_is_not_said_to_be_too_large() {
        let words = read(Path::new("/dev/zero"), 10, "a file of kept weights").unwrap_err().to_string();
        assert!(words.contains("it is a device, not a file"), "{words}");
    }
}
