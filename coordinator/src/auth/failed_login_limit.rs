//! The limit of failed logins from an address. Pure.
//!
//! Guessing a secret of 256 bits is impossible; the limit bounds the cost of failed calls. It never affects valid
//! credentials, so no caller can lock out others from the same address.

use std::{collections::BTreeMap, net::IpAddr};

use super::connection_limits::origin;
use crate::scheduler::queue::Millis;

/// The number of failures that an address may have at once.
const FREE: u32 = 20;
/// The time until one more failure is allowed, in milliseconds.
const REFILL_MS: Millis = 1_000;
/// The largest number of addresses in memory.
const ADDRESSES_MAX: usize = 4096;

/// Failed logins by address.
#[derive(Debug, Default)]
pub(super) struct FailedLogins {
    by_address: BTreeMap<IpAddr, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    used: u32,
    /// The time of the last refill.
    at: Millis,
}

impl Bucket {
    fn refill(&mut self, now: Millis) {
        let free = now.saturating_sub(self.at) / REFILL_MS;
        self.used = self.used.saturating_sub(u32::try_from(free).unwrap_or(u32::MAX));
        self.at = if self.used == 0 { now } else { self.at + free * REFILL_MS };
    }
}

impl FailedLogins {
    /// Counts a failed call from `address` at `now`. Returns whether it exceeds the limit.
    pub(super) fn add(&mut self, address: IpAddr, now: Millis) -> bool {
        let origin = origin(address);
        if !self.by_address.contains_key(&origin) && self.by_address.len() >= ADDRESSES_MAX {
            self.by_address.values_mut().for_each(|bucket| bucket.refill(now));
            self.by_address.retain(|_, bucket| bucket.used > 0);
            if self.by_address.len() >= ADDRESSES_MAX {
                return true;
            }
        }
        let bucket = self.by_address.entry(origin).or_insert(Bucket { used: 0, at: now });
        bucket.refill(now);
        if bucket.used >= FREE {
            return true;
        }
        bucket.used += 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_free_up_to_a_rate() {
        let mut failed_logins = FailedLogins::default();
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        assert_eq!((0..FREE + 5).filter(|_| failed_logins.add(one, 7)).count(), 5);
        assert!(!failed_logins.add(other, 7), "each address has its own");
        assert!(failed_logins.add(one, 7 + REFILL_MS - 1));
        assert!(!failed_logins.add(one, 7 + REFILL_MS));
        assert!(failed_logins.add(one, 7 + REFILL_MS));
        assert_eq!((0..FREE + 5).filter(|_| failed_logins.add(one, 1_000_000)).count(), 5, "all are free again");
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let mut failed_logins = FailedLogins::default();
        let address = |number: u32| IpAddr::from(number.to_be_bytes());
        for number in 0..ADDRESSES_MAX as u32 {
            assert!(!failed_logins.add(address(number), 0));
        }
        assert!(failed_logins.add(address(u32::MAX), 0));
        assert!(!failed_logins.add(address(u32::MAX), REFILL_MS), "those that were forgiven are forgotten");
        assert_eq!(failed_logins.by_address.len(), 1);
    }
}
