//! Seedgrid's worker: pulls units, trains them and hands their results over.
//!
//! In the order of a worker's life: [`cli`] says how it shall live, [`system`] where it is and [`parent`] with whom it dies; its
//! [`supervisor`] keeps a trainer running, which tells it what it holds ([`presence`]);
//! [`connection`] finds the coordinator; [`lifecycle`] decides everything on plain data ([`work`], [`time_limit`]) and
//! [`session`] carries it out, with [`calls`] over the network, [`slots`] that train through a [`trainer`], [`datasets`] (kept in
//! a [`cache_folder`]) to train on, [`resumption`] of what others began (both by [`fetching`]), [`saves`] of what is under way at a [`spacing`] that costs little,
//! [`metrics`] to show and an [`attempt_log`] to look into; [`exit_codes`] tell how it ended.
//!
//! [`training`] trains one unit; [`networks`] builds its network on [`kernels`]. A trained network's weights may be kept in a
//! [`weights_file`], from which [`predict`] scores other pairs.

pub mod attempt_log;
pub mod backoff;
pub mod cache_folder;
pub mod calls;
pub mod checkpoint_file;
pub mod cli;
pub mod connection;
pub mod datasets;
pub mod exit_codes;
pub mod fetching;
pub mod kernels;
pub mod lifecycle;
pub mod metrics;
pub mod networks;
pub mod parent;
pub mod predict;
pub mod presence;
pub mod resumption;
pub mod saves;
pub mod session;
pub mod slots;
pub mod spacing;
pub mod supervisor;
pub mod system;
pub mod time_limit;
pub mod trainer;
pub mod training;
pub mod weights_file;
pub mod work;
