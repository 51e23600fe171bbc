//! Messages of a trainer to its supervisor about its attempts, one on each line of its standard output: a pipe keeps
//! its content even if the writer is killed.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
};

use seedgrid_common::unit::Attempt;

/// A message of a trainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupervisorMessage {
    /// The trainer holds this attempt from now on.
    Holds(Attempt),
    /// The attempt is in training from now on.
    Trains(Attempt),
    /// The attempt is no longer in training.
    Trained(Attempt),
    /// The trainer no longer holds the attempt.
    HoldsNot(Attempt),
}

impl SupervisorMessage {
    fn mark(self) -> (char, Attempt) {
        match self {
            Self::Holds(attempt) => ('+', attempt),
            Self::Trains(attempt) => ('>', attempt),
            Self::Trained(attempt) => ('<', attempt),
            Self::HoldsNot(attempt) => ('-', attempt),
        }
    }

    /// Reads a line. None: a library wrote it.
    pub fn read(line: &str) -> Option<Self> {
        let mut characters = line.trim_end().chars();
        let mark = characters.next()?;
        let attempt = characters.as_str().parse().ok()?;
        match mark {
            '+' => Some(Self::Holds(attempt)),
            '>' => Some(Self::Trains(attempt)),
            '<' => Some(Self::Trained(attempt)),
            '-' => Some(Self::HoldsNot(attempt)),
            _ => None,
        }
    }
}

/// The pipe to the supervisor; without a supervisor, nothing is written.
#[derive(Debug, Default)]
pub struct SupervisorPipe {
    supervised: bool,
    held: Mutex<BTreeSet<Attempt>>,
}

impl SupervisorPipe {
    /// The pipe of a trainer whose standard output leads to a supervisor.
    pub fn supervised() -> Self {
        Self { supervised: true, held: Mutex::default() }
    }

    /// Reports the changes since the last call: `now` are all held attempts.
    pub fn hold(&self, now: &[Attempt]) {
        let now: BTreeSet<Attempt> = now.iter().copied().collect();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let new = now.difference(&held).copied().map(SupervisorMessage::Holds);
        let gone = held.difference(&now).copied().map(SupervisorMessage::HoldsNot);
        self.say(new.chain(gone));
        *held = now;
    }

    /// Reports that training of an attempt begins.
    pub fn trains(&self, attempt: Attempt) {
        self.say([SupervisorMessage::Trains(attempt)].into_iter());
    }

    /// Reports that training of an attempt has ended.
    pub fn trained(&self, attempt: Attempt) {
        self.say([SupervisorMessage::Trained(attempt)].into_iter());
    }

    fn say(&self, all: impl Iterator<Item = SupervisorMessage>) {
        if !self.supervised {
            return;
        }
        let mut text = String::new();
        for said in all {
            let (mark, attempt) = said.mark();
            text.push_str(&format!("{mark}{attempt}\n"));
        }
        // If the supervisor is gone, this process ends with it.
        drop(io::stdout().lock().write_all(text.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{study_id::StudyId, unit::UnitId};

    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let attempt = Attempt { study: StudyId([9; 16]), unit: UnitId([7; 16]), number: 3 };
        for said in [
            SupervisorMessage::Holds(attempt),
            SupervisorMessage::Trains(attempt),
            SupervisorMessage::Trained(attempt),
            SupervisorMessage::HoldsNot(attempt),
        ] {
            let (mark, attempt) = said.mark();
            assert_eq!(SupervisorMessage::read(&format!("{mark}{attempt}\n")), Some(said));
        }
        for line in ["", "+", "cuda: ready", "+abc#1", &format!("!{attempt}"), &format!("+{attempt}x")] {
            assert_eq!(SupervisorMessage::read(line), None, "{line}");
        }
    }
}
