//! A member of a group that bears with its broker.

use std::collections::BTreeMap;

use async_trait::async_trait;
use pipeline_api::{OffsetRange, Result};
use tokio::time::sleep;

use super::retry::Retry;
use crate::broker::{CommitError, Committed, Consumer, Polled};
use crate::plan::RetryPolicy;

/// Repeats the questions that a broker may answer later. What changes something is passed on as it is: a commit is repeated by
/// whoever decides on it.
pub(super) struct Patient {
    inner: Box<dyn Consumer>,
    policy: RetryPolicy,
}

impl Patient {
    pub(super) fn new(inner: Box<dyn Consumer>, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }
}

#[async_trait]
impl Consumer for Patient {
    async fn poll(&mut self) -> Result<Polled> {
        self.inner.poll().await
    }

    async fn bounds(&mut self, partition: i32) -> Result<OffsetRange> {
        let mut attempts = Retry::new(self.policy);
        loop {
            match self.inner.bounds(partition).await {
                Ok(bounds) => return Ok(bounds),
                Err(error) => sleep(attempts.pause_after(error)?).await,
            }
        }
    }

    async fn committed(&mut self, partitions: &[i32]) -> Result<BTreeMap<i32, Committed>> {
        let mut attempts = Retry::new(self.policy);
        loop {
            match self.inner.committed(partitions).await {
                Ok(committed) => return Ok(committed),
                Err(error) => sleep(attempts.pause_after(error)?).await,
            }
        }
    }

    async fn commit(&mut self, offsets: &BTreeMap<i32, Committed>) -> Result<(), CommitError> {
        self.inner.commit(offsets).await
    }

    async fn seek(&mut self, partition: i32, offset: i64) -> Result<()> {
        let mut attempts = Retry::new(self.policy);
        loop {
            match self.inner.seek(partition, offset).await {
                Ok(()) => return Ok(()),
                Err(error) => sleep(attempts.pause_after(error)?).await,
            }
        }
    }

    async fn pause(&mut self, partition: i32) -> Result<()> {
        self.inner.pause(partition).await
    }

    async fn resume(&mut self, partition: i32) -> Result<()> {
        self.inner.resume(partition).await
    }

    async fn close(&mut self) -> Result<()> {
        self.inner.close().await
    }
}
