//! Who is connected, and who has to make room. Pure.
//!
//! Members have shown a credential on their connection, strangers have not yet. When strangers crowd in, the one that has stood there
//! longest goes, so that whoever means to come in and shows a credential at once gets through, also from an address that somebody else
//! floods from. Members are never put out for others.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
};

/// How many may be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub connections: usize,
    /// From one address.
    pub of_address: usize,
    /// Strangers in all.
    pub strangers: usize,
    /// Strangers from one address.
    pub strangers_of_address: usize,
}

impl Limits {
    /// For a process that may have `files` files and connections open: some are kept for the store, blobs and the report.
    pub fn for_open_files(files: u64) -> Self {
        let connections = usize::try_from(files.saturating_sub(192) / 2).unwrap_or(usize::MAX).clamp(32, 4096);
        Self {
            connections,
            of_address: (connections / 2).max(16),
            strangers: (connections / 4).clamp(8, 512),
            strangers_of_address: (connections / 16).clamp(4, 64),
        }
    }
}

/// Which connection.
pub(super) type Id = u64;

/// All connections, each with a handle of the caller's.
#[derive(Debug)]
pub(super) struct Crowd<H> {
    limits: Limits,
    next: Id,
    present: BTreeMap<Id, (IpAddr, H)>,
    of_address: BTreeMap<IpAddr, usize>,
    /// By address; ids grow, so the first is the oldest.
    strangers: BTreeMap<IpAddr, BTreeSet<Id>>,
    /// All of them.
    all_strangers: BTreeSet<Id>,
}

/// There is no room, and nobody who could make some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<H> Crowd<H> {
    /// Nobody.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            next: 0,
            present: BTreeMap::new(),
            of_address: BTreeMap::new(),
            strangers: BTreeMap::new(),
            all_strangers: BTreeSet::new(),
        }
    }

    /// A stranger comes from `address`. Its id, and the handles of those who had to make room and are gone.
    ///
    /// # Errors
    /// When there is no room.
    pub(super) fn enter(&mut self, address: IpAddr, handle: H) -> Result<(Id, Vec<H>), Full> {
        let origin = origin(address);
        let mut put_out = Vec::new();
        let of_address = self.of_address.get(&origin).copied().unwrap_or_default();
        let strangers = self.strangers.get(&origin).map_or(0, BTreeSet::len);
        if strangers >= self.limits.strangers_of_address || of_address >= self.limits.of_address {
            put_out.extend(self.oldest_of(origin).and_then(|id| self.leave(id)));
        }
        if self.of_address.get(&origin).is_some_and(|count| *count >= self.limits.of_address) {
            return Err(Full);
        }
        if self.all_strangers.len() >= self.limits.strangers || self.present.len() >= self.limits.connections {
            put_out.extend(self.all_strangers.first().copied().and_then(|id| self.leave(id)));
        }
        if self.present.len() >= self.limits.connections {
            return Err(Full);
        }
        let id = self.next;
        self.next += 1;
        self.present.insert(id, (origin, handle));
        *self.of_address.entry(origin).or_default() += 1;
        self.strangers.entry(origin).or_default().insert(id);
        self.all_strangers.insert(id);
        Ok((id, put_out))
    }

    /// It has shown a credential.
    pub(super) fn know(&mut self, id: Id) {
        if let Some((origin, _)) = self.present.get(&id) {
            let origin = *origin;
            self.no_stranger(id, origin);
        }
    }

    /// It has gone. Its handle, unless it had gone before.
    pub(super) fn leave(&mut self, id: Id) -> Option<H> {
        let (origin, handle) = self.present.remove(&id)?;
        self.no_stranger(id, origin);
        if let Some(count) = self.of_address.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&origin);
            }
        }
        Some(handle)
    }

    fn oldest_of(&self, origin: IpAddr) -> Option<Id> {
        self.strangers.get(&origin)?.first().copied()
    }

    fn no_stranger(&mut self, id: Id, origin: IpAddr) {
        self.all_strangers.remove(&id);
        if let Some(ids) = self.strangers.get_mut(&origin) {
            ids.remove(&id);
            if ids.is_empty() {
                self.strangers.remove(&origin);
            }
        }
    }
}

