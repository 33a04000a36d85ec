//! What the hook does to a catalog: moto, behind a door that is as strict as AWS.

use std::path::Path;

use pipeline_api::{Artifact, Context, Dataset, ErrorKind, Hook, Plugin};
use pipeline_testkit::aws::{AwsServer, Fault, Refusal, Rule};
use pipeline_testkit::hook_conformance::{self, Flushes};
use serde_json::{Value, json};

use super::reader::{columns, partitions, reader, versions};
use super::{artifact, dataset};
use crate::GlueTable;

/// What a test opens hooks on.
struct Catalog {
    server: AwsServer,
    dataset: Dataset,
}

impl Catalog {
    fn new() -> Self {
        let columns = [("price", "double")];
        Self { server: AwsServer::moto().unwrap(), dataset: dataset(&columns, &[("symbol", "string")]) }
    }

    fn config(&self, more: Value) -> Value {
        let aws = json!({
            "region": "us-east-1", "endpoint": self.server.endpoint(), "access_key_id": "id", "secret_access_key": "canary",
        });
        let mut config = json!({ "database": "market", "table": "stocks", "create_database": true, "aws": aws });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    }

    fn try_open(&self, more: Value) -> impl Future<Output = pipeline_api::Result<GlueTable>> + use<> {
        let context =
            Context { dataset: Some(self.dataset.clone()), ..Context::new("p", self.dataset.columns.clone()) };
        GlueTable::open(serde_json::from_value(self.config(more)).unwrap(), context)
    }

    async fn open(&self) -> GlueTable {
        self.try_open(json!({})).await.unwrap()
    }

    fn with_columns(self, columns: &[(&str, &str)]) -> Self {
        Self { dataset: dataset(columns, &[("symbol", "string")]), ..self }
    }
}

/// A file in the partition of a symbol.
fn of(symbol: &str) -> Artifact {
    artifact(&format!("symbol={symbol}/"), &[("symbol", Some(symbol))])
}

