//! The contents of a folder that lacks MNIST's files, or one of them.

use std::{
    fmt, fs,
    io::{self, ErrorKind},
    path::Path,
};

use crate::text::{count, plain};

/// Most entries of a folder that are read.
const ENTRIES_MAX: usize = 100_000;
/// Most similar names in a message.
const SIMILAR_SHOWN: usize = 6;

/// The contents of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// The folder does not exist.
    NoFolder,
    /// The path is a file.
    NotAFolder,
    /// The folder is empty.
    Empty,
    /// The folder holds other entries than the wanted ones.
    Others {
        /// The number of entries.
        entries: usize,
        /// Names that resemble MNIST's or an IDX file's. Sorted; folders end with a slash.
        similar: Vec<String>,
    },
}

/// Lists `folder`, which lacks the wanted file.
///
/// # Errors
/// When the folder may exist and cannot be read.
pub fn look(folder: &Path) -> io::Result<Looked> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Looked::NoFolder),
        Err(cause) if cause.kind() == ErrorKind::NotADirectory => return Ok(Looked::NotAFolder),
        Err(cause) => return Err(cause),
    };
    let names: Vec<String> = entries
        .take(ENTRIES_MAX)
        .flatten()
        .map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            plain(&format!("{}{slash}", entry.file_name().to_string_lossy()))
        })
        .collect();
    if names.is_empty() {
        return Ok(Looked::Empty);
    }
    let entries = names.len();
    let mut similar: Vec<String> = names.into_iter().filter(|name| is_similar(name)).collect();
    similar.sort();
    Ok(Looked::Others { entries, similar })
}

/// Whether a name resembles MNIST's or an IDX file's.
fn is_similar(name: &str) -> bool {
    let name = name.to_lowercase();
    ["mnist", "idx1", "idx3", "ubyte", "t10k", "train-", "train_", "labels"].iter().any(|word| name.contains(word))
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder => f.write_str("there is no such folder"),
            Self::NotAFolder => f.write_str("it is a file, not a folder"),
            Self::Empty => f.write_str("the folder is empty"),
            Self::Others { entries, similar } if similar.is_empty() => {
                write!(f, "the folder has {}, none with a similar name", count(entries, "other entry"))
            }
            Self::Others { similar, .. } => {
                let shown = similar.iter().take(SIMILAR_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = similar.len().saturating_sub(SIMILAR_SHOWN);
                let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
                write!(f, "similar names there: {shown}{rest}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_told_from_an_empty_one_and_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("empty")).unwrap();
        fs::write(path("file"), "").unwrap();
        let said = |name: &str| look(&path(name)).unwrap().to_string();
        assert_eq!(said("absent"), "there is no such folder");
        assert_eq!(said("file"), "it is a file, not a folder");
        assert_eq!(said("file/below"), "it is a file, not a folder");
        assert_eq!(said("empty"), "the folder is empty");
        fs::write(path("empty/thesis.tex"), "").unwrap();
        assert_eq!(said("empty"), "the folder has 1 other entry, none with a similar name");
        fs::write(path("empty/train-images-idx3-ubyte.zip"), "").unwrap();
        fs::create_dir(path("empty/MNIST")).unwrap();
        assert_eq!(said("empty"), "similar names there: MNIST/, train-images-idx3-ubyte.zip");
        for number in 0..6 {
            fs::write(path(&format!("empty/train-{number}")), "").unwrap();
        }
        assert!(said("empty").ends_with(", train-4 and 2 more"), "{}", said("empty"));
    }
}
