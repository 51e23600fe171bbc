//! Worker.
pub mod kernels;
pub mod networks;
