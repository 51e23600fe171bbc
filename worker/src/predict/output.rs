//! Writes predictions. docs/worker.md describes both forms.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use seedgrid_common::{durable_files::Pending, json};
use serde::Serialize;

use super::{
    PredictError,
    arguments::Format,
    ensemble::PairPrediction,
    input::{Input, Source},
};

/// The whole output.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Document {
    schema: &'static str,
    /// The pairs.
    data: Data,
    /// The networks.
    networks: Vec<Network>,
    /// The ensemble of the networks; null if there is one network.
    ensemble: Option<Ensemble>,
}

/// The pairs that were predicted.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Data {
    /// The kind of input.
    kind: &'static str,
    /// The data set's title.
    title: Option<String>,
    /// The encoded data set's digest.
    digest: Option<String>,
    /// The part of the data set.
    part: Option<&'static str>,
    /// The number of pairs.
    pairs: usize,
}

/// One network in the output.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Network {
    /// The unit's id.
    pub(super) network: String,
    /// The unit's label, for people.
    pub(super) label: String,
    /// The number of wrong predictions; null without labels.
    pub(super) wrong: Option<usize>,
    /// The share of wrong predictions; null without labels.
    pub(super) error: Option<f64>,
    /// The network's own predictions; null if only those of the ensemble were requested.
    pub(super) predictions: Option<Vec<Row>>,
}

/// The ensemble in the output.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Ensemble {
    /// The number of networks.
    pub(super) networks: usize,
    /// The number of wrong predictions; null without labels.
    pub(super) wrong: Option<usize>,
    /// The share of wrong predictions; null without labels.
    pub(super) error: Option<f64>,
    /// The averaged predictions.
    pub(super) predictions: Vec<Row>,
}

/// The prediction for one pair.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Row {
    /// The number of the pair, from 0.
    pair: usize,
    /// log p - log(1 - p) of the probability p of class 1.
    score: f64,
    /// The predicted probability of class 1.
    probability: f64,
    /// The predicted class.
    class: u8,
    /// The predicted first digit; null if the network does not predict it.
    first_digit: Option<u8>,
    /// The predicted second digit, likewise.
    second_digit: Option<u8>,
    /// The true class; null if unknown.
    label: Option<u8>,
}

/// The rows of these predictions on `input`.
pub(super) fn rows(said: &[PairPrediction], input: &Input) -> Vec<Row> {
    let labels = input.labels.as_deref().unwrap_or(&[]);
    said.iter()
        .enumerate()
        .map(|(pair, said)| Row {
            pair,
            score: said.comparison.score(),
            probability: said.comparison.probability(),
            class: said.comparison.class(),
            first_digit: said.digits.map(|digits| digits[0]),
            second_digit: said.digits.map(|digits| digits[1]),
            label: labels.get(pair).copied(),
        })
        .collect()
}

impl Document {
    pub(super) fn new(input: &Input, pairs: usize, networks: Vec<Network>, ensemble: Option<Ensemble>) -> Self {
        let data = match &input.source {
            Source::Dataset { title, digest, part } => Data {
                kind: "dataset",
                title: Some(title.clone()),
                digest: Some(digest.clone()),
                part: Some(part.name()),
                pairs,
            },
            Source::Images => Data { kind: "images", title: None, digest: None, part: None, pairs },
        };
        Self { schema: "seedgrid.predictions/1", data, networks, ensemble }
    }

    /// Fails if nothing can be written beside `path`, so that no computation is wasted.
    pub(super) fn check_place(path: &Path) -> Result<(), PredictError> {
        Pending::new(path).map(drop).map_err(|cause| PredictError::Write { place: path.display().to_string(), cause })
    }

    /// Writes the output to `path`, completely or not at all, or to standard output.
    pub(super) fn write(&self, format: Format, path: Option<&Path>) -> Result<(), PredictError> {
        let Some(path) = path else {
            let place = "standard output".to_owned();
            return match self.write_to(format, BufWriter::new(io::stdout().lock())) {
                // A closed pipe (`| head`) is no error.
                Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(PredictError::Write { place, cause }),
                Ok(()) | Err(_) => Ok(()),
            };
        };
        let write = || {
            let mut file = Pending::new(path)?;
            self.write_to(format, BufWriter::new(&mut file))?;
            file.commit()
        };
        write().map_err(|cause| PredictError::Write { place: path.display().to_string(), cause })
    }

    fn write_to(&self, format: Format, mut to: impl Write) -> io::Result<()> {
        match format {
            Format::Csv => self.csv(&mut to)?,
            Format::Json => {
                writeln!(to, "{}", json::pretty(self)?)?;
            }
        }
        to.flush()
    }

    fn csv(&self, to: &mut impl Write) -> io::Result<()> {
        writeln!(to, "network,pair,score,probability,class,first_digit,second_digit,label")?;
        let own = self.networks.iter().filter_map(|one| Some((one.network.as_str(), one.predictions.as_ref()?)));
        let common = self.ensemble.iter().map(|all| ("ensemble", &all.predictions));
        for (network, rows) in own.chain(common) {
            for row in rows {
                let Row { pair, score, probability, class, .. } = row;
                write!(to, "{network},{pair},{score},{probability},{class}")?;
                for known in [row.first_digit, row.second_digit, row.label] {
                    match known {
                        Some(number) => write!(to, ",{number}")?,
                        None => write!(to, ",")?,
                    }
                }
                writeln!(to)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod place_tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_place_that_cannot_be_written_is_found_before_anything_is_computed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        assert!(Document::check_place(&path).is_ok());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of the trial");
        assert!(matches!(Document::check_place(&folder.path().join("none/x.csv")), Err(PredictError::Write { .. })));
    }
}

#[cfg(test)]
#[path = "../../../tests/schemas/mod.rs"]
mod schemas;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_predictions_is_that_of_their_type() {
        schemas::assert_file_matches::<Document>("seedgrid.predictions/1");
    }
}
