//! Which files readers of a table find.

use pipeline_api::{
    Artifact, Context, Dataset, Found, Hook, OffsetRange, Origin, Plugin, Rows, TopicPartition, Unreached,
};
use pipeline_testkit::aws::AwsServer;
use serde_json::{Value, json};

use super::dataset;
use crate::GlueTable;

/// A table of what lies below `s3://lake/stocks/`.
struct Table {
    server: AwsServer,
    dataset: Dataset,
    more: Value,
}

impl Table {
    fn of(partition_columns: &[(&str, &str)], more: Value) -> Self {
        Self { server: AwsServer::moto().unwrap(), dataset: dataset(&[("price", "double")], partition_columns), more }
    }

    fn config(&self) -> <GlueTable as Plugin>::Config {
        let aws = json!({
            "region": "us-east-1", "endpoint": self.server.endpoint(), "access_key_id": "id", "secret_access_key": "canary",
        });
        let mut config = json!({ "database": "market", "table": "stocks", "create_database": true, "aws": aws });
        config.as_object_mut().unwrap().extend(self.more.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    fn context(&self) -> Context {
        Context { dataset: Some(self.dataset.clone()), ..Context::new("p", self.dataset.columns.clone()) }
    }

    async fn register(&self, artifacts: &[Artifact]) {
        let mut hook = GlueTable::open(self.config(), self.context()).await.unwrap();
        if !artifacts.is_empty() {
            hook.after_flush(artifacts).await.unwrap();
        }
    }

    async fn unreached(&self, found: &[Found]) -> Vec<Unreached> {
        GlueTable::unreached(self.config(), self.context(), found).await.unwrap()
    }

    fn ask(&self, operation: &str, mut input: Value) {
        input["DatabaseName"] = json!("market");
        self.server.ask(&format!("AWSGlue.{operation}"), &input);
    }

    /// The table as somebody else makes it.
    async fn change(&self, location: &str, parameters: Value) {
        self.ask(
            "UpdateTable",
            json!({ "TableInput": {
            "Name": "stocks", "StorageDescriptor": { "Location": location, "Columns": [] }, "Parameters": parameters,
        } }),
        );
    }
}

/// The files that are found, by their paths.
fn found(paths: &[&str]) -> Vec<Found> {
    let of = |path: &&str| Found {
        url: format!("s3://lake/stocks/{path}"),
        bytes: 9,
        origin: Origin::Flush { partition: TopicPartition::new("t", 0), offsets: OffsetRange::new(0, 5), revision: 0 },
        rows: Rows::NotCounted,
        flushed: None,
    };
    paths.iter().map(of).collect()
}

fn unreached(paths: &[&str], why: &str) -> Unreached {
    Unreached { urls: found(paths).into_iter().map(|found| found.url).collect(), why: why.to_owned() }
}

fn of(symbol: &str) -> Artifact {
    super::artifact(&format!("symbol={symbol}/"), &[("symbol", Some(symbol))])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_a_partition_is_told_once() {
    let table = Table::of(&[("symbol", "string")], json!({}));
    let files = found(&["symbol=IBM/a", "symbol=IBM/b", "symbol=MSFT/a", "symbol=FB/a", "symbol=FB/b"]);
    let paths = ["symbol=IBM/a", "symbol=IBM/b", "symbol=MSFT/a", "symbol=FB/a", "symbol=FB/b"];
    assert_eq!(table.unreached(&[]).await, []);
    assert_eq!(table.unreached(&files).await, [unreached(&paths, "there is no Glue table `market.stocks`")]);
    table.register(&[]).await;
    let nowhere = "Glue table `market.stocks` has no partition at any of their 3 folders";
    assert_eq!(table.unreached(&files).await, [unreached(&paths, nowhere)]);
    table.register(&[of("IBM"), of("MSFT"), of("FB")]).await;
    assert_eq!(table.unreached(&files).await, []);
    table.ask("DeletePartition", json!({ "TableName": "stocks", "PartitionValues": ["FB"] }));
    let there = "Glue table `market.stocks` has no partition there";
    assert_eq!(table.unreached(&files).await, [unreached(&["symbol=FB/a", "symbol=FB/b"], there)]);
    assert_eq!(table.unreached(&files[3..4]).await, [unreached(&["symbol=FB/a"], there)]);
    table.ask("DeleteTable", json!({ "Name": "stocks" }));
    assert_eq!(table.unreached(&files).await, [unreached(&paths, "there is no Glue table `market.stocks`")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_lies_elsewhere_reaches_nothing_here() {
    let table = Table::of(&[("symbol", "string")], json!({}));
    table.register(&[of("IBM"), of("MSFT")]).await;
    let storage = json!({ "Location": "s3://lake/old/symbol=IBM", "Columns": [] });
    table.ask(
        "UpdatePartition",
        json!({
            "TableName": "stocks", "PartitionValueList": ["IBM"],
            "PartitionInput": { "Values": ["IBM"], "StorageDescriptor": storage },
        }),
    );
    let files = found(&["symbol=IBM/a", "symbol=MSFT/a"]);
    let there = "Glue table `market.stocks` has no partition there";
    assert_eq!(table.unreached(&files).await, [unreached(&["symbol=IBM/a"], there)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_partitions_are_looked_at_however_many_there_are() {
    let table = Table::of(&[("symbol", "string")], json!({}));
    let symbols: Vec<String> = (0..8).map(|number| format!("S{number}")).collect();
    table.register(&symbols.iter().map(|symbol| of(symbol)).collect::<Vec<_>>()).await;
    let paths: Vec<String> = symbols.iter().map(|symbol| format!("symbol={symbol}/a")).collect();
    let files = found(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(table.unreached(&files).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_partitions_reaches_what_lies_below_it() {
    let table = Table::of(&[], json!({}));
    table.register(&[]).await;
    assert_eq!(table.unreached(&found(&["a", "b"])).await, []);
    table.change("s3://lake/stocks", json!({})).await;
    assert_eq!(table.unreached(&found(&["a", "b"])).await, []);
    table.change("s3://lake/old", json!({})).await;
    let elsewhere = "Glue table `market.stocks` lies at s3://lake/old/";
    assert_eq!(table.unreached(&found(&["a", "b"])).await, [unreached(&["a", "b"], elsewhere)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_projected_is_told_with_what_is() {
    let projection = json!({ "symbol": { "values": ["IBM", "A:B"] }, "year": { "range": [2000, 2030] } });
    let columns = [("symbol", "string"), ("year", "int"), ("venue", "string")];
    let table = Table::of(&columns, json!({ "partitions": "projection", "projection": projection }));
    table.register(&[]).await;
    let seen = ["symbol=IBM/year=2000/venue=X/a", "symbol=IBM/year=2030/venue=any other/b"];
    assert_eq!(table.unreached(&found(&seen)).await, []);
    for (path, why) in [
        ("symbol=FB/year=2000/venue=X/a", "`symbol` is FB, outside of what `projection` says: IBM, A:B"),
        ("symbol=IBM/year=2031/venue=X/a", "`year` is 2031, outside of what `projection` says: 2000 to 2030"),
        (
            "symbol=IBM/year=__HIVE_DEFAULT_PARTITION__/venue=X/a",
            "`year` is null, which cannot be projected; use `partitions: registered`",
        ),
        // As Hive escapes it, and no projection does.
        ("symbol=A%3AB/year=2000/venue=X/a", "`symbol` is A%3AB, outside of what `projection` says: IBM, A:B"),
        (
            "symbol=IBM/year=2000/venue=X%3AY/a",
            "the name of its folder is escaped as Hive does it, and a projection looks for the value as it is; use `partitions: registered`",
        ),
        ("symbol=IBM/year=2000/a", "it is in a folder of 2 partition columns, not 3"),
        ("a", "it is in a folder of 0 partition columns, not 3"),
    ] {
        let files = found(&[&seen[..], &[path]].concat());
        assert_eq!(table.unreached(&files).await, [unreached(&[path], why)]);
    }
    table.change("s3://lake/stocks/", json!({ "projection.enabled": "false" })).await;
    let disabled = "Glue table `market.stocks` does not say `projection.enabled: true`, and no partition is registered";
    assert_eq!(table.unreached(&found(&seen)).await, [unreached(&seen, disabled)]);
}
