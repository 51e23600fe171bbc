//! The command line of the worker: its arguments and their checks.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use crate::{
    lifecycle::{
        Rules, SLOTS_MAX,
        time_limit::{TimeLimit, parse_duration},
    },
    no_op::NoOpArguments,
    predict::PredictArguments,
    run::default_slots::default_slots,
};

const EXAMPLES: &str = "\
Examples:
  seedgrid-worker --join runs/table3/join.toml
      Trains one unit on each core until the study is done.
  seedgrid-worker --join join.toml --slots 4 --time-limit 2h
      Trains four units at the same time and leaves within two hours.
  seedgrid-worker --join join.toml --device cuda:1
      Trains on the second GPU.
  seedgrid-worker predict --help
      Explains the command that scores pairs of images with kept weights.

Exit codes:
  0    the study is done, or the worker was told to leave
  1    the worker failed
  2    the usage or the join file is wrong
  4    the coordinator refuses the worker
  5    no coordinator answers
  6    the time limit is near, and units are left
  9    the worker's trainers crash
  130  a second SIGINT ended the worker (143: a second SIGTERM or SIGHUP)

After the first SIGTERM, SIGHUP or SIGINT the worker returns its units and
leaves within 7 seconds. After the second it ends at once.

docs/glossary.md explains the words: study, unit, attempt and others.";

/// Trains units of a study until it is done, the time limit nears, or it is told to stop.
#[derive(Clone, Debug, Parser)]
#[command(name = "seedgrid-worker", version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct CommandLine {
    /// A command in place of training.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of a worker.
    #[command(flatten)]
    pub worker: Option<Arguments>,
}

/// The commands of `seedgrid-worker` besides training.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Score pairs of images with the kept weights of a study. Several networks predict the mean of their probabilities.
    Predict(PredictArguments),
    /// Send made-up results as many workers, to measure a coordinator that was started with --no-op.
    #[command(hide = true)]
    NoOp(NoOpArguments),
}

/// The options of a worker.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The join file, RUN_DIR/join.toml, with mode 0600
    #[arg(long, value_name = "FILE")]
    pub join: PathBuf,

    /// Use no encryption. The coordinator must have been started with --plaintext
    #[arg(long)]
    pub plaintext: bool,

    /// Number of units to train at the same time, one thread each [default: the number of cores; 1 on a GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=SLOTS_MAX as i64))]
    pub slots: Option<u16>,

    /// Device for training: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    pub device: String,

    /// Folder for data sets [default: $XDG_CACHE_HOME/seedgrid/datasets, or ~/.cache/seedgrid/datasets]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// Leave before this time has passed, for example 30m or HH:MM:SS. Under Slurm, the job's time limit counts, too
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub time_limit: Option<Duration>,

    /// Leave after this time without a unit [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub idle_timeout: Option<Duration>,

    /// Longest time between two checkpoints of a unit, which the worker sends to the coordinator. They are sent more often where they
    /// take less than 1 % of the time. A worker that is told to leave sends a last checkpoint
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s")]
    pub checkpoint_every: Duration,

    /// End after this time without a coordinator. A worker that holds units or results tries to connect for a day
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10m")]
    pub connect_timeout: Duration,

    /// Level of the log on standard error: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: tracing::Level,

    /// End at once when this process, the parent, ends
    #[arg(long, value_name = "PID", hide = true)]
    pub die_with_parent: Option<u32>,

    /// Train, supervised by this process, the parent
    #[arg(long, value_name = "PID", hide = true, requires = "worker_id")]
    pub trainer_of: Option<u32>,

    /// The worker's id, which its trainers share
    #[arg(long, value_name = "ID", hide = true)]
    pub worker_id: Option<String>,

    /// How long the worker has lived before this trainer
    #[arg(long, value_name = "MS", hide = true, default_value_t)]
    pub lived_ms: u64,

    /// Log with colours, though to a pipe
    #[arg(long, hide = true)]
    pub colour: bool,
}

impl Arguments {
    /// The rules of the worker's lifecycle. `cores` is the number of usable cores; `batch_left` is the time left in a
    /// batch job.
    pub fn rules(&self, cores: usize, batch_left: Option<Duration>) -> Rules {
        let lived = Duration::from_millis(self.lived_ms);
        let left = [self.time_limit.map(|limit| limit.saturating_sub(lived)), batch_left].into_iter().flatten().min();
        Rules {
            slots: self.slots.map_or_else(|| default_slots(&self.device, cores), usize::from),
            idle_timeout: self.idle_timeout,
            connect_timeout: self.connect_timeout,
            time_limit: left.map(TimeLimit::after),
        }
    }

