//! Writes an encoded data set to standard output, for looking at it with other programs (docs/data.md has the layout):
//! `encode_dataset KIND TRAIN_PAIRS TEST_PAIRS SEED [DIR] > FILE`, where DIR holds MNIST's files.

use std::{error::Error, io::Write as _, path::Path};

use seedgrid_common::{
    data::{self, DatasetSpec, build, encode, locate},
    error_chain::with_hint,
};

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [kind, train_pairs, test_pairs, seed, folder @ ..] = given.as_slice() else {
        return Err("usage: encode_dataset KIND TRAIN_PAIRS TEST_PAIRS SEED [DIR] > FILE".into());
    };
    let kind = data::find(kind).ok_or("KIND is none that docs/data.md names")?;
    let spec =
        DatasetSpec { kind, train_pairs: train_pairs.parse()?, test_pairs: test_pairs.parse()?, seed: seed.parse()? };
    let places = locate::places(folder.first().map(Path::new), |name| std::env::var_os(name));
    let dataset = build(&spec, &places).map_err(|error| with_hint(&error))?;
    let bytes = encode::encode(&dataset)?;
    eprintln!("{}: {}", dataset.about.title, encode::digest(&bytes));
    std::io::stdout().write_all(&bytes)?;
    Ok(())
}
