//! The command line's arguments.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, ValueEnum};
use seedgrid_common::join::Plaintext;

use super::{
    backup::BackupArguments,
    help_examples,
    unit_and_worker_arguments::{
        CancelArguments, DrainArguments, PauseArguments, ResumeArguments, UnitArguments, UnitsArguments,
        WorkersArguments,
    },
};

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage or spec, 3 finished with missing cells,
4 refused by the coordinator, 5 no coordinator there, 6 the batch job ends soon (run again in a new one to go on),
7 compared runs contradict each other, 8 stands still (paused or drained), 9 the worker's trainers crash,
10 a checked run is damaged, 130 or 143 interrupted by a signal (run again to go on).";

/// Runs experiment matrices of small neural networks and makes one report of them.
///
/// A study is a TOML file that names models, axes of hyper-parameters, folds and seeds. Seedgrid trains every unit of it once,
/// on this machine or on many, and reports means, deviations and averaged curves.
#[derive(Debug, Parser)]
#[command(name = "seedgrid", version, after_help = EXIT_CODES, after_long_help = format!("\
Examples:
  seedgrid run experiments/quickstart.toml             train here, report at the end
  seedgrid plan experiments/table3.toml                what would run
  seedgrid data fetch                                  MNIST, once, for studies on it
  seedgrid serve experiments/table3.toml --listen 0.0.0.0:7700
  seedgrid-worker --join runs/table3/join.toml         on other machines
  seedgrid watch runs/table3
  seedgrid list                                        the runs in the folder runs
  seedgrid report runs/table3                          the report so far
  seedgrid check runs/table3                           is it as it was written
  seedgrid backup runs/table3 copies/table3            a copy, also while it runs
  seedgrid export runs/table3                          tables for pandas, Polars or R
  seedgrid compare runs/table3 runs/table3-gpu         two runs side by side

{EXIT_CODES}"))]
pub struct Arguments {
    /// Log more (-v: joins and leaves, -vv: everything). SEEDGRID_LOG overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub subcommand: Subcommand,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Train a study on this machine, to its report. Run it again to go on after an interruption.
    Run(RunArguments),
    /// Coordinate a study for workers on other machines, to its report. Run it again to go on.
    Serve(ServeArguments),
    /// Show what a study would train, what of it is done and how long the rest will take. Runs nothing.
    Plan(PlanArguments),
    /// List the runs of a folder: the study, where it stands, how much is done, when it was last changed. Changes nothing.
    List(ListArguments),
    /// Show where a running study stands.
    Status(StatusArguments),
    /// Follow a running study until it ends.
    Watch(WatchArguments),
    /// Build a run's report again, also while the study runs.
    Report(ReportArguments),
    /// List units: where each stands, what counts against it. Also after the study.
    Units(UnitsArguments),
    /// List workers: those that are there, or all that ever were.
    Workers(WorkersArguments),
    /// Tell a unit's whole story: every attempt, and why it waits or how it ended. Also after the study.
    Explain(UnitArguments),
    /// Show what workers logged during a unit's attempts. Also after the study.
    Logs(UnitArguments),
    /// Take units out of a study; the report names them.
    Cancel(CancelArguments),
    /// Let workers finish what they hold and leave.
    Drain(DrainArguments),
    /// Give no more units out for now; workers stay.
    Pause(PauseArguments),
    /// Give units out again, after a pause or a drain.
    Resume(ResumeArguments),
    /// Check a run against its digests: database, data sets, weights and report. Changes nothing; also while the study runs.
    Check(CheckArguments),
    /// Copy a run to another folder, also while the study runs. The copy is a run directory.
    Backup(BackupArguments),
    /// Give units that failed for good another try.
    Retry(RetryArguments),
    /// Show, renew and revoke what lets workers and commands in.
    Credentials(CredentialsArguments),
    /// Set two runs side by side: what differs between them, and whether equal units came out the same.
    Compare(CompareArguments),
    /// Write a run's units, epochs and predictions as CSV and Parquet tables, also while the study runs.
    Export(ExportArguments),
    /// Show each network layer by layer, with its hyper-parameters.
    Models(ModelsArguments),
    /// Get or check a copy of MNIST.
    Data(DataArguments),
}

