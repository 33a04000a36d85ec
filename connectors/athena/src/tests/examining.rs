use pipeline_api::{Examined, Hook};

use super::*;

/// What is tried, and what it came to.
async fn examined(server: &AthenaServer, rest: Value) -> Vec<String> {
    let config = serde_json::from_value(config(server, json!([{ "row_count": {} }]), rest)).unwrap();
    let tell = |Examined { what, outcome }: Examined| match outcome {
        Ok(None) => format!("{what}: ok"),
        Ok(Some(fact)) => format!("{what}: ok, {fact}"),
        Err(error) => format!("{what}: {error:#}"),
    };
    AthenaCheck::examine(config, context()).await.into_iter().map(tell).collect()
}

const FINE: [&str; 2] =
    ["look at the workgroup primary (athena:GetWorkGroup): ok", "answer SELECT 1, and read the answer: ok"];

#[tokio::test]
async fn a_workgroup_answers_a_query_that_scans_nothing_and_names_no_database() {
    let server = AthenaServer::start(|_| one(&["1"])).await;
    server.desk().slow = [1, 1];
    assert_eq!(examined(&server, json!({})).await, FINE);
    assert_eq!(server.queries(), ["SELECT 1"]);
    // The next run may make it.
    assert_eq!(
        server.requests("StartQueryExecution")[0]["QueryExecutionContext"],
        json!({ "Catalog": "AwsDataCatalog" })
    );
    // Athena would answer a token that it knows from memory.
    assert_eq!(examined(&server, json!({})).await, FINE);
    assert_eq!(server.queries().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_with_a_workgroup_is_told_with_what_to_do() {
    let server = AthenaServer::start(|_| one(&["1"])).await;
    server.desk().state = "DISABLED";
    let found = examined(&server, json!({})).await;
    assert!(found.len() == 1 && found[0].contains("is disabled, expected one that takes queries"), "{found:?}");
    server.desk().state = "ENABLED";
    let found = examined(&server, json!({ "workgroup": "nobodys" })).await;
    assert!(
        found.len() == 1 && found[0].contains("expected a workgroup of this region in place of `nobodys`"),
        "{found:?}"
    );
    server.desk().output_location = None;
    let found = examined(&server, json!({})).await;
    assert!(found[0].contains("says no place for answers: expected output_location"), "{found:?}");
    assert!(server.queries().is_empty());
}

#[tokio::test]
async fn each_permission_that_is_missing_is_named() {
    for action in ["StartQueryExecution", "GetQueryExecution", "GetQueryResults"] {
        let server = AthenaServer::start(|_| one(&["1"])).await;
        server.desk().faults = vec![(action, "AccessDeniedException", usize::MAX)];
        let found = examined(&server, json!({})).await;
        assert_eq!((found.len(), &*found[0]), (2, FINE[0]), "{found:?}");
        assert!(
            found[1].contains("AccessDeniedException") && found[1].contains("the policy of the caller lacks"),
            "{found:?}"
        );
    }
    // A run does without this one.
    let server = AthenaServer::start(|_| one(&["1"])).await;
    server.desk().faults = vec![("GetWorkGroup", "AccessDeniedException", usize::MAX)];
    assert_eq!(examined(&server, json!({})).await, FINE);
}

#[tokio::test]
async fn a_place_for_answers_that_cannot_be_written_is_what_a_query_fails_for() {
    let reason =
        "Access denied when writing output to url: s3://results/athena/x.csv. Please ensure you are allowed to";
    let server = AthenaServer::start(move |_| Reply::Failed(reason, 2, false)).await;
    let found = examined(&server, json!({})).await;
    assert!(found[1].contains("Access denied when writing output to url: s3://results/"), "{found:?}");
}

#[tokio::test]
async fn a_query_that_is_not_answered_in_ten_seconds_is_stopped() {
    for reply in [Reply::Queued, Reply::Running(0)] {
        let server = AthenaServer::start(move |_| reply.clone()).await;
        let found = examined(&server, json!({})).await;
        assert!(
            found[1].contains("is not answered within 10 s; look at the queue of the workgroup `primary`"),
            "{found:?}"
        );
        assert_eq!(server.requests("StopQueryExecution").len(), 1);
    }
}

#[tokio::test]
async fn files_that_athena_cannot_read_are_refused_before_it_is_asked() {
    let server = AthenaServer::start(|_| one(&["1"])).await;
    let config = serde_json::from_value(config(&server, json!([{ "row_count": {} }]), json!({}))).unwrap();
    let context = Context { dataset: Some(Dataset { location: "file:///out/".into(), ..dataset() }), ..context() };
    let found = AthenaCheck::examine(config, context).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].outcome.as_ref().unwrap_err().to_string().contains("which Athena cannot read"), "{found:?}");
}