fn registered(server: &AwsServer) -> Vec<String> {
    partitions(server).into_iter().map(|partition| partition.values.join("/")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn glue_table_conforms() {
    let by_symbol = |_: &Path| {
        let null = artifact("symbol=__HIVE_DEFAULT_PARTITION__/", &[("symbol", None)]);
        let dataset = dataset(&[("price", "double")], &[("symbol", "string")]);
        let artifacts = vec![vec![of("IBM"), of("MSFT")], vec![of("IBM"), null], vec![of("AAPL")]];
        Flushes { records: dataset.columns.clone(), dataset, artifacts }
    };
    let all = ["market.stocks", "AAPL", "IBM", "MSFT", "__HIVE_DEFAULT_PARTITION__"];
    let subject = || {
        let catalog = Catalog::new();
        let config = catalog.config(json!({}));
        let server = catalog.server;
        hook_conformance::Subject::of::<GlueTable>(config, by_symbol).leaving(move |_| reader(&server), &all)
    };
    hook_conformance::run(subject).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_partition_costs_a_call_and_a_flush_without_one_costs_none() {
    let catalog = Catalog::new();
    let mut hook = catalog.open().await;
    let calls = || catalog.server.operations().len();
    let opened = calls();
    hook.after_flush(&[of("IBM"), of("MSFT"), of("IBM")]).await.unwrap();
    assert_eq!(catalog.server.operations()[opened..], ["BatchCreatePartition"]);
    for _ in 0..3 {
        hook.after_flush(&[of("IBM"), of("MSFT")]).await.unwrap();
    }
    assert_eq!(calls(), opened + 1);
    hook.after_flush(&[of("MSFT"), of("AAPL")]).await.unwrap();
    assert_eq!(calls(), opened + 2);
    assert_eq!(registered(&catalog.server), ["AAPL", "IBM", "MSFT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_partitions_go_into_one_call_as_glue_takes() {
    let catalog = Catalog::new();
    let artifacts: Vec<_> = (0..250).map(|number| of(&format!("S{number}"))).collect();
    catalog.open().await.after_flush(&artifacts).await.unwrap();
    assert_eq!(catalog.server.calls("BatchCreatePartition"), 3);
    assert_eq!(registered(&catalog.server).len(), 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projected_table_says_how_and_a_flush_makes_no_call() {
    let catalog = Catalog::new();
    let more = json!({ "partitions": "projection", "projection": { "symbol": { "values": ["IBM", "MSFT"] } } });
    let mut hook = catalog.try_open(more).await.unwrap();
    let opened = catalog.server.operations().len();
    hook.after_flush(&[of("IBM"), of("MSFT")]).await.unwrap();
    assert_eq!(catalog.server.operations().len(), opened);
    let error = hook.after_flush(&[of("AAPL")]).await.unwrap_err();
    assert!(error.to_string().contains("would be seen by no query: `symbol` is AAPL"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_added_reaches_the_table_and_each_partition_that_gets_files_with_it() {
    let catalog = Catalog::new();
    catalog.open().await.after_flush(&[of("IBM"), of("MSFT")]).await.unwrap();
    let mut old = catalog.open().await;
    let catalog = catalog.with_columns(&[("price", "double"), ("Size", "bigint")]);
    let mut new = catalog.open().await;
    let server = &catalog.server;
    assert_eq!(columns(server), ["price double", "size bigint"]);
    new.after_flush(&[of("IBM")]).await.unwrap();
    // Who still has the old file takes nothing away.
    old.after_flush(&[of("IBM"), of("MSFT")]).await.unwrap();
    let of_symbol = |symbol: &str| {
        let partitions = partitions(server).into_iter();
        partitions.filter(|partition| partition.values == [symbol]).flat_map(|found| found.columns).collect::<Vec<_>>()
    };
    assert_eq!(of_symbol("IBM"), ["price double", "size bigint"]);
    assert_eq!(of_symbol("MSFT"), ["price double"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_change_a_table_at_once_end_in_one_right_table() {
    let catalog = Catalog::new();
    drop(catalog.open().await);
    let one = catalog.with_columns(&[("price", "double"), ("size", "bigint")]);
    let (first, second) = tokio::join!(one.open(), one.open());
    drop((first, second));
    assert_eq!(columns(&one.server), ["price double", "size bigint"]);
    // One who was overtaken between the look and the change looks again.
    let other = one.with_columns(&[("price", "double"), ("size", "bigint"), ("venue", "string")]);
    other.server.order(Rule::new(Fault::Refuse(Refusal::CONCURRENT_MODIFICATION)).on("UpdateTable").times(1));
    drop(other.open().await);
    assert_eq!(columns(&other.server), ["price double", "size bigint", "venue string"]);
    assert!(versions(&other.server) >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_an_older_table_takes_nothing_away_from_it() {
    let catalog = Catalog::new();
    drop(catalog.open().await);
    let late = catalog.with_columns(&[("price", "double"), ("size", "bigint")]);
    late.server.order(Rule::new(Fault::HoldAnswer).on("GetTable").times(1));
    let opening = tokio::spawn(late.try_open(json!({})));
    tokio::task::block_in_place(|| late.server.wait_until_held(1)).unwrap();
    let quick = late.with_columns(&[("price", "double"), ("venue", "string")]);
    drop(quick.open().await);
    quick.server.release();
    let error = opening.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("column `venue`: found string, wanted no such column"), "{error}");
    assert_eq!(columns(&quick.server), ["price double", "venue string"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_lies_elsewhere_is_refused_with_both_places() {
    let catalog = Catalog::new();
    catalog.open().await.after_flush(&[artifact("elsewhere/", &[("symbol", Some("IBM"))])]).await.unwrap();
    let error = catalog.open().await.after_flush(&[of("IBM")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("lies at s3://lake/stocks/elsewhere/"), "{error}");
    assert!(error.to_string().contains("writes it to s3://lake/stocks/symbol=IBM/"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_itself_holds_nobody_up() {
    for operation in ["GetTable", "CreateDatabase", "CreateTable", "BatchCreatePartition"] {
        for fault in [
            Fault::Refuse(Refusal::THROTTLING),
            Fault::Refuse(Refusal::INTERNAL_SERVICE),
            Fault::Cut,
            Fault::LoseAnswer,
        ] {
            let catalog = Catalog::new();
            catalog.server.order(Rule::new(fault).on(operation).times(1));
            catalog.open().await.after_flush(&[of("IBM"), of("MSFT")]).await.unwrap();
            assert_eq!(registered(&catalog.server), ["IBM", "MSFT"], "{operation} {fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_says_who_must_act() {
    let catalog = Catalog::new();
    for (refusal, kind, expected) in [
        (Refusal::INTERNAL_SERVICE, ErrorKind::Retriable, "InternalServiceException"),
        (Refusal::ACCESS_DENIED, ErrorKind::Config, "the policy of the caller lacks the permission"),
        (Refusal::EXPIRED_TOKEN, ErrorKind::Config, "the credentials have expired: get new ones"),
        (Refusal::UNRECOGNIZED_CLIENT, ErrorKind::Config, "check access_key_id and session_token"),
        (Refusal::RESOURCE_LIMIT, ErrorKind::Fatal, "ResourceNumberLimitExceededException"),
    ] {
        catalog.server.order(Rule::new(Fault::Refuse(refusal)));
        let error = catalog.try_open(json!({})).await.unwrap_err();
        catalog.server.heal();
        assert_eq!(error.kind(), kind, "{error:#}");
        let text = format!("{error:#}");
        assert!(text.contains("Glue table `market.stocks` at http://127.0.0.1:"), "{text}");
        assert!(text.contains(expected) && !text.contains("canary"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_made_only_if_the_file_says_so() {
    let catalog = Catalog::new();
    let error = catalog.try_open(json!({ "create_database": false })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("no Glue database `market`: make it, or set create_database: true"), "{error}");
    drop(catalog.open().await);
    assert_eq!(reader(&catalog.server), ["market.stocks"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_dropped_comes_back_with_what_is_written_next() {
    let catalog = Catalog::new();
    let mut hook = catalog.open().await;
    hook.after_flush(&[of("IBM")]).await.unwrap();
    catalog.server.ask("AWSGlue.DeleteTable", &json!({ "DatabaseName": "market", "Name": "stocks" }));
    hook.after_flush(&[of("MSFT")]).await.unwrap();
    hook.after_flush(&[of("IBM")]).await.unwrap();
    assert_eq!(registered(&catalog.server), ["IBM", "MSFT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_on_failure_warn_the_run_goes_on_and_the_next_flush_makes_good() {
    let catalog = Catalog::new();
    let mut hook = catalog.try_open(json!({ "on_failure": "warn" })).await.unwrap();
    catalog.server.order(Rule::new(Fault::Refuse(Refusal::ACCESS_DENIED)).on("BatchCreatePartition"));
    hook.after_flush(&[of("IBM")]).await.unwrap();
    assert!(registered(&catalog.server).is_empty());
    catalog.server.heal();
    hook.after_flush(&[of("MSFT")]).await.unwrap();
    assert_eq!(registered(&catalog.server), ["IBM", "MSFT"]);
}
