//! Kept weights with the real binaries: they are complete, change no result, and give the right predictions.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use seedgrid_common::{
    classification::Binary,
    data::{
        Dataset,
        encode::decode,
        folds::{Scored, split},
        pairs::{PAIR_PIXELS, Pairs},
    },
    training::{Ending, Scores, UnitResult},
    unit::UnitId,
    wire::blob::BlobDigest,
};
use seedgrid_coordinator::{
    plan::Prepared,
    run_directory::RunDirectory,
    store::{KeptWeights, Store},
};
use seedgrid_tests::{
    csv,
    process::{Ended, Running, finish, seedgrid, worker},
    study::{Scratch, holdout},
};
use serde_json::Value;

fn keeping(text: &str) -> String {
    text.replace("evaluation =", "keep_weights = true\nevaluation =")
}

/// A run directory, as the tests read it.
struct Run {
    root: PathBuf,
    results: BTreeMap<UnitId, UnitResult>,
    kept: BTreeMap<UnitId, KeptWeights>,
    prepared: Prepared,
}

impl Run {
    fn read(scratch: &Scratch, name: &str) -> Self {
        let directory = RunDirectory::existing(scratch.path(name)).unwrap();
        let store = Store::open_to_read(&directory.database()).unwrap();
        let prepared = Prepared::stored(&directory, &store).unwrap();
        let (results, kept) = (store.results().unwrap(), store.weights().unwrap());
        Self { root: directory.root().to_owned(), results, kept, prepared }
    }

    fn scores(&self, unit: UnitId) -> &Scores {
        match &self.results[&unit].ending {
            Ending::Done(scores) => scores,
            Ending::Diverged { epoch } => panic!("diverged in epoch {epoch}"),
        }
    }

    fn file(&self, unit: UnitId) -> PathBuf {
        self.root.join(format!("weights/{unit}.safetensors"))
    }

    fn dataset(&self) -> Dataset {
        decode(fs::read(self.root.join("datasets").join(&self.prepared.draws.first().digest)).unwrap().into()).unwrap()
    }

    /// Every file of kept weights by its name.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.root.join("weights")).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
    }

    /// Checks that each unit with a score has its weights, as the store and attempts.csv list them, and that there
    /// is no other file.
    fn is_whole(&self) {
        let files = self.files();
        let done: Vec<UnitId> = self
            .results
            .iter()
            .filter(|(_, result)| matches!(result.ending, Ending::Done(_)))
            .map(|(unit, _)| *unit)
            .collect();
        assert_eq!(
            files.keys().cloned().collect::<Vec<_>>(),
            done.iter().map(|unit| format!("{unit}.safetensors")).collect::<Vec<_>>()
        );
        let attempts = csv::records(&fs::read_to_string(self.root.join("report/attempts.csv")).unwrap());
        for unit in done {
            let (bytes, kept) = (&files[&format!("{unit}.safetensors")], self.kept[&unit]);
            assert_eq!((kept.digest, kept.bytes), (BlobDigest::compute(bytes), bytes.len() as u64));
            let gave = |told: &&BTreeMap<String, String>| told["unit"] == unit.to_string() && told["ending"] == "done";
            let told = attempts.iter().find(gave).unwrap();
            assert_eq!(told["weights_sha256"], kept.digest.to_string());
            assert_eq!(BlobDigest::compute(&fs::read(self.root.join(&told["weights_file"])).unwrap()), kept.digest);
        }
        assert_eq!(fs::read_dir(self.root.join("weights/.arriving")).unwrap().count(), 0, "nothing is on its way");
    }
}

fn predict(weights: &[PathBuf], input: &[&str]) -> Ended {
    finish(worker(["predict", "--weights"]).args(weights).args(input))
}

/// One line of the table of predictions.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    network: String,
    pair: usize,
    score: f64,
    probability: f64,
    class: u8,
    digits: Option<[u8; 2]>,
    label: Option<u8>,
}

