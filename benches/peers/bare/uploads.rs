//! Files on their way to the store.

use std::sync::Arc;

use anyhow::Result;
use object_store::aws::AmazonS3;
use object_store::{ObjectStoreExt, PutResult};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::store;

/// PUTs, a few at a time.
pub(super) struct Uploads {
    runtime: Runtime,
    store: Arc<AmazonS3>,
    under_way: JoinSet<object_store::Result<PutResult>>,
    begun: usize,
}

const AT_A_TIME: usize = 2;

impl Uploads {
    pub(super) fn new(bucket: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime, store: Arc::new(store::client(bucket)?), under_way: JoinSet::new(), begun: 0 })
    }

    pub(super) fn put(&mut self, file: Vec<u8>, extension: &str) -> Result<()> {
        while self.under_way.len() >= AT_A_TIME {
            self.one_ends()?;
        }
        let (store, key) = (self.store.clone(), format!("ticks/{:06}.{extension}", self.begun).into());
        self.begun += 1;
        self.under_way.spawn_on(async move { store.put(&key, file.into()).await }, self.runtime.handle());
        Ok(())
    }

    /// Returns when all are there.
    pub(super) fn finish(mut self) -> Result<()> {
        while !self.under_way.is_empty() {
            self.one_ends()?;
        }
        Ok(())
    }

    fn one_ends(&mut self) -> Result<()> {
        if let Some(ended) = self.runtime.block_on(self.under_way.join_next()) {
            ended??;
        }
        Ok(())
    }
}
