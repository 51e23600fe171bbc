use std::fs;

use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use miette::Diagnostic as _;

use super::*;
use crate::data::{
    dataset::{Labelled as _, Part},
    encode,
    schema::{Content, FoldRule, Input},
};

/// Writes a PNG whose pixels are all of this colour.
fn write(path: &Path, [height, width]: [u32; 2], colour: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let kind = match colour.len() {
        1 => ExtendedColorType::L8,
        2 => ExtendedColorType::La8,
        3 => ExtendedColorType::Rgb8,
        _ => ExtendedColorType::Rgba8,
    };
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(&colour.repeat((height * width) as usize), width, height, kind).unwrap();
    fs::write(path, file).unwrap();
}

/// Class folders 1 to 12 with two images each, whose grey value is ten times the class plus the image's number.
fn months() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for class in 1..=12_u8 {
        for image in 0..2 {
            write(&folder.path().join(format!("train/{class}/{image}.png")), [2, 3], &[10 * class + image]);
        }
    }
    folder
}

fn spec() -> ImagesSpec {
    ImagesSpec { folder: "train".into(), ..ImagesSpec::default() }
}

fn refused(spec: &ImagesSpec, base: &Path) -> String {
    let error = read(spec, base, 0).unwrap_err();
    format!("{error} | {}", error.help().map(|hint| hint.to_string()).unwrap_or_default())
}

#[test]
fn class_folders_are_in_natural_order() {
    let folder = months();
    let ReadDataset { dataset, warnings, sources } = read(&spec(), folder.path(), 0).unwrap();
    let classes: Vec<String> = (1..=12).map(|class| class.to_string()).collect();
    assert_eq!(dataset.about.schema.classes().unwrap(), classes);
    assert_eq!(dataset.about.schema.inputs["image"], Input { shape: vec![1, 2, 3], content: Content::Pixels });
    assert_eq!(dataset.train.inputs["image"].example(23), [121.0; 6]);
    assert_eq!(dataset.classes(Part::Train).unwrap()[20..], [10, 10, 11, 11]);
    assert_eq!((warnings, sources.len(), &dataset.about.title[..]), (Vec::new(), 1, "train"));
    encode::encode(&dataset).unwrap();
    // The facts tell of a change in any file.
    write(&folder.path().join("train/7/1.png"), [2, 3], &[0]);
    assert_ne!(read(&spec(), folder.path(), 0).unwrap().sources[0].sha256, sources[0].sha256);
}

#[test]
fn classes_may_have_an_order_and_a_test_folder() {
    let folder = tempfile::tempdir().unwrap();
    for (path, grey) in [("train/cat/a.png", 1), ("train/dog/b/c.PNG", 2), ("test/dog/a.png", 3)] {
        write(&folder.path().join(path), [1, 1], &[grey]);
    }
    fs::write(folder.path().join("train/cat/notes.txt"), "").unwrap();
    let mut spec = spec();
    spec.classes = Some(vec!["dog".to_owned(), "cat".to_owned()]);
    let test = |folder: &str| TestPart::Separate(TestImages { folder: Some(folder.into()), files: Vec::new() });
    spec.parts.test = test("test");
    let ReadDataset { dataset, warnings, .. } = read(&spec, folder.path(), 0).unwrap();
    assert_eq!((dataset.classes(Part::Train).unwrap(), dataset.classes(Part::Test).unwrap()), (&[1, 0][..], &[0][..]));
    assert_eq!(warnings, [Warning::Skipped { files: 1, example: "cat/notes.txt".to_owned() }]);
    spec.classes = None;
    write(&folder.path().join("test/eel/a.png"), [1, 1], &[4]);
    assert!(refused(&spec, folder.path()).contains("the class `eel` is in the test part only (1 example)"));
    spec.parts.test = test("absent");
    assert!(refused(&spec, folder.path()).starts_with("absent: there is no such file or folder"));
}

#[test]
fn folders_that_are_no_classes_are_refused() {
    let folder = months();
    fs::create_dir(folder.path().join("train/13")).unwrap();
    assert!(refused(&spec(), folder.path()).starts_with("train/13: the class has no images"));
    let flat = tempfile::tempdir().unwrap();
    write(&flat.path().join("train/a.png"), [1, 1], &[1]);
    assert!(refused(&spec(), flat.path()).starts_with("train: the folder has no folders of classes"));
    let mut grouped = spec();
    grouped.parts.folds = Some("fold".to_owned());
    assert!(refused(&grouped, flat.path()).starts_with("`folds` names a column"));
}

