//! Writes the encoding of drawn glyph pairs to standard output: `encode_glyphs TRAIN_PAIRS TEST_PAIRS SEED > FILE`.

use std::{error::Error, io::Write as _};

use seedgrid_common::{
    data::{encode, glyph_pairs},
    spec::{DatasetKind, DatasetSpec},
};

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [train_pairs, test_pairs, seed] = given.as_slice() else {
        return Err("usage: encode_glyphs TRAIN_PAIRS TEST_PAIRS SEED > FILE".into());
    };
    let spec = DatasetSpec {
        kind: DatasetKind::GlyphPairs,
        train_pairs: train_pairs.parse()?,
        test_pairs: test_pairs.parse()?,
        seed: seed.parse()?,
    };
    let bytes = encode::encode(&glyph_pairs::draw(&spec))?;
    eprintln!("{}", encode::digest(&bytes));
    std::io::stdout().write_all(&bytes)?;
    Ok(())
}
