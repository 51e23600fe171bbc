//! The `seedgrid` command: arguments, subcommands and exit codes.

mod arguments;
mod backup;
mod cancel_drain_pause;
mod check;
mod compare;
mod contact_sheet;
mod credentials;
mod data;
mod data_description;
mod exit_codes_and_errors;
mod export;
mod follow_study;
mod help_examples;
mod host_study;
mod join_addresses;
mod list;
pub mod local_workers;
mod measure_training_speed;
pub mod mnist_download;
mod models;
mod plan;
pub mod progress;
mod report;
mod retry;
mod run;
#[cfg(test)]
pub(crate) mod schemas;
mod serve;
mod server_settings;
mod shared_arguments;
pub mod standard_streams;
mod status;
mod status_without_coordinator;
pub mod stop_signals;
mod unit_and_worker_arguments;
mod units;
mod watch;
mod workers;

use std::{ffi::OsStr, process::ExitCode};

use seedgrid_common::{command_line, json, terminal::Screen};

pub use arguments::{Arguments, Subcommand};
pub use exit_codes_and_errors::{Exit, Failure};

/// Runs this process's command line.
pub fn main() -> ExitCode {
    let arguments: Arguments = command_line::parse();
    start_log(arguments.verbose);
    if let Err(cause) = stop_signals::listen(arguments.subcommand.leaves_files()) {
        return Failure::Signals(cause).report();
    }
    let threads = threads(std::env::var_os(THREADS).as_deref()).unwrap_or_else(|problem| {
        standard_streams::note(format_args!("note: {problem}"));
        cores()
    });
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return Failure::Runtime(cause).report(),
    };
    let ended = runtime.block_on(dispatch(arguments.subcommand));
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    }
}

/// The environment variable for the number of threads of the asynchronous runtime, which would panic on an invalid
/// value.
const THREADS: &str = "TOKIO_WORKER_THREADS";
/// The largest number of threads, more than any coordinator needs.
const THREADS_MAX: usize = 1024;

/// The number of threads that answer calls: one for each core, unless the environment sets a valid number.
fn threads(told: Option<&OsStr>) -> Result<usize, String> {
    let Some(told) = told else { return Ok(cores()) };
    let number = told.to_str().and_then(|text| text.trim().parse().ok());
    number
        .filter(|number| (1..=THREADS_MAX).contains(number))
        .ok_or_else(|| format!("{THREADS} is {told:?}, which is not a number from 1 to {THREADS_MAX}: it is ignored"))
}

async fn dispatch(subcommand: Subcommand) -> Result<Exit, Failure> {
    match subcommand {
        Subcommand::Run(arguments) => run::run(arguments).await,
        Subcommand::Serve(arguments) => serve::serve(arguments).await,
        Subcommand::Plan(arguments) => plan::plan(arguments).await,
        Subcommand::List(arguments) => list::list(&arguments),
        Subcommand::Status(arguments) => status::status(arguments).await,
        Subcommand::Watch(arguments) => watch::watch(arguments).await,
        Subcommand::Report(arguments) => report::report(&arguments),
        Subcommand::Check(arguments) => check::check(&arguments),
        Subcommand::Backup(arguments) => backup::backup(&arguments),
        Subcommand::Retry(arguments) => retry::retry(arguments).await,
        Subcommand::Units(arguments) => units::units(arguments).await,
        Subcommand::Workers(arguments) => workers::workers(arguments).await,
        Subcommand::Explain(arguments) => units::explain(arguments).await,
        Subcommand::Logs(arguments) => units::logs(arguments).await,
        Subcommand::Cancel(arguments) => cancel_drain_pause::cancel(arguments).await,
        Subcommand::Drain(arguments) => cancel_drain_pause::drain(arguments).await,
        Subcommand::Pause(arguments) => cancel_drain_pause::pause(arguments).await,
        Subcommand::Resume(arguments) => cancel_drain_pause::resume(arguments).await,
        Subcommand::Credentials(arguments) => credentials::credentials(arguments.action).await,
        Subcommand::Compare(arguments) => compare::compare(&arguments),
        Subcommand::Export(arguments) => export::export(&arguments),
        Subcommand::Models(arguments) => models::models(&arguments),
        Subcommand::Data(arguments) => data::data(arguments).await,
    }
}

impl Subcommand {
    /// Whether the command writes files into lasting folders; other commands only read, or call a coordinator.
    const fn leaves_files(&self) -> bool {
        match self {
            Self::Run(_)
            | Self::Serve(_)
            | Self::Report(_)
            | Self::Cancel(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Retry(_)
            | Self::Credentials(_)
            | Self::Export(_)
            | Self::Backup(_)
            | Self::Data(_) => true,
            Self::Plan(_)
            | Self::List(_)
            | Self::Status(_)
            | Self::Watch(_)
            | Self::Units(_)
            | Self::Workers(_)
            | Self::Explain(_)
            | Self::Logs(_)
            | Self::Drain(_)
            | Self::Check(_)
            | Self::Compare(_)
            | Self::Models(_) => false,
        }
    }
}

/// Sends logs to standard error; standard output is for results.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "seedgrid_coordinator=warn",
        1 => "seedgrid_coordinator=info",
        _ => "seedgrid_coordinator=debug,tonic=info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEEDGRID_LOG").unwrap_or_else(|_| level.into());
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .with_target(false)
        .init();
}

/// The number of units that this machine can train at a time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Prints text for people to standard output, wrapped to the terminal's width.
fn print(text: &str) -> Result<(), Failure> {
    print_as_it_is(&Screen::output().fit(text))
}

/// Prints text for programs, or text with a layout of its own, to standard output.
fn print_as_it_is(text: &str) -> Result<(), Failure> {
    standard_streams::print(text).map_err(Failure::Output)
}

fn print_json(listing: &impl serde::Serialize) -> Result<(), Failure> {
    let text = json::pretty(listing).expect("listings are plain data with string keys");
    print_as_it_is(&(text + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_threads_that_cannot_be_is_not_heeded() {
        assert_eq!(threads(None), Ok(cores()));
        assert_eq!(threads(Some(OsStr::new("3"))), Ok(3));
        for wrong in ["0", "", "many", "-1", "1000000"] {
            let problem = threads(Some(OsStr::new(wrong))).unwrap_err();
            assert!(problem.contains("TOKIO_WORKER_THREADS") && problem.contains(wrong), "{problem}");
        }
    }
}
