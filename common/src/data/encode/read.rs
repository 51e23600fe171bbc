//! Reads encoded data sets.

use std::collections::BTreeMap;

use bytes::Bytes;
use safetensors::{
    Dtype, SafeTensorError, SafeTensors,
    tensor::{Metadata, TensorInfo},
};

use super::{ENTRY, FORMAT, Head};
use crate::data::{
    dataset::{About, Dataset, DatasetError, Examples, Labels, Part, Targets},
    schema::{Schema, SchemaError, Target},
    values::{NumberType, Values},
};

/// The reason why bytes are no encoded data set.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are no safetensors file, or not a whole one.
    #[error("this is not a whole safetensors file: {0}")]
    Safetensors(SafeTensorError),
    /// The file is not one of Seedgrid's data sets.
    #[error("this is a safetensors file without the metadata of a data set")]
    Foreign,
    /// Another version of the encoding.
    #[error("the data set's format is `{found}`, and this program reads `{FORMAT}`")]
    Format {
        /// The file's format.
        found: String,
    },
    /// The metadata cannot be read.
    #[error("the data set's metadata cannot be read: {0}")]
    Metadata(String),
    /// The schema describes no data set.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A tensor is missing, or of another type or shape.
    #[error("the tensor `{name}` {problem}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// The fault.
        problem: String,
    },
    /// Tensors that no data set has.
    #[error("the data set has {found} tensors instead of {expected}")]
    Tensors {
        /// The number of tensors.
        found: usize,
        /// The number that the schema asks for.
        expected: usize,
    },
    /// The examples do not fit the schema.
    #[error(transparent)]
    Examples(#[from] DatasetError),
}

/// The data set that `bytes` encode. Its inputs share the bytes.
///
/// # Errors
/// When the bytes are no encoded data set.
pub fn decode(bytes: Bytes) -> Result<Dataset, DecodeError> {
    let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(DecodeError::Safetensors)?;
    let entry = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY)).ok_or(DecodeError::Foreign)?;
    let about = read_head(entry)?;
    about.schema.check()?;
    let mut reader = Reader { data: bytes.slice(size_of::<u64>() + header..), metadata: &metadata, taken: 0 };
    let train = reader.examples(&about.schema, Part::Train)?;
    let test = reader.examples(&about.schema, Part::Test)?;
    let (found, expected) = (metadata.tensors().len(), reader.taken);
    if found != expected {
        return Err(DecodeError::Tensors { found, expected });
    }
    let dataset = Dataset { about, train, test };
    dataset.check()?;
    Ok(dataset)
}

fn read_head(entry: &str) -> Result<About, DecodeError> {
    #[derive(serde::Deserialize)]
    struct Version {
        format: String,
    }
    let failed = |error: serde_json::Error| DecodeError::Metadata(error.to_string());
    let Version { format } = serde_json::from_str(entry).map_err(failed)?;
    if format != FORMAT {
        return Err(DecodeError::Format { found: format });
    }
    let Head { title, seed, schema, .. } = serde_json::from_str(entry).map_err(failed)?;
    Ok(About { title, seed, schema })
}

struct Reader<'a> {
    /// The bytes of all tensors.
    data: Bytes,
    metadata: &'a Metadata,
    /// The number of tensors that were read.
    taken: usize,
}

/// A tensor of the file.
struct Stored<'a> {
    name: String,
    info: &'a TensorInfo,
    bytes: Bytes,
}

impl<'a> Reader<'a> {
    fn examples(&mut self, schema: &Schema, part: Part) -> Result<Examples, DecodeError> {
        let mut examples = 0;
        let mut labels = BTreeMap::new();
        for (name, target) in &schema.targets {
            let tensor = self.required(part, &format!("targets/{name}"))?;
            let (of_target, columns) = match target {
                Target::Classes(_) => (Labels::Classes(tensor.codes()?), None),
                Target::Numbers(columns) => (Labels::Numbers(tensor.numbers()?), Some(*columns)),
            };
            examples = tensor.rows(columns.as_slice())?;
            labels.insert(name.clone(), of_target);
        }
        let mut inputs = BTreeMap::new();
        for (name, input) in &schema.inputs {
            let tensor = self.required(part, &format!("inputs/{name}"))?;
            tensor.rows(&input.shape)?;
            inputs.insert(name.clone(), tensor.values(input.numbers())?);
        }
        let mut codes = |name| self.optional(part, name).map(|tensor| tensor.codes()).transpose();
        let (groups, folds) = (codes("groups")?, codes("folds")?);
        Ok(Examples { inputs, targets: Targets { examples, labels, groups, folds } })
    }

