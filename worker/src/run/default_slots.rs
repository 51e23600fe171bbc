//! The number of units that a worker trains at a time unless `--slots` sets another one.

use crate::lifecycle::SLOTS_MAX;

/// All usable cores on the CPU, one thread each; 1 on a GPU.
pub fn default_slots(device: &str, cores: usize) -> usize {
    if device == "cpu" { cores.clamp(1, SLOTS_MAX) } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_has_a_slot_for_each_core_and_a_gpu_one() {
        assert_eq!([0, 1, 6, 100_000].map(|cores| default_slots("cpu", cores)), [1, 1, 6, SLOTS_MAX]);
        assert_eq!(default_slots("cuda:1", 6), 1);
    }
}
