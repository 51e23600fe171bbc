//! The numerics class of a device: within one class, equal units have bit-identical results.

use candle_core::Device;

/// The numerics class of results from `device`: results of equal units within one class are bit-identical.
///
/// All CPUs are one class, with any instructions: see [`kernels`](crate::kernels). On GPUs, candle's and NVIDIA's
/// kernels decide, and only agreement within a tolerance is promised.
pub fn numerics_class(device: &Device) -> String {
    match device {
        Device::Cpu => "cpu-fma-1".to_owned(),
        Device::Cuda(_) => "cuda-candle-0.11".to_owned(),
        Device::Metal(_) => "metal-candle-0.11".to_owned(),
    }
}
