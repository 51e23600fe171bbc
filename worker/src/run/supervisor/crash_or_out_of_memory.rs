//! Interprets the end of a trainer. Pure.

use nix::sys::signal::Signal;
use seedgrid_common::wire::v1::Failure;

use crate::run::exit_codes;

/// The end of a trainer process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The process exited with this code.
    Code(i32),
    /// A signal ended the process.
    Signal(i32),
}

/// The meaning of a trainer's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The trainer ended in order: the worker ends with this code too.
    Left(u8),
    /// The trainer ended unexpectedly.
    Lost {
        /// The failure: OUT_OF_MEMORY or CRASHED.
        failure: Failure,
        /// A message for people.
        detail: String,
    },
}

/// The message with which Rust aborts after a failed allocation.
const NO_MEMORY: &str = "memory allocation of ";

/// Interprets an end. `killed`: the kernel killed a process of this control group for lack of memory while the trainer
/// ran; `lines`: the trainer's last log lines.
pub(super) fn judge(end: End, killed: bool, lines: &str) -> Meaning {
    let lost = |failure, detail: String| Meaning::Lost { failure, detail };
    match end {
        End::Code(code) => match u8::try_from(code) {
            Ok(code) if exit_codes::OF_TRAINERS.contains(&code) => Meaning::Left(code),
            Ok(_) | Err(_) => lost(Failure::Crashed, format!("the trainer ended with exit code {code}")),
        },
        End::Signal(number) => {
            let name =
                Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.to_string());
            if name == "SIGKILL" && killed {
                lost(Failure::OutOfMemory, "the kernel ended the trainer for want of memory".to_owned())
            } else if name == "SIGABRT" && lines.contains(NO_MEMORY) {
                lost(Failure::OutOfMemory, "the trainer ended, since an allocation of memory failed".to_owned())
            } else {
                lost(Failure::Crashed, format!("the trainer was ended by {name}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let failure = |end, killed, lines: &str| match judge(end, killed, lines) {
            Meaning::Left(code) => Err(code),
            Meaning::Lost { failure, detail } => Ok((failure, detail.split(' ').next_back().unwrap().to_owned())),
        };
        let crashed = |by: &str| Ok((Failure::Crashed, by.to_owned()));
        assert_eq!(failure(End::Code(0), false, ""), Err(0));
        assert_eq!(failure(End::Code(6), true, ""), Err(6));
        assert_eq!(failure(End::Code(101), false, ""), crashed("101"));
        assert_eq!(failure(End::Signal(11), false, ""), crashed("SIGSEGV"));
        assert_eq!(failure(End::Signal(9), false, ""), crashed("SIGKILL"));
        assert_eq!(failure(End::Signal(11), true, ""), crashed("SIGSEGV"), "the kernel kills with another one");
        assert_eq!(failure(End::Signal(6), false, "free(): invalid pointer"), crashed("SIGABRT"));
        assert_eq!(failure(End::Signal(9), true, "").unwrap().0, Failure::OutOfMemory);
        assert_eq!(
            failure(End::Signal(6), false, "memory allocation of 99 bytes failed").unwrap().0,
            Failure::OutOfMemory
        );
    }
}
