//! The `seedgrid` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    seedgrid_coordinator::cli::main()
}
