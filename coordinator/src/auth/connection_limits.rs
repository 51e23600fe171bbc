//! The table of connections and their limits. Pure.
//!
//! A connection has the class of the best credential that it has shown, and each class has limits of its own. So
//! connections with one credential, or with none, never exclude those of another class, even from the same address. At
//! the limit of a class, a new connection closes the oldest one of the class; but worker connections are never closed
//! for others.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
};

use seedgrid_common::join::Role;

use super::{Caller, CallerKind};

/// The class of a connection, from the credential that it has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConnectionClass {
    /// No credential yet.
    Stranger,
    /// A token that many people may have and that changes nothing: to view, or to enroll.
    Guest,
    /// A worker's own credential.
    Worker,
    /// The admin token.
    Owner,
}

impl ConnectionClass {
    const ALL: [Self; 4] = [Self::Stranger, Self::Guest, Self::Worker, Self::Owner];

    /// The class of an authenticated caller.
    pub(super) fn from_caller(caller: &Caller) -> Self {
        match caller.kind {
            CallerKind::Holder(Role::Join | Role::View) => Self::Guest,
            CallerKind::Holder(Role::Admin) => Self::Owner,
            CallerKind::Worker(_) => Self::Worker,
        }
    }
}

/// The largest number of connections of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimit {
    /// The limit over all addresses.
    pub all: usize,
    /// The limit for one address.
    pub of_address: usize,
}

/// The connection limits by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The limit of connections without a credential.
    pub strangers: ConnectionLimit,
    /// The limit of connections with the join or the view token.
    pub guests: ConnectionLimit,
    /// The limit of worker connections.
    pub workers: ConnectionLimit,
    /// The limit of connections with the admin token.
    pub owners: ConnectionLimit,
}

impl Limits {
    /// The limits for a process with at most `files` open files and connections; some are reserved for the store, blobs
    /// and the report. `one_address`: all workers may come from one address, as through NAT or an ssh tunnel.
    pub fn for_open_files(files: u64, one_address: bool) -> Self {
        let connections = usize::try_from(files.saturating_sub(192) / 2).unwrap_or(usize::MAX).clamp(32, 4096);
        let strangers =
            ConnectionLimit { all: (connections / 4).clamp(8, 512), of_address: (connections / 16).clamp(4, 64) };
        let guests =
            ConnectionLimit { all: (connections / 4).clamp(8, 512), of_address: (connections / 8).clamp(4, 256) };
        let owners = (connections / 16).clamp(4, 64);
        let workers = connections - strangers.all - guests.all - owners;
        let workers = ConnectionLimit { all: workers, of_address: (workers / 2).max(8) };
        let limits = Self { strangers, guests, workers, owners: ConnectionLimit { all: owners, of_address: owners } };
        if !one_address {
            return limits;
        }
        // Each new worker is a stranger first, and then a guest.
        let whole = |limit: ConnectionLimit| ConnectionLimit { of_address: limit.all, ..limit };
        Self { strangers: whole(strangers), guests: whole(guests), workers: whole(workers), ..limits }
    }

    fn limit(&self, class: ConnectionClass) -> ConnectionLimit {
        match class {
            ConnectionClass::Stranger => self.strangers,
            ConnectionClass::Guest => self.guests,
            ConnectionClass::Worker => self.workers,
            ConnectionClass::Owner => self.owners,
        }
    }
}

/// The number of a connection.
pub(super) type Id = u64;

/// All connections, each with a handle of the caller's.
#[derive(Debug)]
pub(super) struct ConnectionTable<H> {
    limits: Limits,
    next: Id,
    present: BTreeMap<Id, Present<H>>,
    /// The connections of each class.
    groups: [Group; ConnectionClass::ALL.len()],
}

#[derive(Debug)]
struct Present<H> {
    origin: IpAddr,
    class: ConnectionClass,
    /// The worker whose own credential the connection has shown first.
    worker: Option<Caller>,
    handle: H,
}

/// The connections of one class. Ids grow, so the first is the oldest.
#[derive(Debug, Default)]
struct Group {
    all: BTreeSet<Id>,
    of_address: BTreeMap<IpAddr, BTreeSet<Id>>,
}

