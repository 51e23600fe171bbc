use std::fs;

use seedgrid_common::data::{
    Labelled as _, Part, build,
    encode::decode,
    pairs::{PAIR_PIXELS, Pairs},
};

use super::*;
use crate::plan::data_draws::kept_targets;

const SPEC: &str = r#"name = "drawn"
[dataset]
kind = "glyph-pairs"
train_pairs = 12
test_pairs = 7
[[stage]]
name = "final"
evaluation = "holdout"
seeds = "1"
data_seeds = "1..=3"
stop = { loss_delta = 0.0, max_epochs = 1 }
[[stage.model]]
model = "fc"
learning_rate = 0.1
batch_size = 10
"#;

fn spec() -> Spec {
    Spec::parse("spec.toml", SPEC.to_owned()).unwrap()
}

/// The names of the files of data sets, sorted.
fn files(directory: &RunDirectory) -> Vec<String> {
    let entries = fs::read_dir(directory.datasets()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn draws_are_written_as_they_are_made_and_take_their_places_together() {
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::new(folder.path().join("run")).own().unwrap();
    let mut store = Store::open(&directory.database()).unwrap();
    let prepared = Prepared::new(spec(), None, &directory, Some(&store)).unwrap();
    let written = files(&directory);
    assert_eq!(written.len(), 3);
    assert!(written.iter().all(|name| name.starts_with(".writing-")), "{written:?}");
    drop(prepared);
    assert_eq!(files(&directory), [""; 0], "a study that is refused leaves nothing behind");

    let mut prepared = Prepared::new(spec(), None, &directory, Some(&store)).unwrap();
    prepared.keep(&directory, &mut store).unwrap();
    let mut digests: Vec<String> = prepared.draws.digests().into_values().collect();
    digests.sort();
    assert_eq!(files(&directory), digests);
    assert!(
        prepared
            .draws
            .files(&directory)
            .into_iter()
            .eq(digests.iter().map(|name| (name.clone(), directory.dataset(name))))
    );
    for ((seed, draw), (_, of)) in prepared.draws.iter().zip(drawn(&prepared.spec.study)) {
        let built = build(&of, &[]).unwrap();
        assert_eq!(
            decode(fs::read(directory.dataset(&draw.digest)).unwrap().into()).unwrap(),
            built,
            "data seed {seed}"
        );
        assert_eq!(draw.targets, built.to_targets());
        assert_eq!(draw.samples.first().unwrap().pixels, {
            let place = draw.samples.first().unwrap().place - 1;
            Pairs::from_examples(&built.train).unwrap().pixels[place * PAIR_PIXELS..(place + 1) * PAIR_PIXELS].to_vec()
        });
    }
}

#[test]
fn a_kept_draw_is_the_one_that_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::new(folder.path().join("run")).own().unwrap();
    let mut store = Store::open(&directory.database()).unwrap();
    let mut made = Prepared::new(spec(), None, &directory, Some(&store)).unwrap();
    made.keep(&directory, &mut store).unwrap();
    let again = Prepared::new(spec(), None, &directory, Some(&store)).unwrap();
    assert_eq!(again.files.len(), 0, "nothing is made anew");
    let stored = Prepared::stored(&directory, &store).unwrap();
    for (seed, draw) in made.draws.iter() {
        for other in [again.draws.get(seed).unwrap(), stored.draws.get(seed).unwrap()] {
            assert_eq!((&other.digest, &other.targets, &other.samples), (&draw.digest, &draw.targets, &draw.samples));
            for part in [Part::Train, Part::Test] {
                assert_eq!(other.pooled(part), draw.pooled(part));
                assert_eq!(draw.pooled(part).len(), draw.targets.examples(part));
            }
        }
        assert_eq!(kept_targets(&directory, &draw.digest).unwrap(), draw.targets);
    }
}

#[test]
fn a_damaged_or_lost_draw_is_made_anew_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::new(folder.path().join("run")).own().unwrap();
    let mut store = Store::open(&directory.database()).unwrap();
    let mut made = Prepared::new(spec(), None, &directory, Some(&store)).unwrap();
    made.keep(&directory, &mut store).unwrap();
    let before = files(&directory);
    let path = directory.dataset(&before[0]);
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let longer = [&good[..], &[0]].concat();
    for damage in [Some(&flipped[..]), Some(&longer[..]), Some(&good[..100]), Some(&[][..]), None] {
        match damage {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let refused = Prepared::stored(&directory, &store).unwrap_err();
        assert_eq!(matches!(refused, PrepareError::LostDataset { .. }), damage.is_none(), "{refused}");
        assert_eq!(matches!(refused, PrepareError::DamagedDataset { .. }), damage.is_some(), "{refused}");
        assert!(kept_targets(&directory, &before[0]).is_err());
        let mut again = Prepared::new(spec(), None, &directory, Some(&store)).unwrap();
        assert_eq!(again.files.len(), 1);
        again.keep(&directory, &mut store).unwrap();
        assert_eq!(fs::read(&path).unwrap(), good);
        assert_eq!(files(&directory), before);
    }
}

#[test]
fn a_preview_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::new(folder.path().join("run"));
    let preview = Prepared::preview(spec(), None, &directory, None).unwrap();
    assert!(!directory.root().exists());
    let owned = directory.own().unwrap();
    let made = Prepared::new(spec(), None, &owned, None).unwrap();
    assert_eq!(preview.draws.digests(), made.draws.digests());
}
