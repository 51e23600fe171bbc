//! The exit codes of both programs. The table for people is docs/exit-codes.md.

/// The command succeeded; or the study is done; or the worker was asked to leave and handed everything over.
pub const DONE: u8 = 0;
/// An error without a code of its own.
pub const FAILED: u8 = 1;
/// Bad usage: another option, spec, folder, device or join file would work.
pub const USAGE: u8 = 2;
/// The study has ended, and some units have no result.
pub const MISSING_CELLS: u8 = 3;
/// The coordinator refuses the credential, or the worker.
pub const REFUSED: u8 = 4;
/// No coordinator was reached for too long, or none was there while something had to be handed over.
pub const UNREACHABLE: u8 = 5;
/// The time limit is near before the study is done: another worker, or the same command, should continue. Batch
/// scripts requeue their job on it.
pub const OUT_OF_TIME: u8 = 6;
/// Two runs have different results for equal units.
pub const CONTRADICTION: u8 = 7;
/// The study is paused or drained; nothing failed, and units are left.
pub const PAUSED_OR_DRAINED: u8 = 8;
/// Several trainers in a row ended unexpectedly.
pub const CRASHING: u8 = 9;
/// A part of a run directory does not match its digest.
pub const DAMAGED: u8 = 10;
/// The code of a command that a signal stopped is this plus the signal's number.
pub const SIGNALLED: u8 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_for_people_has_these_codes() {
        let page = include_str!("../../docs/exit-codes.md");
        let rows: Vec<(u8, &str)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| "))
            .filter_map(|row| row.split_once(" | "))
            .filter_map(|(code, rest)| Some((code.parse().ok()?, rest.split(" | ").next()?)))
            .collect();
        let codes = [
            (DONE, "done"),
            (FAILED, "failed"),
            (USAGE, "bad usage"),
            (MISSING_CELLS, "finished with missing cells"),
            (REFUSED, "refused"),
            (UNREACHABLE, "unreachable"),
            (OUT_OF_TIME, "out of time"),
            (CONTRADICTION, "contradiction"),
            (PAUSED_OR_DRAINED, "paused or drained"),
            (CRASHING, "crashing"),
            (DAMAGED, "damaged"),
        ];
        assert_eq!(rows, codes);
        assert!(page.contains(&format!("| {SIGNALLED} + n | signal n:")));
    }
}
