//! A worker with the scripted trainer, for tests.

use std::{path::PathBuf, sync::Arc};

use seedgrid_common::{
    join::{Plaintext, Token},
    wire::v1::WorkerInfo,
};
use seedgrid_worker::{
    lifecycle::Rules,
    link::connection::Connector,
    run::{
        event_loop::{self, Farewell, Settings, Tally},
        slots::Watched,
    },
};

use super::{PATIENCE, drill::Drill};

/// The folder and the settings of a test's worker.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub rules: Rules,
    pub drill: Arc<Drill>,
    pub cache: Option<PathBuf>,
}

impl Bench {
    /// A worker whose units take hardly any time.
    pub fn new(slots: usize) -> Self {
        Self::with(slots, false)
    }

    /// A worker whose units stay in training until they are released or stopped.
    pub fn held(slots: usize) -> Self {
        Self::with(slots, true)
    }

    fn with(slots: usize, held: bool) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            rules: Rules { slots, idle_timeout: None, connect_timeout: PATIENCE, time_limit: None },
            drill: Drill::new(held),
            cache: None,
        }
    }

    pub fn join(&self) -> PathBuf {
        self.folder.path().join("join.toml")
    }

    /// Runs a worker to its end; fails the test when it does not end.
    pub async fn live(&self, told: impl Future<Output = ()>) -> (Farewell, Tally) {
        let connector = Connector::new(self.join(), "here".to_owned(), Plaintext::Wanted, Token::generate()).unwrap();
        let cache =
            self.cache.as_ref().and_then(|path| seedgrid_worker::link::dataset_cache::CacheFolder::open(path).ok());
        let info = WorkerInfo { host: "here".to_owned(), slots: self.rules.slots as u32, ..WorkerInfo::default() };
        let settings = Settings {
            rules: self.rules.clone(),
            worker_id: "ab".repeat(16),
            info,
            cache,
            save_every: None,
            watched: Watched::default(),
        };
        let life = event_loop::run(settings, connector, self.drill.clone(), told);
        tokio::time::timeout(PATIENCE, life).await.expect("the worker ends").unwrap()
    }
}
