use std::{fs, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use miette::Diagnostic as _;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{super::npy, *};
use crate::data::{
    dataset::{Dataset, Labelled as _, Labels, Part},
    encode,
    readers::parts::FractionRule,
    schema::{FoldRule, Target},
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/data/fixtures")
}

/// Images, labels and a title from `digits.npz`, whose first twelve examples are the training part.
fn digits() -> ArraysSpec {
    ArraysSpec {
        files: vec!["digits.npz".into()],
        inputs: [("image".to_owned(), "x_train".into())].into(),
        targets: [("digit".to_owned(), "y_train".into())].into(),
        ..ArraysSpec::default()
    }
}

fn test_arrays() -> TestPart<TestArrays> {
    let arrays = [("x_train", "x_test"), ("y_train", "y_test")].map(|(main, test)| (main.to_owned(), test.to_owned()));
    TestPart::Separate(TestArrays { files: Vec::new(), arrays: arrays.into() })
}

fn counts(dataset: &Dataset) -> [usize; 2] {
    Part::ALL.map(|part| dataset.examples(part))
}

/// The message of the error with its hint.
fn refused(spec: &ArraysSpec, base: &Path) -> String {
    let error = read(spec, base, 0).unwrap_err();
    let hint = error.help().map(|hint| hint.to_string()).unwrap_or_default();
    format!("{error} | {hint}")
}

/// A folder with files of these arrays.
fn folder(arrays: &[(&str, &str, &[usize], Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, descr, shape, bytes) in arrays {
        fs::write(folder.path().join(format!("{name}.npy")), npy::file(descr, false, shape, bytes)).unwrap();
    }
    folder
}

fn floats(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A data set of the arrays `x` and `y` of a folder.
fn xy() -> ArraysSpec {
    ArraysSpec {
        files: vec![".".into()],
        inputs: [("x".to_owned(), "x".into())].into(),
        targets: [("y".to_owned(), "y".into())].into(),
        ..ArraysSpec::default()
    }
}

#[test]
fn an_npz_of_numpy_with_a_test_part_is_read() {
    let mut spec = digits();
    spec.parts.test = test_arrays();
    let ReadDataset { dataset, warnings, sources } = read(&spec, &fixtures(), 7).unwrap();
    assert_eq!((counts(&dataset), dataset.about.seed, &dataset.about.title[..]), ([12, 6], 7, "digits"));
    assert_eq!(dataset.about.schema.inputs["image"], Input { shape: vec![1, 4, 5], content: Content::Pixels });
    assert_eq!(dataset.about.schema.classes().unwrap(), ["0", "1", "2"]);
    assert_eq!(dataset.train.inputs["image"].example(1)[..3], [20.0, 21.0, 22.0]);
    assert_eq!(dataset.test.inputs["image"].example(0)[..3], [240.0, 241.0, 242.0]);
    assert_eq!(dataset.classes(Part::Test).unwrap(), [0, 1, 2, 0, 1, 2]);
    assert_eq!((warnings, sources.len()), (Vec::new(), 1));
    assert_eq!(sources[0].sha256.len(), 64);
    encode::encode(&dataset).unwrap();
}

#[test]
fn text_labels_groups_folds_and_marks_are_read() {
    let mut spec = digits();
    spec.targets = [("name".to_owned(), "names".into()), ("size".to_owned(), "size".into())].into();
    spec.primary = Some("name".to_owned());
    spec.parts.group = Some(Group::Named("patient".to_owned()));
    let dataset = read(&spec, &fixtures(), 0).unwrap().dataset;
    assert_eq!(dataset.about.schema.classes().unwrap(), ["ant", "bee", "cat"]);
    assert_eq!(dataset.about.schema.targets["size"], Target::Numbers(1));
    assert_eq!(dataset.about.schema.folds, FoldRule::Grouped);
    assert_eq!(dataset.train.targets.groups.as_deref(), Some(&[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5][..]));

    let mut spec = digits();
    spec.parts.folds = Some("fold".to_owned());
    spec.parts.test = TestPart::Column { name: "split".to_owned(), value: "true".to_owned() };
    spec.targets = [("size".to_owned(), "size".into())].into();
    let dataset = read(&spec, &fixtures(), 0).unwrap().dataset;
    assert_eq!((counts(&dataset), dataset.about.schema.folds), ([8, 4], FoldRule::Predefined));
    assert_eq!(dataset.train.targets.folds.as_deref(), Some(&[0, 1, 3, 0, 2, 3, 1, 2][..]));
    let Labels::Numbers(sizes) = &dataset.test.targets.labels["size"] else { panic!() };
    assert_eq!(sizes[0], (2.0_f64 / 11.0) as f32);
}

#[test]
fn a_fraction_is_drawn_by_class_by_group_or_at_random() {
    let mut spec = digits();
    let fraction = |rule| TestPart::Fraction { fraction: 0.25, rule };
    spec.parts.test = fraction(None);
    let dataset = read(&spec, &fixtures(), 1).unwrap().dataset;
    let mut classes = dataset.classes(Part::Test).unwrap().to_vec();
    classes.sort_unstable();
    assert_eq!((counts(&dataset), classes), ([9, 3], vec![0, 1, 2]));
    assert_ne!(read(&spec, &fixtures(), 2).unwrap().dataset.test, dataset.test);
    assert_eq!(read(&spec, &fixtures(), 1).unwrap().dataset, dataset);

    spec.parts.group = Some(Group::Named("patient".to_owned()));
    spec.parts.test = fraction(Some(FractionRule::Grouped));
    let dataset = read(&spec, &fixtures(), 1).unwrap().dataset;
    let groups = |part| dataset.targets(part).groups.clone().unwrap();
    assert!(groups(Part::Test).iter().all(|group| !groups(Part::Train).contains(group)));

    spec.parts.group = None;
    assert!(refused(&spec, &fixtures()).starts_with("the test part is grouped, and no group is named"));
    spec.targets = [("size".to_owned(), "size".into())].into();
    spec.parts.test = fraction(Some(FractionRule::Stratified));
    assert!(refused(&spec, &fixtures()).contains("the target `size` has no classes"));
    spec.parts.test = fraction(None);
    assert_eq!(counts(&read(&spec, &fixtures(), 1).unwrap().dataset), [9, 3]);
}

#[test]
fn fortran_order_and_big_endian_are_read_right() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["fortran.npy", "big_endian.npy", "fortran_big_endian.npy"] {
        fs::copy(fixtures().join(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("y.npy"), npy::file("'|u1'", false, &[2], &[0, 1])).unwrap();
    let layout = Some(Layout::Flat);
    let input = |array: &str| (array.to_owned(), ArrayInput { layout, ..array.into() });
    let mut spec = xy();
    spec.inputs = [input("fortran"), input("big_endian"), input("fortran_big_endian")].into();
    let ReadDataset { dataset, warnings, .. } = read(&spec, folder.path(), 0).unwrap();
    let counting: Vec<f32> = (12..24).map(|number| number as f32).collect();
    assert_eq!(dataset.train.inputs["fortran"].example(1), counting);
    assert_eq!(dataset.train.inputs["fortran_big_endian"].example(1), counting);
    assert_eq!(
        dataset.train.inputs["big_endian"].example(1),
        counting.iter().map(|number| number / 8.0).collect::<Vec<_>>()
    );
    assert_eq!(dataset.train.inputs["fortran"].number(), NumberType::U8);
    assert_eq!(warnings, []);
}

#[test]
fn object_arrays_are_refused() {
    let mut spec = digits();
    spec.inputs = [("image".to_owned(), "objects".into())].into();
    let said = refused(&spec, &fixtures());
    assert!(said.starts_with("digits.npz: array `objects`: the array holds Python objects (pickle)"), "{said}");
    assert!(said.contains("np.stack"), "{said}");
    spec.files = vec!["objects.npy".into()];
    spec.targets = [("digit".to_owned(), "objects".into())].into();
    assert!(refused(&spec, &fixtures()).starts_with("objects.npy: array `objects`: the array holds Python objects"));
    spec.files = vec!["structure.npy".into()];
    spec.inputs = [("image".to_owned(), "structure".into())].into();
    spec.targets = [("digit".to_owned(), "structure".into())].into();
    assert!(refused(&spec, &fixtures()).contains("numbers of the type [('a', '<f4'), ('b', '<i4')] are not read"));
}

#[test]
fn a_missing_array_is_told_with_the_nearest_and_all() {
    let mut spec = digits();
    spec.inputs = [("image".to_owned(), "x_trian".into())].into();
    let said = refused(&spec, &fixtures());
    assert!(
        said.starts_with("digits.npz: there is no array `x_trian` | did you mean `x_train`? there are `x_train`"),
        "{said}"
    );
    let mut spec = digits();
    spec.parts.test = TestPart::Separate(TestArrays::default());
    assert!(refused(&spec, &fixtures()).contains("no test array is named for `y_train`"));
}

#[test]
fn values_that_are_no_numbers_have_their_index() {
    let bad = folder(&[
        ("x", "'<f8'", &[3, 2], floats(&[0.0, 1.0, 2.0, f64::INFINITY, 4.0, 5.0])),
        ("y", "'|u1'", &[3], vec![0, 1, 0]),
        ("z", "'<f8'", &[3], floats(&[0.0, f64::NAN, 1.0])),
    ]);
    assert!(refused(&xy(), bad.path()).starts_with("./x.npy: array `x` at [1, 1]: the value is inf"));
    let mut spec = xy();
    spec.targets = [("z".to_owned(), "z".into())].into();
    assert!(refused(&spec, bad.path()).starts_with("./z.npy: array `z` at [1]: the value is NaN"));
}

#[test]
fn rounded_numbers_are_warned_of() {
    let folder = folder(&[("x", "'<f8'", &[2, 2], floats(&[0.1, 0.5, 0.2, 0.25])), ("y", "'|u1'", &[2], vec![0, 1])]);
    let warnings = read(&xy(), folder.path(), 0).unwrap().warnings;
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["array `x`: 2 of 4 numbers were rounded to 32 bits"]
    );
}

#[test]
fn arrays_of_differing_lengths_are_refused() {
    let folder = folder(&[("x", "'|u1'", &[3, 2], vec![0; 6]), ("y", "'|u1'", &[2], vec![0, 1])]);
    let said = refused(&xy(), folder.path());
    assert!(said.starts_with("./x.npy: array `x`: the array has 3 examples, `y` has 2"), "{said}");
}

#[test]
fn labels_are_checked() {
    let x = || ("x", "'|u1'", &[6_usize, 2][..], (0..12).collect::<Vec<u8>>());
    let y = |bytes: [u8; 6]| {
        folder(&[x(), ("y", "'|u1'", &[6], bytes.to_vec()), ("t", "'|b1'", &[6], vec![0, 0, 0, 0, 1, 1])])
    };
    let mut spec = xy();
    let from_one = y([1, 2, 3, 1, 2, 3]);
    let read_from_one = read(&spec, from_one.path(), 0).unwrap();
    assert_eq!(read_from_one.dataset.about.schema.classes().unwrap(), ["1", "2", "3"]);
    assert!(read_from_one.warnings[0].to_string().contains("each value is a class (1, 2, 3)"));
    spec.parts.test = TestPart::Column { name: "t".to_owned(), value: "1".to_owned() };
    let said = refused(&spec, y([0, 1, 0, 1, 0, 2]).path());
    assert!(said.contains("target `y`: the class `2` is in the test part only (1 example)"), "{said}");
    spec.parts.test = TestPart::Column { name: "t".to_owned(), value: "2".to_owned() };
    assert!(refused(&spec, from_one.path()).contains("no example has the value `2`"));
    let one_hot = folder(&[x(), ("y", "'|u1'", &[6, 3], vec![0; 18])]);
    assert!(refused(&xy(), one_hot.path()).contains("np.argmax"));
    assert!(refused(&xy(), y([4; 6]).path()).contains("every example has the class `4`"));
}

#[test]
fn a_group_in_both_parts_or_in_two_folds_is_refused() {
    let arrays = folder(&[
        ("x", "'|u1'", &[4, 1], vec![0, 1, 2, 3]),
        ("y", "'|u1'", &[4], vec![0, 1, 0, 1]),
        ("g", "'<U2'", &[4], "a1b1b1c1".chars().flat_map(|letter| (letter as u32).to_le_bytes()).collect()),
        ("t", "'|b1'", &[4], vec![0, 0, 1, 1]),
        ("f", "'|u1'", &[4], vec![0, 1, 2, 0]),
    ]);
    let mut spec = xy();
    spec.parts.group = Some(Group::Named("g".to_owned()));
    spec.parts.test = TestPart::Column { name: "t".to_owned(), value: "1".to_owned() };
    assert!(refused(&spec, arrays.path()).contains("the group `b1` has 1 training and 1 test examples"));
    spec.parts.test = TestPart::None;
    spec.parts.folds = Some("f".to_owned());
    assert!(refused(&spec, arrays.path()).contains("the group `b1` is in the folds `1` and `2`"));
}

#[test]
fn identical_rows_are_warned_of_or_kept_together() {
    let arrays = folder(&[
        ("x", "'|u1'", &[6, 2], vec![1, 1, 2, 2, 1, 1, 3, 3, 2, 2, 4, 4]),
        ("y", "'|u1'", &[6], vec![0, 1, 0, 1, 1, 0]),
        ("t", "'|b1'", &[6], vec![0, 0, 1, 1, 1, 0]),
    ]);
    let mut spec = xy();
    spec.parts.test = TestPart::Column { name: "t".to_owned(), value: "1".to_owned() };
    let warnings = read(&spec, arrays.path(), 0).unwrap().warnings;
    assert_eq!(warnings, [Warning::SharedRows { test: 2, of: 3 }]);
    spec.parts.group = Some(Group::IdenticalRows);
    assert!(refused(&spec, arrays.path()).contains("has 1 training and 1 test examples"));
    spec.parts.test = TestPart::Fraction { fraction: 0.4, rule: None };
    for seed in 0..5 {
        let read = read(&spec, arrays.path(), seed).unwrap();
        assert_eq!((read.warnings, read.dataset.about.schema.folds), (Vec::new(), FoldRule::Grouped));
    }
}

#[test]
fn pixels_are_checked_and_layouts_are_asked_for() {
    let arrays = folder(&[
        ("x", "'<f8'", &[2, 2, 3], floats(&(0..12).map(|number| 30.0 * f64::from(number)).collect::<Vec<_>>())),
        ("y", "'|u1'", &[2], vec![0, 1]),
    ]);
    let said = refused(&xy(), arrays.path());
    assert!(said.contains("examples of shape [2, 3] can be read in several ways | set `layout`"), "{said}");
    let mut spec = xy();
    let input = |layout, content| {
        [("x".to_owned(), ArrayInput { layout: Some(layout), content, ..ArrayInput::from("x") })].into()
    };
    spec.inputs = input(Layout::Hw, Some(ArrayContent::Pixels));
    assert!(refused(&spec, arrays.path()).contains("array `x` at [1, 1, 0]: the value 270 is no pixel"));
    spec.inputs = input(Layout::Chw, None);
    assert!(refused(&spec, arrays.path()).contains("do not have the layout \"chw\" | \"chw\" needs 3 axes"));
    spec.inputs = input(Layout::Lc, None);
    let dataset = read(&spec, arrays.path(), 0).unwrap().dataset;
    assert_eq!(dataset.about.schema.inputs["x"], Input { shape: vec![3, 2], content: Content::Numbers });
    assert_eq!(dataset.train.inputs["x"].example(0), [0.0, 90.0, 30.0, 120.0, 60.0, 150.0]);
}

#[test]
fn files_that_are_absent_empty_cut_short_or_strange_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(fixtures().join("digits.npz")).unwrap();
    for (name, bytes) in
        [("cut.npz", &whole[..whole.len() - 40]), ("empty.npz", b""), ("notes.txt", b"hello"), ("text.npz", b"hello")]
    {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    fs::create_dir(folder.path().join("none")).unwrap();
    let said = |name: &str| refused(&ArraysSpec { files: vec![name.into()], ..digits() }, folder.path());
    assert!(said("cut.npz").starts_with("cut.npz: the file ends early"), "{}", said("cut.npz"));
    assert!(said("empty.npz").starts_with("empty.npz: the file is empty"));
    assert!(said("absent.npz").starts_with("absent.npz: there is no such file or folder"));
    assert!(said("notes.txt").starts_with("notes.txt: the file is none of the known forms"));
    assert!(said("text.npz").starts_with("text.npz: the file is damaged"));
    assert!(said("none").starts_with("none: the file is none of the known forms"));
    assert!(refused(&ArraysSpec { files: vec![], ..digits() }, folder.path()).contains("`files`"));
}

#[test]
fn archives_that_hold_more_than_they_say_are_not_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let mut archive = ZipWriter::new(fs::File::create(folder.path().join(name)).unwrap());
        archive
            .start_file("x.npy", SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated))
            .unwrap();
        archive.write_all(content).unwrap();
        archive.finish().unwrap();
    };
    let bomb = [npy::file("'|u1'", false, &[2, 3], &[]), vec![0; 1 << 24]].concat();
    write("bomb.npz", &bomb);
    assert!(fs::metadata(folder.path().join("bomb.npz")).unwrap().len() < 1 << 16);
    write("claim.npz", &npy::file("'<f8'", false, &[10_000_000, 100_000], &[]));
    write("cut.npz", &npy::file("'<f8'", false, &[10, 100_000], &[0; 8]));
    let said = |name: &str| {
        refused(
            &ArraysSpec {
                files: vec![name.into()],
                inputs: xy().inputs,
                targets: [("x".to_owned(), "x".into())].into(),
                ..digits()
            },
            folder.path(),
        )
    };
    assert!(said("bomb.npz").contains("more than its head says"), "{}", said("bomb.npz"));
    assert!(said("claim.npz").contains("which is too large"), "{}", said("claim.npz"));
    assert!(said("cut.npz").contains("the file ends early"), "{}", said("cut.npz"));
}

