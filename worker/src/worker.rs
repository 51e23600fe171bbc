//! The `seedgrid-worker` command from its arguments to its exit code.

use std::{io::IsTerminal as _, process::ExitCode, sync::Arc};

use clap::Parser as _;
use seedgrid_common::wire::v1::WorkerInfo;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use crate::{
    cache_folder::CacheFolder,
    cli::Arguments,
    connection::Connector,
    exit_codes, parent,
    session::{self, Farewell, Settings, Tally},
    system,
    trainer::{CandleTrainer, Trainer as _},
};

/// Lives a worker's whole life.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_max_level(arguments.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    if let Some(parent) = arguments.die_with_parent
        && let Err(message) = parent::die_with(parent)
    {
        return fail(exit_codes::FAILED, &message);
    }
    let trainer = match CandleTrainer::new(&arguments.device) {
        Ok(trainer) => Arc::new(trainer),
        Err(problem) => return fail(exit_codes::USAGE, &problem.to_string()),
    };
    let host = system::host();
    let connector = match Connector::new(arguments.join.clone(), host.clone()) {
        Ok(connector) => connector,
        Err(problem) => return fail(exit_codes::USAGE, &problem.to_string()),
    };
    let cores = system::cores();
    let rules = arguments.rules(cores, system::slurm_time_left(&system::environment));
    let description = trainer.describe();
    let info = WorkerInfo {
        host,
        pid: std::process::id(),
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        slots: u32::try_from(rules.slots).unwrap_or(u32::MAX),
        device: description.device,
        isa: description.isa,
        numerics_class: description.numerics_class,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        place: system::place(&system::environment),
    };
    let settings =
        Settings { rules, worker_id: format!("{:032x}", rand::random::<u128>()), info, cache: cache(&arguments) };
    // One thread for the network is enough; the slots have threads of their own.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(problem) => return fail(exit_codes::FAILED, &format!("cannot start: {problem}")),
    };
    let lived = runtime.block_on(async {
        let told = told()?;
        session::run(settings, connector, trainer, told).await
    });
    // Slots that are told to stop end at their next batch; nobody waits for them.
    runtime.shutdown_background();
    match lived {
        Ok((farewell, tally)) => {
            say_goodbye(&farewell, tally);
            ExitCode::from(exit_codes::of(&farewell))
        }
        Err(problem) => fail(exit_codes::FAILED, &format!("cannot start: {problem}")),
    }
}

fn fail(code: u8, message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(code)
}

/// Where data sets are kept. A folder that cannot be used costs only a download each time.
fn cache(arguments: &Arguments) -> Option<CacheFolder> {
    let path = arguments.cache_path(|name| std::env::var_os(name))?;
    match CacheFolder::open(&path) {
        Ok(folder) => Some(folder),
        Err(problem) => {
            warn!("data sets are not kept: {} cannot be used ({problem})", path.display());
            None
        }
    }
}

/// Resolves at the first SIGTERM or SIGINT; the second one ends the process.
fn told() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => SignalKind::terminate(),
            _ = interrupt.recv() => SignalKind::interrupt(),
        }
    };
    Ok(async move {
        next().await;
        tokio::spawn(async move {
            let second = next().await;
            std::process::exit(128 + second.as_raw_value());
        });
    })
}

fn say_goodbye(farewell: &Farewell, tally: Tally) {
    let Tally { done, diverged, failed, stopped } = tally;
    match farewell {
        Farewell::Left { ending, unacknowledged } => {
            info!("{}: {done} done, {diverged} diverged, {failed} failed, {stopped} stopped", ending.reason());
            if *unacknowledged > 0 {
                error!("{unacknowledged} finished units could not be handed over and will be trained again");
            }
        }
        Farewell::Refused(refused) => error!("{refused}"),
    }
}