    /// The folder for data sets. None: there is no home folder. `variable` looks up an environment variable.
    pub fn cache_path(&self, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        // The XDG specification requires that relative paths are ignored.
        let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        self.cache.clone().or_else(|| {
            let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
            Some(base.join("seedgrid").join("datasets"))
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use seedgrid_common::{
        command_line::{below, help_lines, parse_from},
        join::reconnect_limits,
    };

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        let parsed = CommandLine::try_parse_from(line.split(' '))?;
        assert!(parsed.command.is_none());
        Ok(parsed.worker.unwrap())
    }

    #[test]
    fn defaults_follow_device_and_machine() {
        let plain = parse("w --join a").unwrap();
        assert_eq!(plain.rules(6, None).slots, 6);
        assert_eq!(plain.rules(6, None).time_limit, None);
        assert_eq!(parse("w --join a --device cuda:1").unwrap().rules(6, None).slots, 1);
        assert_eq!(parse("w --join a --slots 3").unwrap().rules(6, None).slots, 3);
    }

    #[test]
    fn the_default_of_connect_timeout_is_the_common_one() {
        assert_eq!(parse("w --join a").unwrap().connect_timeout, reconnect_limits::WITHOUT_UNITS);
    }

    #[test]
    fn the_earlier_of_two_limits_counts() {
        let limited = parse("w --join a --time-limit 1h").unwrap();
        let left = |batch| limited.rules(1, batch).time_limit;
        assert_eq!(left(None), Some(TimeLimit::after(Duration::from_secs(3_600))));
        assert_eq!(left(Some(Duration::from_secs(60))), Some(TimeLimit::after(Duration::from_secs(60))));
        assert_eq!(left(Some(Duration::from_secs(7_200))), Some(TimeLimit::after(Duration::from_secs(3_600))));
    }

    #[test]
    fn a_later_trainer_has_the_time_that_is_left() {
        let later = parse("w --join a --time-limit 1h --trainer-of 7 --worker-id ab --lived-ms 600000").unwrap();
        assert_eq!(later.rules(1, None).time_limit, Some(TimeLimit::after(Duration::from_secs(3_000))));
    }

    #[test]
    fn bad_usage_is_refused() {
        for line in [
            "w",
            "w --join a --slots 0",
            "w --join a --slots 513",
            "w --join a --time-limit 30",
            "w --join a --log-level loud",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn predicting_needs_weights_and_pairs_and_no_join_file() {
        let parsed = |line: &str| CommandLine::try_parse_from(line.split(' '));
        let Some(Command::Predict(arguments)) = parsed("w predict --weights a b --data run").unwrap().command else {
            panic!("it is the subcommand");
        };
        assert_eq!(arguments.weights, [PathBuf::from("a"), PathBuf::from("b")]);
        for line in [
            "w predict",
            "w predict --weights a",
            "w predict --data run",
            "w predict --weights a --data run --pairs b",
            "w predict --weights a --data run --labels b",
            "w predict --weights a --pairs b --part train",
            "w predict --weights a --data run --part validation",
            "w predict --weights a --data run --format xml",
            "w --join a predict --weights a --data run",
        ] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn the_help_names_the_glossary() {
        let help = CommandLine::command().render_long_help().to_string();
        assert!(help.contains("docs/glossary.md"), "{help}");
    }

    #[test]
    fn every_command_shows_examples_and_each_can_be_run() {
        let mut root = CommandLine::command();
        root.build();
        let mut shown = 0;
        below(&root, "seedgrid-worker", &mut |path, command| {
            let help = command.clone().render_long_help().to_string();
            let examples =
                help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("`{path} --help` has no examples"));
            for line in help_lines(command) {
                assert!(line.chars().count() <= 80, "`{path} --help` has a line of more than 80 columns: {line}");
            }
            for line in examples.lines().filter(|line| line.starts_with("  seedgrid-worker")) {
                let words = line.trim().split('\'').enumerate().flat_map(|(index, part)| match index % 2 {
                    1 => vec![part],
                    _ => part.split_whitespace().collect(),
                });
                match parse_from::<CommandLine>(words.map(OsString::from)) {
                    Err(error) if error.kind() != clap::error::ErrorKind::DisplayHelp => panic!("{line}\n{error}"),
                    Ok(_) | Err(_) => shown += 1,
                }
            }
        });
        assert!(shown > 5, "{shown}");
    }

    #[test]
    fn a_misspelt_command_is_guessed() {
        let said = |line: &str| parse_from::<CommandLine>(line.split(' ').map(OsString::from)).unwrap_err().to_string();
        for (line, meant) in [
            ("w predcit --weights a --data run", "'predict'"),
            ("w --join a --slost 3", "'--slots'"),
            ("w --join a --threads 3", "'--slots'"),
            ("w predict --weigths a --data run", "'--weights'"),
        ] {
            assert!(said(line).contains("a similar") && said(line).contains(meant), "{line}: {}", said(line));
        }
    }

    #[test]
    fn the_cache_folder_is_found() {
        let arguments = parse("w --join a").unwrap();
        let path = |set: &'static [(&str, &str)]| {
            arguments.cache_path(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        assert_eq!(path(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), Some("/c/seedgrid/datasets".into()));
        assert_eq!(path(&[("XDG_CACHE_HOME", "c"), ("HOME", "/h")]), Some("/h/.cache/seedgrid/datasets".into()));
        assert_eq!(path(&[]), None);
        assert_eq!(parse("w --join a --cache d").unwrap().cache_path(|_| None), Some("d".into()));
    }
}
