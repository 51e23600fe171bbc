//! Rules of the sources: the imports between rooms and files, the places of unsafe code, and mutations that fit.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod allowed_imports;
mod circles;
mod decisions;
mod mutations;
mod unsafe_code;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every Rust file of a folder, in the order of their paths.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
