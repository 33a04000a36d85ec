//! The stand-in for AWS is as strict as AWS, and what is ordered of it happens.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::thread;

use pipeline_testkit::aws::{AwsServer, Fault, MotoServer, Refusal, Rule};
use serde_json::{Value, json};

use crate::api::{call, done, send, send_with};

mod api;

/// A server with the table `market.stocks`, partitioned by `day`.
fn server() -> AwsServer {
    let server = AwsServer::moto().unwrap();
    done(&server.endpoint(), "AWSGlue.CreateDatabase", &json!({ "DatabaseInput": { "Name": "market" } }));
    glue(&server, "CreateTable", &json!({ "DatabaseName": "market", "TableInput": table(&["n"]) })).unwrap();
    server
}

fn table(columns: &[&str]) -> Value {
    let columns: Vec<_> = columns.iter().map(|name| json!({ "Name": name, "Type": "bigint" })).collect();
    json!({
        "Name": "stocks", "StorageDescriptor": { "Columns": columns },
        "PartitionKeys": [{ "Name": "day", "Type": "int" }],
    })
}

/// Calls an operation of Glue. Errors: the status and the name of the error.
fn glue(server: &AwsServer, operation: &str, input: &Value) -> Result<Value, (u16, String)> {
    named(call(&server.endpoint(), &format!("AWSGlue.{operation}"), input).unwrap())
}

fn athena(server: &AwsServer, operation: &str, input: &Value) -> Result<Value, (u16, String)> {
    named(call(&server.endpoint(), &format!("AmazonAthena.{operation}"), input).unwrap())
}

fn named((status, output): (u16, Value)) -> Result<Value, (u16, String)> {
    if status == 200 { Ok(output) } else { Err((status, output["__type"].as_str().unwrap().to_owned())) }
}

fn refused(status: u16, name: &str) -> Result<Value, (u16, String)> {
    Err((status, name.to_owned()))
}

fn of_stocks(mut input: Value) -> Value {
    input["DatabaseName"] = json!("market");
    input["TableName"] = json!("stocks");
    input
}

fn create_partitions(server: &AwsServer, days: impl Iterator<Item = u32>) -> Result<Value, (u16, String)> {
    let days: Vec<_> = days.map(|day| json!({ "Values": [day.to_string()] })).collect();
    glue(server, "BatchCreatePartition", &of_stocks(json!({ "PartitionInputList": days })))
}

/// The days of the pages, as they come.
fn pages(server: &AwsServer, mut input: Value) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let output = glue(server, "GetPartitions", &of_stocks(input.clone())).unwrap();
        let days = output["Partitions"].as_array().unwrap().iter();
        pages.push(days.map(|partition| partition["Values"][0].as_str().unwrap().to_owned()).collect());
        match &output["NextToken"] {
            Value::Null => return pages,
            token => input["NextToken"] = token.clone(),
        }
    }
}

#[test]
fn a_hundred_partitions_go_into_a_batch_and_no_more() {
    let server = server();
    assert_eq!(create_partitions(&server, 0..101), refused(400, "ValidationException"));
    assert_eq!(pages(&server, json!({})), [[""; 0]]);
    create_partitions(&server, 0..100).unwrap();
    assert_eq!(pages(&server, json!({})).concat().len(), 100);
}

#[test]
fn partitions_come_in_pages_of_which_the_last_may_be_empty() {
    let server = server();
    create_partitions(&server, 0..6).unwrap();
    let sizes = |pages: Vec<Vec<String>>| pages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(pages(&server, json!({}))), [3, 3, 0]);
    assert_eq!(sizes(pages(&server, json!({ "MaxResults": 1000 }))), [3, 3, 0]);
    assert_eq!(sizes(pages(&server, json!({ "MaxResults": 2 }))), [2, 2, 2, 0]);
    assert_eq!(pages(&server, json!({ "Expression": "day > 3" })), [["4", "5"]]);
    let all: BTreeSet<_> = pages(&server, json!({})).concat().into_iter().collect();
    assert_eq!(all.len(), 6);
    let wrong = of_stocks(json!({ "NextToken": "mine" }));
    assert_eq!(glue(&server, "GetPartitions", &wrong), refused(400, "InvalidInputException"));
}