fn lines(csv: &str) -> Vec<Line> {
    let (head, rest) = csv.split_once('\n').unwrap();
    assert_eq!(head, "network,pair,score,probability,class,first_digit,second_digit,label");
    rest.lines()
        .map(|line| {
            let [network, pair, score, probability, class, first, second, label] =
                line.split(',').collect::<Vec<_>>()[..]
            else {
                panic!("eight columns: {line}")
            };
            let digits = (!first.is_empty()).then(|| [first, second].map(|digit| digit.parse().unwrap()));
            Line {
                network: network.to_owned(),
                pair: pair.parse().unwrap(),
                score: score.parse().unwrap(),
                probability: probability.parse().unwrap(),
                class: class.parse().unwrap(),
                digits,
                label: (!label.is_empty()).then(|| label.parse().unwrap()),
            }
        })
        .collect()
}

fn shown_scores(lines: &[Line]) -> Vec<f64> {
    lines.iter().map(|line| line.score).collect()
}

/// The scores by which reports rank a unit's pairs.
fn own_scores(scores: &Scores) -> Vec<f64> {
    Binary::all(&scores.outputs).unwrap().iter().map(Binary::score).collect()
}

#[test]
fn kept_weights_give_the_results_predictions_again_bit_by_bit() {
    let scratch = Scratch::new();
    let models = ["cnn", "cnn-shared", "cnn-shared-aux", "fc", "fc-aux"];
    let spec = scratch.write("spec.toml", &keeping(&holdout(&models, "1..=2", 2)));
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let run = Run::read(&scratch, "run");
    run.is_whole();
    assert_eq!(run.kept.len(), 10);
    let data = run.root.display().to_string();
    for (id, unit) in run.prepared.plan.units() {
        let shown = predict(&[run.file(id)], &["--data", &data]);
        assert_eq!(shown.code(), 0, "{}", shown.stderr);
        let (lines, scores) = (lines(&shown.stdout), run.scores(id));
        assert_eq!(shown_scores(&lines), own_scores(scores), "{}", unit.label());
        assert!(lines.iter().all(|line| line.network == id.to_string()));
        let wrong = lines.iter().filter(|line| Some(line.class) != line.label).count();
        assert_eq!(wrong, scores.wrong as usize);
        assert_eq!(lines[0].digits.is_some(), unit.configuration.model.ends_with("aux"), "{}", unit.label());
        let said = format!("error {:.4} ({wrong} of 100 pairs)", scores.error());
        assert!(shown.stderr.contains(&said), "{said:?} is missing in: {}", shown.stderr);
    }
    together(&run, &data);
}

/// Checks that several networks predict by the mean of their probabilities, as reports average seeds.
fn together(run: &Run, data: &str) {
    let ids: Vec<UnitId> = run.prepared.plan.units().into_keys().collect();
    let files: Vec<PathBuf> = ids.iter().map(|id| run.file(*id)).collect();
    let networks: Vec<Vec<Binary>> = ids.iter().map(|id| Binary::all(&run.scores(*id).outputs).unwrap()).collect();
    let means: Vec<Binary> = (0..100)
        .map(|pair| Binary::average(&networks.iter().map(|one| one[pair]).collect::<Vec<_>>()).unwrap())
        .collect();
    let all = lines(&predict(&files, &["--data", data]).stdout);
    for (pair, (line, mean)) in all.iter().zip(&means).enumerate() {
        assert_eq!((line.network.as_str(), line.score, line.class), ("ensemble", mean.score(), mean.class()));
        let probability = networks.iter().map(|one| one[pair].probability()).sum::<f64>() / 10.0;
        assert!((line.probability - probability).abs() < 1e-14, "{line:?}");
    }
    assert!(all[0].digits.is_some(), "by those that name digits");
    let each = lines(&predict(&files, &["--data", data, "--each"]).stdout);
    assert_eq!(each.len(), 11 * 100);
    assert_eq!(each[10 * 100..], all);
    assert_eq!(shown_scores(&each[..100]), own_scores(run.scores(ids[0])));

    let output = run.root.join("predictions.json");
    let path = output.display().to_string();
    let written = predict(&files, &["--data", data, "--each", "--format", "json", "--output", &path]);
    assert_eq!((written.code(), written.stdout.as_str()), (0, ""), "{}", written.stderr);
    let json: Value = serde_json::from_str(&fs::read_to_string(&output).unwrap()).unwrap();
    seedgrid_tests::schemas::assert_valid(&json);
    assert_eq!(json["schema"], "seedgrid.predictions/1");
    assert_eq!(json["data"]["digest"], run.prepared.draws.first().digest.as_str());
    assert_eq!((&json["data"]["part"], &json["data"]["pairs"]), (&"test".into(), &100.into()));
    assert_eq!(json["networks"].as_array().unwrap().len(), 10);
    assert_eq!(json["networks"][3]["wrong"], run.scores(ids[3]).wrong);
    assert_eq!(json["networks"][3]["predictions"][7]["score"], networks[3][7].score());
    assert_eq!(json["ensemble"]["networks"], 10);
    assert_eq!(json["ensemble"]["predictions"][7]["score"], means[7].score());
}

