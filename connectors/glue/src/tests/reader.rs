//! A reader of the catalog that shares no code with the hook.

use pipeline_testkit::aws::AwsServer;
use serde_json::{Value, json};

/// A partition as Glue says it.
pub(super) struct Partition {
    pub(super) values: Vec<String>,
    pub(super) columns: Vec<String>,
}

fn table(server: &AwsServer) -> Value {
    server.ask("AWSGlue.GetTable", &json!({ "DatabaseName": "market", "Name": "stocks" }))
}

/// All pages of a list.
fn list(server: &AwsServer, operation: &str, field: &str, input: &Value) -> Vec<Value> {
    let (mut input, mut found) = (input.clone(), Vec::new());
    loop {
        let answer = server.ask(&format!("AWSGlue.{operation}"), &input);
        found.extend(answer[field].as_array().into_iter().flatten().cloned());
        match answer.get("NextToken").and_then(Value::as_str).filter(|token| !token.is_empty()) {
            Some(token) => input["NextToken"] = json!(token),
            None => return found,
        }
    }
}

/// The partitions of the table, by their values.
pub(super) fn partitions(server: &AwsServer) -> Vec<Partition> {
    let input = json!({ "DatabaseName": "market", "TableName": "stocks" });
    let found = list(server, "GetPartitions", "Partitions", &input).into_iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let partition = |found: Value| Partition {
        values: found["Values"].as_array().unwrap().iter().map(text).collect(),
        columns: names(&found["StorageDescriptor"]),
    };
    let mut partitions: Vec<_> = found.map(partition).collect();
    partitions.sort_by(|a, b| a.values.cmp(&b.values));
    partitions
}

/// The columns of the table, with their types.
pub(super) fn columns(server: &AwsServer) -> Vec<String> {
    names(&table(server)["Table"]["StorageDescriptor"])
}

fn names(storage: &Value) -> Vec<String> {
    let name = |column: &Value| format!("{} {}", column["Name"].as_str().unwrap(), column["Type"].as_str().unwrap());
    storage["Columns"].as_array().unwrap().iter().map(name).collect()
}

/// How often the table was changed, and made.
pub(super) fn versions(server: &AwsServer) -> usize {
    list(server, "GetTableVersions", "TableVersions", &json!({ "DatabaseName": "market", "TableName": "stocks" })).len()
}

/// The table, if there is one, and its partitions.
pub(super) fn reader(server: &AwsServer) -> Vec<String> {
    let table = table(server);
    let Some(name) = table["Table"]["Name"].as_str() else { return Vec::new() };
    let named = format!("{}.{name}", table["Table"]["DatabaseName"].as_str().unwrap());
    let partitions = partitions(server).into_iter().map(|partition| partition.values.join("/"));
    [named].into_iter().chain(partitions).collect()
}
