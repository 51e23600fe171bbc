//! The bounds of every message. Both sides keep them; the receiver refuses any message outside them.

/// Largest encoded message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest name, label, host or version, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Longest total of all names in a worker's description of itself, in bytes.
pub const WORKER_BYTES_MAX: usize = 768;
/// Most workers at a time: a snapshot of the study with all of them fits a message.
pub const WORKERS_MAX: usize = 4096;
/// Most units in training that a snapshot of the study names; it counts all of them.
pub const TRAINING_SHOWN_MAX: usize = 4096;
/// Most characters of the reason why a worker is set aside, in a snapshot of the study.
pub const ASIDE_CHARS_MAX: usize = 160;
/// Longest text for people, in bytes.
pub const DETAIL_BYTES_MAX: usize = 4096;
/// Largest log of one attempt, in bytes.
pub const LOG_BYTES_MAX: usize = 64 * 1024;
/// Most epochs in one result.
pub const EPOCHS_MAX: usize = 100_000;
/// Most scored examples in one result.
pub const OUTPUT_ROWS_MAX: usize = 1_000_000;
/// Most columns of a result's outputs.
pub const OUTPUT_COLUMNS_MAX: usize = 1000;
/// Most values of a result's outputs: two logits for each of the most examples.
pub const OUTPUT_VALUES_MAX: usize = 2 * OUTPUT_ROWS_MAX;
/// Most attempts that one worker can hold.
pub const HELD_MAX: usize = 1024;
/// Most finished attempts in one submit.
pub const SUBMIT_ATTEMPTS_MAX: usize = 64;
/// Most units in one pull or submit.
pub const PULL_UNITS_MAX: u32 = 256;
/// Largest piece of a data set in one message, in bytes.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;
/// Largest file of kept weights, in bytes: more than any network that today's models describe.
pub const WEIGHTS_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Largest checkpoint, in bytes: the weights, an optimiser's two numbers for each, and the rest.
pub const CHECKPOINT_BYTES_MAX: u64 = 3 * WEIGHTS_BYTES_MAX;
/// Largest encoded data set, in bytes.
pub const DATASET_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Longest list in a hyper-parameter.
pub const LIST_ITEMS_MAX: usize = 256;
