//! The transactional producer.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pipeline_api::{Error, Result, SourceOffsets, crash_at};
use pipeline_runtime::broker::{CommitError, ProducedRecords, Producer, ProducerId};
use tokio::sync::watch;

use crate::block_builder::{BlockBuilder, EncodedBlock, Encoder};
use crate::broker::Shared;
use crate::log;
use crate::offsets::{read_source, write_source};
use crate::store::{blocking, failed};
use crate::topic::Topic;

/// Encodes what is sent at once, and writes it at the commit.
pub(crate) struct EmbeddedProducer {
    shared: Arc<Shared>,
    id: ProducerId,
    epoch: Epoch,
    open: BTreeMap<String, OpenTopic>,
    encoder: Encoder,
}

/// Which of the producers of one id this is. The latest fences the others.
#[derive(Clone, Debug)]
pub(crate) struct Epoch {
    own: u64,
    latest: watch::Receiver<u64>,
}

/// What an open transaction holds for a topic, by partition.
struct OpenTopic {
    topic: Arc<Topic>,
    partitions: Vec<BlockBuilder>,
}

/// What a transaction adds to a topic, by partition.
struct Addition {
    topic: Arc<Topic>,
    partitions: Vec<(i32, Vec<EncodedBlock>)>,
}

impl EmbeddedProducer {
    pub(crate) fn new(shared: Arc<Shared>, id: ProducerId, epoch: Epoch) -> Self {
        Self { shared, id, epoch, open: BTreeMap::new(), encoder: Encoder::default() }
    }

    fn open_topic(&mut self, name: &str) -> Result<OpenTopic> {
        let topic = self.shared.topic(name)?;
        let partitions = (0..topic.partitions).map(|_| self.encoder.builder()).collect();
        Ok(OpenTopic { topic, partitions })
    }

    /// Waits until the topic has room or this producer is fenced.
    async fn wait_for_room(&mut self, topic: &Arc<Topic>) -> Result<(), CommitError> {
        let retention = self.shared.retention;
        if !retention.is_full(&topic.state()) {
            return Ok(());
        }
        let (shared, emptied) = (self.shared.clone(), topic.clone());
        blocking(move || retention.enforce(&shared.store, &emptied)).await?;
        let mut state = topic.watch();
        tokio::select! {
            // Neither wait can fail: both senders live as long as `topic` and the epoch's map, which are held here.
            _ = state.wait_for(|state| !retention.is_full(state)) => Ok(()),
            _ = self.epoch.fenced() => self.epoch.check(&self.id),
        }
    }
}

#[async_trait]
impl Producer for EmbeddedProducer {
    async fn source_offsets(&mut self) -> Result<SourceOffsets> {
        self.shared.store.read(|transaction| read_source(transaction, &self.id))
    }

    async fn send(&mut self, topic: &str, records: ProducedRecords) -> Result<(), CommitError> {
        self.epoch.check(&self.id)?;
        records.check_shape()?;
        if !self.open.contains_key(topic) {
            let open = self.open_topic(topic)?;
            self.open.insert(topic.to_owned(), open);
        }
        let found = self.open[topic].topic.clone();
        self.wait_for_room(&found).await?;
        tokio::task::coop::consume_budget().await;
        let Some(open) = self.open.get_mut(topic) else { return Ok(()) };
        open.push(&records, &mut self.encoder)?;
        Ok(())
    }

    async fn commit(&mut self, offsets: &SourceOffsets) -> Result<(), CommitError> {
        self.epoch.check(&self.id)?;
        let encoder = &mut self.encoder;
        let additions = std::mem::take(&mut self.open).into_values().map(|open| open.finish(encoder)).collect();
        let (shared, id, epoch, offsets) = (self.shared.clone(), self.id.clone(), self.epoch.clone(), offsets.clone());
        blocking(move || commit(&shared, &id, &epoch, additions, &offsets)).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.open.clear();
        Ok(())
    }
}

impl Epoch {
    /// The next epoch of the producers that `latest` counts. Fences those before.
    pub(crate) fn next(latest: &watch::Sender<u64>) -> Self {
        latest.send_modify(|epoch| *epoch += 1);
        let own = *latest.borrow();
        Self { own, latest: latest.subscribe() }
    }

    fn check(&self, id: &ProducerId) -> Result<(), CommitError> {
        if *self.latest.borrow() == self.own {
            return Ok(());
        }
        Err(CommitError::Fenced(format!("a newer producer has the id `{id}`")))
    }

    async fn fenced(&mut self) {
        let own = self.own;
        let _ = self.latest.wait_for(|latest| *latest != own).await;
    }
}

impl OpenTopic {
    fn push(&mut self, records: &ProducedRecords, encoder: &mut Encoder) -> Result<()> {
        let count = self.partitions.len();
        for (row, &partition) in records.partitions.iter().enumerate() {
            let builder = usize::try_from(partition).ok().and_then(|index| self.partitions.get_mut(index));
            let Some(builder) = builder else {
                let name = &self.topic.name;
                return Err(Error::fatal(format!(
                    "topic `{name}` has no partition {partition}, but 0 to {}",
                    count - 1
                )));
            };
            builder.push(records, row, encoder);
        }
        Ok(())
    }

    fn finish(self, encoder: &mut Encoder) -> Addition {
        let blocks = self.partitions.into_iter().map(|builder| builder.finish(encoder));
        let partitions = (0..).zip(blocks).filter(|(_, blocks)| !blocks.is_empty()).collect();
        Addition { topic: self.topic, partitions }
    }
}

/// Writes a transaction: records and offsets, both or neither.
fn commit(
    shared: &Shared,
    id: &ProducerId,
    epoch: &Epoch,
    additions: Vec<Addition>,
    offsets: &SourceOffsets,
) -> Result<(), CommitError> {
    crash_at("broker_before_produce_commit");
    let grown = shared.store.write(|transaction| {
        // A newer producer begins between two writes, so it sees either all of this or fences it.
        epoch.check(id)?;
        let mut grown = Vec::new();
        for Addition { topic, partitions } in &additions {
            if !topic.exists(transaction).map_err(failed)? {
                return Err(Error::fatal(format!("topic `{}` was deleted while it was written", topic.name)).into());
            }
            for (partition, blocks) in partitions {
                let (state, bytes) = log::append(transaction, topic, *partition, blocks).map_err(failed)?;
                grown.push((topic, *partition, state.range.end, bytes));
            }
        }
        write_source(transaction, id, offsets).map_err(failed)?;
        Ok::<_, CommitError>(grown)
    })?;
    crash_at("broker_after_produce_commit");
    for (topic, partition, end, bytes) in grown {
        topic.appended(partition, end, bytes);
    }
    for addition in &additions {
        shared.enforce_retention(&addition.topic);
    }
    Ok(())
}