#[test]
fn images_agree_or_are_converted() {
    let folder = months();
    write(&folder.path().join("train/12/2.png"), [4, 6], &[7]);
    let said = refused(&spec(), folder.path());
    assert!(
        said.starts_with(
            "train/12/2.png: the image is 4x6 pixels (height x width), `train/1/0.png` is 2x3 | set `size"
        ),
        "{said}"
    );
    let mut sized = spec();
    sized.size = Some([2, 3]);
    assert_eq!(read(&sized, folder.path(), 0).unwrap().dataset.train.inputs["image"].example(24), [7.0; 6]);
    write(&folder.path().join("train/12/2.png"), [2, 3], &[7, 8, 9]);
    let said = refused(&sized, folder.path());
    assert!(
        said.starts_with("train/12/2.png: the image has 3 channels, `train/1/0.png` has 1 | set `channels"),
        "{said}"
    );
    sized.channels = Some(3);
    let dataset = read(&sized, folder.path(), 0).unwrap().dataset;
    assert_eq!(dataset.about.schema.inputs["image"].shape, [3, 2, 3]);
    assert_eq!(dataset.train.inputs["image"].example(24), [[7.0; 6], [8.0; 6], [9.0; 6]].concat());
    sized.channels = Some(2);
    assert!(refused(&sized, folder.path()).contains("`channels` is 1 or 3"));
    sized.channels = None;
    sized.size = Some([0, 3]);
    assert!(refused(&sized, folder.path()).contains("make 0 numbers an image"));
}

#[test]
fn transparent_images_are_refused_or_laid_on_a_colour() {
    let folder = months();
    write(&folder.path().join("train/3/1.png"), [2, 3], &[100, 0]);
    assert!(
        refused(&spec(), folder.path()).starts_with("train/3/1.png: the image has transparent pixels | set `alpha")
    );
    let laid = read(&ImagesSpec { alpha: Some(Background::White), ..spec() }, folder.path(), 0).unwrap();
    assert_eq!(laid.dataset.train.inputs["image"].example(5), [255.0; 6]);
    assert!(laid.warnings[0].to_string().starts_with("1 image: transparent pixels were laid"));
    fs::write(folder.path().join("train/3/1.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    assert!(
        refused(&spec(), folder.path()).starts_with("train/3/1.png: the file ends early"),
        "{}",
        refused(&spec(), folder.path())
    );
}

#[test]
fn a_table_names_images_targets_groups_and_parts() {
    let folder = months();
    let csv =
        "file,weight,who,part\n1/0.png,1.5,a,train\n2/0.png,2.5,b,train\n3/1.png,3.5,b,train\n12/1.png,4.5,c,test\n";
    fs::write(folder.path().join("labels.csv"), csv).unwrap();
    let table = ImageTable {
        files: vec!["labels.csv".into()],
        path: "file".to_owned(),
        targets: [("weight".to_owned(), "weight".into())].into(),
        ..ImageTable::default()
    };
    let mut spec = ImagesSpec { table: Some(table), ..spec() };
    spec.parts.group = Some(Group::Named("who".to_owned()));
    spec.parts.test = TestPart::Column { name: "part".to_owned(), value: "test".to_owned() };
    let ReadDataset { dataset, sources, .. } = read(&spec, folder.path(), 0).unwrap();
    assert_eq!((dataset.examples(Part::Train), dataset.about.schema.folds), (3, FoldRule::Grouped));
    assert_eq!(dataset.test.inputs["image"].example(0), [121.0; 6]);
    assert_eq!(
        sources.iter().map(|source| source.path.clone()).collect::<Vec<_>>(),
        ["labels.csv", "train"].map(PathBuf::from)
    );

    let with = |path: &str| {
        fs::write(folder.path().join("labels.csv"), csv.replace("2/0.png", path)).unwrap();
        refused(&spec, folder.path())
    };
    assert!(with("../train/2/0.png").starts_with("../train/2/0.png: the path leads out of the folder"));
    assert!(with("/etc/passwd").starts_with("/etc/passwd: the path leads out of the folder"));
    assert!(with("2/9.png").starts_with("train/2/9.png: there is no such file"));
    assert!(with("").starts_with("labels.csv: line 3, column `file`: the value is missing"));
}
