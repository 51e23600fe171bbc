//! The one encoding of a data set: the coordinator serves these bytes, the worker caches them, and the digest is
//! theirs.
//!
//! It is a safetensors file. Its tensors are sorted by name:
//!
//! | tensor | type and shape |
//! |---|---|
//! | `PART/folds` | U32 (examples), where folds are predefined |
//! | `PART/groups` | U32 (examples), where there are groups |
//! | `PART/inputs/NAME` | U8, F16 or F32 (examples, shape of one example) |
//! | `PART/targets/NAME` | U32 (examples) of classes, or F32 (examples, numbers) |
//!
//! `PART` is `test` or `train`. The metadata has one entry, `seedgrid`: JSON with `format`, `title`, `seed` and `schema`
//! (see [`Schema`]).

mod read;

use std::{
    collections::HashMap,
    io::{self, Write},
};

pub use read::{DecodeError, decode};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    dataset::{About, Dataset, DatasetError, Examples, Labels, Part},
    schema::Schema,
    values::NumberType,
};
use crate::hexadecimal;

/// The name of the metadata entry.
const ENTRY: &str = "seedgrid";
/// The format that this program writes and reads.
const FORMAT: &str = "seedgrid.dataset/1";
/// The header's length is a multiple of this, so that tensors are aligned.
const ALIGNMENT: usize = 8;

/// The content of the metadata entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    title: String,
    seed: u64,
    schema: Schema,
}

/// The reason why an encoded data set was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The data set has no encoding.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The bytes cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The canonical bytes of `dataset`. Equal data sets have equal bytes.
///
/// # Errors
/// When schema and examples do not fit together.
pub fn encode(dataset: &Dataset) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    match write(dataset, &mut bytes) {
        Ok(_) => Ok(bytes),
        Err(WriteError::Dataset(error)) => Err(error),
        Err(WriteError::Io(error)) => unreachable!("a vector takes every byte: {error}"),
    }
}

/// Writes the canonical bytes of `dataset`, and returns their digest.
///
/// # Errors
/// When schema and examples do not fit together, or the bytes cannot be written.
pub fn write(dataset: &Dataset, target: impl Write) -> Result<String, WriteError> {
    dataset.check()?;
    let tensors = tensors(dataset);
    let mut offset = 0;
    let mut infos = Vec::with_capacity(tensors.len());
    for (name, tensor) in &tensors {
        let end = offset + tensor.bytes();
        let (dtype, shape) = (tensor.dtype(), tensor.shape.clone());
        infos.push((name.clone(), TensorInfo { dtype, shape, data_offsets: (offset, end) }));
        offset = end;
    }
    let About { title, seed, schema } = &dataset.about;
    let head = Head { format: FORMAT.to_owned(), title: title.clone(), seed: *seed, schema: schema.clone() };
    let entry = serde_json::to_string(&head).map_err(io::Error::from)?;
    let metadata = Metadata::new(Some(HashMap::from([(ENTRY.to_owned(), entry)])), infos).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata).map_err(io::Error::from)?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');

    let mut target = Hashing { target, hash: Sha256::new() };
    target.write_all(&(header.len() as u64).to_le_bytes())?;
    target.write_all(&header)?;
    for (_, tensor) in &tensors {
        tensor.write(&mut target)?;
    }
    target.flush()?;
    Ok(hexadecimal::text(target.hash.finalize().into()))
}

/// A tensor of the encoding.
struct Tensor<'a> {
    shape: Vec<usize>,
    numbers: Numbers<'a>,
}

