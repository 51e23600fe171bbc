//! Generates the wire contract's Rust code. protox compiles the `.proto` files in-process, so no protoc is needed.

use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("../proto");
    let files = ["seedgrid/v1/types.proto", "seedgrid/v1/worker.proto", "seedgrid/v1/control.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={}", root.join(file).display());
    }
    let descriptors = protox::compile(files, [root])?;
    tonic_prost_build::configure().btree_map(".").compile_fds(descriptors)?;
    Ok(())
}
