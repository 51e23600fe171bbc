//! Each mutation of tests/mutations still fits the sources that it changes.

use std::fs;

use seedgrid_tests::machine::repository;

/// The lines that a patch expects in its file, one text for each place.
fn expected(patch: &str) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for line in patch.lines() {
        if line.starts_with("@@") {
            places.push(String::new());
        } else if let Some(place) = places.last_mut()
            && let Some(kept) = line.strip_prefix([' ', '-'])
        {
            *place += &format!("{kept}\n");
        }
    }
    places
}

#[test]
fn every_mutation_fits_its_file() {
    let folder = repository("tests/mutations");
    let mut fitted = 0;
    for entry in fs::read_dir(&folder).unwrap().flatten() {
        let patch = fs::read_to_string(entry.path()).unwrap();
        let file = patch.lines().find_map(|line| line.strip_prefix("+++ b/")).unwrap();
        let source = fs::read_to_string(repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let places = expected(&patch);
        assert!(!places.is_empty(), "{} changes nothing", entry.path().display());
        for place in places {
            assert!(source.contains(&place), "{} expects in {file}:\n{place}", entry.path().display());
        }
        fitted += 1;
    }
    assert!(fitted > 0, "{} is empty", folder.display());
}
