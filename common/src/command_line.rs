//! Reads the command line of either binary. Errors suggest the command or option that was probably meant.

use std::{
    ffi::OsString,
    io::{self, Write as _},
};

use clap::{
    Command, Error, Parser,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{nearest_word::nearest, terminal::Screen};

/// Most columns of help, however wide the terminal is.
pub const HELP_COLUMNS_MAX: usize = 80;

/// Words of other programs, each with the command or option here that means the same.
const SYNONYMS: &[(&str, &str)] = &[
    ("train", "run"),
    ("start", "run"),
    ("ls", "list"),
    ("runs", "list"),
    ("show", "status"),
    ("info", "status"),
    ("log", "logs"),
    ("tail", "watch"),
    ("follow", "watch"),
    ("abort", "cancel"),
    ("verify", "check"),
    ("diff", "compare"),
    ("evaluate", "predict"),
    ("--threads", "--slots"),
    ("--jobs", "--slots"),
    ("--cores", "--slots"),
    ("--cpus", "--slots"),
    ("--parallel", "--slots"),
    ("--gpu", "--device"),
    ("--port", "--listen"),
    ("--bind", "--listen"),
    ("--out", "--output"),
    ("--out-dir", "--output"),
    ("--dir", "--run-dir"),
    ("--directory", "--run-dir"),
    ("--mnist", "--data"),
    ("--dataset", "--data"),
    ("--timeout", "--time-limit"),
    ("--walltime", "--time-limit"),
];

/// Reads the command line of this process. Where it is wrong or asks for help, this ends the process.
pub fn parse<P: Parser>() -> P {
    parse_from(std::env::args_os()).unwrap_or_else(|error| {
        let screen = Screen::error();
        if error.use_stderr() && screen.is_terminal {
            let colour = std::env::var_os("NO_COLOR").is_none();
            let said = error.render();
            let said = if colour { said.ansi().to_string() } else { said.to_string() };
            // The parser breaks help into lines, but not errors. A failed write to standard error cannot be reported.
            let _ = write!(io::stderr().lock(), "{}", screen.fit(&said));
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// When the line is wrong (the error suggests the probable word), or when it asks for help.
pub fn parse_from<P: Parser>(words: impl IntoIterator<Item = OsString>) -> Result<P, Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let width = Screen::output().columns.min(HELP_COLUMNS_MAX);
    let found = P::command().term_width(width).try_get_matches_from(&words);
    found.and_then(|found| P::from_arg_matches(&found).map_err(|error| error.format(&mut P::command()))).map_err(
        |error| {
            let mut command = P::command();
            command.build();
            explained(error, &command, &words)
        },
    )
}

/// The error with the probable word, where the parser suggests none.
fn explained(mut error: Error, command: &Command, words: &[OsString]) -> Error {
    let reached = reached(command, words);
    let written = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.split('=').next().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let (kind, meant) = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let written = written(&error, ContextKind::InvalidSubcommand);
            (ContextKind::SuggestedSubcommand, meant(&written, &commands(reached)))
        }
        ErrorKind::UnknownArgument => {
            let written = written(&error, ContextKind::InvalidArg);
            if written.starts_with('-') {
                let meant = meant(&written, &options(reached));
                if meant.is_none() && !is_suggested(&error, ContextKind::SuggestedArg) {
                    say_where(&mut error, &written, command);
                }
                (ContextKind::SuggestedArg, meant)
            } else {
                (ContextKind::SuggestedSubcommand, meant(&written, &commands(reached)))
            }
        }
        _ => return error,
    };
    if let Some(meant) = meant
        && !is_suggested(&error, kind)
    {
        error.insert(kind, ContextValue::String(meant));
    }
    error
}

/// Whether the parser itself suggests a word.
fn is_suggested(error: &Error, kind: ContextKind) -> bool {
    match error.get(kind) {
        None | Some(ContextValue::None) => false,
        Some(ContextValue::Strings(all)) => !all.is_empty(),
        Some(_) => true,
    }
}

/// The lines of a command's `--help`: the parser's, and those of the examples as they are written.
pub fn help_lines(command: &Command) -> Vec<String> {
    let written = [command.get_after_help(), command.get_after_long_help()].into_iter().flatten();
    let mut lines: Vec<String> =
        written.flat_map(|text| text.to_string().lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let help = command.clone().term_width(HELP_COLUMNS_MAX).render_long_help().to_string();
    // The parser writes a usage on one line.
    lines.extend(help.lines().filter(|line| !line.starts_with("Usage: ")).map(str::to_owned));
    lines
}

/// Adds the commands that have this option to the error.
fn say_where(error: &mut Error, option: &str, command: &Command) {
    let mut having = Vec::new();
    below(command, command.get_name(), &mut |path, command| {
        if options(command).iter().any(|known| known == option) {
            having.push(format!("'{path}'"));
        }
    });
    if !having.is_empty() {
        let text = format!("{option} is an option of {}", having.join(", "));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(text)]));
    }
}

