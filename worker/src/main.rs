//! The `seedgrid-worker` command.

use std::{
    error::Error,
    future::Future,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use miette::Diagnostic;
use seedgrid_common::{
    batch_job_end::{self, JobEnd},
    command_line,
    error_chain::{chain, with_hint},
    join::Token,
    terminal::Screen,
    text::count,
};
use seedgrid_worker::{
    cli::{Arguments, Command, CommandLine},
    lifecycle::Ending,
    link::{
        attempt_log::{Logs, ToCurrent},
        connection::Connector,
        dataset_cache::CacheFolder,
    },
    no_op::{self, NoOpArguments},
    predict,
    run::{
        end_with_parent,
        event_loop::{self, Farewell, Settings, Tally},
        exit_codes, machine,
        slots::Watched,
        supervisor,
        supervisor_pipe::SupervisorPipe,
        trainer::{OnDevice, Trainer},
    },
};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::filter::Targets;

fn main() -> ExitCode {
    let CommandLine { command, worker } = command_line::parse();
    match command {
        Some(Command::Predict(arguments)) => return predict(&arguments),
        Some(Command::NoOp(arguments)) => return no_op(&arguments),
        None => {}
    }
    let Some(arguments) = worker else { return ExitCode::from(exit_codes::USAGE) };
    log(arguments.log_level, arguments.colour);
    let lived = match arguments.trainer_of {
        Some(supervisor) => live(&arguments, supervisor),
        None => supervise(&arguments),
    };
    match lived {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, message }) => {
            error!("{message}");
            ExitCode::from(code)
        }
    }
}

/// Prints text on standard error.
fn say(text: &str) {
    // A failed write to standard error cannot be reported.
    drop(writeln!(io::stderr().lock(), "{}", Screen::error().fit(text.trim_end())));
}

/// Scores pairs, without a worker. Predictions go to standard output, notes to standard error.
fn predict(arguments: &predict::PredictArguments) -> ExitCode {
    match predict::predict(arguments) {
        Ok(()) => ExitCode::from(exit_codes::DONE),
        Err(error) => {
            say(&format!("error: {}", with_hint(&error)));
            ExitCode::from(error.code())
        }
    }
}

/// Measures a coordinator; nothing is trained.
fn no_op(arguments: &NoOpArguments) -> ExitCode {
    log(tracing::Level::WARN, false);
    let told = no_op::run(arguments).map_err(|error| with_hint(&error)).and_then(|report| {
        let line = serde_json::to_string(&report).map_err(|error| chain(&error))?;
        writeln!(io::stdout().lock(), "{line}").map_err(|error| chain(&error))?;
        Ok(report)
    });
    match told {
        Ok(report) if report.lost_workers == 0 => ExitCode::from(exit_codes::DONE),
        Ok(_) => ExitCode::from(exit_codes::FAILED),
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(exit_codes::FAILED)
        }
    }
}

/// The reason why a worker cannot start.
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn usage(error: impl Diagnostic) -> Self {
        Self { code: exit_codes::USAGE, message: with_hint(&error) }
    }

    fn machine(error: impl Error) -> Self {
        Self { code: exit_codes::FAILED, message: chain(&error) }
    }
}

