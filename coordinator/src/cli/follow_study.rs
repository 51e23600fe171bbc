//! Follows a study in this process: shows its pictures until it is done, or stands still.

use std::sync::Arc;

use seedgrid_common::wire::v1;
use tokio::sync::watch;

use crate::cli::progress::View;

/// How following a study ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Followed {
    /// Every unit has ended.
    Done,
    /// It paused itself, and nothing is in training any more.
    Paused(v1::Pause),
    /// The core is gone.
    CoreGone,
}

/// Shows pictures until the study is done, the core is gone, or, with `until_paused`, the study has paused itself and nothing is in
/// training any more. A pause by hand is waited out: somebody asked for it while this ran.
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

/// Shows a picture on standard error. Where standard error is closed, the study goes on without pictures.
pub(super) fn show(view: &mut dyn View, picture: &v1::StatusSnapshot) {
    let _ = view.show(picture);
}
