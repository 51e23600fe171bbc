//! The link to the coordinator: the connection, its calls, downloads and uploads.

pub mod attempt_log;
pub mod checkpoint_download;
pub mod checkpoint_upload;
pub mod connection;
pub mod dataset_cache;
pub mod dataset_download;
pub mod download;
pub mod metrics_stream;
pub mod reconnect_delay;
pub mod rpc_calls;
