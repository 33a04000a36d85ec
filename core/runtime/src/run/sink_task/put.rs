//! *Put*: from consumed records to the sink.

use pipeline_api::{Error, ErrorKind, OffsetRange, Result, SinkBatch, SinkLines};
use tokio::time::Instant;
use tracing::debug;

use super::SinkTask;
use super::held::Held;
use crate::broker::ConsumedRecords;
use crate::plan::Tolerance;
use crate::run::dead_letter::{DeadLetter, Stage};
use crate::run::retry::Retry;
use crate::run::stop::Stop;

/// Records in one of the forms in which a sink may get them.
#[derive(Clone, Copy)]
enum Offer<'a> {
    Records(&'a SinkBatch),
    Lines(&'a SinkLines),
}

/// What became of records that were offered to the sink.
enum Put {
    Taken,
    /// Somebody asked for a stop before the sink took it.
    Stopped,
}

impl SinkTask {
    /// Puts records of a partition, of a planned range exactly as far as it goes.
    pub(super) async fn consume(&mut self, records: ConsumedRecords, stop: &mut Stop) -> Result<()> {
        let partition = records.partition;
        let Some(held) = self.partitions.get(&partition) else { return Ok(()) };
        let replay = held.replay;
        if self.poison.is_some() || held.is_replayed() {
            return Ok(());
        }
        let records = match replay {
            Some(replay) => records.until(replay.offsets.end),
            None => records,
        };
        self.progress().consumed(&records);
        if !self.put_lines(&records, stop).await? {
            let (batch, letters) = self.decoder.decode(&records)?;
            self.put(&records, batch, letters, stop).await?;
        }
        if self.partitions.get(&partition).is_some_and(Held::is_replayed) {
            self.consumer.pause(partition).await?;
        }
        self.hold_back().await
    }

    /// Puts records as lines, if the sink takes them so and they can be had so.
    async fn put_lines(&mut self, consumed: &ConsumedRecords, stop: &mut Stop) -> Result<bool> {
        if !self.sink.takes_lines() {
            return Ok(false);
        }
        let Some(lines) = self.decoder.lines(consumed) else { return Ok(false) };
        match self.offer(Offer::Lines(&lines), stop).await {
            Ok(Put::Taken) => {
                self.took(consumed.partition, lines.offsets.end, lines.rows, Vec::new(), None).map(|()| true)
            }
            Ok(Put::Stopped) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Data => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a batch, narrowed down around records that the sink does not accept, up to the first one that stops the task.
    async fn put(
        &mut self,
        consumed: &ConsumedRecords,
        batch: SinkBatch,
        mut letters: Vec<DeadLetter>,
        stop: &mut Stop,
    ) -> Result<()> {
        let mut poison = self.first_poison(&mut letters);
        let mut end = poison.as_ref().map_or(batch.offsets.end, |(offset, _)| *offset);
        let rows = batch.metadata.offsets.values().partition_point(|offset| *offset < end);
        let offsets = OffsetRange::new(batch.offsets.start, end);
        let mut parts = vec![SinkBatch { offsets, ..slice(&batch, 0, rows) }];
        let mut received = 0;
        while let Some(part) = parts.pop() {
            let rows = part.records.num_rows();
            if rows == 0 {
                continue;
            }
            match self.offer(Offer::Records(&part), stop).await {
                Ok(Put::Taken) => received += rows as u64,
                Ok(Put::Stopped) => {
                    (end, poison) = (part.offsets.start, None);
                    break;
                }
                Err(error) if error.kind() != ErrorKind::Data => return Err(error),
                Err(_) if rows > 1 => {
                    parts.extend([slice(&part, rows / 2, rows - rows / 2), slice(&part, 0, rows / 2)]);
                }
                Err(error) => {
                    let mut refused = vec![self.refused(consumed, part.metadata.offsets.value(0), &error)];
                    poison = self.first_poison(&mut refused).or(poison);
                    letters.append(&mut refused);
                    if let Some((offset, _)) = &poison
                        && *offset < end
                    {
                        end = *offset;
                        break;
                    }
                }
            }
        }
        self.took(consumed.partition, end, received, letters, poison.map(|(_, error)| error))
    }

    /// Offers records until the sink takes or refuses them, or somebody asks for a stop.
    async fn offer(&mut self, offer: Offer<'_>, stop: &mut Stop) -> Result<Put> {
        let mut attempts = Retry::new(self.plan.errors.retry);
        loop {
            let put = match offer {
                Offer::Records(batch) => self.sink.put(batch.clone()).await,
                Offer::Lines(lines) => self.sink.put_lines(lines.clone()).await,
            };
            match put {
                Ok(()) => return Ok(Put::Taken),
                Err(error) if error.kind() == ErrorKind::Data => return Err(error),
                Err(error) => attempts.wait_after(error, stop).await?,
            }
            if stop.is_requested() {
                return Ok(Put::Stopped);
            }
        }
    }

    fn refused(&self, consumed: &ConsumedRecords, offset: i64, error: &Error) -> DeadLetter {
        let row = consumed.offsets.values().partition_point(|candidate| *candidate < offset);
        let letter = self.decoder.dead_letter(consumed, row, Stage::TaskPut, format!("{error:#}"));
        DeadLetter { plugin: self.sink_plan().plugin.registration.type_name(), ..letter }
    }

    /// Takes, if no record may go to a dead letter topic, the letters away and says which is the first record that stops the
    /// task.
    fn first_poison(&self, letters: &mut Vec<DeadLetter>) -> Option<(i64, Error)> {
        if self.plan.errors.tolerance != Tolerance::None {
            return None;
        }
        let letters = std::mem::take(letters);
        let first = letters.iter().min_by_key(|letter| letter.offset())?;
        Some((first.offset()?, first.to_error()))
    }

    /// Everything before `end` is put. What is there may stop the task once that is committed; a planned range cannot be cut
    /// short, so that there it stops at once.
    fn took(
        &mut self,
        partition: i32,
        end: i64,
        received: u64,
        letters: Vec<DeadLetter>,
        poison: Option<Error>,
    ) -> Result<()> {
        let held = self.partitions.get_mut(&partition);
        if let Some(error) = poison {
            if held.as_ref().is_some_and(|held| held.replay.is_some()) {
                return Err(error);
            }
            self.poison = Some(error);
        }
        if let Some(held) = held {
            held.next = end;
            held.rows += received;
            held.letters
                .extend(letters.into_iter().filter(|letter| letter.offset().is_some_and(|offset| offset < end)));
        }
        self.trigger.put(received, Instant::now());
        self.progress().put(received);
        Ok(())
    }

    /// Stops the flow of records while a flush is under way and the sink is full, and lets it go on afterwards.
    pub(super) async fn hold_back(&mut self) -> Result<()> {
        let full = self.flight.is_some() && self.trigger.is_full(self.sink.buffered());
        if full == self.paused {
            return Ok(());
        }
        self.paused = full;
        let doing = if full { "holding back records" } else { "going on with records" };
        debug!(sink = %self.sink_plan().name, "{doing}: a flush is under way, and the sink is full");
        for (partition, held) in &self.partitions {
            match full {
                true => self.consumer.pause(*partition).await?,
                false if held.is_replayed() => {}
                false => self.consumer.resume(*partition).await?,
            }
        }
        Ok(())
    }
}

/// The `rows` rows from `start`. The offsets between two neighbours belong to the first.
fn slice(batch: &SinkBatch, start: usize, rows: usize) -> SinkBatch {
    let offsets = batch.metadata.offsets.values();
    let first = if start == 0 { batch.offsets.start } else { offsets[start] };
    let end = offsets.get(start + rows).copied().unwrap_or(batch.offsets.end);
    SinkBatch {
        partition: batch.partition.clone(),
        offsets: OffsetRange::new(first, end),
        records: batch.records.slice(start, rows),
        metadata: batch.metadata.slice(start, rows),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, BinaryArray, Int64Array, TimestampMillisecondArray};
    use arrow::datatypes::Int64Type;
    use pipeline_api::{Metadata, RecordBatch, TopicPartition};
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    /// A batch whose only column is the offset of each record.
    fn batch(offsets: &[i64], range: OffsetRange) -> Result<SinkBatch> {
        let column = Int64Array::from(offsets.to_vec());
        let records = RecordBatch::try_from_iter([("n", Arc::new(column.clone()) as _)])
            .map_err(|error| Error::fatal(error.to_string()))?;
        let metadata = Metadata {
            offsets: column,
            timestamps: TimestampMillisecondArray::from(offsets.to_vec()),
            keys: BinaryArray::from_iter_values(offsets.iter().map(|offset| offset.to_be_bytes())),
        };
        Ok(SinkBatch { partition: TopicPartition::new("t", 0), offsets: range, records, metadata })
    }

    proptest! {
        #[test]
        fn parts_of_a_batch_tile_its_range_and_keep_rows_and_metadata_together(
            found in btree_set(5..40i64, 1..20), tail in 0..4i64, cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let offsets: Vec<i64> = found.into_iter().collect();
            let range = OffsetRange::new(3, offsets[offsets.len() - 1] + 1 + tail);
            let whole = batch(&offsets, range).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let mut parts = vec![whole];
            for cut in cuts {
                let index = cut.index(parts.len());
                let rows = parts[index].records.num_rows();
                if rows > 1 {
                    let part = parts.remove(index);
                    let at = 1 + cut.index(rows - 1);
                    parts.splice(index..index, [slice(&part, 0, at), slice(&part, at, rows - at)]);
                }
            }
            let mut next = range.start;
            let mut seen = Vec::new();
            for part in &parts {
                prop_assert_eq!(part.offsets.start, next);
                next = part.offsets.end;
                let rows = part.records.column(0).as_primitive::<Int64Type>().values();
                prop_assert_eq!(rows, part.metadata.offsets.values());
                prop_assert_eq!(rows.to_vec(), part.metadata.timestamps.values().to_vec());
                prop_assert!(rows.iter().all(|offset| part.offsets.contains(*offset)));
                for (key, offset) in part.metadata.keys.iter().zip(rows) {
                    prop_assert_eq!(key, Some(&offset.to_be_bytes()[..]));
                }
                seen.extend_from_slice(rows);
            }
            prop_assert_eq!(next, range.end);
            prop_assert_eq!(seen, offsets);
        }
    }
}