#[test]
fn idx_files_and_safetensors_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let idx = |magic: u32, sizes: &[u32], elements: &[u8]| {
        let head = std::iter::once(magic).chain(sizes.iter().copied()).flat_map(u32::to_be_bytes);
        head.chain(elements.iter().copied()).collect::<Vec<u8>>()
    };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&idx(0x803, &[4, 2, 2], &(0..16).collect::<Vec<_>>())).unwrap();
    fs::write(folder.path().join("train-images-idx3-ubyte.gz"), gzip.finish().unwrap()).unwrap();
    fs::write(folder.path().join("train-labels-idx1-ubyte"), idx(0x801, &[4], &[0, 1, 0, 1])).unwrap();
    let heights: Vec<u8> = [1.5_f32, 2.5, 3.5, 4.5].iter().flat_map(|height| height.to_be_bytes()).collect();
    fs::write(folder.path().join("heights.idx"), idx(0xd01, &[4], &heights)).unwrap();
    let mut spec = xy();
    spec.inputs = [("image".to_owned(), "train-images-idx3-ubyte".into())].into();
    spec.targets =
        [("digit".to_owned(), "train-labels-idx1-ubyte".into()), ("height".to_owned(), "heights".into())].into();
    spec.primary = Some("digit".to_owned());
    let dataset = read(&spec, folder.path(), 0).unwrap().dataset;
    assert_eq!(dataset.about.schema.inputs["image"], Input { shape: vec![1, 2, 2], content: Content::Pixels });
    assert_eq!(dataset.train.inputs["image"].example(3), [12.0, 13.0, 14.0, 15.0]);
    assert_eq!(dataset.train.targets.labels["height"], Labels::Numbers(vec![1.5, 2.5, 3.5, 4.5]));

    let halves: Vec<u8> =
        [0.5, 1.5, 2.5, 3.5].map(half::f16::from_f32).iter().flat_map(|half| half.to_le_bytes()).collect();
    let views = [
        ("x", safetensors::tensor::TensorView::new(safetensors::Dtype::F16, vec![2, 2], &halves).unwrap()),
        ("y", safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![2], &[1, 0]).unwrap()),
    ];
    fs::write(folder.path().join("xy.safetensors"), safetensors::tensor::serialize(views, None).unwrap()).unwrap();
    let dataset = read(&ArraysSpec { files: vec!["xy.safetensors".into()], ..xy() }, folder.path(), 0).unwrap().dataset;
    assert_eq!(
        (dataset.train.inputs["x"].number(), dataset.train.inputs["x"].example(1)),
        (NumberType::F16, vec![2.5, 3.5])
    );
}