#[test]
fn a_folds_weights_give_its_validation_predictions_again() {
    let scratch = Scratch::new();
    let text = keeping(&holdout(&["fc-aux", "cnn"], "1", 2)).replace("\"holdout\"", "{ folds = 4 }");
    let spec = scratch.write("spec.toml", &text);
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let run = Run::read(&scratch, "run");
    run.is_whole();
    let (dataset, data) = (run.dataset(), run.root.display().to_string());
    for (id, unit) in run.prepared.plan.units() {
        let shown = predict(&[run.file(id)], &["--data", &data, "--part", "train"]);
        let all = shown_scores(&lines(&shown.stdout));
        assert!(shown.stderr.contains("trained on these pairs"), "{}", shown.stderr);
        let Scored::Validation(pairs) = split(&dataset, unit.fold).unwrap().scored else { panic!("a fold") };
        let own: Vec<f64> = pairs.iter().map(|pair| all[*pair as usize]).collect();
        assert_eq!(own, own_scores(run.scores(id)), "{}", unit.label());
    }
}

/// An IDX file of unsigned bytes.
fn idx(path: &Path, sizes: &[usize], elements: Vec<u8>) -> String {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| (*size as u32).to_be_bytes()));
    bytes.extend(elements);
    fs::write(path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn images_of_ones_own_are_scored() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &keeping(&holdout(&["cnn-shared-aux"], "1", 2)));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let run = Run::read(&scratch, "run");
    let (id, test) = (*run.kept.keys().next().unwrap(), Pairs::from_examples(&run.dataset().test).unwrap());
    let file = [run.file(id)];
    let expected = lines(&predict(&file, &["--data", &run.root.display().to_string()]).stdout);

    // Drawn glyphs have whole grey values, which fit into bytes.
    let pixels: Vec<u8> = test.pixels.iter().map(|&value| value as u8).collect();
    let small = idx(&scratch.path("small"), &[200, 14, 14], pixels.clone());
    let digits = idx(&scratch.path("digits"), &[200], test.digits.iter().flatten().copied().collect());
    let labelled = predict(&file, &["--pairs", &small, "--labels", &digits]);
    assert_eq!(lines(&labelled.stdout), expected);
    let bare = predict(&file, &["--pairs", &small]);
    assert!(!bare.stderr.contains("error"), "nobody knows the labels: {}", bare.stderr);
    let without: Vec<Line> = expected.iter().map(|line| Line { label: None, ..line.clone() }).collect();
    assert_eq!(lines(&bare.stdout), without);

    // Each pixel four times: pooling restores the original.
    let doubled: Vec<u8> =
        pixels.chunks(196).flat_map(|image| (0..784).map(|pixel| image[pixel / 56 * 14 + pixel % 28 / 2])).collect();
    assert_eq!(test.pixels.len(), 100 * PAIR_PIXELS);
    let large = idx(&scratch.path("large"), &[200, 28, 28], doubled);
    assert_eq!(lines(&predict(&file, &["--pairs", &large]).stdout), without);
    errors(&scratch, &run, &file[0], &small);
}

