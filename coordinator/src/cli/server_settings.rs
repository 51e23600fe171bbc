//! The settings of the server of `run` and `serve`.

use std::time::Duration;

/// The settings of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerSettings<'a> {
    /// The listening address, as HOST:PORT.
    pub(super) listen: &'a str,
    /// The host that workers should use.
    pub(super) advertise: Option<&'a str>,
    /// Whether connections are unencrypted.
    pub(super) plaintext: bool,
    /// The lifetime of the join file, if given.
    pub(super) join_expires: Option<Duration>,
    /// Whether all workers may come from one address.
    pub(super) one_address: bool,
}

impl ServerSettings<'_> {
    /// Any port on the loopback interface.
    pub(super) const LOCAL: Self =
        Self { listen: "127.0.0.1:0", advertise: None, plaintext: false, join_expires: None, one_address: false };
}
