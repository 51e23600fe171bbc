//! Reads a data set from files, encodes it, and prints what it took:
//! `encode_files arrays FILE... INPUT=ARRAY TARGET:ARRAY [test=FRACTION]`,
//! `encode_files table FILE... TARGET:COLUMN [test=FRACTION]`, or `encode_files images FOLDER [test=FRACTION]`.

use std::{error::Error, io, path::Path, time::Instant};

use seedgrid_common::{
    data::{
        dataset::{Labelled as _, Part},
        encode,
        readers::{
            arrays::{self, ArraysSpec},
            assemble::ReadDataset,
            images::{self, ImagesSpec},
            parts::TestPart,
            table::{self, TableSpec},
        },
    },
    error_chain::with_hint,
};

const USAGE: &str = "usage: encode_files arrays|table|images FILE... [INPUT=ARRAY] [TARGET:ARRAY] [test=FRACTION]";

/// The arguments by their forms.
#[derive(Default)]
struct Given {
    files: Vec<std::path::PathBuf>,
    inputs: Vec<(String, String)>,
    targets: Vec<(String, String)>,
    fraction: Option<f64>,
}

impl Given {
    fn test<S>(&self) -> TestPart<S> {
        self.fraction.map_or(TestPart::None, |fraction| TestPart::Fraction { fraction, rule: None })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().ok_or(USAGE)?;
    let mut given = Given::default();
    for argument in arguments {
        match (argument.split_once('='), argument.split_once(':')) {
            (Some(("test", fraction)), _) => given.fraction = Some(fraction.parse()?),
            (Some((name, array)), _) => given.inputs.push((name.to_owned(), array.to_owned())),
            (None, Some((name, array))) => given.targets.push((name.to_owned(), array.to_owned())),
            (None, None) => given.files.push(argument.into()),
        }
    }
    let begin = Instant::now();
    let ReadDataset { dataset, warnings, sources } = read(&kind, &given)?;
    let read = begin.elapsed();
    let digest = encode::write(&dataset, io::sink())?;
    let encoded = begin.elapsed();
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    let bytes: u64 = sources.iter().map(|source| source.bytes).sum();
    let [train, test] = Part::ALL.map(|part| dataset.examples(part));
    eprintln!("{digest}: {train} training and {test} test examples from {bytes} bytes");
    eprintln!(
        "read in {:.2} s, encoded in {:.2} s, peak memory {}",
        read.as_secs_f64(),
        (encoded - read).as_secs_f64(),
        peak_memory().unwrap_or_else(|| "unknown".to_owned())
    );
    Ok(())
}

fn read(kind: &str, given: &Given) -> Result<ReadDataset, Box<dyn Error>> {
    let base = Path::new(".");
    let files = given.files.clone();
    let read = match kind {
        "arrays" => {
            let mut spec = ArraysSpec { files, ..ArraysSpec::default() };
            spec.inputs = given.inputs.iter().map(|(name, array)| (name.clone(), array.as_str().into())).collect();
            spec.targets = given.targets.iter().map(|(name, array)| (name.clone(), array.as_str().into())).collect();
            spec.parts.test = given.test();
            arrays::read(&spec, base, 0)
        }
        "table" => {
            let mut spec = TableSpec { files, ..TableSpec::default() };
            spec.targets = given.targets.iter().map(|(name, column)| (name.clone(), column.as_str().into())).collect();
            spec.parts.test = given.test();
            table::read(&spec, base, 0)
        }
        "images" => {
            let folder = files.into_iter().next().ok_or(USAGE)?;
            let mut spec = ImagesSpec { folder, ..ImagesSpec::default() };
            spec.parts.test = given.test();
            images::read(&spec, base, 0)
        }
        _ => return Err(USAGE.into()),
    };
    read.map_err(|error| with_hint(&error).into())
}

/// The most memory that the program has held, as Linux tells it.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}