/// Checks the errors about wrong files: exit code 2 and a hint.
fn errors(scratch: &Scratch, run: &Run, good: &Path, pairs: &str) {
    let bytes = fs::read(good).unwrap();
    let refused = |name: &str, bytes: &[u8], words: &[&str]| {
        let path = scratch.path(name);
        fs::write(&path, bytes).unwrap();
        let ended = predict(&[path], &["--pairs", pairs]);
        assert_eq!((ended.code(), ended.stdout.as_str()), (2, ""), "{name}: {}", ended.stderr);
        for word in [&["error: cannot use the weights in", "hint:"], words].concat() {
            assert!(ended.stderr.contains(word), "{name}: {word:?} is missing in {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    };
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len(), "offsets stay");
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[at..at + from.len()].copy_from_slice(to.as_bytes());
        changed
    };
    refused("empty", b"", &["truncated"]);
    refused("cut", &bytes[..bytes.len() - 1], &["truncated"]);
    refused("head", &bytes[..100], &["truncated"]);
    refused("long", &[&bytes[..], b"x"].concat(), &["truncated"]);
    refused("text", b"these are no weights at all, but a text", &["not a safetensors file"]);
    refused("foreign", &replaced("\"seedgrid\":", "\"tinygrad\":"), &["not one of Seedgrid's"]);
    refused("later", &replaced("seedgrid.weights/1", "seedgrid.weights/2"), &["seedgrid.weights/2"]);
    let revision = replaced("kernels_revision\\\":1", "kernels_revision\\\":9");
    refused("kernels", &revision, &["revision 9 of the kernels", "use the version of Seedgrid"]);
    let revision = replaced("model_revision\\\":1", "model_revision\\\":7");
    refused("model", &revision, &["revision 7 of the model `cnn-shared-aux`"]);
    refused("seed", &replaced("\\\"seed\\\":1", "\\\"seed\\\":2"), &["damaged", "its content is that of unit"]);
    refused("shape", &replaced("[32,1,3,3]", "[16,2,3,3]"), &["tensor `conv1.weight`", "[32, 1, 3, 3]"]);
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    refused("flipped", &flipped, &["damaged", "attempts.csv"]);

    let twice = predict(&[good.to_owned(), good.to_owned()], &["--pairs", pairs]);
    assert!(twice.code() == 2 && twice.stderr.contains("the same unit's weights"), "{}", twice.stderr);
    let elsewhere = predict(&[good.to_owned()], &["--pairs", &good.display().to_string()]);
    assert!(elsewhere.code() == 2 && elsewhere.stderr.contains("no IDX file of images"), "{}", elsewhere.stderr);
    let nowhere = predict(&[good.to_owned()], &["--data", "no/such/run"]);
    assert!(nowhere.code() == 2 && nowhere.stderr.contains("no/such/run"), "{}", nowhere.stderr);
    let full = predict(&[good.to_owned()], &["--pairs", pairs, "--output", "/proc/predictions"]);
    assert!(full.code() == 1 && full.stderr.contains("cannot write to /proc/predictions"), "{}", full.stderr);
    let join = finish(worker(["--join", "a", "predict", "--weights", "a", "--data"]).arg(&run.root));
    assert_eq!(join.code(), 2, "{}", join.stderr);
}

#[test]
fn killed_at_any_instant_it_keeps_the_same_bytes() {
    let scratch = Scratch::new();
    let text = keeping(&holdout(&["fc-aux", "fc", "cnn"], "1..=8", 12));
    let spec = scratch.write("spec.toml", &text);
    assert_eq!(finish(&mut scratch.run_with_slots(&spec, "undisturbed", 1)).code(), 0);
    let undisturbed = Run::read(&scratch, "undisturbed");
    undisturbed.is_whole();
    for after in [1, 4, 8] {
        let killed = Running::start(&mut scratch.run(&spec, "run")).is_killed_after("after 12 epochs", after);
        assert!(killed || after > 1, "the first kill comes with 23 units to go");
        let killed = Run::read(&scratch, "run");
        for (name, bytes) in killed.files() {
            let unit: UnitId = name.strip_suffix(".safetensors").unwrap().parse().unwrap();
            assert_eq!(BlobDigest::compute(&bytes), killed.kept[&unit].digest, "whole, and of a committed result");
        }
    }
    let last = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(last.code(), 0, "{}", last.stderr);
    let run = Run::read(&scratch, "run");
    run.is_whole();
    assert_eq!(run.files(), undisturbed.files(), "the same bytes, whatever happened");
    assert_eq!(scratch.report("run", "report.json"), scratch.report("undisturbed", "report.json"));
    // Keeping weights changes no result.
    scratch.write("spec.toml", &text.replace("keep_weights = true\n", ""));
    assert_eq!(finish(&mut scratch.run(&spec, "without")).code(), 0);
    assert_eq!(scratch.report("without", "report.json"), scratch.report("undisturbed", "report.json"));
    assert!(!scratch.path("without/weights").exists());
}

#[test]
fn a_killed_worker_and_a_killed_coordinator_lose_no_weights() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &keeping(&holdout(&["fc-aux", "cnn"], "1..=8", 12)));
    let serve = || {
        let mut command = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
        command.arg(&spec).arg("--run-dir").arg(scratch.path("run"));
        let serving = Running::start(&mut command);
        serving.until_stderr("seedgrid-worker --join", 1);
        serving
    };
    let joins = |name: &str| {
        let mut command = worker(["--slots", "1"]);
        Running::start(command.arg("--join").arg(scratch.path("run/join.toml")).arg("--cache").arg(scratch.path(name)))
    };
    let first = serve();
    let (doomed, survivor) = (joins("doomed"), joins("survivor"));
    first.until_stderr("after 12 epochs", 2);
    doomed.kill_hard();
    first.kill_hard();
    let second = serve();
    survivor.until_stderr("reconnected", 1);
    let ended = second.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(survivor.wait().code(), 0);
    let run = Run::read(&scratch, "run");
    assert_eq!(run.results.len(), 16);
    run.is_whole();
}

