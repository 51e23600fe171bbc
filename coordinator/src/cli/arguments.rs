//! The command line's arguments.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, ValueEnum};

use super::{
    backup::BackupArguments,
    help_examples,
    shared_arguments::{Format, ReachArguments, StudyArguments},
    unit_and_worker_arguments::{
        CancelArguments, DrainArguments, PauseArguments, ResumeArguments, UnitArguments, UnitsArguments,
        WorkersArguments,
    },
};

const EXIT_CODES: &str = "\
Exit codes:
  0    the command is done
  1    the command failed
  2    the usage, the spec or the data are wrong
  3    the study has ended, and some units have no result
  4    the coordinator refuses the credential
  5    no coordinator answers
  6    the batch job ends soon: run the same command in a new job
  7    compare: equal units have different results
  8    the study is paused or drained: `seedgrid resume` continues it
  9    the worker's trainers crash
  10   check, backup: a part of the run is damaged
  130  SIGINT stopped the command (143: SIGTERM, SIGHUP): run it again

docs/glossary.md explains the words: study, unit, attempt and others.";

/// Trains many small neural networks and writes one report about them.
///
/// A study is a TOML file that names models, values of hyper-parameters, folds and seeds. Seedgrid trains every combination
/// once, on this machine or on many, and reports means, deviations and averaged curves.
#[derive(Debug, Parser)]
#[command(name = "seedgrid", version, after_help = EXIT_CODES, after_long_help = format!("\
Examples:
  seedgrid run experiments/quickstart.toml        train on this machine
  seedgrid plan experiments/table3.toml           show what would be trained
  seedgrid data fetch                             download MNIST
  seedgrid serve experiments/table3.toml          coordinate other machines
  seedgrid-worker --join runs/table3/join.toml    train on another machine
  seedgrid watch runs/table3                      follow the study
  seedgrid list                                   list the runs in runs/
  seedgrid report runs/table3                     write the report now
  seedgrid check runs/table3                      verify all digests
  seedgrid backup runs/table3 copies/table3       copy the run
  seedgrid export runs/table3                     write CSV and Parquet tables
  seedgrid compare runs/table3 runs/table3-gpu    compare two runs

{EXIT_CODES}"))]
pub struct Arguments {
    /// Log more: -v logs workers that come and leave, -vv logs everything. SEEDGRID_LOG overrides this option.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// The command.
    #[command(subcommand)]
    pub subcommand: Subcommand,
}

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Train a study on this machine and write its report. The same command continues an interrupted study.
    Run(RunArguments),
    /// Coordinate workers on other machines and write the report. The same command continues an interrupted study.
    Serve(ServeArguments),
    /// Show the units of a study, the number of done units and the time for the rest. Trains nothing.
    Plan(PlanArguments),
    /// List the runs in a folder with their study, state, progress and last change. Changes nothing.
    List(ListArguments),
    /// Show the state of a study.
    Status(StatusArguments),
    /// Follow a study until it ends.
    Watch(WatchArguments),
    /// Write a run's report, also while the study runs.
    Report(ReportArguments),
    /// List units with their state and their failures, also after the study.
    Units(UnitsArguments),
    /// List the connected workers, or all workers of the study.
    Workers(WorkersArguments),
    /// Explain a unit: its attempts, and the reason for its state. Also after the study.
    Explain(UnitArguments),
    /// Show the logs of a unit's attempts, also after the study.
    Logs(UnitArguments),
    /// Cancel units. The report names them.
    Cancel(CancelArguments),
    /// Let workers finish their units and leave.
    Drain(DrainArguments),
    /// Assign no more units until `seedgrid resume`. Workers stay connected.
    Pause(PauseArguments),
    /// Assign units again after a pause or a drain.
    Resume(ResumeArguments),
    /// Compare the database, data sets, weights and report of a run with their digests. Changes nothing.
    Check(CheckArguments),
    /// Copy a run to another folder, also while the study runs. The copy is a run directory.
    Backup(BackupArguments),
    /// Train units again that failed too often or were cancelled.
    Retry(RetryArguments),
    /// List, renew and revoke the credentials of workers and commands.
    Credentials(CredentialsArguments),
    /// Compare two runs: their specs, their mean errors, and the results of equal units.
    Compare(CompareArguments),
    /// Write a run's units, epochs and predictions as CSV and Parquet tables, also while the study runs.
    Export(ExportArguments),
    /// Show the layers and hyper-parameters of each network.
    Models(ModelsArguments),
    /// Download MNIST or verify a copy.
    Data(DataArguments),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::RUN)]
