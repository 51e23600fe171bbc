//! From the examples of all files to a data set's two parts.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use super::{
    error::{Fault, Known, Place, ReadError},
    labels::{Classes, Coded, classes},
    parts::{Draw, FractionRule, Group, PartsSpec, TestPart, draw},
    source::{SourceFile, reserve},
    warning::Warning,
};
use crate::data::{
    dataset::{About, Dataset, Examples, Labels, Targets},
    schema::{FoldRule, Input, Schema, Target},
    values::Values,
};

/// A data set that was read from files.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadDataset {
    /// The data set; schema and examples fit together.
    pub dataset: Dataset,
    /// Facts that the user should know.
    pub warnings: Vec<Warning>,
    /// The files that were read.
    pub sources: Vec<SourceFile>,
}

/// All examples of the files: those of the main files, then those of a separate test part.
#[derive(Debug)]
pub struct Gathered {
    /// The file that messages about the examples as a whole name.
    pub file: PathBuf,
    /// The data set's title.
    pub title: String,
    /// The inputs.
    pub inputs: BTreeMap<String, GatheredInput>,
    /// The targets, of all examples.
    pub targets: BTreeMap<String, GatheredTarget>,
    /// The number of examples of the main files.
    pub main: usize,
    /// The number of examples of a separate test part.
    pub separate: usize,
    /// The values of the group's array or column, of all examples.
    pub groups: Option<Coded>,
    /// The values of the folds' array or column, of the main files.
    pub folds: Option<Coded>,
    /// Whether an example of the main files is in the test part, where an array or column marks it.
    pub marks: Option<Vec<bool>>,
    /// The warnings so far.
    pub warnings: Vec<Warning>,
}

/// An input's numbers.
#[derive(Debug)]
pub struct GatheredInput {
    /// Its shape and meaning.
    pub input: Input,
    /// The numbers of the main files.
    pub main: Values,
    /// The numbers of a separate test part.
    pub separate: Option<Values>,
}

/// A target's labels.
#[derive(Debug)]
pub enum GatheredTarget {
    /// Labels of classes, and the classes' names where the spec gives them.
    Classes(Coded, Option<Vec<String>>),
    /// So many finite numbers an example.
    Numbers(usize, Vec<f32>),
}

