//! The device of training.

use candle_core::Device;

use crate::kernels::instructions::Instructions;

/// The reason why a device cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DeviceError {
    /// Text that names no device.
    #[error("unknown device `{text}`")]
    #[diagnostic(help("write `cpu`, `cuda` or `cuda:N` (N counts GPUs from 0)"))]
    Unknown {
        /// The text as written.
        text: String,
    },
    /// This program was built without support for the device.
    #[error("this worker was built without support for `{text}`")]
    #[diagnostic(help("build it with `--features cuda`, or use `--device cpu`"))]
    NotBuilt {
        /// The text as written.
        text: String,
    },
    /// The machine has no such device, or its driver refuses it.
    #[error("`{text}` cannot be used ({source})")]
    #[diagnostic(help("see `nvidia-smi` for the GPUs of this machine, or use `--device cpu`"))]
    Absent {
        /// The text as written.
        text: String,
        /// The driver's error.
        source: candle_core::Error,
    },
}

/// The device that `text` names: "cpu", "cuda" (the first GPU) or "cuda:N".
pub fn parse(text: &str) -> Result<Device, DeviceError> {
    let unknown = || DeviceError::Unknown { text: text.to_owned() };
    let ordinal = match text.split_once(':') {
        None if text == "cpu" => return Ok(Device::Cpu),
        None if text == "cuda" => 0,
        Some(("cuda", number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            number.parse().map_err(|_| unknown())?
        }
        None | Some(_) => return Err(unknown()),
    };
    if cfg!(feature = "cuda") {
        Device::new_cuda(ordinal).map_err(|source| DeviceError::Absent { text: text.to_owned(), source })
    } else {
        Err(DeviceError::NotBuilt { text: text.to_owned() })
    }
}

/// The vector instructions that the CPU's kernels use here: "avx512", "avx2", "neon" or "portable".
pub fn isa() -> String {
    Instructions::best().name().to_owned()
}

#[cfg(test)]
mod tests {
    use miette::Diagnostic as _;

    use super::*;

    #[test]
    fn devices_are_named() {
        assert!(matches!(parse("cpu"), Ok(Device::Cpu)));
        for text in ["", "gpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:99999999999999999999999"] {
            assert!(matches!(parse(text), Err(DeviceError::Unknown { .. })), "{text}");
        }
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_gpu_needs_a_build_for_it() {
        for text in ["cuda", "cuda:1"] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, DeviceError::NotBuilt { .. }));
            assert!(error.help().is_some_and(|help| help.to_string().contains("--features cuda")), "{error}");
        }
    }
}
