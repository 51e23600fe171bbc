//! The `seedgrid-worker` command.
fn main() {}
