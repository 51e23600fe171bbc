//! The numbers that the queue goes by.

use super::Millis;

/// The numbers that the queue goes by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long a lease lasts without a heartbeat.
    pub lease_ms: Millis,
    /// After this many errors a unit is quarantined.
    pub errors_max: u32,
    /// How long a unit waits after its first error, its second one, and so on; the last wait is that of all later ones.
    pub backoff_ms: [Millis; 2],
    /// After its worker died this often while it trained, a unit runs alone.
    pub deaths_alone: u32,
    /// After its worker died this often while it trained, a unit is quarantined.
    pub deaths_max: u32,
    /// This many endings in a row that are one and the same error pause the study, ...
    pub alike_errors: usize,
    /// ... if they are those of this many units.
    pub alike_units: usize,
    /// A worker on which this many units failed in a row, while others do better, gets no more.
    pub aside_errors: usize,
    /// Units that are expected to take longer are given only to free slots, shorter ones also ahead of need.
    pub ahead_seconds_max: f64,
}

impl Rules {
    /// How long a unit waits after this many errors.
    pub fn backoff(&self, errors: u32) -> Millis {
        let place = (errors as usize).saturating_sub(1).min(self.backoff_ms.len() - 1);
        if errors == 0 { 0 } else { self.backoff_ms[place] }
    }
}

impl Default for Rules {
    /// A lease of 30 s survives two lost heartbeats at one every 10 s; three errors are no accident, and what passes by itself, such
    /// as a full disk or a lost mount, is given half a minute to pass. A worker's death is nobody's fault more often than an error,
    /// and takes down whoever trains beside the cause: so units get two more tries, alone, before they are held to be the cause.
    /// Asking for the next unit only when a slot is free costs some milliseconds, which 2 s of training hide.
    fn default() -> Self {
        Self {
            lease_ms: 30_000,
            errors_max: 3,
            backoff_ms: [5_000, 30_000],
            deaths_alone: 3,
            deaths_max: 5,
            alike_errors: 5,
            alike_units: 3,
            aside_errors: 3,
            ahead_seconds_max: 2.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let waits = [0, 1, 2, 3, u32::MAX].map(|errors| Rules::default().backoff(errors));
        assert_eq!(waits, [0, 5_000, 30_000, 30_000, 30_000]);
    }
}