#[test]
fn segments_divide_the_partitions() {
    let server = server();
    create_partitions(&server, 0..7).unwrap();
    let segment = |number| json!({ "Segment": { "SegmentNumber": number, "TotalSegments": 2 } });
    let mut all = [pages(&server, segment(0)).concat(), pages(&server, segment(1)).concat()].concat();
    all.sort();
    assert_eq!(all, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[test]
fn a_table_is_changed_by_who_has_seen_its_current_version() {
    let server = server();
    let get =
        || glue(&server, "GetTable", &json!({ "DatabaseName": "market", "Name": "stocks" })).unwrap()["Table"].clone();
    let update = |version: Option<&Value>, columns: &[&str]| {
        let mut input = json!({ "DatabaseName": "market", "TableInput": table(columns) });
        if let Some(version) = version {
            input["VersionId"] = version.clone();
        }
        glue(&server, "UpdateTable", &input)
    };
    let seen = get()["VersionId"].clone();
    update(Some(&seen), &["n", "one"]).unwrap();
    assert_eq!(update(Some(&seen), &["n", "two"]), refused(400, "ConcurrentModificationException"));
    assert_eq!(get()["StorageDescriptor"]["Columns"][1]["Name"], "one");
    update(None, &["n", "three"]).unwrap();
    assert_eq!(get()["StorageDescriptor"]["Columns"][1]["Name"], "three");
}

#[test]
fn of_many_who_change_a_table_at_once_one_succeeds() {
    let server = server();
    let table = glue(&server, "GetTable", &json!({ "DatabaseName": "market", "Name": "stocks" })).unwrap();
    let input = json!({
        "DatabaseName": "market", "TableInput": crate::table(&["n", "one"]), "VersionId": table["Table"]["VersionId"],
    });
    let updates = thread::scope(|scope| {
        let updates = [(); 8].map(|()| scope.spawn(|| glue(&server, "UpdateTable", &input)));
        updates.map(|update| update.join().unwrap())
    });
    assert_eq!(updates.iter().filter(|update| update.is_ok()).count(), 1, "{updates:?}");
}

#[test]
fn a_token_stands_for_the_query_that_it_came_with() {
    let server = AwsServer::moto().unwrap();
    let start = |sql: &str, token: Value| {
        let output = "s3://lake/results/";
        let input = json!({
            "QueryString": sql, "ClientRequestToken": token, "ResultConfiguration": { "OutputLocation": output },
        });
        athena(&server, "StartQueryExecution", &input).map(|output| output["QueryExecutionId"].clone())
    };
    let token = |letter: &str| json!(letter.repeat(32));
    let first = start("SELECT 1", token("a")).unwrap();
    assert_eq!(start("SELECT 1", token("a")).unwrap(), first);
    assert_ne!(start("SELECT 1", token("b")).unwrap(), first);
    assert_eq!(start("SELECT 2", token("a")), refused(400, "InvalidRequestException"));
    assert_eq!(start("SELECT 1", json!("short")), refused(400, "InvalidRequestException"));
    assert_eq!(start("SELECT 1", Value::Null), refused(400, "InvalidRequestException"));
}

#[test]
fn what_is_not_signed_is_refused() {
    let server = AwsServer::moto().unwrap();
    let unsigned = send_with(&server.endpoint(), "AWSGlue.GetDatabases", &json!({}), "").unwrap();
    let expected = refused(400, "MissingAuthenticationTokenException");
    assert_eq!(named(unsigned.answer().unwrap()), expected);
}

#[test]
fn each_server_has_an_account_of_its_own() {
    let [one, other] = [server(), AwsServer::moto().unwrap()];
    let databases = |endpoint: &str| done(endpoint, "AWSGlue.GetDatabases", &json!({}))["DatabaseList"].clone();
    assert_eq!(databases(&one.endpoint()).as_array().unwrap().len(), 1);
    assert_eq!(databases(&other.endpoint()), json!([]));
    assert_eq!(databases(&MotoServer::shared().endpoint()), json!([]));
}

#[test]
fn a_call_is_refused_as_ordered_and_nothing_is_done() {
    let server = server();
    for (refusal, status, name) in [
        (Refusal::THROTTLING, 400, "ThrottlingException"),
        (Refusal::INTERNAL_SERVICE, 500, "InternalServiceException"),
        (Refusal::ACCESS_DENIED, 400, "AccessDeniedException"),
    ] {
        server.order(Rule::new(Fault::Refuse(refusal)).on("BatchCreatePartition").times(1));
        assert_eq!(create_partitions(&server, 0..1), refused(status, name));
        assert_eq!(pages(&server, json!({})), [[""; 0]]);
        assert_eq!(server.requests().iter().rev().nth(1).unwrap().fault, Some(Fault::Refuse(refusal)));
    }
    create_partitions(&server, 0..1).unwrap();
}

#[test]
fn a_call_that_is_cut_off_before_it_is_done_leaves_nothing_and_after_it_everything() {
    for (fault, left) in [(Fault::Cut, 0), (Fault::LoseAnswer, 1)] {
        let server = server();
        server.order(Rule::new(fault).on("BatchCreatePartition"));
        let input = of_stocks(json!({ "PartitionInputList": [{ "Values": ["0"] }] }));
        call(&server.endpoint(), "AWSGlue.BatchCreatePartition", &input).unwrap_err();
        assert_eq!(pages(&server, json!({})).concat().len(), left, "{fault:?}");
    }
    let server = server();
    server.order(Rule::new(Fault::RefuseWhenDone(Refusal::INTERNAL_SERVICE)).on("BatchCreatePartition"));
    assert_eq!(create_partitions(&server, 0..1), refused(500, "InternalServiceException"));
    assert_eq!(pages(&server, json!({})).concat().len(), 1);
}

#[test]
fn an_answer_is_held_back_until_it_is_let_go() {
    let server = server();
    server.order(Rule::new(Fault::HoldAnswer).on("BatchCreatePartition"));
    let input = of_stocks(json!({ "PartitionInputList": [{ "Values": ["0"] }] }));
    let held = [(); 2].map(|()| send(&server.endpoint(), "AWSGlue.BatchCreatePartition", &input).unwrap());
    server.wait_until_held(2).unwrap();
    assert_eq!(pages(&server, json!({})).concat().len(), 1);
    assert!(held.iter().all(|sent| !sent.has_answer()));
    server.release();
    let answers = held.map(|sent| named(sent.answer().unwrap()).unwrap());
    assert_eq!(answers.iter().filter(|answer| answer["Errors"].is_array()).count(), 1, "{answers:?}");
}

#[test]
fn calls_are_on_record_in_their_order() {
    let server = server();
    create_partitions(&server, 0..1).unwrap();
    create_partitions(&server, 1..2).unwrap();
    pages(&server, json!({}));
    let expected = ["CreateDatabase", "CreateTable", "BatchCreatePartition", "BatchCreatePartition", "GetPartitions"];
    assert_eq!(server.operations(), expected);
    assert_eq!(server.calls("BatchCreatePartition"), 2);
    assert_eq!(server.calls("GetTable"), 0);
}

#[test]
fn the_same_door_stands_before_ministack() {
    let server = AwsServer::ministack().unwrap();
    server.order(Rule::new(Fault::Refuse(Refusal::THROTTLING)).on("CreateDatabase").times(1));
    let database = json!({ "DatabaseInput": { "Name": "market" } });
    assert_eq!(glue(&server, "CreateDatabase", &database), refused(400, "ThrottlingException"));
    glue(&server, "CreateDatabase", &database).unwrap();
    glue(&server, "CreateTable", &json!({ "DatabaseName": "market", "TableInput": table(&["n"]) })).unwrap();
    assert_eq!(create_partitions(&server, 0..101), refused(400, "ValidationException"));
    create_partitions(&server, 0..4).unwrap();
    assert_eq!(pages(&server, json!({})).concat().len(), 4);
    let seen = glue(&server, "GetTable", &json!({ "DatabaseName": "market", "Name": "stocks" })).unwrap();
    let change = json!({
        "DatabaseName": "market", "TableInput": table(&["n", "one"]), "VersionId": seen["Table"]["VersionId"],
    });
    glue(&server, "UpdateTable", &change).unwrap();
    assert_eq!(glue(&server, "UpdateTable", &change), refused(400, "ConcurrentModificationException"));
}
