//! The process that holds a lock, with its machine and start time. For people, who may have to find it on another
//! machine.

use std::fmt;

use seedgrid_common::utc;
use serde::{Deserialize, Serialize};

/// A process that holds a lock or owns a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process id on its machine.
    pub pid: u32,
    /// The machine's name; None if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The start time, such as `2026-01-31T12:00:00Z`.
    pub since: String,
}

impl Holder {
    /// This process, from now on.
    pub fn this() -> Self {
        Self { pid: std::process::id(), host: host(), since: utc::format(utc::now_ms()) }
    }

    /// The text for files.
    pub(crate) fn text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// Parses the text of a file; None for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let holder: Self = toml::from_str(text).ok()?;
        // Invalid names and times are rejected.
        let is_plain = |name: &String| !name.is_empty() && name.len() <= 256 && !name.chars().any(char::is_control);
        (holder.host.as_ref().is_none_or(is_plain) && utc::parse(&holder.since).is_some()).then_some(holder)
    }

    /// Whether the process is on this machine, judged by the name.
    pub fn is_here(&self) -> bool {
        self.host.is_some() && self.host == host()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, since } = self;
        match host {
            Some(host) if self.is_here() => write!(f, "process {pid} on this machine ({host}), since {since}"),
            Some(host) => write!(f, "process {pid} on {host}, since {since}"),
            None => write!(f, "process {pid}, since {since}"),
        }
    }
}

/// This machine's name.
pub(crate) fn host() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_with_its_machine() {
        let away = Holder { pid: 12, host: Some("node7".to_owned()), since: "2026-01-31T12:00:00Z".to_owned() };
        assert_eq!(Holder::parse(&away.text()), Some(away.clone()));
        assert_eq!(away.to_string(), "process 12 on node7, since 2026-01-31T12:00:00Z");
        assert!(!away.is_here());
        let here = Holder::this();
        assert_eq!(Holder::parse(&here.text()), Some(here.clone()));
        assert!(here.to_string().contains("on this machine ("), "{here}");
        assert_eq!(Holder { host: None, ..away.clone() }.to_string(), "process 12, since 2026-01-31T12:00:00Z");
    }

    #[test]
    fn what_is_no_holder_names_nobody() {
        for text in [
            "",
            "123\n",
            "pid = 1",
            "pid = 1\nsince = \"soon\"",
            "pid = 1\nhost = \"a\\nb\"\nsince = \"2026-01-31T12:00:00Z\"",
        ] {
            assert_eq!(Holder::parse(text), None, "{text}");
        }
    }
}
