//! A running worker: its supervisor and its trainer process, the session that carries out the lifecycle's actions, and
//! the slots that train.

pub mod default_slots;
pub mod end_with_parent;
pub mod event_loop;
pub mod exit_codes;
pub mod machine;
pub mod slots;
pub mod supervisor;
pub mod supervisor_pipe;
pub mod trainer;
