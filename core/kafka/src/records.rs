//! From librdkafka's records to the engine's.

use arrow::array::{BinaryBuilder, Int64Array, TimestampMillisecondArray};
use bytes::Bytes;
use pipeline_api::OffsetRange;
use pipeline_runtime::broker::{ConsumedRecords, Headers};

use crate::native::Message;

/// Collects consecutive records of one partition.
pub(crate) struct RecordsBuilder {
    partition: i32,
    start: i64,
    end: i64,
    offsets: Vec<i64>,
    keys: BinaryBuilder,
    values: BinaryBuilder,
    timestamps: Vec<i64>,
    /// Empty as long as no record has any.
    headers: Vec<Headers>,
}

impl RecordsBuilder {
    /// For what follows from `position` on, with room for these messages.
    pub(crate) fn new<'a>(partition: i32, position: i64, messages: impl Iterator<Item = &'a Message>) -> Self {
        let (mut rows, mut key_bytes, mut value_bytes) = (0, 0, 0);
        for message in messages {
            rows += 1;
            key_bytes += message.key().map_or(0, <[u8]>::len);
            value_bytes += message.value().map_or(0, <[u8]>::len);
        }
        Self {
            partition,
            start: position,
            end: position,
            offsets: Vec::with_capacity(rows),
            keys: BinaryBuilder::with_capacity(rows, key_bytes),
            values: BinaryBuilder::with_capacity(rows, value_bytes),
            timestamps: Vec::with_capacity(rows),
            headers: Vec::new(),
        }
    }

    /// One past the last offset that is covered.
    pub(crate) fn end(&self) -> i64 {
        self.end
    }

    /// Adds a record. One from before the end was read already, and is left out.
    pub(crate) fn push(&mut self, message: &Message) {
        if message.offset() < self.end {
            return;
        }
        self.end = message.offset() + 1;
        self.offsets.push(message.offset());
        self.keys.append_option(message.key());
        self.values.append_option(message.value());
        self.timestamps.push(message.timestamp().max(0));
        let mut headers = Headers::new();
        message.headers(|name, value| headers.push((name, Bytes::copy_from_slice(value))));
        if !(headers.is_empty() && self.headers.is_empty()) {
            self.headers.resize_with(self.offsets.len() - 1, Headers::new);
            self.headers.push(headers);
        }
    }

    /// There is no record below `offset` but those that were added: aborted ones, and what Kafka itself writes.
    pub(crate) fn skip_to(&mut self, offset: i64) {
        self.end = self.end.max(offset);
    }

    /// The records and the range that they cover. `None` if that is empty.
    pub(crate) fn finish(mut self) -> Option<ConsumedRecords> {
        (self.end > self.start).then(|| ConsumedRecords {
            partition: self.partition,
            range: OffsetRange::new(self.start, self.end),
            offsets: Int64Array::from(self.offsets),
            keys: self.keys.finish(),
            values: self.values.finish(),
            timestamps: TimestampMillisecondArray::from(self.timestamps),
            headers: self.headers,
        })
    }
}
