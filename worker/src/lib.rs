//! Seedgrid's worker: it pulls units, trains them and hands their results over.
//!
//! [`cli`] reads the command line. [`lifecycle`] decides, on plain data, which units a worker holds and what it does next. [`run`] carries that
//! out: a supervisor keeps a trainer process running, whose slots train units. [`link`] is everything between the worker and its
//! coordinator: the connection, calls, downloads and uploads.
//!
//! [`training`] trains one unit; [`networks`] builds its network on [`kernels`]. [`predict`] scores other pairs with kept weights.

pub mod cli;
pub mod kernels;
pub mod lifecycle;
pub mod link;
pub mod networks;
pub mod predict;
pub mod run;
pub mod training;