impl Group {
    fn add(&mut self, id: Id, origin: IpAddr) {
        self.all.insert(id);
        self.of_address.entry(origin).or_default().insert(id);
    }

    fn remove(&mut self, id: Id, origin: IpAddr) {
        self.all.remove(&id);
        if let Some(ids) = self.of_address.get_mut(&origin) {
            ids.remove(&id);
            if ids.is_empty() {
                self.of_address.remove(&origin);
            }
        }
    }

    /// The connection that must be closed before another one from `origin` can enter.
    fn in_the_way(&self, room: ConnectionLimit, origin: IpAddr) -> Option<Id> {
        match self.of_address.get(&origin) {
            Some(ids) if ids.len() >= room.of_address => ids.first().copied(),
            _ if self.all.len() >= room.all => self.all.first().copied(),
            _ => None,
        }
    }
}

/// The error for workers' connections that reach a limit: none of them may be closed for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// The limit over all addresses.
    #[error("as many workers are connected as may be; it may try again when some have left")]
    All,
    /// The limit for one address.
    #[error(
        "half of all connections of workers come from this address, and no more may: where workers share an address, as behind NAT or in \
         an ssh tunnel, serve with --one-address"
    )]
    OfAddress,
}

impl<H> ConnectionTable<H> {
    /// Creates an empty table.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, next: 0, present: BTreeMap::new(), groups: Default::default() }
    }

    /// Adds a connection from `address` without a credential. Returns its id, and the handle of the connection that it
    /// displaced, if any.
    pub(super) fn enter(&mut self, address: IpAddr, handle: H) -> (Id, Option<H>) {
        let origin = origin(address);
        let put_out = self.in_the_way(ConnectionClass::Stranger, origin).and_then(|id| self.leave(id));
        let id = self.next;
        self.next += 1;
        self.present.insert(id, Present { origin, class: ConnectionClass::Stranger, worker: None, handle });
        self.groups[ConnectionClass::Stranger as usize].add(id, origin);
        (id, put_out)
    }

    /// Notes that the connection has shown a credential. Returns the handle of the connection that it displaced, if
    /// any.
    ///
    /// # Errors
    /// When the class has no room; the connection keeps its class.
    pub(super) fn know(&mut self, id: Id, caller: &Caller) -> Result<Option<H>, Full> {
        let Some(Present { origin, class: before, .. }) = self.present.get(&id) else { return Ok(None) };
        let (origin, before, class) = (*origin, *before, ConnectionClass::from_caller(caller));
        if class <= before {
            return Ok(None);
        }
        let put_out = match (self.in_the_way(class, origin), class) {
            (None, _) => None,
            (Some(_), ConnectionClass::Worker) => return Err(self.full()),
            (Some(oldest), _) => self.leave(oldest),
        };
        self.groups[before as usize].remove(id, origin);
        self.groups[class as usize].add(id, origin);
        if let Some(present) = self.present.get_mut(&id) {
            present.class = class;
            if class == ConnectionClass::Worker {
                present.worker = Some(*caller);
            }
        }
        Ok(put_out)
    }

    /// The limit that a worker's connection reaches.
    fn full(&self) -> Full {
        let workers = &self.groups[ConnectionClass::Worker as usize];
        if workers.all.len() >= self.limits.workers.all { Full::All } else { Full::OfAddress }
    }

    /// Removes all connections that showed this worker's credential, and returns their handles.
    pub(super) fn revoke(&mut self, worker: Caller) -> Vec<H> {
        let theirs = self.present.iter().filter(|(_, present)| present.worker == Some(worker));
        let theirs: Vec<Id> = theirs.map(|(id, _)| *id).collect();
        theirs.into_iter().filter_map(|id| self.leave(id)).collect()
    }

    /// Removes a connection. Returns its handle, unless it was removed before.
    pub(super) fn leave(&mut self, id: Id) -> Option<H> {
        let Present { origin, class, handle, .. } = self.present.remove(&id)?;
        self.groups[class as usize].remove(id, origin);
        Some(handle)
    }

    fn in_the_way(&self, class: ConnectionClass, origin: IpAddr) -> Option<Id> {
        self.groups[class as usize].in_the_way(self.limits.limit(class), origin)
    }
}