#[test]
fn an_array_of_two_files_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("x.npy"), npy::file("'|u1'", false, &[2, 1], &[name.as_bytes()[0], 0]))
            .unwrap();
    }
    fs::write(folder.path().join("y.npy"), npy::file("'|u1'", false, &[2], &[0, 1])).unwrap();
    let mut spec = xy();
    spec.files = ["a/x.npy", "b/x.npy", "y.npy"].map(PathBuf::from).to_vec();
    assert!(
        refused(&spec, folder.path()).contains("two files have an array `x`: a/x.npy and b/x.npy | write FILE:ARRAY")
    );
    spec.inputs = [("x".to_owned(), "b/x.npy:x".into())].into();
    assert_eq!(read(&spec, folder.path(), 0).unwrap().dataset.train.inputs["x"].example(0), [98.0]);
}

#[test]
fn the_primary_target_is_the_only_one_or_named() {
    let mut spec = digits();
    spec.targets = [("a".to_owned(), "y_train".into()), ("b".to_owned(), "fold".into())].into();
    assert!(refused(&spec, &fixtures()).starts_with("there are several targets (`a`, `b`), and `primary` is not set"));
    spec.primary = Some("c".to_owned());
    assert!(refused(&spec, &fixtures()).starts_with("there is no target `c`"));
    spec.primary = Some("b".to_owned());
    assert_eq!(read(&spec, &fixtures(), 0).unwrap().dataset.about.schema.primary, "b");
    spec.targets.clear();
    assert!(refused(&spec, &fixtures()).starts_with("the spec names no target"));
}
