//! The arrays of a `.safetensors` file.

use std::collections::BTreeMap;

use bytes::Bytes;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::{
    array::{Array, Element, Order},
    error::Fault,
};

/// An array of a file: its type, or its name where that is not read, its shape and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    element: Result<Element, String>,
    shape: Vec<usize>,
    bytes: Bytes,
}

impl Tensor {
    /// The array.
    ///
    /// # Errors
    /// When its type or size is not read.
    pub fn to_array(&self) -> Result<Array, Fault> {
        let element = self.element.clone().map_err(|found| Fault::NumberType { found })?;
        Array::new(element, Order::default(), self.shape.clone(), self.bytes.clone())
    }
}

/// The arrays of a file by name; they share its bytes.
///
/// # Errors
/// When it is no such file.
pub fn tensors(content: &Bytes) -> Result<BTreeMap<String, Tensor>, Fault> {
    let file = SafeTensors::deserialize(content).map_err(fault)?;
    let tensor = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let bytes = content.slice_ref(view.data());
        (name, Tensor { element: element(view.dtype()), shape: view.shape().to_vec(), bytes })
    };
    Ok(file.tensors().into_iter().map(tensor).collect())
}

fn fault(error: SafeTensorError) -> Fault {
    let detail = error.to_string();
    match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::MetadataIncompleteBuffer => Fault::Truncated { detail },
        _ => Fault::Damaged { detail },
    }
}

fn element(dtype: Dtype) -> Result<Element, String> {
    match dtype {
        Dtype::BOOL => Ok(Element::Bool),
        Dtype::U8 => Ok(Element::U8),
        Dtype::U16 => Ok(Element::U16),
        Dtype::U32 => Ok(Element::U32),
        Dtype::U64 => Ok(Element::U64),
        Dtype::I8 => Ok(Element::I8),
        Dtype::I16 => Ok(Element::I16),
        Dtype::I32 => Ok(Element::I32),
        Dtype::I64 => Ok(Element::I64),
        Dtype::F16 => Ok(Element::F16),
        Dtype::BF16 => Ok(Element::Bf16),
        Dtype::F32 => Ok(Element::F32),
        Dtype::F64 => Ok(Element::F64),
        other => Err(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::{TensorView, serialize};

    use super::*;

    fn file() -> Bytes {
        let floats: Vec<u8> = [0.5_f32, 1.5, 2.5, 3.5].iter().flat_map(|number| number.to_le_bytes()).collect();
        let views = [
            ("x", TensorView::new(Dtype::F32, vec![2, 2], &floats).unwrap()),
            ("y", TensorView::new(Dtype::U8, vec![2], &[1, 0]).unwrap()),
            ("z", TensorView::new(Dtype::F8_E4M3, vec![2], &[1, 0]).unwrap()),
        ];
        serialize(views, None).unwrap().into()
    }

    #[test]
    fn arrays_are_read_and_other_types_are_refused() {
        let tensors = tensors(&file()).unwrap();
        assert_eq!(tensors["x"].to_array().unwrap().to_numbers().unwrap(), [0.5, 1.5, 2.5, 3.5]);
        assert_eq!(tensors["y"].to_array().unwrap().to_numbers().unwrap(), [1.0, 0.0]);
        assert!(matches!(tensors["z"].to_array(), Err(Fault::NumberType { .. })));
    }

    #[test]
    fn files_that_are_cut_short_are_refused() {
        let file = file();
        for length in 0..file.len() {
            let fault = tensors(&file.slice(..length)).unwrap_err();
            assert!(matches!(fault, Fault::Truncated { .. }), "{length}: {fault}");
        }
        assert!(matches!(tensors(&Bytes::from_static(b"\x02\0\0\0\0\0\0\0xx")).unwrap_err(), Fault::Damaged { .. }));
    }
}
