//! A member of a group that remembers what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use pipeline_api::Result;
use pipeline_runtime::broker::{CommitError, Committed, ConsumedRecords, Consumer, Polled};

/// A member of a group that remembers what it was told.
pub(super) struct Member {
    pub(super) consumer: Box<dyn Consumer>,
    pub(super) held: BTreeSet<i32>,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) value: String,
}

/// Long enough for a broker to deliver what it has.
const QUIET: Duration = Duration::from_millis(300);

impl Member {
    pub(super) fn new(consumer: Box<dyn Consumer>) -> Self {
        Self { consumer, held: BTreeSet::new() }
    }

    /// Polls once.
    pub(super) async fn poll(&mut self) -> Result<Polled> {
        let polled = self.consumer.poll().await?;
        match &polled {
            Polled::Assigned(partitions) => self.held.extend(partitions),
            Polled::Revoked(partitions) | Polled::Lost(partitions) => {
                self.held.retain(|partition| !partitions.contains(partition));
            }
            Polled::Records(_) => {}
        }
        Ok(polled)
    }

    /// The next change of what it holds. What it had read before may come first: nobody lets it commit that.
    pub(super) async fn change(&mut self) -> Result<Polled> {
        loop {
            match self.poll().await? {
                Polled::Records(_) => {}
                change => return Ok(change),
            }
        }
    }

    /// Polls until it holds so many partitions.
    pub(super) async fn until_holding(&mut self, partitions: usize) -> Result<()> {
        while self.held.len() != partitions {
            self.poll().await?;
        }
        Ok(())
    }

    /// Polls until it holds so many partitions, and begins to read each at its start.
    pub(super) async fn read_from_start(&mut self, partitions: usize) -> Result<()> {
        self.until_holding(partitions).await?;
        for partition in self.held.clone() {
            let start = self.consumer.bounds(partition).await?.start;
            self.consumer.seek(partition, start).await?;
        }
        Ok(())
    }

    /// The next records of any partition.
    pub(super) async fn records(&mut self) -> Result<ConsumedRecords> {
        loop {
            if let Polled::Records(records) = self.poll().await? {
                return Ok(*records);
            }
        }
    }

    /// Reads until it has so many records.
    pub(super) async fn read(&mut self, count: usize) -> Result<Vec<Read>> {
        let mut read = Vec::new();
        while read.len() < count {
            read.extend(rows(&self.records().await?));
        }
        assert_eq!(read.len(), count, "there are more records than were committed: {:?}", read.last());
        Ok(read)
    }

    /// Whether no record comes for a while.
    pub(super) async fn is_quiet(&mut self) -> Result<bool> {
        let record = async {
            while rows(&self.records().await?).is_empty() {}
            Ok(false)
        };
        tokio::time::timeout(QUIET, record).await.unwrap_or(Ok(true))
    }

    pub(super) async fn commit(&mut self, partition: i32, offset: i64, metadata: &str) -> Result<(), CommitError> {
        let committed = Committed { offset, metadata: metadata.to_owned() };
        self.consumer.commit(&BTreeMap::from([(partition, committed)])).await
    }
}

/// Polls all members at once until `settled` holds. A poll that loses the race is dropped, which must lose nothing.
pub(super) async fn poll_until(members: &mut [&mut Member], settled: impl Fn(&[&mut Member]) -> bool) -> Result<()> {
    while !settled(members) {
        let polls = members.iter_mut().map(|member| member.poll().boxed());
        select_all(polls).await.0?;
    }
    Ok(())
}

/// Records one by one, after a look at whether their offsets make sense.
pub(super) fn rows(records: &ConsumedRecords) -> Vec<Read> {
    let offsets = records.offsets.values();
    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]), "offsets must ascend: {offsets:?}");
    assert!(
        offsets.iter().all(|&offset| records.range.contains(offset)),
        "{} does not cover {offsets:?}",
        records.range
    );
    let row = |(row, &offset)| {
        let value = String::from_utf8_lossy(records.values.value(row)).into_owned();
        Read { partition: records.partition, offset, value }
    };
    offsets.iter().enumerate().map(row).collect()
}

/// The values alone.
pub(super) fn values(read: &[Read]) -> Vec<String> {
    read.iter().map(|read| read.value.clone()).collect()
}
