//! A group of one.

use std::collections::BTreeMap;

use async_trait::async_trait;
use pipeline_api::{Error, OffsetRange, Result};

use super::{CommitError, Committed, Consumer, Polled};

/// The only member of a group that nobody else can join: it gets every partition at once and keeps it. For brokers that
/// only one process can use.
#[derive(Debug)]
pub struct SoleMember {
    partitions: Option<Vec<i32>>,
}

impl SoleMember {
    /// A member that gets the partitions 0 to `partitions`, exclusive.
    pub fn new(partitions: i32) -> Self {
        Self { partitions: Some((0..partitions).collect()) }
    }
}

#[async_trait]
impl Consumer for SoleMember {
    async fn poll(&mut self) -> Result<Polled> {
        match self.partitions.take() {
            Some(partitions) => Ok(Polled::Assigned(partitions)),
            None => std::future::pending().await,
        }
    }

    async fn bounds(&mut self, _: i32) -> Result<OffsetRange> {
        Ok(OffsetRange::new(0, 0))
    }

    /// Nobody else could read it.
    async fn committed(&mut self, _: &[i32]) -> Result<BTreeMap<i32, Committed>> {
        Ok(BTreeMap::new())
    }

    async fn commit(&mut self, _: &BTreeMap<i32, Committed>) -> Result<(), CommitError> {
        Ok(())
    }

    async fn seek(&mut self, partition: i32, _: i64) -> Result<()> {
        Err(Error::fatal(format!("partition {partition} of a group of one has no records")))
    }

    async fn pause(&mut self, _: i32) -> Result<()> {
        Ok(())
    }

    async fn resume(&mut self, _: i32) -> Result<()> {
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}
