//! `seedgrid-worker predict`: scores pairs of images with kept weights.
//!
//! `network_choice` chooses the networks, `input` reads the pairs, [`weights_file`] reads the networks one after the other,
//! `ensemble` averages their predictions, and `output` writes them.

mod arguments;
mod ensemble;
mod error;
mod input;
mod network_choice;
mod output;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use candle_core::Device;
use seedgrid_common::{data::pairs::PAIR_PIXELS, terminal::Screen, text::count, wire::limits};

pub use arguments::{Format, Part, PredictArguments};
pub use error::PredictError;
pub use network_choice::NotChosen;

use crate::training::{Predictor, device, weights_file};
use ensemble::Ensemble;
use input::{Input, Source};
use output::Document;

/// Scores the pairs and networks in `arguments`, and writes the predictions.
///
/// # Errors
/// When a file cannot be read or used, or the output cannot be written.
pub fn predict(arguments: &PredictArguments) -> Result<(), PredictError> {
    let device = device::parse(&arguments.device)?;
    if let Some(path) = &arguments.output {
        Document::check_place(path)?;
    }
    let files = meant(&weights_of(&arguments.weights)?, arguments.label.as_deref())?;
    // The first network gives the digest of a run directory's data set, so it is read before the pairs.
    let mut first = Some(network(&files[0], &device)?);
    let digest = first.as_ref().map(|network| network.unit().dataset_digest.clone()).unwrap_or_default();
    let input = match (&arguments.pairs, &arguments.data) {
        (Some(images), _) => input::images(images, arguments.labels.as_ref())?,
        (None, data) => input::dataset(data.as_deref().unwrap_or(Path::new("")), &digest, arguments.part)?,
    };
    let several = files.len() > 1;
    let mut together = Ensemble::default();
    let mut networks: Vec<output::Network> = Vec::new();
    let mut notes = Notes::default();
    for path in &files {
        let mut network = match first.take() {
            Some(network) => network,
            None => network_of(path, &device, &networks)?,
        };
        notes.look(&network, &input);
        let predictions = network.predict(&input.pixels)?;
        together.add(&predictions);
        let said = ensemble::alone(&predictions);
        let label = network.unit().label();
        let (wrong, error) = tell(&label, &said, &input);
        networks.push(output::Network {
            network: network.unit().id().to_string(),
            label,
            wrong,
            error,
            predictions: (arguments.each || !several).then(|| output::rows(&said, &input)),
        });
    }
    let ensemble = several.then(|| {
        let said = together.said();
        let (wrong, error) = tell(&format!("all {} together", together.networks()), &said, &input);
        output::Ensemble { networks: together.networks(), wrong, error, predictions: output::rows(&said, &input) }
    });
    notes.tell();
    let pairs = input.pixels.len() / PAIR_PIXELS;
    Document::new(&input, pairs, networks, ensemble).write(arguments.format, arguments.output.as_deref())
}

/// The named files; for a folder of weights or a run directory, the files in it.
fn weights_of(named: &[PathBuf]) -> Result<Vec<PathBuf>, PredictError> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let below = path.join("weights");
        let folder = if below.is_dir() { &below } else { path };
        let failed = |cause| PredictError::Read { path: folder.clone(), cause };
        let entries = fs::read_dir(folder).map_err(failed)?.flatten().map(|entry| entry.path());
        let mut found: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|extension| extension == "safetensors")).collect();
        if found.is_empty() {
            return Err(PredictError::NoWeights { path: folder.clone() });
        }
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}

/// The files whose networks the label means, or all. Prints a note where networks of several configurations would be
/// averaged.
fn meant(files: &[PathBuf], label: Option<&str>) -> Result<Vec<PathBuf>, PredictError> {
    if label.is_none() && files.len() == 1 {
        return Ok(files.to_vec());
    }
    let units = files.iter().map(|path| {
        let bytes = input::read(path, limits::WEIGHTS_BYTES_MAX, "a file of kept weights")?;
        weights_file::unit(&bytes).map_err(|cause| PredictError::Weights { path: path.clone(), cause })
    });
    let units = units.collect::<Result<Vec<_>, _>>()?;
    match label {
        Some(label) => {
            Ok(network_choice::chosen(&units, label)?.into_iter().map(|place| files[place].clone()).collect())
        }
        None => {
            let kinds = network_choice::kinds(units.iter());
            if kinds > 1 {
                note(format_args!(
                    "note: networks of {kinds} configurations vote together; --label chooses one of them"
                ));
            }
            Ok(files.to_vec())
        }
    }
}

fn network(path: &Path, device: &Device) -> Result<Predictor, PredictError> {
    let bytes = input::read(path, limits::WEIGHTS_BYTES_MAX, "a file of kept weights")?;
    weights_file::read(&bytes, device).map_err(|cause| PredictError::Weights { path: path.to_owned(), cause })
}

/// A network that differs from all before.
fn network_of(path: &Path, device: &Device, before: &[output::Network]) -> Result<Predictor, PredictError> {
    let network = network(path, device)?;
    let id = network.unit().id().to_string();
    if before.iter().any(|other| other.network == id) {
        return Err(PredictError::Repeated { path: path.to_owned() });
    }
    Ok(network)
}

/// Prints the number of wrongly classified pairs, where their labels are known; returns the number and the share.
fn tell(who: &str, said: &[ensemble::PairPrediction], input: &Input) -> (Option<usize>, Option<f64>) {
    let Some(labels) = &input.labels else { return (None, None) };
    let wrong = ensemble::wrong(said, labels);
    let error = wrong as f64 / labels.len() as f64;
    note(format_args!("{who}: error {error:.4} ({wrong} of {})", count(labels.len(), "pair")));
    (Some(wrong), Some(error))
}

/// Notes for people on mismatches between networks and pairs.
#[derive(Debug, Default)]
struct Notes {
    networks: usize,
    other_data: usize,
    trained_on: usize,
    other_class: usize,
}

impl Notes {
    fn look(&mut self, network: &Predictor, input: &Input) {
        self.networks += 1;
        self.other_class += usize::from(network.trained_in() != network.numerics_class());
        if let Source::Dataset { digest, part, .. } = &input.source {
            let same = *digest == *network.unit().dataset_digest;
            self.other_data += usize::from(!same);
            self.trained_on += usize::from(same && *part == Part::Train);
        }
    }

    fn tell(&self) {
        let of = |count: usize| {
            if self.networks == 1 {
                "the network was".to_owned()
            } else {
                format!("{count} of {} networks were", self.networks)
            }
        };
        for (count, what) in [
            (self.other_data, "trained on another data set than this one"),
            (
                self.trained_on,
                "trained on these pairs (or, in a fold, on most of them): the error says nothing about new ones",
            ),
            (self.other_class, "trained in another numerics class: scores and probabilities agree to rounding only"),
        ] {
            if count > 0 {
                note(format_args!("note: {} {what}", of(count)));
            }
        }
    }
}

/// Prints a line to standard error.
fn note(line: std::fmt::Arguments<'_>) {
    // A failed write to standard error cannot be reported.
    drop(writeln!(io::stderr().lock(), "{}", Screen::error().fit(&line.to_string())));
}
