//! What is looked at before a run, and that nothing is made by it.

use pipeline_api::{Context, ErrorKind, Examined, Hook, Plugin};
use pipeline_testkit::aws::{AwsServer, Fault, Refusal, Rule};
use serde_json::{Value, json};

use super::dataset;
use crate::GlueTable;
use crate::catalog::Catalog;
use crate::config::GlueTableConfig;

/// A hook with this config, on a table with these columns.
fn hook(server: &AwsServer, columns: &[(&str, &str)], more: Value) -> (Value, Context) {
    let aws = json!({
        "region": "us-east-1", "endpoint": server.endpoint(), "access_key_id": "id", "secret_access_key": "canary",
    });
    let mut config = json!({ "database": "market", "table": "stocks", "create_database": true, "aws": aws });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let dataset = dataset(columns, &[("symbol", "string"), ("year", "int")]);
    let schema = dataset.columns.clone();
    (config, Context { dataset: Some(dataset), ..Context::new("p", schema) })
}

/// What is tried, and what it came to.
async fn examined((config, context): (Value, Context)) -> Vec<String> {
    let tell = |Examined { what, outcome }: Examined| match outcome {
        Ok(None) => format!("{what}: ok"),
        Ok(Some(fact)) => format!("{what}: ok, {fact}"),
        Err(error) => format!("{what}: {error:#}"),
    };
    GlueTable::examine(serde_json::from_value(config).unwrap(), context).await.into_iter().map(tell).collect()
}

async fn open((config, context): (Value, Context)) {
    GlueTable::open(serde_json::from_value(config).unwrap(), context).await.unwrap();
}

const PRICE: [(&str, &str); 1] = [("price", "double")];
const DATABASE: &str = "look at the database market (glue:GetDatabase): ok";
const TABLE: &str = "look at the table market.stocks (glue:GetTable): ok, it is as the sink writes it";
const PARTITIONS: &str = "look at its partitions (glue:BatchGetPartition): ok, not tried: glue:BatchCreatePartition, \
                          glue:BatchUpdatePartition";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_yet_is_said_to_be_made_and_is_not() {
    let server = AwsServer::moto().unwrap();
    for _ in 0..2 {
        let found = examined(hook(&server, &PRICE, json!({}))).await;
        let made = "ok, there is none yet, the next run makes it; not tried:";
        assert_eq!(
            found,
            [
                format!("look at the database market (glue:GetDatabase): {made} glue:CreateDatabase"),
                format!(
                    "look at the table market.stocks (glue:GetTable): {made} glue:CreateTable, glue:BatchCreatePartition"
                ),
            ]
        );
    }
    assert_eq!(server.operations(), ["GetDatabase", "GetTable"].repeat(2));
    let found = examined(hook(&server, &PRICE, json!({ "create_database": false }))).await;
    assert!(
        found[0].ends_with("there is no Glue database `market`: make it, or set create_database: true"),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_there_is_compared_and_not_changed() {
    let server = AwsServer::moto().unwrap();
    open(hook(&server, &PRICE, json!({}))).await;
    let opened = server.operations().len();
    assert_eq!(examined(hook(&server, &PRICE, json!({}))).await, [DATABASE, TABLE, PARTITIONS]);
    let found = examined(hook(&server, &[PRICE[0], ("volume", "bigint")], json!({}))).await;
    assert_eq!(
        found[1],
        "look at the table market.stocks (glue:GetTable): ok, the next run brings it up to date; not tried: glue:UpdateTable"
    );
    let found = examined(hook(&server, &[("price", "bigint")], json!({}))).await;
    assert!(
        found[1].contains("is another table than this sink writes: column `price`: found double, wanted bigint; give"),
        "{found:?}"
    );
    let changing = |operation: &String| !operation.starts_with("Get") && operation != "BatchGetPartition";
    assert_eq!(server.operations().split_off(opened).into_iter().filter(changing).collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_permission_that_is_missing_is_named_and_the_rest_is_tried() {
    let server = AwsServer::moto().unwrap();
    open(hook(&server, &PRICE, json!({}))).await;
    for (place, operation) in [(0, "GetDatabase"), (1, "GetTable"), (2, "BatchGetPartition")] {
        server.order(Rule::new(Fault::Refuse(Refusal::ACCESS_DENIED)).on(operation));
        let found = examined(hook(&server, &PRICE, json!({}))).await;
        server.heal();
        assert!(found[place].contains(&format!("(glue:{operation}): Glue ")), "{found:?}");
        assert!(
            found[place].contains("AccessDeniedException") && found[place].contains("the policy of the caller lacks"),
            "{found:?}"
        );
        let fine = [DATABASE, TABLE, PARTITIONS];
        for (index, line) in found.iter().enumerate().filter(|(index, _)| *index != place) {
            assert_eq!(line, fine[index]);
        }
        assert_eq!(found.len(), if operation == "GetTable" { 2 } else { 3 });
        assert!(!found.join("\n").contains("canary"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_catalog_that_does_not_answer_nothing_more_is_asked() {
    let server = AwsServer::moto().unwrap();
    server.order(Rule::new(Fault::Silence));
    let found = examined(hook(&server, &PRICE, json!({}))).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("no answer within 10 s; check the address"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_nobody_serves_is_told_with_what_to_check() {
    let server = AwsServer::moto().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let aws = json!({
        "region": "us-east-1", "endpoint": format!("http://{closed}"), "access_key_id": "id", "secret_access_key": "canary",
    });
    let found = examined(hook(&server, &PRICE, json!({ "aws": aws }))).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("check the network, and the region and the endpoint"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_glue_keeps_to_itself_is_not_asked_for_for_ever() {
    let server = AwsServer::ministack().unwrap();
    let (config, context) = hook(&server, &PRICE, json!({ "database": "examined" }));
    open((config.clone(), context.clone())).await;
    let config: GlueTableConfig = serde_json::from_value(config).unwrap();
    let catalog = Catalog::new(&config, &config.aws.load("GLUE").await.unwrap());
    let gone = [vec!["IBM".to_owned(), "2012".to_owned()]];
    let error = catalog.partitions(&gone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retriable);
    assert!(error.to_string().contains(r#"of the partitions [["IBM", "2012"]] of table `examined.stocks`"#), "{error}");
    catalog.examine_partitions(gone[0].clone()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_lie_elsewhere_are_no_table() {
    let server = AwsServer::moto().unwrap();
    let (config, context) = hook(&server, &PRICE, json!({}));
    let found = examined((config, Context { dataset: None, ..context })).await;
    assert!(found.len() == 1 && found[0].contains("leaves no files that could be read back"), "{found:?}");
}
