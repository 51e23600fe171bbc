//! The single table of calls: the required credential and the largest message of each.

use seedgrid_common::{join::Role, wire::limits};

use super::{Caller, CallerKind};

/// The credential that a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// The join file's token.
    Join,
    /// A worker's own credential.
    Worker,
    /// The view file's token, or the admin file's.
    View,
    /// The admin file's token.
    Admin,
}

/// The class of a call's largest message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// The message has no lists and no long texts. Unknown calls also have this limit.
    Small,
    /// The message lists attempts, or has an attempt's log.
    Lists,
    /// The message has a piece of a blob.
    Piece,
    /// The message has a result, or lists a study's units.
    Large,
}

impl Size {
    /// All classes, in the order of their numbers.
    pub(crate) const ALL: [Self; 4] = [Self::Small, Self::Lists, Self::Piece, Self::Large];

    /// The class of the call with this path.
    pub(crate) fn for_call(path: &str) -> Self {
        CALLS.into_iter().find(|(call, ..)| *call == path).map_or(Self::Small, |(_, _, size)| size)
    }

    /// The limit in bytes.
    pub(crate) fn bytes(self) -> usize {
        const SMALL: usize = 16 * 1024;
        match self {
            Self::Small => SMALL,
            Self::Lists => 256 * 1024,
            Self::Piece => limits::CHUNK_BYTES_MAX + SMALL,
            Self::Large => limits::MESSAGE_BYTES_MAX,
        }
    }
}

/// Every call. All others are refused.
const CALLS: [(&str, Needs, Size); 24] = [
    ("/seedgrid.v1.WorkerService/Enroll", Needs::Join, Size::Small),
    ("/seedgrid.v1.WorkerService/Register", Needs::Worker, Size::Lists),
    ("/seedgrid.v1.WorkerService/Pull", Needs::Worker, Size::Small),
    ("/seedgrid.v1.WorkerService/Heartbeat", Needs::Worker, Size::Lists),
    ("/seedgrid.v1.WorkerService/Metrics", Needs::Worker, Size::Small),
    ("/seedgrid.v1.WorkerService/Submit", Needs::Worker, Size::Large),
    ("/seedgrid.v1.WorkerService/UploadBlob", Needs::Worker, Size::Piece),
    ("/seedgrid.v1.WorkerService/FetchBlob", Needs::Worker, Size::Small),
    ("/seedgrid.v1.WorkerService/ReportLoss", Needs::Worker, Size::Lists),
    ("/seedgrid.v1.WorkerService/Leave", Needs::Worker, Size::Small),
    ("/seedgrid.v1.WorkerService/FetchDataset", Needs::Worker, Size::Small),
    ("/seedgrid.v1.ControlService/GetStatus", Needs::View, Size::Small),
    ("/seedgrid.v1.ControlService/Watch", Needs::View, Size::Small),
    ("/seedgrid.v1.ControlService/ListUnits", Needs::View, Size::Small),
    ("/seedgrid.v1.ControlService/ListWorkers", Needs::View, Size::Small),
    ("/seedgrid.v1.ControlService/Explain", Needs::View, Size::Small),
    ("/seedgrid.v1.ControlService/Logs", Needs::View, Size::Small),
    ("/seedgrid.v1.ControlService/Cancel", Needs::Admin, Size::Large),
    ("/seedgrid.v1.ControlService/Drain", Needs::Admin, Size::Small),
    ("/seedgrid.v1.ControlService/Pause", Needs::Admin, Size::Small),
    ("/seedgrid.v1.ControlService/Resume", Needs::Admin, Size::Small),
    ("/seedgrid.v1.ControlService/Retry", Needs::Admin, Size::Large),
    ("/seedgrid.v1.ControlService/RotateJoin", Needs::Admin, Size::Small),
    ("/seedgrid.v1.ControlService/RevokeWorker", Needs::Admin, Size::Small),
];

/// Calls that last as long as their caller sends messages.
const STREAMED: [&str; 2] = ["/seedgrid.v1.WorkerService/Metrics", "/seedgrid.v1.WorkerService/UploadBlob"];