/// A study and where it lives.
#[derive(Debug, Args)]
pub struct StudyArguments {
    /// The study's spec (TOML).
    pub spec: PathBuf,
    /// Folder with MNIST's four IDX files, gzipped or not. Default: where `seedgrid data fetch` puts them. Not needed for drawn data, nor to go on
    /// with a run.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The run directory. Default: runs/NAME.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::RUN)]
pub struct RunArguments {
    /// The study.
    #[command(flatten)]
    pub study: StudyArguments,
    /// Run the spec in a run directory whose results are all of other units. They are kept; its report takes the place of theirs.
    #[arg(long)]
    pub replace: bool,
    /// Units to train at a time, one thread each. Default: the number of cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: Option<u16>,
    /// Where to listen; other machines' workers can help when this is not a loopback address.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = host_and_port)]
    pub listen: String,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::SERVE)]
pub struct ServeArguments {
    /// The study.
    #[command(flatten)]
    pub study: StudyArguments,
    /// Run the spec in a run directory whose results are all of other units. They are kept; its report takes the place of theirs.
    #[arg(long)]
    pub replace: bool,
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", default_value = "0.0.0.0:7700", value_parser = host_and_port)]
    pub listen: String,
    /// Host name or address that workers should use, where the ones found are not right.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub advertise: Option<String>,
    /// Speak without encryption. Workers and commands then need --plaintext too. Only for networks where nobody else listens.
    #[arg(long)]
    pub plaintext: bool,
    /// How long the join file lets new workers in, counted from now: 12h, 7d. Default: 30d for a new one; a restart changes nothing.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub join_expires: Option<Duration>,
    /// Let all workers come from one address, as behind NAT or in an ssh tunnel. Default: one address may have half of the connections.
    #[arg(long)]
    pub one_address: bool,
    /// Take made-up results, and no others: to measure the coordinator with `seedgrid-worker no-op`.
    #[arg(long, hide = true)]
    pub no_op: bool,
}

/// Parses a duration: a number with s, m, h or d.
fn time(text: &str) -> Result<Duration, String> {
    let bad = || "write a number and s, m, h or d, for example 12h or 7d, at most 3650d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(bad)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(bad()),
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    let total = number.checked_mul(seconds).filter(|total| (1..=3650 * 24 * 3600).contains(total));
    total.map(Duration::from_secs).ok_or_else(bad)
}

/// Parses a host name or address in a URL's form, without scheme and port.
fn host(text: &str) -> Result<String, String> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if bracketed.and_then(|ip| ip.parse::<std::net::Ipv6Addr>().ok()).is_some_and(|ip| ip.is_unicast_link_local()) {
        Err("a link-local address (fe80::) leads to another machine on every network; write a global address or a name"
            .to_owned())
    } else if is_host(text) {
        Ok(text.to_owned())
    } else {
        Err("write a host name or an address alone, without http:// and port, for example login1 or [2001:db8::1]; the port is that of --listen".to_owned())
    }
}

/// Parses a host name or address with a port.
fn host_and_port(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        Some(_) | None => {
            Err("write HOST:PORT, for example 0.0.0.0:7700, login1:7700 or [::]:7700; port 0 takes any free one"
                .to_owned())
        }
    }
}

fn is_host(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            !text.is_empty() && text.len() <= 200 && !text.starts_with('-') && text.bytes().all(known)
        }
    }
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid plan experiments/quickstart.toml             what would run here, and for how long
  seedgrid plan experiments/paper.toml --slots 256      on 256 slots of a cluster
  seedgrid plan experiments/quickstart.toml --measure   try this machine first")]
pub struct PlanArguments {
    /// The study.
    #[command(flatten)]
    pub study: StudyArguments,
    /// Slots, of all workers together, for which the time is estimated. Default: this machine's cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub slots: Option<u32>,
    /// Train a few epochs of each network on this machine first, in a temporary folder, to know its speed (some seconds).
    #[arg(long)]
    pub measure: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid compare runs/table3 runs/table3-gpu              is it the same, and if not, by how much
  seedgrid compare runs/before runs/after --format markdown > changes.md

Exit codes: 0 compared, 7 compared and equal units of one numerics class have different results.")]
pub struct CompareArguments {
    /// A run directory: A.
    #[arg(value_name = "RUN_A")]
    pub first: PathBuf,
    /// Another one: B.
    #[arg(value_name = "RUN_B")]
    pub second: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
}

/// How to print a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people.
    #[default]
    Text,
    /// For pages and mails.
    Markdown,
    /// For programs; docs/cli.md has the schema.
    Json,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid export runs/table3                                     CSV and Parquet, into runs/table3/export
  seedgrid export runs/table3 --format parquet --output tables
  python3 -c 'import pandas; print(pandas.read_parquet(\"tables/units.parquet\").groupby(\"model\").error.mean())'")]
pub struct ExportArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// Where the tables go. Default: RUN_DIR/export.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// In which form.
    #[arg(long, value_enum, default_value_t)]
    pub format: ExportFormat,
}