/// What counts as one address: an IPv4 address, or the 64 bits of an IPv6 address that a network hands out as one.
pub(super) fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { connections: 6, of_address: 4, strangers: 4, strangers_of_address: 2 };

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn the_oldest_stranger_makes_room() {
        let mut crowd = Crowd::new(LIMITS);
        let (first, _) = crowd.enter(address(1), 'a').unwrap();
        crowd.enter(address(1), 'b').unwrap();
        let (_, gone) = crowd.enter(address(1), 'c').unwrap();
        assert_eq!(gone, ['a'], "of its own address");
        assert_eq!(crowd.leave(first), None, "it has gone already");
        crowd.enter(address(2), 'd').unwrap();
        crowd.enter(address(3), 'e').unwrap();
        let (_, gone) = crowd.enter(address(4), 'f').unwrap();
        assert_eq!(gone, ['b'], "of all");
    }

    #[test]
    fn members_stay() {
        let mut crowd = Crowd::new(LIMITS);
        for member in 0..4 {
            let (id, _) = crowd.enter(address(1), member).unwrap();
            crowd.know(id);
        }
        assert_eq!(crowd.enter(address(1), 4), Err(Full), "as many as may come from one address");
        for member in 4..6 {
            let (id, gone) = crowd.enter(address(2), member).unwrap();
            crowd.know(id);
            assert!(gone.is_empty());
        }
        assert_eq!(crowd.enter(address(3), 6), Err(Full));
        assert_eq!(crowd.present.len(), 6);
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let text = |text: &str| origin(text.parse().unwrap());
        assert_eq!(text("::ffff:10.0.0.1"), text("10.0.0.1"));
        assert_eq!(text("2001:db8::1"), text("2001:db8::ffff:2"));
        assert_ne!(text("2001:db8::1"), text("2001:db8:0:1::1"));
    }

    #[test]
    fn limits_leave_room_for_files() {
        for files in [0, 256, 1024, 65_536, u64::MAX] {
            let limits = Limits::for_open_files(files);
            assert!(limits.of_address <= limits.connections && limits.strangers <= limits.connections, "{limits:?}");
            assert!(limits.strangers_of_address <= limits.strangers, "{limits:?}");
        }
    }

    proptest! {
        /// Whoever comes, shows a credential or goes: no limit is passed, members are never put out, and nothing is left behind.
        #[test]
        fn limits_hold_in_any_order(events in proptest::collection::vec((0_u8..4, 0_u8..3, 0_usize..12), 0..200)) {
            let mut crowd = Crowd::new(LIMITS);
            let mut here: Vec<(Id, u8, bool)> = Vec::new();
            for (from, what, which) in events {
                match what {
                    0 => {
                        let next = crowd.next;
                        if let Ok((id, gone)) = crowd.enter(address(from), next) {
                            for gone in gone {
                                let at = here.iter().position(|(id, _, _)| *id == gone).unwrap();
                                prop_assert!(!here.remove(at).2, "a member was put out");
                            }
                            here.push((id, from, false));
                        }
                    }
                    1 if which < here.len() => {
                        crowd.know(here[which].0);
                        here[which].2 = true;
                    }
                    _ if which < here.len() => {
                        let (id, _, _) = here.remove(which);
                        prop_assert_eq!(crowd.leave(id), Some(id));
                    }
                    _ => {}
                }
                // A stranger that was put out although its newcomer found no room is gone as well.
                here.retain(|(id, _, _)| crowd.present.contains_key(id));
                prop_assert_eq!(crowd.present.len(), here.len());
                prop_assert!(crowd.present.len() <= LIMITS.connections);
                for from in 0..4 {
                    let of = here.iter().filter(|(_, by, _)| *by == from).count();
                    let strangers = here.iter().filter(|(_, by, known)| *by == from && !known).count();
                    prop_assert!(of <= LIMITS.of_address && strangers <= LIMITS.strangers_of_address);
                }
                prop_assert_eq!(crowd.all_strangers.len(), here.iter().filter(|(_, _, known)| !known).count());
            }
            for (id, _, _) in here {
                crowd.leave(id);
            }
            prop_assert!(crowd.of_address.is_empty() && crowd.strangers.is_empty() && crowd.present.is_empty());
        }
    }
}