#[test]
fn units_trained_before_are_not_trained_again_for_their_weights() {
    let scratch = Scratch::new();
    let text = holdout(&["fc"], "1..=2", 2);
    let spec = scratch.write("spec.toml", &text);
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    scratch.write("spec.toml", &keeping(&text.replace("1..=2", "1..=3")));
    let note = "the weights of 2 units were not kept: they had a result before keep_weights was set. To have them, run the study \
                in a new run directory (--run-dir DIR)";
    let plan = |format: &str| {
        let mut command = seedgrid(["plan", "--format", format]);
        let said = finish(command.arg(&spec).arg("--run-dir").arg(scratch.path("run"))).stdout;
        // On one line, however wide the screen is.
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(plan("text").contains(note), "{}", plan("text"));
    let json: Value = serde_json::from_str(&plan("json")).unwrap();
    assert_eq!(json["weights"], serde_json::json!({ "wanted": 3, "kept": 0, "not_kept": 2, "gone": 0 }));
    let grown = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(grown.code(), 0, "{}", grown.stderr);
    assert!(grown.stderr.contains(note), "{}", grown.stderr);
    assert_eq!(grown.stderr.matches("after 2 epochs").count(), 1, "{}", grown.stderr);
    let run = Run::read(&scratch, "run");
    assert_eq!((run.files().len(), run.kept.len()), (1, 1));
    // The advice in the message works.
    assert_eq!(finish(&mut scratch.run(&spec, "new")).code(), 0);
    Run::read(&scratch, "new").is_whole();
    fs::remove_file(run.file(*run.kept.keys().next().unwrap())).unwrap();
    assert!(plan("text").contains("the weights of 1 unit were kept and are no longer"), "{}", plan("text"));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0, "the run directory stays usable");
}

#[test]
fn diverged_units_have_no_weights() {
    let scratch = Scratch::new();
    let text = keeping(&holdout(&["fc", "cnn"], "1", 3)).replacen("learning_rate = 0.05", "learning_rate = 1e30", 1);
    let spec = scratch.write("spec.toml", &text);
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert!(ended.stderr.contains("diverged"), "{}", ended.stderr);
    let run = Run::read(&scratch, "run");
    assert_eq!((run.results.len(), run.kept.len()), (2, 1));
    run.is_whole();
    let again = finish(&mut scratch.run(&spec, "run"));
    assert!(!again.stderr.contains("were not kept"), "{}", again.stderr);
}