/// Keeps a trainer running. This process does nothing else, so it stays small.
fn supervise(arguments: &Arguments) -> Result<u8, Failure> {
    if let Some(parent) = arguments.die_with_parent {
        end_with_parent::die_with(parent).map_err(Failure::machine)?;
    }
    let settings = supervisor::Settings {
        arguments: std::env::args_os().skip(1).collect(),
        worker_id: format!("{:032x}", rand::random::<u128>()),
        join: arguments.join.clone(),
        plaintext: arguments.plaintext.into(),
        secret: Token::generate(),
        host: machine::host(),
        colour: io::stderr().is_terminal(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::machine)?;
    runtime.block_on(supervisor::supervise(settings)).map_err(Failure::machine)
}

/// The worker's secret: the supervisor's first message.
fn told_secret() -> io::Result<Token> {
    let mut line = String::new();
    io::stdin().lock().take(u64::from(u16::MAX)).read_line(&mut line)?;
    Token::parse(line.trim_end()).ok_or_else(|| io::Error::other("the supervisor has ended"))
}

/// Runs the trainer of this supervisor.
fn live(arguments: &Arguments, supervisor: u32) -> Result<u8, Failure> {
    end_with_parent::die_with(supervisor).map_err(Failure::machine)?;
    let started = Instant::now();
    let host = machine::host();
    let secret = told_secret().map_err(Failure::machine)?;
    let connector = Connector::new(arguments.join.clone(), host.clone(), arguments.plaintext.into(), secret)
        .map_err(Failure::usage)?;
    let trainer: Arc<dyn Trainer> = Arc::new(OnDevice::open(&arguments.device).map_err(Failure::usage)?);
    let cores = machine::cores();
    let job = JobEnd::find(&batch_job_end::environment);
    let place = match job {
        // A job that has ended gives no place.
        JobEnd::LeftOver { .. } => String::new(),
        JobEnd::Never | JobEnd::After { .. } | JobEnd::Unknown { .. } => machine::place(&batch_job_end::environment),
    };
    let rules = arguments.rules(cores, machine::time_left(&job));
    if let Some(limit) = rules.time_limit {
        info!("training stops in {}, {} before the time limit", clock(limit.stop), clock(limit.margin));
    }
    let settings = Settings {
        info: machine::describe(supervisor, cores, rules.slots, trainer.as_ref(), &place),
        rules,
        worker_id: arguments.worker_id.clone().unwrap_or_default(),
        cache: open_cache(arguments),
        watched: Watched { presence: Arc::new(SupervisorPipe::supervised()), logs: Logs::default() },
        save_every: Some(arguments.checkpoint_every),
    };
    // Training has threads of its own; for the remaining few small messages this thread is enough.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::machine)?;
    let lived = runtime.block_on(async {
        let told = told().map_err(Failure::machine)?;
        event_loop::run(settings, connector, trainer, told).await.map_err(Failure::machine)
    });
    // Does not wait for remaining tasks.
    runtime.shutdown_background();
    let (farewell, tally) = lived?;
    say_goodbye(&farewell, tally, started.elapsed());
    if matches!(farewell, Farewell::Left { ending: Ending::Unreachable, .. }) {
        error!(
            "the coordinator that {} names could not be reached\n  hint: check that `seedgrid serve` runs and that this machine reaches its \
             addresses, or wait for longer with --connect-timeout",
            arguments.join.display()
        );
    }
    Ok(exit_codes::for_end(&farewell))
}

fn open_cache(arguments: &Arguments) -> Option<CacheFolder> {
    let Some(path) = arguments.cache_path(|name| std::env::var_os(name)) else {
        warn!("there is no home folder to keep data sets in, going on without; --cache names one");
        return None;
    };
    match CacheFolder::open(&path) {
        Ok(folder) => Some(folder),
        Err(error) => {
            let why = chain(&error);
            warn!("cannot keep data sets in {}, going on without: {why}; --cache names another", path.display());
            None
        }
    }
}

/// Resolves when the supervisor passes a signal on, or when one arrives directly, as from a batch system that signals
/// every process of a job. A second signal has no effect here: the supervisor receives it, and kills this process.
fn told() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut user = signal(SignalKind::user_defined1())?;
    let mut hangups = supervisor::hangups()?;
    let (order, ordered) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("orders".to_owned()).spawn(move || {
        // Without an order the supervisor has ended, and this process ends with it.
        if io::stdin().lock().read(&mut [0]).is_ok_and(|bytes| bytes > 0) {
            // Without a receiver the worker is about to end anyway.
            let _ = order.send(());
        }
    })?;
    Ok(async move {
        let by_order = async {
            if ordered.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = by_order => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = user.recv() => {}
            () = supervisor::next_of(&mut hangups) => {}
        }
    })
}

/// Writes log lines to standard error. `colour`: also where that is no terminal.
fn log(level: tracing::Level, colour: bool) {
    // Below warnings, the libraries' log lines are of no use to users.
    let targets = Targets::new().with_default(level.min(tracing::Level::WARN)).with_target("seedgrid_worker", level);
    use tracing_subscriber::{Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() || colour)
        .with_target(false);
    let of_attempts = tracing_subscriber::fmt::layer().with_writer(ToCurrent).with_ansi(false).with_target(false);
    let lines = lines.with_filter(targets.clone());
    tracing_subscriber::registry().with(lines).with(of_attempts.with_filter(targets)).init();
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));
}

fn say_goodbye(farewell: &Farewell, tally: Tally, lived: Duration) {
    let Tally { done, diverged, failed, stopped } = tally;
    let summary = format!(
        "{} done, {diverged} diverged, {failed} failed, {stopped} stopped early, in {}",
        count(done, "unit"),
        clock(lived)
    );
    match farewell {
        Farewell::Left { ending, unacknowledged: 0 } => info!("goodbye ({}): {summary}", ending.reason()),
        Farewell::Left { ending, unacknowledged } => {
            let reason = ending.reason();
            warn!("goodbye ({reason}): {summary}; {} could not be handed over", count(unacknowledged, "attempt"));
        }
        Farewell::Refused(refused) => {
            warn!("goodbye: {summary}");
            error!("{}", with_hint(refused));
        }
    }
}

/// A length of time for people: "1:02:03" or "2:03".
fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
