//! Reading a topic, as a member of a group.

use std::collections::BTreeMap;

use async_trait::async_trait;
use pipeline_api::{Error, OffsetRange, Result};

use super::{CommitError, ConsumedRecords};

/// A member of a consumer group. Driven by one task, one call at a time.
///
/// The engine must go on polling: a member that does not poll loses its partitions.
#[async_trait]
pub trait Consumer: Send {
    /// What happens next. Waits until something does; dropping the call loses nothing.
    async fn poll(&mut self) -> Result<Polled>;

    /// The offsets that a partition holds now. See [`Broker::bounds`](super::Broker::bounds).
    async fn bounds(&mut self, partition: i32) -> Result<OffsetRange>;

    /// What the group has committed for these partitions; those without a commit are left out.
    async fn committed(&mut self, partitions: &[i32]) -> Result<BTreeMap<i32, Committed>>;

    /// Commits synchronously. It is refused if this member has been replaced; that a member commits only partitions that it
    /// has held without a break since it read the records is the engine's duty, as on Kafka.
    async fn commit(&mut self, offsets: &BTreeMap<i32, Committed>) -> Result<(), CommitError>;

    /// Reads on from `offset`. An assigned partition gives no records before its first `seek`. Records of the partition
    /// that a later `poll` returns begin at `offset`.
    ///
    /// Errors: an offset that the log does not hold, below the oldest record or beyond the end, is an error of this call or
    /// of the next `poll`, never a jump to another offset.
    async fn seek(&mut self, partition: i32, offset: i64) -> Result<()>;

    /// `poll` returns no records of the partition until `resume`. Its position stays.
    async fn pause(&mut self, partition: i32) -> Result<()>;

    /// Undoes `pause`.
    async fn resume(&mut self, partition: i32) -> Result<()>;

    /// Leaves the group at once, so that the others get the partitions. Dropping the member does the same, in its own time.
    async fn close(&mut self) -> Result<()>;
}

/// What a poll returns.
#[derive(Clone, Debug)]
pub enum Polled {
    /// These partitions belong to this member from now on.
    Assigned(Vec<i32>),
    /// These partitions are being taken away. Until the next poll they may still be committed, and the commit is refused if
    /// that took too long.
    Revoked(Vec<i32>),
    /// These partitions belong to somebody else already: a commit would be refused.
    Lost(Vec<i32>),
    /// Consecutive records of one partition.
    Records(Box<ConsumedRecords>),
}

/// What a group has committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The offset that is read next.
    pub offset: i64,
    /// A note that travels with it, of at most 4096 UTF-16 units.
    pub metadata: String,
}

/// As Kafka's `offset.metadata.max.bytes`, which counts UTF-16 units.
const METADATA_UNITS: usize = 4096;

impl Committed {
    /// Errors: the note is too long. For a broker, before it commits any partition: Kafka itself would commit the others.
    pub fn check_metadata(&self) -> Result<()> {
        let units = self.metadata.encode_utf16().count();
        if units > METADATA_UNITS {
            return Err(Error::fatal(format!(
                "the metadata of a committed offset has {units} UTF-16 units, expected at most {METADATA_UNITS}"
            )));
        }
        Ok(())
    }
}
