//! The log of each attempt, for `seedgrid logs`: its last lines wait here until the attempt is handed over.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use seedgrid_common::{unit::Attempt, wire::limits};
use tracing_subscriber::fmt::MakeWriter;

/// The last bytes of a text, starting at a line.
#[derive(Clone, Debug, Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    /// Appends to the text.
    pub fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(limits::LOG_BYTES_MAX)..];
        self.0.extend_from_slice(bytes);
        let over = self.0.len().saturating_sub(limits::LOG_BYTES_MAX);
        if over > 0 {
            let line = self.0[over..].iter().position(|byte| *byte == b'\n').map_or(over, |end| over + end + 1);
            self.0.drain(..line);
        }
    }

    /// The text, at most [`limits::LOG_BYTES_MAX`] bytes.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        // Replacing invalid UTF-8 makes the text longer.
        text[text.ceil_char_boundary(text.len().saturating_sub(limits::LOG_BYTES_MAX))..].to_owned()
    }
}

/// The logs of held attempts.
#[derive(Clone, Debug, Default)]
pub struct Logs(Arc<Mutex<BTreeMap<Attempt, Tail>>>);

thread_local! {
    /// The attempt that this thread's lines belong to.
    static CURRENT: RefCell<Option<(Logs, Attempt)>> = const { RefCell::new(None) };
}

/// A guard: while it lives, lines of this thread belong to an attempt.
#[derive(Debug)]
pub struct Entered(());

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl Logs {
    /// Assigns this thread's lines to `attempt` from now on.
    pub fn enter(&self, attempt: Attempt) -> Entered {
        CURRENT.set(Some((self.clone(), attempt)));
        Entered(())
    }

    /// The log of an attempt so far.
    pub fn text(&self, attempt: Attempt) -> String {
        let logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logs.get(&attempt).map(Tail::text).unwrap_or_default()
    }

    /// Drops the logs of all attempts but these.
    pub fn keep_only(&self, held: &[Attempt]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|attempt, _| held.contains(attempt));
    }

    fn push(&self, attempt: Attempt, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(attempt).or_default().push(bytes);
    }
}

/// Writes a thread's log lines to the log of its attempt; lines outside an attempt are dropped.
#[derive(Clone, Copy, Debug)]
pub struct ToCurrent;

impl io::Write for ToCurrent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        CURRENT.with_borrow(|current| {
            if let Some((logs, attempt)) = current {
                logs.push(*attempt, bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for ToCurrent {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use seedgrid_common::{study_id::StudyId, unit::UnitId};

    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut tail = Tail::default();
        for number in 0..20_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.len() <= limits::LOG_BYTES_MAX && text.len() > limits::LOG_BYTES_MAX - 20);
        assert!(text.starts_with("line ") && text.ends_with("line 19999\n"));
        tail.push(&[0xff; 2 * limits::LOG_BYTES_MAX]);
        assert!(tail.text().len() <= limits::LOG_BYTES_MAX);
    }

    #[test]
    fn lines_belong_to_the_attempt_that_a_thread_works_on() {
        let [a, b] = [1, 2].map(|number| Attempt { study: StudyId([9; 16]), unit: UnitId([number; 16]), number: 1 });
        let logs = Logs::default();
        let write = |text: &str| ToCurrent.write_all(text.as_bytes()).unwrap();
        write("nobody's\n");
        {
            let _entered = logs.enter(a);
            write("one\n");
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _entered = logs.enter(b);
                    write("other\n");
                });
            });
            write("two\n");
        }
        write("nobody's\n");
        assert_eq!((logs.text(a), logs.text(b)), ("one\ntwo\n".to_owned(), "other\n".to_owned()));
        logs.keep_only(&[b]);
        assert_eq!((logs.text(a).len(), logs.text(b).len()), (0, 6));
    }
}
