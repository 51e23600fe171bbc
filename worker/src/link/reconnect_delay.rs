//! The delay between tries: exponential, with jitter, so that a hundred workers do not reconnect at one instant.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// The delay after `failures` failed tries in a row: 100 ms, doubled with each failure up to 15 s. Its upper half is
/// random (`jitter` in 0..1).
pub fn delay(failures: u32, jitter: f64) -> Duration {
    let whole = FIRST.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(LONGEST);
    whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_stay_bounded() {
        assert_eq!(delay(0, 0.0), Duration::from_millis(50));
        assert_eq!(delay(0, 1.0), Duration::from_millis(100));
        assert_eq!(delay(3, 1.0), Duration::from_millis(800));
        for failures in 0..200 {
            assert!(delay(failures, 0.5) <= delay(failures + 1, 0.5));
            assert!((LONGEST / 2..=LONGEST).contains(&delay(failures + 8, 0.3)));
        }
    }
}