/// Visits a command and all below it, each with its full name on the command line.
pub fn below<'c>(command: &'c Command, path: &str, visit: &mut impl FnMut(&str, &'c Command)) {
    visit(path, command);
    for next in command.get_subcommands().filter(|next| next.get_name() != "help") {
        below(next, &format!("{path} {}", next.get_name()), visit);
    }
}

/// The command that the words lead to.
fn reached<'c>(command: &'c Command, words: &[OsString]) -> &'c Command {
    let mut reached = command;
    for word in words.iter().skip(1) {
        if let Some(next) = word.to_str().and_then(|word| reached.find_subcommand(word)) {
            reached = next;
        }
    }
    reached
}

fn commands(command: &Command) -> Vec<String> {
    command.get_subcommands().filter(|next| !next.is_hide_set()).map(|next| next.get_name().to_owned()).collect()
}

fn options(command: &Command) -> Vec<String> {
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    shown.filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect()
}

fn meant(written: &str, known: &[String]) -> Option<String> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let synonym = SYNONYMS.iter().find(|(synonym, _)| *synonym == written).map(|(_, word)| *word);
    synonym.filter(|word| known.contains(word)).or_else(|| nearest(written, &known)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "tool")]
    struct Tool {
        /// Said everywhere.
        #[arg(short, long, global = true)]
        verbose: bool,
        #[command(subcommand)]
        what: What,
    }

    #[derive(Debug, clap::Subcommand)]
    enum What {
        Run {
            #[arg(long)]
            slots: Option<u16>,
            #[arg(long)]
            output: Option<String>,
        },
        Data {
            #[command(subcommand)]
            what: Data,
        },
        List,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Data {
        Fetch,
        Check,
    }

    fn said(line: &str) -> String {
        parse_from::<Tool>(line.split(' ').map(OsString::from)).unwrap_err().to_string()
    }

    #[test]
    fn misspelt_commands_and_options_are_guessed() {
        for (line, meant) in [
            ("tool rnu", "'run'"),
            ("tool rum", "'run'"),
            ("tool urn --slots 2", "'run'"),
            ("tool train", "'run'"),
            ("tool ls", "'list'"),
            ("tool -v lsit", "'list'"),
            ("tool data fecth", "'fetch'"),
            ("tool data chekc", "'check'"),
            ("tool run --slost 3", "'--slots'"),
            ("tool run --threads=3", "'--slots'"),
            ("tool run --otuptu x", "'--output'"),
            ("tool data --vrebose check", "'--verbose'"),
        ] {
            let said = said(line);
            assert!(said.contains("tip: a similar") && said.contains(meant), "{line}: {said}");
        }
    }

    #[test]
    fn an_option_of_another_command_is_sent_there() {
        let said = said("tool list --slots 3");
        assert!(said.contains("--slots is an option of 'tool run'"), "{said}");
    }

    #[test]
    fn what_is_nothing_like_any_is_not_guessed() {
        for line in ["tool xyzzy", "tool run --xyzzy"] {
            assert!(!said(line).contains("similar"), "{line}: {}", said(line));
        }
        assert!(parse_from::<Tool>(["tool", "run", "--slots", "3"].map(OsString::from)).is_ok());
    }
}
