//! The sink does what the engine relies on, shown in a file in place of standard output.

use std::fs::{self, OpenOptions};
use std::path::Path;

use arrow::array::Float64Array;
use pipeline_testkit::sink_conformance::{Stored, Subject, run};
use pipeline_testkit::{records, schema};
use serde_json::{Value, json};

use super::*;

/// The sink `console` with another output.
struct Shown(ConsoleSink);

#[async_trait]
impl Plugin for Shown {
    const TYPE: &'static str = ConsoleSink::TYPE;
    type Config = ConsoleSinkConfig;

    fn delivery(config: &ConsoleSinkConfig) -> Delivery {
        ConsoleSink::delivery(config)
    }

    async fn open(config: ConsoleSinkConfig, context: Context) -> Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(context.resolve("shown")).unwrap();
        Ok(Self(ConsoleSink::to(config, Arc::new(Mutex::new(output)))))
    }
}

#[async_trait]
impl Sink for Shown {
    async fn put(&mut self, batch: SinkBatch) -> Result<()> {
        self.0.put(batch).await
    }

    fn buffered(&self) -> Buffered {
        self.0.buffered()
    }

    fn flush(&mut self, ranges: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>> {
        self.0.flush(ranges)
    }

    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.0.revoke(partitions).await
    }

    async fn discard(&mut self, ranges: &Ranges) -> Result<()> {
        self.0.discard(ranges).await
    }

    async fn close(&mut self) -> Result<()> {
        self.0.close().await
    }
}

fn columns() -> Arc<Schema> {
    schema(&[("id", "bigint not null"), ("name", "string"), ("price", "double")])
}

/// Everything that was shown, if anything was; `number` finds the id of the record in a line.
fn shown(folder: &Path, number: fn(&str) -> Option<i64>) -> Vec<Stored> {
    let text = fs::read_to_string(folder.join("shown")).unwrap_or_default();
    let numbers: Vec<i64> = text.lines().filter_map(number).collect();
    if numbers.is_empty() {
        Vec::new()
    } else {
        vec![Stored { url: "shown".into(), bytes: text.into_bytes(), numbers }]
    }
}

fn of_json(line: &str) -> Option<i64> {
    serde_json::from_str::<Value>(line).unwrap()["id"].as_i64()
}

fn of_table(line: &str) -> Option<i64> {
    line.split('|').nth(1)?.trim().parse().ok()
}

#[tokio::test]
async fn the_console_conforms_as_json() {
    let nan = Float64Array::from(vec![Some(1.0), None, Some(f64::NAN)]);
    let refused = records(&columns(), 10..13);
    let columns_of_refused = vec![refused.column(0).clone(), refused.column(1).clone(), Arc::new(nan) as ArrayRef];
    let refused = RecordBatch::try_new(columns(), columns_of_refused).unwrap();
    run(|| {
        let subject = Subject::of::<Shown>(json!({}), columns(), |folder| shown(folder, of_json));
        subject.refusing(refused.clone())
    })
    .await;
}

#[tokio::test]
async fn the_console_conforms_as_a_table() {
    let config = json!({ "format": "table" });
    run(|| Subject::of::<Shown>(config.clone(), columns(), |folder| shown(folder, of_table))).await;
}
