//! The wire contract's generated messages, and conversions between them and the domain's types.

pub mod blob;
pub mod convert;
#[cfg(test)]
mod fuzz;
pub mod limits;

/// Messages, clients and servers generated from `proto/seedgrid/v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("seedgrid.v1");
}

/// Grows when the meaning of a message changes. Both sides must have the same.
pub const PROTOCOL_VERSION: u32 = 6;
