//! The list of studies that the core owns, each with its own store. Studies share the core's thread and nothing else.

use seedgrid_common::study_id::StudyId;

use super::{
    CoreError,
    reactor::{Moment, Reactor},
    request::Request,
};
use crate::scheduler::queue::Millis;

/// A study in the list.
struct Listed {
    reactor: Reactor,
    /// Whether requests have been applied since its last turn.
    has_requests: bool,
}

/// The studies of a core. One that was stopped leaves the list.
pub(super) struct Studies(Vec<Listed>);

impl Studies {
    pub(super) fn new(reactors: impl IntoIterator<Item = Reactor>) -> Self {
        Self(reactors.into_iter().map(|reactor| Listed { reactor, has_requests: false }).collect())
    }

    /// Applies a request to its study. A study that is not in the list any more gives no answer.
    pub(super) fn apply(&mut self, study: StudyId, request: Request, at: Moment) {
        if let Some(listed) = self.0.iter_mut().find(|listed| listed.reactor.id() == study) {
            listed.reactor.apply(request, at);
            listed.has_requests = true;
        }
    }

    /// Makes one turn of each study for which something is to be done. Returns false when no study is left.
    ///
    /// # Errors
    /// When a store fails. The core ends then, with every study.
    pub(super) fn turn(&mut self, at: Moment) -> Result<bool, CoreError> {
        let mut at_its_end = Vec::new();
        for Listed { reactor, has_requests } in &mut self.0 {
            let is_due = reactor.next_event().is_some_and(|next| next <= at.now);
            if (std::mem::take(has_requests) || is_due) && !reactor.turn(at)? {
                at_its_end.push(reactor.id());
            }
        }
        self.0.retain(|listed| !at_its_end.contains(&listed.reactor.id()));
        Ok(!self.0.is_empty())
    }

    /// The next time at which a study has something to do even if nobody asks anything.
    pub(super) fn next_event(&self) -> Option<Millis> {
        self.0.iter().filter_map(|listed| listed.reactor.next_event()).min()
    }

    /// Takes the last snapshot of each study.
    pub(super) fn take_pictures(&mut self, now: Millis) {
        self.0.iter_mut().for_each(|listed| listed.reactor.take_picture(now));
    }
}
