//! Worker.
pub mod kernels;
pub mod networks;
pub mod training;
