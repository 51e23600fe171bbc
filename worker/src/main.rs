//! The `seedgrid-worker` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    seedgrid_worker::worker::main()
}
