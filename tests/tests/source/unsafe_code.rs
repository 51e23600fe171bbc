//! docs/security.md lists all unsafe code, with the number of places in each file.

use std::{collections::BTreeMap, fs};

use seedgrid_tests::machine::repository;

use super::sources;

/// The number of unsafe places: blocks, functions, implementations.
fn places(text: &str) -> usize {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let forms = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe trait", "unsafe(", "extern \"C\" {"];
    code.map(|line| forms.iter().map(|form| line.matches(form).count()).sum::<usize>()).sum()
}

#[test]
fn all_unsafe_code_is_listed() {
    let root = repository(".");
    let found = sources(&root);
    assert!(found.len() > 100, "the sources are there");
    // This file contains the forms as text.
    let own = root.join("tests/tests/source/unsafe_code.rs");
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
