//! The folders that are searched for MNIST's files.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    DataError, looked,
    mnist_files::{self, FOLDER_VARIABLE, FileError},
};

/// The folders to search, in this order. A `given` folder (`--data`) is the only one, so that a mistyped path is not
/// skipped in silence; otherwise `SEEDGRID_DATA`, then the user's cache folder. `variable` reads an environment
/// variable.
pub fn places(given: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    match given {
        Some(folder) => vec![folder.to_owned()],
        None => [folder(variable(FOLDER_VARIABLE)), cache(&variable)].into_iter().flatten().collect(),
    }
}

/// The user's cache folder for MNIST: the default target of `seedgrid data fetch`. None where neither `XDG_CACHE_HOME`
/// nor `HOME` gives its place.
pub fn cache(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The XDG base directory specification requires that a relative XDG_CACHE_HOME is ignored.
    let base = folder(variable("XDG_CACHE_HOME"))
        .filter(|base| base.is_absolute())
        .or_else(|| folder(variable("HOME")).map(|home| home.join(".cache")))?;
    Some(base.join("seedgrid").join("mnist"))
}

/// The first of `places` that holds any of MNIST's files. The reader checks whether they are complete.
pub fn first_with_files(places: &[PathBuf]) -> Result<&Path, DataError> {
    if let Some(place) = places.iter().find(|place| mnist_files::any_in(place)) {
        return Ok(place);
    }
    // A folder that cannot be read may well hold them.
    let looked = |place: &PathBuf| match looked::look(place) {
        Ok(looked) => Ok((place.clone(), looked)),
        Err(cause) => Err(FileError::Unreadable { path: place.clone(), cause }.into()),
    };
    Err(places
        .iter()
        .map(looked)
        .collect::<Result<_, _>>()
        .map_or_else(|error| error, |places| DataError::NotFound { places }))
}

/// The path in a variable that is set and not empty.
fn folder(value: Option<OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn what_is_given_stands_alone() {
        let variables = with(&[("SEEDGRID_DATA", "/variable"), ("HOME", "/home/ada")]);
        assert_eq!(places(Some(Path::new("here")), variables), [Path::new("here")]);
    }

    #[test]
    fn the_variable_comes_before_the_cache() {
        let variables = with(&[("SEEDGRID_DATA", "/variable"), ("HOME", "/home/ada")]);
        assert_eq!(places(None, variables), ["/variable", "/home/ada/.cache/seedgrid/mnist"].map(PathBuf::from));
        let empty = with(&[("SEEDGRID_DATA", ""), ("XDG_CACHE_HOME", "/cache"), ("HOME", "/home/ada")]);
        assert_eq!(places(None, empty), [Path::new("/cache/seedgrid/mnist")]);
    }

    #[test]
    fn a_relative_cache_folder_is_ignored() {
        let variables = with(&[("XDG_CACHE_HOME", "cache"), ("HOME", "/home/ada")]);
        assert_eq!(cache(variables), Some(PathBuf::from("/home/ada/.cache/seedgrid/mnist")));
        assert_eq!(cache(with(&[])), None);
        assert!(places(None, with(&[])).is_empty());
    }

    #[test]
    fn folders_without_the_files_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let places = ["empty", "absent", "full"].map(|name| folder.path().join(name));
        std::fs::create_dir(&places[0]).unwrap();
        match first_with_files(&places) {
            Err(DataError::NotFound { places: looked_at }) => {
                let empty = std::fs::read_dir(&places[0]).map(|_| looked::Looked::Empty).unwrap();
                let none = looked::Looked::NoFolder;
                assert_eq!(looked_at, places.iter().cloned().zip([empty, none.clone(), none]).collect::<Vec<_>>());
            }
            other => panic!("{other:?}"),
        }
        // A link to itself cannot be read, not even by root.
        let closed = folder.path().join("closed");
        std::os::unix::fs::symlink("closed", &closed).unwrap();
        match first_with_files(&[places[0].clone(), closed.clone()]) {
            Err(DataError::File(FileError::Unreadable { path, .. })) => assert_eq!(path, closed),
            other => panic!("{other:?}"),
        }
        std::fs::create_dir(&places[2]).unwrap();
        std::fs::write(places[2].join("t10k-labels-idx1-ubyte.gz"), b"").unwrap();
        assert_eq!(first_with_files(&places).unwrap(), places[2]);
    }
}
