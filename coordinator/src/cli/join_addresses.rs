//! The coordinator's addresses for the join file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use seedgrid_common::join::ADDRESSES_MAX;

use super::server_settings::ServerSettings;
use crate::{grpc::Bound, run_directory::lock_holder};

/// The listening address of a coordinator, with the names and addresses of its machine.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    address: SocketAddr,
    /// Whether an IPv6 address also accepts IPv4.
    both: bool,
    /// The machine's name.
    host: Option<String>,
    /// The addresses of the machine's interfaces.
    interfaces: Vec<IpAddr>,
}

impl Listening {
    /// The state of `bound` on this machine.
    pub(super) fn from_bound(bound: &Bound) -> Self {
        let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten().filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        });
        Self {
            address: bound.address(),
            both: bound.takes_both(),
            host: lock_holder::host(),
            interfaces: interfaces.collect(),
        }
    }

    /// Whether a connection to `ip` of this machine reaches the coordinator.
    fn hears(&self, ip: &IpAddr) -> bool {
        match self.address {
            SocketAddr::V4(_) => ip.is_ipv4(),
            SocketAddr::V6(_) => ip.is_ipv6() || self.both,
        }
    }
}

/// The coordinator's addresses for workers, the most widely known first. Addresses that only this machine can use come
/// last, and are never cut from a long list.
pub(super) fn addresses(listening: &Listening, settings: ServerSettings<'_>) -> Vec<String> {
    let scheme = if settings.plaintext { "http" } else { "https" };
    let port = listening.address.port();
    let mut far: Vec<String> = settings.advertise.map(str::to_owned).into_iter().collect();
    let mut near: Vec<IpAddr> = Vec::new();
    if listening.address.ip().is_unspecified() {
        far.extend(listening.host.clone());
        let others = listening.interfaces.iter().filter(|ip| is_far(ip) && listening.hears(ip));
        far.extend(others.map(literal));
        near.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
        near.retain(|ip| listening.hears(ip));
    } else {
        near.push(listening.address.ip());
    }
    let mut hosts: Vec<String> = Vec::new();
    for host in far {
        if hosts.len() + near.len() < ADDRESSES_MAX && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    for host in near.iter().map(literal) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts.into_iter().map(|host| format!("{scheme}://{host}:{port}")).collect()
}

/// Whether other machines can reach this address. A link-local address means another machine on every network, and is
/// unusable without the name of an interface on the reader's machine.
fn is_far(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => {
            !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified() && !ip.is_multicast()
        }
    }
}

/// The address in a URL's form.
fn literal(ip: &IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(address: &str, both: bool, interfaces: &[&str]) -> Listening {
        let interfaces = interfaces.iter().map(|ip| ip.parse().unwrap()).collect();
        Listening { address: address.parse().unwrap(), both, host: Some("login1".to_owned()), interfaces }
    }

    /// Possible addresses of a machine's interfaces.
    const INTERFACES: [&str; 7] =
        ["127.0.0.1", "10.1.0.5", "169.254.7.7", "::1", "2001:db8::5", "fe80::fc00:ff:fe00:1", "fd00::2"];

    #[test]
    fn a_bound_address_is_used_as_it_is() {
        let found = |address, settings| addresses(&listening(address, true, &INTERFACES), settings);
        assert_eq!(found("127.0.0.1:7700", ServerSettings::LOCAL), ["https://127.0.0.1:7700"]);
        let plaintext = ServerSettings { plaintext: true, ..ServerSettings::LOCAL };
        assert_eq!(found("[::1]:7700", plaintext), ["http://[::1]:7700"]);
        assert_eq!(found("[2001:db8::5]:7700", ServerSettings::LOCAL), ["https://[2001:db8::5]:7700"]);
    }

    #[test]
    fn everywhere_means_all_names_of_this_machine() {
        let settings = ServerSettings { advertise: Some("cluster"), ..ServerSettings::LOCAL };
        let found = |address, both| addresses(&listening(address, both, &INTERFACES), settings);
        let v4 = ["https://cluster:7700", "https://login1:7700", "https://10.1.0.5:7700", "https://127.0.0.1:7700"];
        assert_eq!(found("0.0.0.0:7700", false), v4);
        let both = [
            "https://cluster:7700",
            "https://login1:7700",
            "https://10.1.0.5:7700",
            "https://[2001:db8::5]:7700",
            "https://[fd00::2]:7700",
            "https://127.0.0.1:7700",
            "https://[::1]:7700",
        ];
        assert_eq!(found("[::]:7700", true), both);
        let v6: Vec<&str> = both.into_iter().filter(|one| !one.contains("10.1.0.5") && !one.contains("127.")).collect();
        assert_eq!(found("[::]:7700", false), v6);
    }

    #[test]
    fn a_long_list_keeps_what_is_near() {
        let many: Vec<String> = (0..40).map(|number| format!("2001:db8::{number:x}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let found = addresses(&listening("[::]:7700", true, &many), ServerSettings::LOCAL);
        assert_eq!(found.len(), ADDRESSES_MAX);
        assert_eq!(found[0], "https://login1:7700");
        assert_eq!(found[ADDRESSES_MAX - 2..], ["https://127.0.0.1:7700", "https://[::1]:7700"]);
    }
}
