//! Separate hosts on this machine: network namespaces wired to a switch, whose cables can be pulled.

use std::{
    ffi::OsStr,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

/// A switch with hosts, 10.77.0.1 and up. It is not connected to the machine's own network. Dropping it removes it; its
/// processes must have ended by then.
#[derive(Debug)]
pub struct Network {
    name: String,
    hosts: u8,
}

static NETWORKS: AtomicU32 = AtomicU32::new(0);

impl Network {
    /// Creates a switch and so many hosts.
    ///
    /// # Errors
    /// When this machine does not allow it, with the reason.
    pub fn new(hosts: u8) -> Result<Self, String> {
        let name = format!("seedgrid-{}-{}", process::id(), NETWORKS.fetch_add(1, Ordering::Relaxed));
        let network = Self { name, hosts };
        network.wire()?;
        Ok(network)
    }

    fn wire(&self) -> Result<(), String> {
        let switch = self.switch();
        ip(["netns", "add", &switch])?;
        ip(["-n", &switch, "link", "add", "bridge", "type", "bridge"])?;
        ip(["-n", &switch, "link", "set", "bridge", "up"])?;
        for host in 1..=self.hosts {
            let (name, port) = (self.host(host), port(host));
            ip(["netns", "add", &name])?;
            ip(["-n", &switch, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
            ip(["-n", &switch, "link", "set", &port, "master", "bridge", "up"])?;
            ip(["-n", &name, "address", "add", &format!("{}/24", Self::address(host)), "dev", "eth0"])?;
            ip(["-n", &name, "link", "set", "eth0", "up"])?;
            ip(["-n", &name, "link", "set", "lo", "up"])?;
        }
        Ok(())
    }

    fn switch(&self) -> String {
        format!("{}-switch", self.name)
    }

    fn host(&self, host: u8) -> String {
        format!("{}-{host}", self.name)
    }

    /// The address of a host, counted from 1.
    pub fn address(host: u8) -> String {
        format!("10.77.0.{host}")
    }

    /// The command, run on this host.
    pub fn on(&self, host: u8, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.host(host)]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Pulls a host's cable: the host notices it.
    ///
    /// # Panics
    /// When it cannot be pulled.
    pub fn unplug(&self, host: u8) {
        ip(["-n", &self.switch(), "link", "set", &port(host), "down"]).unwrap();
    }

    /// Plugs a host's cable in again.
    ///
    /// # Panics
    /// When it cannot be plugged in.
    pub fn plug(&self, host: u8) {
        ip(["-n", &self.switch(), "link", "set", &port(host), "up"]).unwrap();
    }

    /// Detaches a host from the switch without its notice: its packets are lost, and its link seems to be up.
    ///
    /// # Panics
    /// When it cannot be detached.
    pub fn lose(&self, host: u8) {
        ip(["-n", &self.switch(), "link", "set", &port(host), "nomaster"]).unwrap();
    }

    /// Undoes [`Self::lose`].
    ///
    /// # Panics
    /// When it cannot be attached.
    pub fn find(&self, host: u8) {
        ip(["-n", &self.switch(), "link", "set", &port(host), "master", "bridge"]).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // An interface that was never made cannot be removed.
        for host in 1..=self.hosts {
            let _ = ip(["netns", "del", &self.host(host)]);
        }
        let _ = ip(["netns", "del", &self.switch()]);
    }
}

/// The switch's end of a host's cable.
fn port(host: u8) -> String {
    format!("port{host}")
}

fn ip<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<(), String> {
    let mut command = Command::new("ip");
    command.args(arguments);
    let output = command.output().map_err(|error| format!("there is no `ip`: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