enum Numbers<'a> {
    Stored(NumberType, &'a [u8]),
    Codes(&'a [u32]),
    Floats(&'a [f32]),
}

impl Tensor<'_> {
    fn dtype(&self) -> Dtype {
        match self.numbers {
            Numbers::Stored(NumberType::U8, _) => Dtype::U8,
            Numbers::Stored(NumberType::F16, _) => Dtype::F16,
            Numbers::Stored(NumberType::F32, _) | Numbers::Floats(_) => Dtype::F32,
            Numbers::Codes(_) => Dtype::U32,
        }
    }

    fn bytes(&self) -> usize {
        match self.numbers {
            Numbers::Stored(_, bytes) => bytes.len(),
            Numbers::Codes(codes) => size_of_val(codes),
            Numbers::Floats(floats) => size_of_val(floats),
        }
    }

    fn write(&self, target: &mut impl Write) -> io::Result<()> {
        match self.numbers {
            Numbers::Stored(_, bytes) => target.write_all(bytes),
            Numbers::Codes(codes) => {
                target.write_all(&codes.iter().flat_map(|code| code.to_le_bytes()).collect::<Vec<_>>())
            }
            Numbers::Floats(floats) => {
                target.write_all(&floats.iter().flat_map(|float| float.to_le_bytes()).collect::<Vec<_>>())
            }
        }
    }
}

/// Every tensor, sorted by name.
fn tensors(dataset: &Dataset) -> Vec<(String, Tensor<'_>)> {
    let schema = &dataset.about.schema;
    let of_part = |part: Part| {
        let Examples { inputs, targets } = dataset.part(part);
        let examples = targets.examples;
        let codes = [("folds", &targets.folds), ("groups", &targets.groups)];
        let codes = codes.into_iter().filter_map(move |(name, codes)| {
            Some((name.to_owned(), Tensor { shape: vec![examples], numbers: Numbers::Codes(codes.as_deref()?) }))
        });
        let inputs = inputs.iter().map(move |(name, values)| {
            let shape = std::iter::once(examples).chain(schema.inputs[name].shape.iter().copied()).collect();
            (format!("inputs/{name}"), Tensor { shape, numbers: Numbers::Stored(values.number(), values.bytes()) })
        });
        let targets = targets.labels.iter().map(move |(name, labels)| {
            let tensor = match labels {
                Labels::Classes(codes) => Tensor { shape: vec![examples], numbers: Numbers::Codes(codes) },
                Labels::Numbers(floats) => {
                    let width = floats.len() / examples.max(1);
                    Tensor { shape: vec![examples, width], numbers: Numbers::Floats(floats) }
                }
            };
            (format!("targets/{name}"), tensor)
        });
        codes.chain(inputs).chain(targets).map(move |(name, tensor)| (format!("{}/{name}", part.name()), tensor))
    };
    [Part::Test, Part::Train].into_iter().flat_map(of_part).collect()
}

/// SHA-256 of an encoded data set, as 64 hexadecimal digits: it names the data set everywhere.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal::text(Sha256::digest(bytes).into())
}

/// Hashes the bytes that it passes on.
struct Hashing<W> {
    target: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.target.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::data::{
        dataset::{Labelled as _, Targets},
        schema::{Column, Content, FoldRule, Input, Target},
        values::Values,
    };

    /// Three training examples and one test example with every kind of input and target.
    pub(super) fn small() -> Dataset {
        let examples = |count: usize| {
            let codes = |of: u32| (0..count as u32).map(|example| example % of).collect::<Vec<_>>();
            let table =
                (0..count).flat_map(|example| [example as f32 / 3.0, if example == 0 { f32::NAN } else { 1.0 }]);
            Examples {
                inputs: [
                    ("image".to_owned(), Values::from_u8(4, (0..4 * count).map(|byte| byte as u8).collect()).unwrap()),
                    ("grey".to_owned(), Values::from_f32_as_f16(2, vec![0.25; 2 * count]).unwrap()),
                    ("row".to_owned(), Values::from_f32(2, table).unwrap()),
                ]
                .into(),
                targets: Targets {
                    examples: count,
                    labels: [
                        ("kind".to_owned(), Labels::Classes(codes(2))),
                        ("size".to_owned(), Labels::Numbers(vec![1.5; 2 * count])),
                    ]
                    .into(),
                    groups: Some(codes(3)),
                    folds: Some(codes(2)),
                },
            }
        };
        let columns = vec![
            Column::Number { name: "length".to_owned() },
            Column::Category { name: "colour".to_owned(), categories: vec!["red".to_owned(), "blue".to_owned()] },
        ];
        let schema = Schema {
            inputs: [
                ("image".to_owned(), Input { shape: vec![1, 2, 2], content: Content::Pixels }),
                ("grey".to_owned(), Input { shape: vec![2], content: Content::Numbers }),
                ("row".to_owned(), Input { shape: vec![2], content: Content::Columns(columns) }),
            ]
            .into(),
            targets: [
                ("kind".to_owned(), Target::Classes(vec!["cat".to_owned(), "dog".to_owned()])),
                ("size".to_owned(), Target::Numbers(2)),
            ]
            .into(),
            primary: "kind".to_owned(),
            folds: FoldRule::Grouped,
            pooled: vec!["image".to_owned()],
        };
        let about = About { title: "Größe".to_owned(), seed: 7, schema };
        Dataset { about, train: examples(3), test: examples(1) }
    }