/// Makes the data set: classes, the test part, groups and folds.
///
/// # Errors
/// When the labels are no classes, a class is in the test part only, a group is in both parts or in two folds, or a part
/// cannot be drawn.
pub fn assemble<S>(
    mut gathered: Gathered,
    spec: &PartsSpec<S>,
    primary: Option<&str>,
    seed: u64,
    sources: Vec<SourceFile>,
) -> Result<ReadDataset, ReadError> {
    let file = gathered.file.clone();
    let fault = |fault: Fault| ReadError::in_file(&file, fault);
    let primary = choose_primary(gathered.targets.keys(), primary).map_err(ReadError::of_spec)?;
    if gathered.main == 0 {
        return Err(fault(Fault::NoExamples));
    }
    let mut warnings = std::mem::take(&mut gathered.warnings);
    let mut targets = BTreeMap::new();
    for (name, target) in std::mem::take(&mut gathered.targets) {
        let labelled = match target {
            GatheredTarget::Numbers(width, numbers) => Labelled::Numbers(width, numbers),
            GatheredTarget::Classes(labels, named) => Labelled::Classes(
                classes(&name, labels, named.as_deref(), &mut warnings)
                    .map_err(|fault| of_target(&file, &name, fault))?,
            ),
        };
        targets.insert(name, labelled);
    }
    let groups = match &spec.group {
        None => None,
        Some(Group::Named(_)) => gathered.groups.take(),
        Some(Group::IdenticalRows) => Some(identical_rows(&gathered.inputs)),
    };
    let primary_classes = match &targets[&primary] {
        Labelled::Classes(Classes { codes, .. }) => Some(&codes[..gathered.main]),
        Labelled::Numbers(..) => None,
    };
    let is_test = match &spec.test {
        TestPart::Separate(_) | TestPart::None => None,
        TestPart::Column { .. } => gathered.marks.take(),
        TestPart::Fraction { fraction, rule } => {
            let groups = groups.as_ref().map(|groups| &groups.codes[..gathered.main]);
            let rule = draw_rule(*rule, groups, primary_classes, &primary).map_err(ReadError::of_spec)?;
            Some(draw(gathered.main, *fraction, rule, seed).map_err(fault)?)
        }
    };
    let places = Places::new(gathered.main, gathered.separate, is_test.as_deref());
    if places.train.is_empty() {
        return Err(fault(Fault::NoTraining));
    }
    for (name, target) in &targets {
        if let Labelled::Classes(classes) = target {
            check_classes(classes, &places).map_err(|fault| of_target(&file, name, fault))?;
        }
    }
    check_groups(groups.as_ref(), gathered.folds.as_ref(), &places).map_err(fault)?;

    let schema = Schema {
        inputs: gathered.inputs.iter().map(|(name, input)| (name.clone(), input.input.clone())).collect(),
        targets: targets.iter().map(|(name, target)| (name.clone(), target.schema())).collect(),
        primary,
        folds: match (&gathered.folds, &groups) {
            (Some(_), _) => FoldRule::Predefined,
            (None, Some(_)) => FoldRule::Grouped,
            (None, None) => FoldRule::Random,
        },
        pooled: Vec::new(),
    };
    let labels = |places: &[u32], folds: Option<&Coded>| Targets {
        examples: places.len(),
        labels: targets.iter().map(|(name, target)| (name.clone(), target.labels(places))).collect(),
        groups: groups.as_ref().map(|groups| selected(&groups.codes, places)),
        folds: folds.map(|folds| selected(&folds.codes, places)),
    };
    let [train_targets, test_targets] = [labels(&places.train, gathered.folds.as_ref()), labels(&places.test, None)];
    drop(targets);
    let (mut train, mut test) = (BTreeMap::new(), BTreeMap::new());
    for (name, GatheredInput { main, separate, .. }) in gathered.inputs {
        let (of_train, of_test) = divide(main, separate, &places).map_err(fault)?;
        train.insert(name.clone(), of_train);
        test.insert(name, of_test);
    }
    let shared = shared_rows(&train, &test);
    if shared > 0 {
        warnings.push(Warning::SharedRows { test: shared, of: test_targets.examples });
    }
    let dataset = Dataset {
        about: About { title: gathered.title, seed, schema },
        train: Examples { inputs: train, targets: train_targets },
        test: Examples { inputs: test, targets: test_targets },
    };
    dataset.check().map_err(|error| fault(error.into()))?;
    Ok(ReadDataset { dataset, warnings, sources })
}

/// A fault of a target's labels.
fn of_target(file: &Path, target: &str, fault: Fault) -> ReadError {
    ReadError::at(file, Place::Target(target.to_owned()), fault)
}

/// The target that the spec names as the primary one, or the only one.
///
/// # Errors
/// When there is no such target, or there are several and none is named.
pub fn choose_primary<'a>(
    targets: impl Iterator<Item = &'a String> + Clone,
    named: Option<&str>,
) -> Result<String, Fault> {
    let known: Vec<String> = targets.cloned().collect();
    match (named, known.as_slice()) {
        (_, []) => Err(Fault::NoneNamed { of: "target" }),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Fault::NoPrimary { known }),
        (Some(name), _) if known.iter().any(|target| target == name) => Ok(name.to_owned()),
        (Some(name), _) => Err(Fault::NoTarget { name: name.to_owned(), known: Known::to(name, &known) }),
    }
}

