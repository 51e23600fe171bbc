//! The examples in `--help` of each command, each a line that can be run. The other commands have theirs beside their
//! arguments.

pub(super) const RUN: &str = "\
Examples:
  seedgrid run experiments/quickstart.toml    report in runs/quickstart/report
  seedgrid run experiments/table3.toml --data mnist
  seedgrid run mine.toml --slots 2 --run-dir runs/try
  seedgrid run mine.toml --listen 0.0.0.0:7700

The same command continues an interrupted study. With --listen, workers on
other machines may join. Exit codes: 0 done, 2 wrong spec, data or folder,
3 some units have no result, 8 paused or drained, 130 interrupted.";

pub(super) const SERVE: &str = "\
Examples:
  seedgrid serve experiments/table3.toml
  seedgrid serve experiments/table3.toml --listen 10.1.0.5:7700
  seedgrid serve mine.toml --advertise login1.example.org --join-expires 7d

Start workers with the run directory's join file:
seedgrid-worker --join runs/table3/join.toml";

pub(super) const LIST: &str = "\
Examples:
  seedgrid list                     list the folder runs
  seedgrid list /scratch/studies
  seedgrid list runs --format json";

pub(super) const STATUS: &str = "\
Examples:
  seedgrid status runs/table3
  seedgrid status runs/table3 --format json
  seedgrid status view.toml    on another machine, with a copy of the file";

pub(super) const WATCH: &str = "\
Examples:
  seedgrid watch runs/table3
  seedgrid watch view.toml    on another machine, with a copy of the file";

pub(super) const REPORT: &str = "\
Examples:
  seedgrid report runs/table3                       into runs/table3/report
  seedgrid report runs/table3 --output ~/table3     into another folder
  seedgrid report runs/table3 --spec 1              of an earlier spec";

pub(super) const MODELS: &str = "\
Examples:
  seedgrid models                   show all networks
  seedgrid models cnn-shared-aux
  seedgrid models fc --format json";

pub(super) const RETRY: &str = "\
Examples:
  seedgrid retry runs/table3                 all units in quarantine
  seedgrid retry runs/table3 'cnn seed 3'    one unit";

pub(super) const CREDENTIALS: &str = "\
Examples:
  seedgrid credentials list runs/table3
  seedgrid credentials rotate runs/table3 --expires 7d
  seedgrid credentials revoke runs/table3 3f8a";

pub(super) const CREDENTIALS_LIST: &str = "\
Examples:
  seedgrid credentials list runs/table3
  seedgrid credentials list runs/table3 --format json";

pub(super) const CREDENTIALS_ROTATE: &str = "\
Examples:
  seedgrid credentials rotate runs/table3
  seedgrid credentials rotate runs/table3 --expires 12h";

pub(super) const CREDENTIALS_REVOKE: &str = "\
Examples:
  seedgrid credentials revoke runs/table3 3f8a    the id begins with 3f8a";

pub(super) const DATA: &str = "\
Examples:
  seedgrid data fetch                       into the user's cache folder
  seedgrid data check
  seedgrid data describe study.toml         the data set that a spec asks for";

pub(super) const DATA_FETCH: &str = "\
Examples:
  seedgrid data fetch                       into the user's cache folder
  seedgrid data fetch --data mnist          runs then need --data mnist
  seedgrid data fetch --mirror http://files.example.org/mnist/";

pub(super) const DATA_CHECK: &str = "\
Examples:
  seedgrid data check                       the copy that a run would use
  seedgrid data check --data mnist          the copy in the folder mnist";

pub(super) const DATA_DESCRIBE: &str = "\
Examples:
  seedgrid data describe study.toml
  seedgrid data describe study.toml --contact-sheet images.png
  seedgrid data describe study.toml --format json

Only [dataset] of the spec is read; docs/data.md has its keys.";

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory as _;
    use seedgrid_common::command_line::{below, help_lines, parse_from};

    use crate::cli::Arguments;

    /// The words of an example, split like a shell does, without redirections and comments.
    fn words(line: &str) -> Vec<OsString> {
        let command = line.trim().split("  ").next().unwrap();
        let command = command.split(" | ").next().unwrap().split(" > ").next().unwrap();
        let quoted = command.split('\'').enumerate();
        let words = quoted.flat_map(|(index, part)| match index % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        });
        words.map(OsString::from).collect()
    }

    #[test]
    fn the_help_names_the_glossary() {
        let help = Arguments::command().render_long_help().to_string();
        assert!(help.contains("docs/glossary.md"), "{help}");
    }

    #[test]
    fn every_command_shows_examples_and_each_can_be_run() {
        let mut root = Arguments::command();
        root.build();
        let mut commands = 0;
        below(&root, "seedgrid", &mut |path, command| {
            let help = command.clone().render_long_help().to_string();
            let examples =
                help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("`{path} --help` has no examples"));
            for line in help_lines(command) {
                assert!(line.chars().count() <= 80, "`{path} --help` has a line of more than 80 columns: {line}");
            }
            let own: Vec<&str> = examples.lines().take_while(|line| line.starts_with("  ")).collect();
            assert!(own.iter().any(|line| line.trim().starts_with(path)), "`{path} --help` shows none of it:\n{help}");
            for line in own.iter().filter(|line| line.trim().starts_with("seedgrid ")) {
                if let Err(error) = parse_from::<Arguments>(words(line)) {
                    panic!("{line}\n{error}");
                }
            }
            commands += 1;
        });
        assert!(commands > 25, "{commands}");
    }
}