/// The key of an address: an IPv4 address, or the 64-bit network of an IPv6 address.
pub(super) fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use seedgrid_common::study_id::StudyId;

    use super::*;

    const LIMITS: Limits = Limits {
        strangers: ConnectionLimit { all: 4, of_address: 2 },
        guests: ConnectionLimit { all: 3, of_address: 2 },
        workers: ConnectionLimit { all: 5, of_address: 3 },
        owners: ConnectionLimit { all: 2, of_address: 2 },
    };

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    /// Adds a connection that shows this credential.
    fn come<H>(crowd: &mut ConnectionTable<H>, from: u8, class: ConnectionClass, handle: H) -> Result<Option<H>, Full> {
        let (id, put_out) = crowd.enter(address(from), handle);
        assert!(put_out.is_none(), "there is room for strangers");
        crowd.know(id, &caller(class))
    }

    /// A caller of this class.
    fn caller(class: ConnectionClass) -> Caller {
        match class {
            ConnectionClass::Stranger => unreachable!("they have shown nothing"),
            ConnectionClass::Guest => holder(Role::View),
            ConnectionClass::Worker => worker(1),
            ConnectionClass::Owner => holder(Role::Admin),
        }
    }

    fn holder(role: Role) -> Caller {
        Caller { study: StudyId([9; 16]), kind: CallerKind::Holder(role) }
    }

    fn worker(number: u32) -> Caller {
        Caller { study: StudyId([9; 16]), kind: CallerKind::Worker(format!("{number:032x}").parse().unwrap()) }
    }

    #[test]
    fn the_oldest_stranger_makes_room() {
        let mut crowd = ConnectionTable::new(LIMITS);
        let (first, _) = crowd.enter(address(1), 'a');
        crowd.enter(address(1), 'b');
        let (_, gone) = crowd.enter(address(1), 'c');
        assert_eq!(gone, Some('a'), "of its own address");
        assert_eq!(crowd.leave(first), None, "it has gone already");
        crowd.enter(address(2), 'd');
        crowd.enter(address(3), 'e');
        let (_, gone) = crowd.enter(address(4), 'f');
        assert_eq!(gone, Some('b'), "of all");
    }

    #[test]
    fn workers_stay() {
        let mut crowd = ConnectionTable::new(LIMITS);
        for worker in 0..3 {
            assert_eq!(come(&mut crowd, 1, ConnectionClass::Worker, worker), Ok(None));
        }
        assert_eq!(
            come(&mut crowd, 1, ConnectionClass::Worker, 3),
            Err(Full::OfAddress),
            "as many as may come from one address"
        );
        for worker in 4..6 {
            assert_eq!(come(&mut crowd, 2, ConnectionClass::Worker, worker), Ok(None));
        }
        assert_eq!(come(&mut crowd, 3, ConnectionClass::Worker, 6), Err(Full::All));
    }

    /// The thief of a view token opens as many connections as the limits allow.
    #[test]
    fn guests_make_room_for_guests_and_keep_nobody_else_out() {
        let mut crowd = ConnectionTable::new(LIMITS);
        for guest in 0..2 {
            assert_eq!(come(&mut crowd, 1, ConnectionClass::Guest, guest), Ok(None));
        }
        for guest in 2..100 {
            assert_eq!(come(&mut crowd, 1, ConnectionClass::Guest, guest), Ok(Some(guest - 2)));
        }
        assert_eq!(come(&mut crowd, 1, ConnectionClass::Worker, 100), Ok(None));
        assert_eq!(come(&mut crowd, 1, ConnectionClass::Owner, 101), Ok(None));
    }

    #[test]
    fn a_connection_stands_as_high_as_the_best_that_it_has_shown() {
        let mut crowd = ConnectionTable::new(LIMITS);
        let (id, _) = crowd.enter(address(1), ());
        for class in [ConnectionClass::Guest, ConnectionClass::Worker, ConnectionClass::Guest] {
            assert_eq!(crowd.know(id, &caller(class)), Ok(None));
        }
        assert_eq!(crowd.present[&id].class, ConnectionClass::Worker);
        assert_eq!(crowd.know(77, &caller(ConnectionClass::Owner)), Ok(None), "it has gone meanwhile");
    }

    #[test]
    fn who_is_revoked_goes_and_leaves_its_room() {
        let mut crowd = ConnectionTable::new(LIMITS);
        for (handle, number) in [(0, 1), (1, 2), (2, 1)] {
            let (id, _) = crowd.enter(address(1), handle);
            assert_eq!(crowd.know(id, &worker(number)), Ok(None));
        }
        assert_eq!(come(&mut crowd, 1, ConnectionClass::Worker, 3), Err(Full::OfAddress));
        assert_eq!(crowd.revoke(worker(1)), [0, 2]);
        let elsewhere = Caller { study: StudyId([8; 16]), ..worker(2) };
        assert!(crowd.revoke(elsewhere).is_empty(), "a worker of another study may have the same id");
        assert!(crowd.revoke(worker(1)).is_empty() && crowd.revoke(worker(3)).is_empty());
        assert_eq!(come(&mut crowd, 1, ConnectionClass::Worker, 4), Ok(None));
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
            for one_address in [false, true] {
                let limits = Limits::for_open_files(files, one_address);
                let rooms = ConnectionClass::ALL.map(|class| limits.limit(class));
                assert!(rooms.iter().all(|room| 4 <= room.of_address && room.of_address <= room.all), "{limits:?}");
                let all: usize = rooms.iter().map(|room| room.all).sum();
                assert!((32..=4096).contains(&all) && (files < 256 || all as u64 <= files / 2), "{limits:?}");
                assert_eq!(limits.workers.of_address == limits.workers.all, one_address, "{limits:?}");
            }
        }
    }

    proptest! {
        /// In any order of events, no limit is exceeded, worker connections are never closed for others, and no entry
        /// is left behind.
        #[test]
        fn limits_hold_in_any_order(events in proptest::collection::vec((0_u8..4, 0_u8..6, 0_usize..12), 0..200)) {
            let mut crowd = ConnectionTable::new(LIMITS);
            // Each connection's id is its own handle.
            let mut here: Vec<(Id, u8, ConnectionClass)> = Vec::new();
            for (from, what, which) in events {
                let (gone, comer) = match (what, here.get(which).copied()) {
                    (0 | 1, _) => {
                        let next = crowd.next;
                        let (id, gone) = crowd.enter(address(from), next);
                        here.push((id, from, ConnectionClass::Stranger));
                        (gone, id)
                    }
                    (_, None) => continue,
                    (5, Some((id, ..))) => {
                        here.remove(which);
                        prop_assert_eq!(crowd.leave(id), Some(id));
                        continue;
                    }
                    (what, Some((id, from, before))) => {
                        let class = [ConnectionClass::Guest, ConnectionClass::Worker, ConnectionClass::Owner][usize::from(what) - 2];
                        match crowd.know(id, &caller(class)) {
                            Ok(gone) => {
                                here[which].2 = class.max(before);
                                (gone, id)
                            }
                            Err(Full::All | Full::OfAddress) => {
                                let of = |all: bool| here.iter().filter(|(_, by, as_)| *as_ == class && (all || *by == from)).count();
                                prop_assert!(class == ConnectionClass::Worker);
                                prop_assert!(of(true) == LIMITS.workers.all || of(false) == LIMITS.workers.of_address);
                                (None, id)
                            }
                        }
                    }
                };
                prop_assert!(gone != Some(comer), "it was put out for itself");
                let worker = |(id, _, class): &(Id, u8, ConnectionClass)| gone == Some(*id) && *class == ConnectionClass::Worker;
                prop_assert!(!here.iter().any(worker), "a worker was put out");
                here.retain(|(id, _, _)| gone != Some(*id));
                prop_assert_eq!(crowd.present.len(), here.len());
                for class in ConnectionClass::ALL {
                    let room = LIMITS.limit(class);
                    let count = |from: Option<u8>| {
                        here.iter().filter(|(_, by, as_)| *as_ == class && from.is_none_or(|from| from == *by)).count()
                    };
                    prop_assert!(count(None) <= room.all && (0..4).all(|from| count(Some(from)) <= room.of_address));
                    prop_assert_eq!(crowd.groups[class as usize].all.len(), count(None));
                }
            }
            for (id, _, _) in here {
                crowd.leave(id);
            }
            prop_assert!(crowd.present.is_empty());
            prop_assert!(crowd.groups.iter().all(|group| group.all.is_empty() && group.of_address.is_empty()));
        }
    }
}