fn draw_rule<'a>(
    rule: Option<FractionRule>,
    groups: Option<&'a [u32]>,
    classes: Option<&'a [u32]>,
    primary: &str,
) -> Result<Draw<'a>, Fault> {
    match (rule, groups, classes) {
        (Some(FractionRule::Grouped) | None, Some(groups), _) => Ok(Draw::Grouped(groups, classes)),
        (Some(FractionRule::Grouped), None, _) => Err(Fault::NoGroup),
        (Some(FractionRule::Stratified), _, Some(classes)) | (None, None, Some(classes)) => {
            Ok(Draw::Stratified(classes))
        }
        (Some(FractionRule::Stratified), _, None) => Err(Fault::NoStrata { target: primary.to_owned() }),
        (Some(FractionRule::Random), ..) | (None, None, None) => Ok(Draw::Random),
    }
}

/// A target's labels of all examples.
enum Labelled {
    Classes(Classes),
    Numbers(usize, Vec<f32>),
}

impl Labelled {
    fn schema(&self) -> Target {
        match self {
            Self::Classes(classes) => Target::Classes(classes.names.clone()),
            Self::Numbers(width, _) => Target::Numbers(*width),
        }
    }

    fn labels(&self, places: &[u32]) -> Labels {
        match self {
            Self::Classes(classes) => Labels::Classes(selected(&classes.codes, places)),
            Self::Numbers(width, numbers) => {
                let of = |place: &u32| &numbers[*place as usize * width..(*place as usize + 1) * width];
                Labels::Numbers(places.iter().flat_map(of).copied().collect())
            }
        }
    }
}

fn selected(codes: &[u32], places: &[u32]) -> Vec<u32> {
    places.iter().map(|place| codes[*place as usize]).collect()
}

/// The places of each part's examples among all, ascending.
struct Places {
    train: Vec<u32>,
    test: Vec<u32>,
    main: usize,
}

impl Places {
    fn new(main: usize, separate: usize, is_test: Option<&[bool]>) -> Self {
        let of_main = |test: bool| {
            (0..main as u32).filter(move |place| is_test.map_or(!test, |is_test| is_test[*place as usize] == test))
        };
        let mut test: Vec<u32> = if is_test.is_some() { of_main(true).collect() } else { Vec::new() };
        test.extend(main as u32..(main + separate) as u32);
        let train = of_main(false).collect();
        Self { train, test, main }
    }
}

/// Checks that no class is in the test part only.
fn check_classes(classes: &Classes, places: &Places) -> Result<(), Fault> {
    let count = |places: &[u32]| {
        let mut counts = vec![0_usize; classes.names.len()];
        places.iter().for_each(|place| counts[classes.codes[*place as usize] as usize] += 1);
        counts
    };
    let [train, test] = [count(&places.train), count(&places.test)];
    let mut lost =
        classes.names.iter().zip(train.into_iter().zip(test)).filter(|(_, (train, test))| *train == 0 && *test > 0);
    match lost.next() {
        Some((class, (_, examples))) => Err(Fault::TestOnlyClass { class: class.clone(), examples }),
        None => Ok(()),
    }
}

/// Checks that no group is in both parts or in two folds.
fn check_groups(groups: Option<&Coded>, folds: Option<&Coded>, places: &Places) -> Result<(), Fault> {
    let Some(groups) = groups else { return Ok(()) };
    let name = |group: u32| groups.names.get(group as usize).cloned().unwrap_or_else(|| group.to_string());
    let mut counts: HashMap<u32, [usize; 2]> = HashMap::new();
    for (part, places) in [&places.train, &places.test].into_iter().enumerate() {
        places.iter().for_each(|place| counts.entry(groups.codes[*place as usize]).or_default()[part] += 1);
    }
    let torn = counts.iter().filter(|(_, [train, test])| *train > 0 && *test > 0).min_by_key(|(group, _)| **group);
    if let Some((group, [train, test])) = torn {
        return Err(Fault::GroupInBoth { group: name(*group), train: *train, test: *test });
    }
    let Some(folds) = folds else { return Ok(()) };
    let mut fold_of: HashMap<u32, u32> = HashMap::new();
    for place in &places.train {
        let (group, fold) = (groups.codes[*place as usize], folds.codes[*place as usize]);
        let first = *fold_of.entry(group).or_insert(fold);
        if first != fold {
            let folds = Box::new([first, fold].map(|fold| folds.names[fold as usize].clone()));
            return Err(Fault::GroupInFolds { group: name(group), folds });
        }
    }
    Ok(())
}