    #[test]
    fn a_data_set_reads_back_and_equal_ones_have_equal_bytes() {
        let dataset = small();
        let bytes = encode(&dataset).unwrap();
        assert_eq!(encode(&small()).unwrap(), bytes);
        let mut written = Vec::new();
        assert_eq!(write(&dataset, &mut written).unwrap(), digest(&bytes));
        assert_eq!(written, bytes);
        let read = decode(Bytes::from(bytes.clone())).unwrap();
        // NaN, a missing value, is not equal to itself.
        assert_eq!(encode(&read).unwrap(), bytes);
        assert_eq!((&read.about, read.targets(Part::Train)), (&dataset.about, dataset.targets(Part::Train)));
    }

    #[test]
    fn the_layout_is_fixed() {
        let bytes = encode(&small()).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let image = tensors.tensor("train/inputs/image").unwrap();
        assert_eq!((image.dtype(), image.shape(), image.data()[11]), (Dtype::U8, &[3, 1, 2, 2][..], 11));
        assert_eq!(tensors.tensor("test/targets/size").unwrap().shape(), [1, 2]);
        assert_eq!(
            digest(&bytes),
            "6baf1bea0c43804fa8762b81d1e2210c0b4bbbefa6cc43c7dbb7ad03e12b6664",
            "digests name data sets in stores and caches"
        );
    }

    #[test]
    fn a_data_set_that_does_not_fit_its_schema_is_refused() {
        let refused = |change: fn(&mut Dataset)| {
            let mut dataset = small();
            change(&mut dataset);
            let error = encode(&dataset).unwrap_err();
            assert_eq!(dataset.check().unwrap_err().to_string(), error.to_string());
            error.to_string()
        };
        let told = [
            refused(|dataset| dataset.about.title = "x".repeat(257)),
            refused(|dataset| dataset.about.schema.primary = "kinds".to_owned()),
            refused(|dataset| dataset.about.schema.pooled = vec!["images".to_owned()]),
            refused(|dataset| {
                drop(dataset.about.schema.inputs.insert("".to_owned(), dataset.about.schema.inputs["grey"].clone()))
            }),
            refused(|dataset| {
                drop(dataset.about.schema.targets.insert("kind".to_owned(), Target::Classes(vec!["cat".to_owned()])))
            }),
            refused(|dataset| {
                drop(dataset.about.schema.targets.insert("kind".to_owned(), Target::Classes(vec!["cat".to_owned(); 2])))
            }),
            refused(|dataset| drop(dataset.about.schema.targets.insert("kind".to_owned(), Target::Numbers(1)))),
            refused(|dataset| drop(dataset.train.inputs.remove("image"))),
            refused(|dataset| {
                drop(dataset.train.inputs.insert("grey".to_owned(), Values::from_f32(1, [1.0; 6]).unwrap()))
            }),
            refused(|dataset| {
                drop(dataset.train.inputs.insert("grey".to_owned(), Values::from_f32(2, [1.0; 8]).unwrap()))
            }),
            refused(|dataset| {
                drop(dataset.test.inputs.insert("grey".to_owned(), Values::from_f32(2, [1.0, f32::NAN]).unwrap()))
            }),
            refused(|dataset| {
                drop(
                    dataset
                        .test
                        .inputs
                        .insert("image".to_owned(), Values::from_f32(4, [0.0, 1.0, 256.0, 2.0]).unwrap()),
                )
            }),
            refused(|dataset| {
                drop(dataset.test.inputs.insert("row".to_owned(), Values::from_f32(2, [f32::INFINITY, 1.0]).unwrap()))
            }),
            refused(|dataset| {
                drop(dataset.test.inputs.insert("row".to_owned(), Values::from_f32(2, [1.0, 2.0]).unwrap()))
            }),
            refused(|dataset| {
                drop(dataset.train.targets.labels.insert("kind".to_owned(), Labels::Classes(vec![0, 1, 2])))
            }),
            refused(|dataset| {
                drop(dataset.train.targets.labels.insert("size".to_owned(), Labels::Numbers(vec![f32::NAN; 6])))
            }),
            refused(|dataset| dataset.train.targets.groups = None),
            refused(|dataset| dataset.train.targets.folds = Some(vec![0])),
            refused(|dataset| {
                dataset.train.inputs.values_mut().for_each(|values| *values = values.first(0));
                dataset.train.targets = Targets { groups: Some(vec![]), ..dataset.train.targets.clone() };
                dataset.train.targets.examples = 0;
            }),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }
}