    fn required(&mut self, part: Part, name: &str) -> Result<Stored<'a>, DecodeError> {
        self.optional(part, name).ok_or_else(|| DecodeError::Tensor {
            name: format!("{}/{name}", part.name()),
            problem: "is missing".to_owned(),
        })
    }

    fn optional(&mut self, part: Part, name: &str) -> Option<Stored<'a>> {
        let name = format!("{}/{name}", part.name());
        let info = self.metadata.info(&name)?;
        self.taken += 1;
        let (start, end) = info.data_offsets;
        Some(Stored { name, info, bytes: self.data.slice(start..end) })
    }
}

impl Stored<'_> {
    /// The number of rows, each of which must have this shape.
    fn rows(&self, shape: &[usize]) -> Result<usize, DecodeError> {
        match self.info.shape.split_first() {
            Some((rows, rest)) if rest == shape => Ok(*rows),
            _ => Err(self.wrong(format!("has the shape {:?}; its rows must have {shape:?}", self.info.shape))),
        }
    }

    fn codes(&self) -> Result<Vec<u32>, DecodeError> {
        self.typed(Dtype::U32)?;
        Ok(self.bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    fn numbers(&self) -> Result<Vec<f32>, DecodeError> {
        self.typed(Dtype::F32)?;
        Ok(self.bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn values(self, width: usize) -> Result<Values, DecodeError> {
        let number = match self.info.dtype {
            Dtype::U8 => NumberType::U8,
            Dtype::F16 => NumberType::F16,
            Dtype::F32 => NumberType::F32,
            other => return Err(self.wrong(format!("has numbers of the type {other:?}"))),
        };
        Values::new(number, width, self.bytes.clone()).map_err(|cause| self.wrong(format!("is incomplete: {cause}")))
    }

    fn typed(&self, expected: Dtype) -> Result<(), DecodeError> {
        match self.info.dtype {
            found if found == expected => Ok(()),
            found => Err(self.wrong(format!("has numbers of the type {found:?}, not {expected:?}"))),
        }
    }

    fn wrong(&self, problem: String) -> DecodeError {
        DecodeError::Tensor { name: self.name.clone(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::encode::{encode, tests::small};

    #[test]
    fn every_cut_is_refused() {
        let good = encode(&small()).unwrap();
        for bytes in 0..good.len() {
            assert!(decode(Bytes::copy_from_slice(&good[..bytes])).is_err(), "{bytes} bytes");
        }
        let longer = [&good[..], &[0]].concat();
        assert!(matches!(decode(longer.into()), Err(DecodeError::Safetensors(_))));
    }

    #[test]
    fn wrong_fields_are_refused() {
        let good = String::from_utf8_lossy(&encode(&small()).unwrap()).into_owned();
        assert!(good.contains("seedgrid.dataset/1"));
        let told = |from: &str, to: &str| {
            assert_eq!(from.len(), to.len(), "the header keeps its length");
            let mut bytes = encode(&small()).unwrap();
            let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            decode(bytes.into()).map(|dataset| dataset.about.title).unwrap_err().to_string()
        };
        let told = [
            told("\"seedgrid\":", "\"seedgrin\":"),
            told("dataset/1", "dataset/9"),
            told("\\\"pooled\\\"", "\\\"pooler\\\""),
            told("\\\"primary\\\":\\\"kind\\\"", "\\\"primary\\\":\\\"kine\\\""),
            told("test/inputs/grey", "test/inputs/gray"),
            told("test/folds", "test/foldz"),
            told("\"dtype\":\"U8\"", "\"dtype\":\"I8\""),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_class_that_the_schema_does_not_name_is_refused() {
        let mut bytes = encode(&small()).unwrap();
        let dataset = decode(bytes.clone().into()).unwrap();
        // The last tensors are the training part's classes, 3 x 4 bytes, and its sizes, 3 x 2 x 4 bytes.
        let at = bytes.len() - 36;
        assert_eq!(dataset.train.targets.classes("kind").unwrap()[0], 0);
        bytes[at] = 2;
        assert!(matches!(
            decode(bytes.into()),
            Err(DecodeError::Examples(DatasetError::Code { part: Part::Train, example: 0, known: 2, .. }))
        ));
    }
}
