//! Wrong specs and their errors.

use std::fmt::Write as _;

use super::{BASE, changed};
use crate::spec::{Look, SpecErrors, parse};

fn errors(text: &str) -> SpecErrors {
    match parse("bad.toml", text) {
        Ok(_) => panic!("must be refused:\n{text}"),
        Err(errors) => errors,
    }
}

/// (The mistake, the text in the base spec, its replacement.)
type Case = (&'static str, &'static str, &'static str);

/// Each case spoils one place of the base spec. The snapshot lists the errors of each.
#[test]
fn catalogue() {
    let mut listing = String::new();
    for (what, from, to) in CASES {
        let errors = errors(&changed(from, to));
        write!(listing, "## {what}\n{errors}\n\n").unwrap();
    }
    for (what, text) in whole_texts() {
        let errors = errors(&text);
        write!(listing, "## {what}\n{errors}\n\n").unwrap();
    }
    insta::assert_snapshot!(listing);
}

/// A reference below the base spec; it is right.
const REFERENCE: &str = r#"
[[reference]]
stage = "final"
model = "fc-aux"
where = { learning_rate = 0.01, hidden = [150, 50, 20, 10] }
error = 0.2135
std = 0.0925
n = 10
source = "Table III"
"#;

/// (The mistake, the text in [`REFERENCE`], its replacement.)
const REFERENCES: &[Case] = &[
    ("a stage that is not there", "\"final\"", "\"finale\""),
    ("a stage that is nothing like one", "\"final\"", "\"tune\""),
    ("a model that is none", "\"fc-aux\"", "\"fc-auxiliary\""),
    ("a model that the stage does not train", "\"fc-aux\"", "\"fc\""),
    ("a value that the stage does not train", "learning_rate = 0.01", "learning_rate = 0.1"),
    ("values that it trains, but not together", "hidden = [150, 50, 20, 10]", "hidden = [150, 50]"),
    ("a hyper-parameter of another model", "hidden = [150, 50, 20, 10]", "tower_end = \"relu\""),
    ("a value that no model takes", "learning_rate = 0.01", "learning_rate = -1"),
    ("a grid", "learning_rate = 0.01", "learning_rate = { grid = [0.01] }"),
    ("values outside of where", "where = { learning_rate = 0.01, hidden = [150, 50, 20, 10] }", "learning_rate = 0.01"),
    ("where as a word", "{ learning_rate = 0.01, hidden = [150, 50, 20, 10] }", "\"learning_rate = 0.01\""),
    ("an error in per cent", "0.2135", "21.35"),
    ("no error", "error = 0.2135\n", ""),
    ("a negative deviation", "0.0925", "-0.0925"),
    ("a deviation over nobody knows how many", "n = 10\n", ""),
    ("a deviation over one value", "n = 10", "n = 1"),
    ("no source", "source = \"Table III\"\n", ""),
    ("an empty source", "\"Table III\"", "\" \""),
    ("a source that steers a terminal", "\"Table III\"", "\"Table III \\u001b[2J\""),
    ("a source that turns the direction of text", "\"Table III\"", "\"Table \u{202e}III\""),
    ("a source of two lines", "\"Table III\"", "\"Table III\\nof the paper\""),
    ("no pairs", "n = 10\n", "n = 10\npairs = 0\n"),
    ("no epochs", "n = 10\n", "n = 10\nepochs = 0\n"),
    ("a misspelt key", "source", "sources"),
    ("single brackets", "[[reference]]", "[reference]"),
];

#[test]
fn references_that_are_for_nothing() {
    let with = |reference: &str| format!("{BASE}{reference}");
    assert!(parse("good.toml", &with(REFERENCE)).is_ok());
    let mut listing = String::new();
    for (what, from, to) in REFERENCES {
        assert_eq!(REFERENCE.matches(from).count(), 1, "{from:?} must be in the reference once");
        let errors = errors(&with(&REFERENCE.replace(from, to)));
        write!(listing, "## {what}\n{errors}\n\n").unwrap();
    }
    let many = with(&REFERENCE.repeat(257));
    write!(listing, "## too many\n{}\n\n", errors(&many)).unwrap();
    // The references of an unreadable stage are not reported.
    let spoilt = with(REFERENCE).replace("learning_rate = 0.1\n", "learning_rate = 0\n");
    write!(listing, "## a spoilt stage\n{}\n\n", errors(&spoilt)).unwrap();
    insta::assert_snapshot!(listing);
}

/// (The mistake, the `race` of a stage with ten folds that selects.)
const RACES: &[(&str, &str)] = &[
    ("an unknown rule", "\"fridman\""),
    ("a rule that is nothing like one", "\"hyperband\""),
    ("a flag", "true"),
    ("no rule", "{ first = 3 }"),
    ("an unknown rule in a table", "{ rule = \"half\", first = 3, keep = 0.5 }"),
    ("a key of the other rule", "{ rule = \"halving\", alpha = 0.05 }"),
    ("a misspelt key", "{ rule = \"friedman\", frist = 4 }"),
    ("a test of one fold", "{ rule = \"friedman\", first = 1 }"),
    ("no fold", "{ rule = \"halving\", first = 0 }"),
    ("the last fold", "{ rule = \"halving\", first = 10 }"),
    ("more folds than there are", "{ rule = \"friedman\", first = 11 }"),
    ("far too many folds", "{ rule = \"friedman\", first = 1001 }"),
    ("half a fold", "{ rule = \"friedman\", first = 2.5 }"),
    ("level 0", "{ rule = \"friedman\", alpha = 0 }"),
    ("level 1", "{ rule = \"friedman\", alpha = 1 }"),
    ("a level in per cent", "{ rule = \"friedman\", alpha = 5 }"),
    ("a level that is no number", "{ rule = \"friedman\", alpha = nan }"),
    ("a level in quotes", "{ rule = \"friedman\", alpha = \"0.05\" }"),
    ("keeping nobody", "{ rule = \"halving\", keep = 0 }"),
    ("keeping all", "{ rule = \"halving\", keep = 1.0 }"),
    ("several mistakes", "{ rule = \"halving\", first = 0, keep = 2, alpha = 1 }"),
];

#[test]
fn races_that_cannot_be_run() {
    let with = |stage: &str| changed("evaluation = \"holdout\"", stage);
    let stage = "evaluation = { folds = 10 }\nselect = \"lowest\"\nrace = ";
    assert!(parse("good.toml", &with(&format!("{stage}\"friedman\""))).is_ok());
    let mut listing = String::new();
    for (what, race) in RACES {
        write!(listing, "## {what}\n{}\n\n", errors(&with(&format!("{stage}{race}")))).unwrap();
    }
    for (what, stage) in [
        ("nothing to win", "evaluation = { folds = 10 }\nrace = \"friedman\""),
        ("no folds", "evaluation = \"holdout\"\nselect = \"lowest\"\nrace = \"halving\""),
        ("neither", "evaluation = \"holdout\"\nrace = \"halving\""),
        (
            "too few folds for the usual first rung",
            "evaluation = { folds = 3 }\nselect = \"lowest\"\nrace = \"friedman\"",
        ),
        ("two folds, to be halved", "evaluation = { folds = 2 }\nselect = \"lowest\"\nrace = \"halving\""),
        ("two folds, to be tested", "evaluation = { folds = 2 }\nselect = \"lowest\"\nrace = \"friedman\""),
        (
            "a wrong rule of selection takes no blame for the race",
            "evaluation = { folds = 9 }\nselect = \"best\"\nrace = \"halving\"",
        ),
        ("wrong folds neither", "evaluation = { folds = 1 }\nselect = \"lowest\"\nrace = \"halving\""),
    ] {
        write!(listing, "## {what}\n{}\n\n", errors(&with(stage))).unwrap();
    }
    insta::assert_snapshot!(listing);
}

/// A grid with too many configurations to expand, and a reference that only an expansion could check.
#[test]
fn a_vast_stage_is_not_expanded_for_its_references() {
    let rate: String = (1..=200).map(|value| format!("{value}, ")).collect();
    let axes = format!("learning_rate = {{ grid = [{rate}] }}\nbatch_size = {{ grid = [{rate}] }}\nhidden");
    let vast =
        changed("learning_rate = { grid = [0.01, 0.005] }\nbatch_size = 20\nhidden", &axes).replace("1..=3", "1..=30");
    let errors = errors(&format!("{vast}{REFERENCE}"));
    assert_eq!(errors.errors().len(), 1, "{errors}");
}

const CASES: &[Case] = &[
    // Keys.
    ("a misspelt key", "learning_rate = 0.1", "learning_rat = 0.1"),
    ("a misspelt axis", "learning_rate = {", "learning_rat = {"),
    ("another style", "batch_size = 20\nhidden", "batchSize = 20\nhidden"),
    ("a key of another model", "model = \"cnn\"\n", "model = \"cnn\"\nauxiliary_weight = 0.3\n"),
    ("an unknown hyper-parameter", "model = \"cnn\"\n", "model = \"cnn\"\nnesterov = true\n"),
    ("an unknown key of the study", "name = \"base\"\n", "name = \"base\"\nseeds = 3\n"),
    ("an unknown key of the data set", "seed = 0\n", "seeds = 0\n"),
    ("an unknown key of a stage", "seeds =", "seed ="),
    ("an unknown key of stop", "max_epochs", "max_epoch"),
    ("a key in capitals", "normalize =", "NORMALIZE ="),
    ("an unknown key of evaluation", "\"holdout\"", "{ fold = 10 }"),
    ("an unknown key of an axis", "{ grid =", "{ values ="),
    ("a key beside grid", "{ grid = [0.01, 0.005] }", "{ grid = [0.01], scale = \"log\" }"),
    ("a key twice", "learning_rate = 0.1\n", "learning_rate = 0.1\nlearning_rate = 0.2\n"),
    ("a flag as a word", "seeds = \"1..=3\"", "seeds = \"1..=3\"\nkeep_weights = \"yes\""),
    ("a flag as a number", "seeds = \"1..=3\"", "seeds = \"1..=3\"\nkeep_weights = 1"),
    ("a misspelt flag", "seeds = \"1..=3\"", "seeds = \"1..=3\"\nkeep_weight = true"),
    // Missing.
    ("no name", "name = \"base\"\n", ""),
    ("no data set", "[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 1000\ntest_pairs = 200\nseed = 0\n", ""),
    ("an empty data set", "kind = \"glyph-pairs\"\ntrain_pairs = 1000\ntest_pairs = 200\nseed = 0\n", ""),
    ("no name of a stage", "name = \"final\"\n", ""),
    ("no evaluation", "evaluation = \"holdout\"\n", ""),
    ("no seeds", "seeds = \"1..=3\"\n", ""),
    ("no stop", "stop = { loss_delta = 0.001, max_epochs = 300 }\n", ""),
    ("no max_epochs", ", max_epochs = 300", ""),
    ("an empty stop", "{ loss_delta = 0.001, max_epochs = 300 }", "{}"),
    ("no model", "model = \"cnn\"\n", ""),
    ("no learning rate", "learning_rate = 0.1\n", ""),
    ("no batch size", "batch_size = 20\nhidden", "hidden"),
    ("no folds", "\"holdout\"", "{}"),
    // Words.
    ("an unknown model", "\"cnn\"", "\"cnn-share\""),
    ("an unknown model, nothing like it", "\"cnn\"", "\"resnet\""),
    ("an unknown data set kind", "\"glyph-pairs\"", "\"glyphs\""),
    ("an unknown normalisation", "\"standardize\"", "\"standardise\""),
    ("an unknown evaluation", "\"holdout\"", "\"hold-out\""),
    ("folds as a word", "\"holdout\"", "\"10-fold\""),
    ("folds as a number", "\"holdout\"", "10"),
    // Names.
    ("a name with a slash", "\"base\"", "\"../base\""),
    ("a name with a space", "\"base\"", "\"my study\""),
    ("an empty name", "\"base\"", "\"\""),
    ("a name that looks like an option", "\"base\"", "\"-base\""),
    ("a name in another script", "\"base\"", "\"Größe\""),
    ("a long name", "\"base\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
    ("a number as a name", "\"final\"", "1"),
    // Hyper-parameters.
    ("learning rate 0", "learning_rate = 0.1", "learning_rate = 0"),
    ("learning rate 0.0", "learning_rate = 0.1", "learning_rate = 0.0"),
    ("a negative learning rate", "learning_rate = 0.1", "learning_rate = -0.1"),
    ("a negative whole learning rate", "learning_rate = 0.1", "learning_rate = -1"),
    ("learning rate NaN", "learning_rate = 0.1", "learning_rate = nan"),
    ("an infinite learning rate", "learning_rate = 0.1", "learning_rate = inf"),
    ("a learning rate beyond numbers", "learning_rate = 0.1", "learning_rate = 1e999"),
    ("a learning rate in quotes", "learning_rate = 0.1", "learning_rate = \"0.1\""),
    ("a learning rate as a word", "learning_rate = 0.1", "learning_rate = \"high\""),
    ("a learning rate as a flag", "learning_rate = 0.1", "learning_rate = true"),
    ("a learning rate as a date", "learning_rate = 0.1", "learning_rate = 1979-05-27"),
    ("learning rate 0 in a grid", "[0.01, 0.005]", "[0.01, 0, nan]"),
    ("batch size 0", "batch_size = 20\nhidden", "batch_size = 0\nhidden"),
    ("a broken batch size", "batch_size = 20\nhidden", "batch_size = 20.5\nhidden"),
    ("a vast batch size", "batch_size = 20\nhidden", "batch_size = 99999999999999999999\nhidden"),
    ("a batch larger than the set", "batch_size = 20\nhidden", "batch_size = 1001\nhidden"),
    (
        "batches larger than the set in a grid",
        "batch_size = 20\nhidden",
        "batch_size = { grid = [20, 2000, 3000] }\nhidden",
    ),
    ("dropout of everything", "auxiliary_weight = 0.3", "dropout = 1.0"),
    ("an auxiliary weight above 1", "auxiliary_weight = 0.3", "auxiliary_weight = 1.5"),
    ("no hidden layer", "hidden = [150, 50, 20, 10]", "hidden = []"),
    ("an empty hidden layer", "hidden = [150, 50, 20, 10]", "hidden = [150, 0]"),
    ("one number as hidden layers", "hidden = [150, 50, 20, 10]", "hidden = 150"),
    ("numbers in a grid of hidden layers", "hidden = [150, 50, 20, 10]", "hidden = { grid = [150, 50] }"),
    ("momentum of everything", "auxiliary_weight = 0.3", "momentum = 1"),
    ("a negative weight decay", "auxiliary_weight = 0.3", "weight_decay = -0.1"),
    ("an infinite weight decay", "auxiliary_weight = 0.3", "weight_decay = inf"),
    ("an unknown optimiser", "auxiliary_weight = 0.3", "optimiser = \"adamw\""),
    ("initial weights of 0", "auxiliary_weight = 0.3", "initial_scale = 0"),
    ("momentum beside adam", "auxiliary_weight = 0.3", "optimiser = \"adam\"\nmomentum = 0.9"),
    (
        "momentum beside adam in grids",
        "auxiliary_weight = 0.3",
        "momentum = { grid = [0, 0.5, 0.9] }\noptimiser = { grid = [\"sgd\", \"adam\"] }",
    ),
    // Axes.
    ("a bare list", "{ grid = [0.01, 0.005] }", "[0.01, 0.005]"),
    ("a bare list of lists", "hidden = [150, 50, 20, 10]", "hidden = [[150, 50], [100]]"),
    ("an empty grid", "{ grid = [0.01, 0.005] }", "{ grid = [] }"),
    ("a grid without a list", "{ grid = [0.01, 0.005] }", "{ grid = 0.01 }"),
    ("an empty axis", "{ grid = [0.01, 0.005] }", "{}"),
    ("a value twice in a grid", "[0.01, 0.005]", "[0.01, 0.005, 1e-2]"),
    ("1 and 1.0 in a grid", "[0.01, 0.005]", "[1, 1.0]"),
    ("an axis over models", "model = \"cnn\"", "model = { grid = [\"cnn\", \"fc\"] }"),
    (
        "a stage that varies its normalisation",
        "normalize = \"standardize\"",
        "normalize = { grid = [\"none\", \"scale\"] }",
    ),
    (
        "an unknown normalisation in a grid",
        "auxiliary_weight = 0.3",
        "normalize = { grid = [\"none\", \"standardise\"] }",
    ),
    ("normalisations in a bare list", "auxiliary_weight = 0.3", "normalize = [\"none\", \"scale\"]"),
    ("two forms of an axis", "{ grid = [0.01, 0.005] }", "{ grid = [0.01], choice = [0.1] }"),
    (
        "a zip of words",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [\"learning_rate\", \"auxiliary_weight\"]",
    ),
    ("a zip as a word", "auxiliary_weight = 0.3", "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = \"learning_rate\""),
    (
        "a zip of one axis",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[\"learning_rate\"]]",
    ),
    ("an empty zip", "auxiliary_weight = 0.3", "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[]]"),
    (
        "a zip of numbers",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[\"learning_rate\", 1]]",
    ),
    (
        "a zip of a misspelt axis",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[\"learning_rate\", \"auxilary_weight\"]]",
    ),
    (
        "a zip of an unknown axis",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[\"learning_rate\", \"nesterov\"]]",
    ),
    (
        "a zip of a value",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[\"learning_rate\", \"batch_size\"]]",
    ),
    (
        "a zip of a default",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[\"learning_rate\", \"dropout\"]]",
    ),
    (
        "a zip of a sampled axis",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { uniform = [0.1, 0.3] }\nsamples = 2\nzip = [[\"learning_rate\", \"auxiliary_weight\"]]",
    ),
    (
        "one axis in two zips",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\ndropout = { grid = [0, 0.5] }\nzip = [[\"learning_rate\", \"dropout\"], [\"auxiliary_weight\", \"dropout\"]]",
    ),
    (
        "one axis twice in a zip",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nzip = [[\"learning_rate\", \"learning_rate\"]]",
    ),
    (
        "zipped axes of different lengths",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2, 0.3] }\nzip = [[\"auxiliary_weight\", \"learning_rate\"]]",
    ),
    (
        "zipped values twice",
        "learning_rate = { grid = [0.01, 0.005] }\nbatch_size = 20\n",
        "learning_rate = { grid = [0.1, 0.01, 0.1] }\nbatch_size = { grid = [20, 20, 20] }\nzip = [[\"learning_rate\", \"batch_size\"]]\n",
    ),
    ("exclusions as a table", "auxiliary_weight = 0.3", "exclude = { learning_rate = 0.01 }"),
    ("exclusions as numbers", "auxiliary_weight = 0.3", "exclude = [0.01]"),
    ("an empty exclusion", "auxiliary_weight = 0.3", "exclude = [{}]"),
    ("an exclusion of an unknown axis", "auxiliary_weight = 0.3", "exclude = [{ learning_rat = 0.01 }]"),
    ("an exclusion of what is no axis", "auxiliary_weight = 0.3", "exclude = [{ batch_size = 20 }]"),
    ("an exclusion of a wrong value", "auxiliary_weight = 0.3", "exclude = [{ learning_rate = -0.01 }]"),
    ("an exclusion of an axis", "auxiliary_weight = 0.3", "exclude = [{ learning_rate = { grid = [0.01] } }]"),
    (
        "an exclusion of nothing",
        "auxiliary_weight = 0.3",
        "auxiliary_weight = { grid = [0.1, 0.2] }\nexclude = [{ learning_rate = 0.01, auxiliary_weight = 0.3 }]",
    ),
    (
        "an exclusion of everything",
        "auxiliary_weight = 0.3",
        "exclude = [{ learning_rate = 0.01 }, { learning_rate = 0.005 }]",
    ),
    ("a sampled axis without samples", "{ grid = [0.01, 0.005] }", "{ log_uniform = [0.001, 0.1] }"),
    ("samples of nothing", "auxiliary_weight = 0.3", "samples = 10\nsample_seed = 1"),
    ("no samples", "auxiliary_weight = 0.3", "dropout = { uniform = [0, 0.5] }\nsamples = 0"),
    ("too many samples", "auxiliary_weight = 0.3", "dropout = { uniform = [0, 0.5] }\nsamples = 10001"),
    (
        "a negative sample seed",
        "auxiliary_weight = 0.3",
        "dropout = { uniform = [0, 0.5] }\nsamples = 2\nsample_seed = -1",
    ),
    ("a range of lists", "hidden = [150, 50, 20, 10]", "hidden = { uniform = [10, 100] }\nsamples = 2"),
    ("a range of words", "auxiliary_weight = 0.3", "optimiser = { log_uniform = [\"sgd\", \"adam\"] }\nsamples = 2"),
    ("a range of three numbers", "auxiliary_weight = 0.3", "dropout = { uniform = [0, 0.5, 0.1] }\nsamples = 2"),
    ("a range of one number", "auxiliary_weight = 0.3", "dropout = { uniform = 0.5 }\nsamples = 2"),
    ("a backward range of numbers", "auxiliary_weight = 0.3", "dropout = { uniform = [0.5, 0.1] }\nsamples = 2"),
    ("a range of one value", "batch_size = 20\nhidden", "batch_size = { log_uniform = [20, 20] }\nsamples = 2\nhidden"),
    ("a log-uniform range from 0", "auxiliary_weight = 0.3", "weight_decay = { log_uniform = [0, 0.1] }\nsamples = 2"),
    ("a range beyond what is allowed", "auxiliary_weight = 0.3", "dropout = { uniform = [0, 1] }\nsamples = 2"),
    (
        "a range of batches larger than the set",
        "batch_size = 20\nhidden",
        "batch_size = { uniform = [10, 2000] }\nsamples = 2\nhidden",
    ),
    ("an empty choice", "auxiliary_weight = 0.3", "dropout = { choice = [] }\nsamples = 2"),
    ("a value twice in a choice", "auxiliary_weight = 0.3", "dropout = { choice = [0.5, 0.5] }\nsamples = 2"),
    ("more samples than there are", "auxiliary_weight = 0.3", "dropout = { choice = [0, 0.25, 0.5] }\nsamples = 4"),
    (
        "samples that rounding makes equal",
        "auxiliary_weight = 0.3",
        "dropout = { uniform = [0.5, 0.5002] }\nsamples = 4",
    ),
    // Seeds.
    ("a backward range", "\"1..=3\"", "\"10..=1\""),
    ("a backward exclusive range", "\"1..=3\"", "\"10..1\""),
    ("an empty range", "\"1..=3\"", "\"5..5\""),
    ("an empty list of seeds", "\"1..=3\"", "[]"),
    ("no seeds in the text", "\"1..=3\"", "\"\""),
    ("a mathematician's range", "\"1..=3\"", "\"1-3\""),
    ("a range without quotes", "\"1..=3\"", "1..=3"),
    ("an exclusive range without quotes", "\"1..=3\"", "1..3"),
    ("a range with blanks and without quotes", "\"1..=3\"", "1 .. 3"),
    ("a range in a list without quotes", "\"1..=3\"", "[1..3]"),
    ("a mathematician's range without quotes", "\"1..=3\"", "1-3"),
    ("a slice", "\"1..=3\"", "1:3"),
    ("seeds without brackets", "\"1..=3\"", "1, 2, 3"),
    ("a call", "\"1..=3\"", "range(3)"),
    ("a negative seed", "\"1..=3\"", "-1"),
    ("a broken seed", "\"1..=3\"", "1.5"),
    ("seeds as a table", "\"1..=3\"", "{ from = 1, to = 3 }"),
    ("a seed twice", "\"1..=3\"", "[1, 2, \"2..=4\"]"),
    ("too many seeds", "\"1..=3\"", "\"1..=10001\""),
    ("too many draws", "\"1..=3\"", "1\ndata_seeds = \"1..=65\""),
    ("no draws", "\"1..=3\"", "1\ndata_seeds = []"),
    ("far too many seeds", "\"1..=3\"", "\"0..=9223372036854775807\""),
    ("several wrong seeds", "\"1..=3\"", "[\"3..1\", -4, true, \"x\"]"),
    // Stop rules.
    ("a negative loss delta", "loss_delta = 0.001", "loss_delta = -0.001"),
    ("loss delta NaN", "loss_delta = 0.001", "loss_delta = nan"),
    ("an infinite loss delta", "loss_delta = 0.001", "loss_delta = inf"),
    ("no epochs", "max_epochs = 300", "max_epochs = 0"),
    ("too many epochs", "max_epochs = 300", "max_epochs = 100001"),
    ("epochs with a point", "max_epochs = 300", "max_epochs = 300.0"),
    ("a minimum above the maximum", "max_epochs = 300", "max_epochs = 300, min_epochs = 301"),
    ("patience above the maximum", "max_epochs = 300", "max_epochs = 300, patience = 301"),
    ("no patience", "max_epochs = 300", "max_epochs = 300, patience = 0"),
    ("a full loss drop", "max_epochs = 300", "max_epochs = 300, loss_drop = 1"),
    (
        "a row's maximum below the stage's minimum",
        "batch_size = 20\nhidden",
        "batch_size = 20\nstop = { min_epochs = 400 }\nhidden",
    ),
    ("stop as a number", "{ loss_delta = 0.001, max_epochs = 300 }", "300"),
    // Data.
    ("no training pairs", "train_pairs = 1000", "train_pairs = 0"),
    ("negative training pairs", "train_pairs = 1000", "train_pairs = -5"),
    ("test pairs in quotes", "test_pairs = 200", "test_pairs = \"200\""),
    ("too many pairs to draw", "train_pairs = 1000", "train_pairs = 100001"),
    ("a negative data seed", "seed = 0\n", "seed = -1\n"),
    // Folds.
    ("one fold", "\"holdout\"", "{ folds = 1 }"),
    ("a negative number of folds", "\"holdout\"", "{ folds = -10 }"),
    ("far too many folds", "\"holdout\"", "{ folds = 1001 }"),
    // Shape.
    ("single brackets for a stage", "[[stage]]", "[stage]"),
    (
        "a model as a word",
        "[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = 0.1\nbatch_size = 20\n\n[[stage.model]]\nmodel = \"fc-aux\"\n",
        "model = \"fc-aux\"\n",
    ),
    ("double brackets for the data set", "[dataset]", "[[dataset]]"),
    (
        "the data set as a word",
        "[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 1000\ntest_pairs = 200\nseed = 0\n",
        "dataset = \"glyph-pairs\"\n",
    ),
    // TOML itself.
    ("no value", "learning_rate = 0.1", "learning_rate ="),
    ("no closing quote", "\"glyph-pairs\"", "\"glyph-pairs"),
    ("no quotes", "\"glyph-pairs\"", "glyph-pairs"),
    ("no closing bracket", "[dataset]", "[dataset"),
    ("a space in a key", "learning_rate = 0.1", "learning rate = 0.1"),
    ("two mistakes of syntax", "kind = \"glyph-pairs\"\ntrain_pairs = 1000", "kind = = 1\ntrain_pairs 1000"),
];

/// Wrong specs that differ from the base spec in more than one place.
fn whole_texts() -> Vec<(&'static str, String)> {
    let head = &BASE[..BASE.find("[[stage]]").unwrap()];
    let stage = &BASE[BASE.find("[[stage]]").unwrap()..];
    let bare = &stage[..stage.find("[[stage.model]]").unwrap()];
    let cnn =
        "[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = { grid = [1, 0.1] }\nbatch_size = { grid = [5, 20] }\n";
    let folds = |folds: u32, batch: u32| {
        changed("\"holdout\"", &format!("{{ folds = {folds} }}"))
            .replace("batch_size = 20", &format!("batch_size = {batch}"))
    };
    let mnist = changed("\"glyph-pairs\"", "\"mnist-pairs\"")
        .replace("train_pairs = 1000", "train_pairs = 30001")
        .replace("test_pairs = 200", "test_pairs = 5001");
    let wide: String = (1..=257).map(|value| format!("{value}, ")).collect();
    let rate: String = (1..=200).map(|value| format!("{value}, ")).collect();
    let product = format!("learning_rate = {{ grid = [{rate}] }}\nbatch_size = {{ grid = [{rate}] }}\n");
    let rows = |count: u32| -> String {
        let row = |batch| {
            format!("[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = {{ grid = [{rate}] }}\nbatch_size = {batch}\n")
        };
        (1..=count).map(row).collect()
    };
    vec![
        ("an empty file", String::new()),
        ("no stage", head.to_owned()),
        ("an empty list of stages", format!("stage = []\n{head}")),
        ("stage as a number", format!("stage = 3\nstages = 3\n{head}")),
        ("no rows", format!("{head}{bare}")),
        ("an empty list of rows", format!("{head}{bare}model = []\n")),
        ("two stages of one name", format!("{BASE}\n{stage}")),
        ("a row that an earlier one holds", format!("{BASE}\n{cnn}")),
        ("a batch larger than a fold's training part", folds(10, 901)),
        ("more folds than pairs", folds(3, 20).replace("train_pairs = 1000", "train_pairs = 2")),
        ("more pairs than images", mnist),
        (
            "a large batch beside a wrong kind of data",
            changed("\"glyph-pairs\"", "1").replace("batch_size = 20\nh", "batch_size = 1001\nh"),
        ),
        (
            "lines and colours in texts",
            changed("\"base\"", "\"a\\nb\\u001b[31m\"").replace("seed = 0", "\"se\\ned\" = 0"),
        ),
        ("too many values in a grid", changed("[0.01, 0.005]", &format!("[{wide}]"))),
        ("too many configurations in a row", format!("{head}{bare}[[stage.model]]\nmodel = \"cnn\"\n{product}")),
        ("too many configurations in a stage", format!("{head}{bare}{}", rows(51))),
        ("too many units", format!("{head}{bare}{}", rows(26)).replace("1..=3", "1..=200")),
        ("too many rows", format!("{head}{bare}{}", cnn.repeat(257))),
        ("too many stages", format!("{head}{}", bare.repeat(65))),
        ("a long file", format!("{BASE}{}", "#\n".repeat(200_000))),
        ("bytes that are not text", format!("{BASE}\u{0}\n")),
    ]
}

/// A file with many different mistakes: each is reported, in the order of the file.
const MANY: &str = r#"name = "my study"

[dataset]
kind = "mnist"
train_pairs = 1000

[[stage]]
name = "final"
evaluation = "holdout"
seeds = "10..=1"
stop = { loss_delta = 0.001, max_epochs = 300 }
normalize = "standardize"

[[stage.model]]
model = "cnn"
learning_rat = 0.1
batch_size = [20, 50]

[[stage.model]]
model = "fc"
learning_rate = { grid = [1, 0.1, 1.0] }
batch_size = 20
"#;

#[test]
fn many_at_once() {
    let errors = errors(MANY);
    insta::assert_snapshot!("many_list", errors);
    insta::assert_snapshot!("many_plain", errors.render(Look::Plain, 110));
    insta::assert_snapshot!("many_monochrome", errors.render(Look::Monochrome, 110));
    let coloured = errors.render(Look::Colour, 110);
    assert!(coloured.contains("\u{1b}["), "colours are escape codes");
    assert!(errors.render(Look::Plain, 110).is_ascii());
    assert!(!errors.render(Look::Monochrome, 110).contains('\u{1b}'));
    // Messages fit narrow terminals without a cut word; lines of the spec stay unchanged.
    let narrow = errors.render(Look::Plain, 60);
    assert!(narrow.lines().any(|line| crate::terminal::columns(line) > 50), "{narrow}");
    for error in errors.errors() {
        let words = |text: &str| text.split_whitespace().all(|word| narrow.split_whitespace().any(|part| part == word));
        assert!(words(&error.to_string()), "{error} in\n{narrow}");
    }
}

/// The (line, column) of every error of [`MANY`].
#[test]
fn places_are_exact() {
    let places: Vec<(usize, usize)> = errors(MANY).errors().iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(places, [(1, 8), (3, 1), (4, 8), (10, 9), (16, 1), (17, 14), (21, 35)]);
}
