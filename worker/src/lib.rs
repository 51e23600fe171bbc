//! Seedgrid's worker: it pulls units, trains them and hands their results over.
//!
//! [`cli`] reads the command line. [`lifecycle`] decides, on plain data, about a worker's units and next actions.
//! [`run`] executes these actions: a supervisor keeps a trainer process running, whose slots train units. [`link`]
//! connects the worker to its coordinator: the connection, calls, downloads and uploads.
//!
//! [`training`] trains one unit; [`networks`] builds its network on [`kernels`]. [`predict`] scores other pairs with kept weights. [`no_op`] trains
//! nothing: it measures coordinators.

pub mod cli;
pub mod kernels;
pub mod lifecycle;
pub mod link;
pub mod networks;
pub mod no_op;
pub mod predict;
pub mod run;
pub mod training;
