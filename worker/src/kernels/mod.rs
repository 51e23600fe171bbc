//! The arithmetic of training on a CPU, over plain slices of `f32`.
//!
//! # Numerics
//!
//! Results are bit-identical on every machine: each sum is a chain of fused multiply-adds in an order that this code fixes
//! (it depends on no cache, core count or thread), multiplication, addition and fused multiply-add are rounded as IEEE 754
//! says by every instruction set, and `exp` and `log` come from the `libm` crate instead of the host. AVX-512, AVX2 and
//! portable code differ in speed only. A change of any order here changes results: bump
//! [`KERNELS_REVISION`](seedgrid_common::unit::KERNELS_REVISION) with it.

pub mod affine;
pub mod instructions;
pub mod loss;
pub mod optimiser_steps;
pub mod pointwise;
pub mod pool;
mod tiles;