/// Whether a call lasts as long as its caller sends messages.
pub(super) fn is_streamed(path: &str) -> bool {
    STREAMED.contains(&path)
}

impl Needs {
    /// The credential that the call with this path needs; None for an unknown call.
    pub(super) fn for_call(path: &str) -> Option<Self> {
        CALLS.into_iter().find(|(call, ..)| *call == path).map(|(_, needs, _)| needs)
    }

    /// Whether `caller` has the needed credential.
    pub(super) fn are_met_by(self, caller: &Caller) -> bool {
        match (self, caller.kind) {
            (Self::Join, CallerKind::Holder(Role::Join))
            | (Self::Worker, CallerKind::Worker(_))
            | (Self::View, CallerKind::Holder(Role::View | Role::Admin))
            | (Self::Admin, CallerKind::Holder(Role::Admin)) => true,
            (Self::Join | Self::Worker | Self::View | Self::Admin, CallerKind::Holder(_) | CallerKind::Worker(_)) => {
                false
            }
        }
    }

    /// The credential's name, as text for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Join => "the token of join.toml",
            Self::Worker => "a worker's own credential",
            Self::View => "the token of view.toml or admin.toml",
            Self::Admin => "the token of admin.toml",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use seedgrid_common::study_id::StudyId;

    use super::*;

    /// Every call of the protocol, as `SERVICE/CALL`.
    fn contract() -> BTreeSet<String> {
        let texts = [
            include_str!("../../../proto/seedgrid/v1/worker.proto"),
            include_str!("../../../proto/seedgrid/v1/control.proto"),
        ];
        let mut calls = BTreeSet::new();
        for text in texts {
            let mut service = "";
            for line in text.lines() {
                if let Some(rest) = line.strip_prefix("service ") {
                    service = rest.trim_end_matches(" {");
                }
                if let Some(rest) = line.strip_prefix("  rpc ") {
                    let call = rest.split('(').next().unwrap_or_default();
                    calls.insert(format!("/seedgrid.v1.{service}/{call}"));
                }
            }
        }
        calls
    }

    #[test]
    fn the_table_has_every_call_of_the_contract_once() {
        assert_eq!(contract(), CALLS.map(|(call, ..)| call.to_owned()).into());
        assert_eq!(contract().len(), CALLS.len());
    }

    #[test]
    fn what_the_contract_streams_is_known_as_such() {
        let text = include_str!("../../../proto/seedgrid/v1/worker.proto");
        let requests =
            text.lines().filter_map(|line| line.starts_with("  rpc ").then(|| line.split(" returns ").next())?);
        let streamed = requests.filter(|request| request.contains("(stream "));
        assert_eq!(streamed.clone().count(), STREAMED.len());
        for path in STREAMED {
            let call = format!("  rpc {}(stream ", path.rsplit('/').next().unwrap());
            assert!(streamed.clone().any(|line| line.starts_with(&call)), "{path}");
        }
    }

    #[test]
    fn each_size_has_its_number() {
        for (number, size) in Size::ALL.into_iter().enumerate() {
            assert_eq!(size as usize, number);
        }
    }

    #[test]
    fn who_may_call_what() {
        let caller = |kind| Caller { study: StudyId([9; 16]), kind };
        let worker = caller(CallerKind::Worker("0".repeat(32).parse().unwrap()));
        let [join, admin, view] = Role::ALL.map(|role| caller(CallerKind::Holder(role)));
        let allowed = |path: &str| -> Vec<bool> {
            let needs = Needs::for_call(path).unwrap();
            [&join, &worker, &view, &admin].map(|caller| needs.are_met_by(caller)).to_vec()
        };
        assert_eq!(allowed("/seedgrid.v1.WorkerService/Enroll"), [true, false, false, false]);
        assert_eq!(allowed("/seedgrid.v1.WorkerService/Submit"), [false, true, false, false]);
        assert_eq!(allowed("/seedgrid.v1.ControlService/Watch"), [false, false, true, true]);
        assert_eq!(allowed("/seedgrid.v1.ControlService/Retry"), [false, false, false, true]);
        assert_eq!(Needs::for_call("/seedgrid.v1.WorkerService/submit"), None);
    }
}