pub struct RunArguments {
    /// The study.
    #[command(flatten)]
    pub study: StudyArguments,
    /// Accept a run directory whose results all belong to other units. The results are kept, and the report is replaced.
    #[arg(long)]
    pub replace: bool,
    /// Number of units to train at the same time, one thread each. Default: the number of cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: Option<u16>,
    /// Address to listen on. Workers of other machines can connect unless it is a loopback address.
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
    /// Accept a run directory whose results all belong to other units. The results are kept, and the report is replaced.
    #[arg(long)]
    pub replace: bool,
    /// Address to listen on.
    #[arg(long, value_name = "HOST:PORT", default_value = "0.0.0.0:7700", value_parser = host_and_port)]
    pub listen: String,
    /// Host name or address for the join file, in place of the addresses that Seedgrid finds.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub advertise: Option<String>,
    /// Use no encryption. Workers and commands then need --plaintext, too. Use this option in trusted networks only.
    #[arg(long)]
    pub plaintext: bool,
    /// Time from now until the join file expires: 12h, 7d. Default: 30d for a new file; a restart changes nothing.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub join_expires: Option<Duration>,
    /// Let all workers come from one address, as behind NAT or an ssh tunnel. Default: one address may have half of the connections.
    #[arg(long)]
    pub one_address: bool,
    /// Accept made-up results alone: `seedgrid-worker no-op` measures the coordinator with them.
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
  seedgrid plan experiments/quickstart.toml           estimate for this machine
  seedgrid plan experiments/paper.toml --slots 256    estimate for 256 slots
  seedgrid plan experiments/quickstart.toml --measure")]
pub struct PlanArguments {
    /// The study.
    #[command(flatten)]
    pub study: StudyArguments,
    /// Number of slots of all workers for the estimate of the time. Default: the cores of this machine.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub slots: Option<u32>,
    /// Measure the speed of this machine first: train a few epochs of each network in a temporary folder (some seconds).
    #[arg(long)]
    pub measure: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid compare runs/table3 runs/table3-gpu
  seedgrid compare runs/before runs/after --format markdown > changes.md

Exit codes: 0 no contradiction, 7 equal units of one numerics class have
different results.")]
pub struct CompareArguments {
    /// The first run directory.
    #[arg(value_name = "RUN_A")]
    pub first: PathBuf,
    /// The second run directory.
    #[arg(value_name = "RUN_B")]
    pub second: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
}

/// The format of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// Text for people.
    #[default]
    Text,
    /// Markdown.
    Markdown,
    /// JSON for programs; docs/cli.md has the schema.
    Json,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid export runs/table3    write tables into runs/table3/export
  seedgrid export runs/table3 --format parquet --output tables

In Python: pandas.read_parquet(\"tables/units.parquet\")")]
pub struct ExportArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// Folder for the tables. Default: RUN_DIR/export.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Format of the tables.
    #[arg(long, value_enum, default_value_t)]
    pub format: ExportFormat,
}

/// The form of exported tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// CSV: text.
    Csv,
    /// Parquet: typed and compressed.
    Parquet,
    /// CSV and Parquet.
    #[default]
    Both,
}

/// Arguments of `models`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::MODELS)]
pub struct ModelsArguments {
    /// Show this model alone.
    #[arg(value_parser = model_name())]
    pub model: Option<String>,
    /// Output format.
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
    /// A folder of run directories, or one run directory.
    #[arg(default_value = "runs")]
    pub folder: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::STATUS)]
