//! Decisions in docs/decisions are numbered one after the other, in their file names as in their titles.

use std::fs;

use seedgrid_tests::machine::repository;

#[test]
fn decisions_are_numbered_one_after_the_other() {
    let mut files: Vec<_> =
        fs::read_dir(repository("docs/decisions")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 14);
    for (index, path) in files.iter().enumerate() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let number = index + 1;
        assert!(name.starts_with(&format!("{number:04}-")), "{name} is the decision {number}");
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with(&format!("# {number}. ")), "{name} begins with `# {number}. `");
    }
}