/// The numbers of both parts. `main` leaves memory as soon as they are copied.
fn divide(main: Values, separate: Option<Values>, places: &Places) -> Result<(Values, Values), Fault> {
    let train = take(&main, &places.train)?;
    let test = match separate {
        Some(separate) => separate,
        None => take(
            &main,
            &places.test.iter().copied().filter(|place| (*place as usize) < places.main).collect::<Vec<_>>(),
        )?,
    };
    Ok((train, test))
}

/// These examples; the same bytes where they are all.
fn take(values: &Values, places: &[u32]) -> Result<Values, Fault> {
    if places.len() == values.examples() {
        return Ok(values.clone());
    }
    let mut bytes = Vec::new();
    reserve(&mut bytes, (places.len() * values.width() * values.number().bytes()) as u64)?;
    places.iter().for_each(|place| bytes.extend_from_slice(values.example_bytes(*place as usize)));
    Values::new(values.number(), values.width(), bytes.into()).map_err(|_| Fault::NoExamples)
}

/// Groups of examples with identical inputs, over the main files and a separate test part.
fn identical_rows(inputs: &BTreeMap<String, GatheredInput>) -> Coded {
    let main: Vec<&Values> = inputs.values().map(|input| &input.main).collect();
    let separate: Vec<&Values> = inputs.values().filter_map(|input| input.separate.as_ref()).collect();
    Coded { names: Vec::new(), numbers: None, codes: row_codes(&[&main, &separate]) }
}

/// The number of test examples whose inputs are those of a training example.
fn shared_rows(train: &BTreeMap<String, Values>, test: &BTreeMap<String, Values>) -> usize {
    let examples = train.values().next().map_or(0, Values::examples);
    let parts = [train, test].map(|part| part.values().collect::<Vec<_>>());
    let codes = row_codes(&parts.each_ref().map(Vec::as_slice));
    let (train, test) = codes.split_at(examples);
    let known = train.iter().copied().max().map_or(0, |highest| highest + 1);
    // Codes count from 0 in the order in which rows come: training rows have all codes below `known`.
    test.iter().filter(|code| **code < known).count()
}

/// A number for each example of each part, one part after the other: equal inputs have equal numbers, which count from 0
/// in the order in which they first come. Inputs are compared byte by byte.
fn row_codes(parts: &[&[&Values]]) -> Vec<u32> {
    let mut first_of: Vec<(usize, usize)> = Vec::new();
    let mut by_hash: HashMap<u64, Vec<u32>> = HashMap::new();
    let mut codes = Vec::new();
    for (part, inputs) in parts.iter().enumerate() {
        for example in 0..inputs.first().map_or(0, |input| input.examples()) {
            let mut hasher = DefaultHasher::new();
            inputs.iter().for_each(|input| input.example_bytes(example).hash(&mut hasher));
            let candidates = by_hash.entry(hasher.finish()).or_default();
            let is_equal = |code: &&u32| {
                let (part, known) = first_of[**code as usize];
                parts[part]
                    .iter()
                    .zip(*inputs)
                    .all(|(first, second)| first.example_bytes(known) == second.example_bytes(example))
            };
            let code = match candidates.iter().find(is_equal) {
                Some(code) => *code,
                None => {
                    let code = first_of.len() as u32;
                    candidates.push(code);
                    first_of.push((part, example));
                    code
                }
            };
            codes.push(code);
        }
    }
    codes
}