/// The form of exported tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Text, for everything.
    Csv,
    /// Typed and compressed, for pandas, Polars, R, DuckDB and others.
    Parquet,
    /// Both.
    #[default]
    Both,
}

/// Arguments of `models`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::MODELS)]
pub struct ModelsArguments {
    /// Only this model.
    #[arg(value_parser = model_name())]
    pub model: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

fn model_name() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(seedgrid_common::model::ALL.map(|model| model.name))
}

/// Arguments of `list`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::LIST)]
pub struct ListArguments {
    /// The folder that holds run directories; a run directory stands for itself.
    #[arg(default_value = "runs")]
    pub folder: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::STATUS)]
pub struct StatusArguments {
    /// The run directory, or its view or admin file.
    pub run_dir: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to the coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// How to speak to a coordinator.
#[derive(Clone, Copy, Debug, Args)]
pub struct ReachArguments {
    /// Speak without encryption, to a coordinator that was started with --plaintext.
    #[arg(long)]
    pub plaintext: bool,
}

impl From<ReachArguments> for Plaintext {
    fn from(reach: ReachArguments) -> Self {
        reach.plaintext.into()
    }
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::WATCH)]
pub struct WatchArguments {
    /// The run directory, or its view or admin file.
    pub run_dir: PathBuf,
    /// How to speak to the coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::REPORT)]
pub struct ReportArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// The report of an earlier spec, by its number: RUN_DIR/specs/N.toml. Default: the newest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub spec: Option<u32>,
    /// Where the report goes: a folder that is new, is empty or holds a report. Default: RUN_DIR/report, of an earlier spec RUN_DIR/report-spec-N.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid check runs/table3                       is everything there, and as it was written
  seedgrid check copies/table3                     a backup, before it is needed
  seedgrid check runs/table3 --format json | jq .damage

Exit codes: 0 whole and complete, 3 whole, and units have no result, 10 damaged. What is damaged in the database is trained again
when the study is run again.")]
pub struct CheckArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::RETRY)]
pub struct RetryArguments {
    /// The run directory, or the admin file of a running study. While a coordinator runs, that is told; else run the study again afterwards.
    pub run_dir: PathBuf,
    /// Units, quarantined or cancelled: ids, their first digits, or words of labels. Default: every unit in quarantine.
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to the coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `credentials`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::CREDENTIALS)]
pub struct CredentialsArguments {
    /// What to do.
    #[command(subcommand)]
    pub action: CredentialsAction,
}

/// What to do with credentials. All of it works while a coordinator runs and while none does.
#[derive(Debug, clap::Subcommand)]
pub enum CredentialsAction {
    /// List the files' tokens and the workers that have enrolled. Shows no secret.
    #[command(after_help = help_examples::CREDENTIALS_LIST)]
    List {
        /// The run directory.
        run_dir: PathBuf,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Make a new join file. The old one is dead; workers that are in go on.
    #[command(after_help = help_examples::CREDENTIALS_ROTATE)]
    Rotate {
        /// The run directory.
        run_dir: PathBuf,
        /// How long the new one lets workers in: 12h, 7d. Default: 30d, or what `serve --join-expires` said.
        #[arg(long, value_name = "TIME", value_parser = time)]
        expires: Option<Duration>,
        /// How to speak to the coordinator.
        #[command(flatten)]
        reach: ReachArguments,
    },
    /// Shut a worker out for good, and take back what it trains.
    #[command(after_help = help_examples::CREDENTIALS_REVOKE)]
    Revoke {
        /// The run directory.
        run_dir: PathBuf,
        /// The worker's id, or its first digits, as `seedgrid credentials list` and `seedgrid status --format json` show it.
        worker: String,
        /// How to speak to the coordinator.
        #[command(flatten)]
        reach: ReachArguments,
    },
}

/// Arguments of `data`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::DATA)]
pub struct DataArguments {
    /// What to do.
    #[command(subcommand)]
    pub action: DataAction,
}

/// What to do with MNIST.
#[derive(Debug, clap::Subcommand)]
pub enum DataAction {
    /// Download MNIST from a public mirror and verify it. Goes on where it stopped.
    #[command(after_help = help_examples::DATA_FETCH)]
    Fetch {
        /// Where to put it. Default: the user's cache folder, where every run looks.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// A mirror to use instead of the public ones; may be given more than once.
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
    },
    /// Verify a copy of MNIST.
    #[command(after_help = help_examples::DATA_CHECK)]
    Check {
        /// Where it is. Default: where a run would find it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

/// How to print a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; docs/cli.md has the schema.
    Json,
}
