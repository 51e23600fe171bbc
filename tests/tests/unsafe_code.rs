//! All unsafe code is listed in docs/security.md, with the number of places in each file.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use seedgrid_tests::machine::repository;

/// Every Rust file of the workspace.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// How often code is unsafe: blocks, functions, implementations.
fn places(text: &str) -> usize {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let forms = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe trait", "unsafe(", "extern \"C\" {"];
    code.map(|line| forms.iter().map(|form| line.matches(form).count()).sum::<usize>()).sum()
}

#[test]
fn all_unsafe_code_is_listed() {
    let root = repository(".");
    let mut found = Vec::new();
    sources(&root, &mut found);
    assert!(found.len() > 100, "the sources are there");
    // This file names the forms.
    let own = root.join("tests/tests/unsafe_code.rs");
    let counted: BTreeMap<String, usize> = found
        .into_iter()
        .filter(|path| *path != own)
        .map(|path| {
            (path.strip_prefix(&root).unwrap().display().to_string(), places(&fs::read_to_string(&path).unwrap()))
        })
        .filter(|(_, places)| *places > 0)
        .collect();
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let (_, section) = page.split_once("## Unsafe code").expect("the page has the section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| [")).filter_map(|row| {
        let (path, rest) = row.split_once(']')?;
        let places = rest.split('|').nth(1)?.trim().parse().ok()?;
        Some((path.to_owned(), places))
    });
    let listed: BTreeMap<String, usize> = rows.collect();
    assert_eq!(listed, counted, "docs/security.md lists another number of places than there are");
}
