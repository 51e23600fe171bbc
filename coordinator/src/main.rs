//! The `seedgrid` command.
fn main() {}
