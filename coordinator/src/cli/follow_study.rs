//! Follows a study in this process and shows its snapshots until it is done or paused.

use std::sync::Arc;

use seedgrid_common::wire::v1;
use tokio::sync::watch;

use crate::cli::progress::View;

/// The end of [`follow`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Followed {
    /// Every unit has ended.
    Done,
    /// The study paused itself, and no unit is in training.
    Paused(v1::Pause),
    /// The core has ended.
    CoreGone,
}

/// Shows snapshots until the study is done or the core has ended. With `until_paused`, also returns when the study has
/// paused itself and no unit is in training. It waits for the end of a pause by hand, which an operator requested
/// during this run.
pub(super) async fn follow(
    mut pictures: watch::Receiver<Arc<v1::StatusSnapshot>>,
    view: &mut dyn View,
    until_paused: bool,
) -> Followed {
    loop {
        let picture = Arc::clone(&pictures.borrow_and_update());
        show(view, &picture);
        let leased = picture.counts.is_some_and(|counts| counts.training + counts.assigned > 0);
        match (picture.state(), &picture.pause) {
            (v1::StudyState::Done, _) => return Followed::Done,
            (v1::StudyState::Paused, Some(pause)) if until_paused && !pause.by_hand && !leased => {
                return Followed::Paused(pause.clone());
            }
            _ => {}
        }
        if pictures.changed().await.is_err() {
            return Followed::CoreGone;
        }
    }
}

/// Shows a snapshot on standard error. If standard error is closed, the study continues without output.
pub(super) fn show(view: &mut dyn View, picture: &v1::StatusSnapshot) {
    let _ = view.show(picture);
}
