//! The faults of a data set, and the hints that mend them.

use std::path::PathBuf;

use super::{
    idx::IdxError,
    looked::Looked,
    mnist_files::{BELOW, DOWNLOAD, FILES, FOLDER_VARIABLE, FileError},
};
use crate::text::count;

/// The reason why a data set cannot be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DataError {
    /// None of the folders holds any of MNIST's files.
    #[error("MNIST's files were not found{}", looked_at(places))]
    #[diagnostic(help(
        "run `seedgrid data fetch` to download them, name the folder that holds them with `--data DIR` or in {}, or use the \
         data set \"glyph-pairs\", which needs no files",
        FOLDER_VARIABLE
    ))]
    NotFound {
        /// The searched folders, in order, and their contents.
        places: Vec<(PathBuf, Looked)>,
    },
    /// One of MNIST's files is missing, unreadable, truncated, damaged or altered.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// A file is not of the expected form.
    #[error("{} is not the IDX file that its name says: {cause}", path.display())]
    #[diagnostic(help("{DOWNLOAD}"))]
    Idx {
        /// The file's path.
        path: PathBuf,
        /// The fault.
        #[source]
        cause: IdxError,
    },
    /// Images of another size.
    #[error("{} has images of {rows}x{columns} pixels, not {expected}x{expected}", path.display())]
    #[diagnostic(help("{DOWNLOAD}"))]
    ImageSize {
        /// The file's path.
        path: PathBuf,
        /// Height of its images.
        rows: usize,
        /// Width of its images.
        columns: usize,
        /// Height and width of MNIST's images.
        expected: usize,
    },
    /// The numbers of images and of labels differ.
    #[error("{} has {}, its file of labels has {labels}", images_path.display(), count(images, "image"))]
    #[diagnostic(help("{DOWNLOAD}"))]
    Counts {
        /// The path of the file of images.
        images_path: PathBuf,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label that is no digit.
    #[error("{} has the label {label} at position {index}, which is no digit", path.display())]
    #[diagnostic(help("{DOWNLOAD}"))]
    Label {
        /// The file's path.
        path: PathBuf,
        /// The label's index, from 0.
        index: usize,
        /// The label.
        label: u8,
    },
    /// More pairs than the images make: no image is used twice.
    #[error("{part}_pairs is {pairs}, but MNIST's {images} {part} images make only {}", count(images / 2, "pair"))]
    #[diagnostic(help("set {part}_pairs in [dataset] to {} or less, or use the data set \"glyph-pairs\"", .images / 2))]
    FewImages {
        /// "train" or "test".
        part: &'static str,
        /// Number of pairs that the spec asks for.
        pairs: u32,
        /// Number of images.
        images: usize,
    },
}

fn looked_at(places: &[(PathBuf, Looked)]) -> String {
    if places.is_empty() {
        return ": no folder was named, and neither XDG_CACHE_HOME nor HOME is set".to_owned();
    }
    let found: Vec<String> = places.iter().map(|(place, looked)| format!("in {}: {looked}", place.display())).collect();
    let wanted = FILES.map(|file| file.name).join(", ");
    let [_, dotted, ..] = FILES[0].names();
    format!(
        " {}. Wanted are {wanted}, also with a dot ({dotted}), each plain or with .gz, in the folder or in {} below it",
        found.join("; "),
        BELOW[0]
    )
}