pub struct StatusArguments {
    /// The run directory, or its view or admin file.
    pub run_dir: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to the coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::WATCH)]
pub struct WatchArguments {
    /// The run directory, or its view or admin file.
    pub run_dir: PathBuf,
    /// The connection to the coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::REPORT)]
pub struct ReportArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// Number of an earlier spec, RUN_DIR/specs/N.toml, to report on. Default: the newest spec.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub spec: Option<u32>,
    /// Folder for the report. It must be new, be empty or hold a report. Default: RUN_DIR/report, or RUN_DIR/report-spec-N with
    /// --spec.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid check runs/table3
  seedgrid check copies/table3                   verify a backup
  seedgrid check runs/table3 --format json | jq .damage

Exit codes: 0 the run is complete, 3 some units have no result, 10 a part is
damaged. `seedgrid run` trains again the units whose results are damaged.")]
pub struct CheckArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::RETRY)]
pub struct RetryArguments {
    /// The run directory, or the admin file of a running study. Without a running coordinator, run the study again afterwards.
    pub run_dir: PathBuf,
    /// Quarantined or cancelled units: ids, first digits of ids, or words of labels. Default: all units in quarantine.
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to the coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `credentials`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::CREDENTIALS)]
pub struct CredentialsArguments {
    /// The action.
    #[command(subcommand)]
    pub action: CredentialsAction,
}

/// Actions on credentials. All of them work with and without a running coordinator.
#[derive(Debug, clap::Subcommand)]
pub enum CredentialsAction {
    /// List the tokens and the enrolled workers. Shows no secret.
    #[command(after_help = help_examples::CREDENTIALS_LIST)]
    List {
        /// The run directory.
        run_dir: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Write a new join file. The old file loses its validity; enrolled workers stay connected.
    #[command(after_help = help_examples::CREDENTIALS_ROTATE)]
    Rotate {
        /// The run directory.
        run_dir: PathBuf,
        /// Time until the new file expires: 12h, 7d. Default: 30d, or the time of `serve --join-expires`.
        #[arg(long, value_name = "TIME", value_parser = time)]
        expires: Option<Duration>,
        /// The connection to the coordinator.
        #[command(flatten)]
        reach: ReachArguments,
    },
    /// Revoke a worker's credential for good. Its units are assigned to other workers.
    #[command(after_help = help_examples::CREDENTIALS_REVOKE)]
    Revoke {
        /// The run directory.
        run_dir: PathBuf,
        /// The worker's id or its first digits. `seedgrid credentials list` shows the ids.
        worker: String,
        /// The connection to the coordinator.
        #[command(flatten)]
        reach: ReachArguments,
    },
}

/// Arguments of `data`.
#[derive(Debug, Args)]
#[command(after_help = help_examples::DATA)]
pub struct DataArguments {
    /// The action.
    #[command(subcommand)]
    pub action: DataAction,
}

/// Actions on data.
#[derive(Debug, clap::Subcommand)]
pub enum DataAction {
    /// Download MNIST from a public mirror and verify it. The same command continues an interrupted download.
    #[command(after_help = help_examples::DATA_FETCH)]
    Fetch {
        /// Folder for MNIST. Default: a folder in the user's cache, which every run searches.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// URL of a mirror, in place of the public ones. This option may be repeated.
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
    },
    /// Show the data set of a spec: inputs, targets, classes with counts, missing values, parts.
    #[command(after_help = help_examples::DATA_DESCRIBE)]
    Describe {
        /// The spec, or a file with its [dataset] alone
        #[arg(value_name = "SPEC")]
        spec: PathBuf,
        /// Folder with MNIST, for a data set that needs it
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Also write a PNG file of some images of each class
        #[arg(long, value_name = "FILE")]
        contact_sheet: Option<PathBuf>,
        /// Format of the description
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Verify a copy of MNIST.
    #[command(after_help = help_examples::DATA_CHECK)]
    Check {
        /// Folder with MNIST. Default: the folder that a run would use.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}
