use pipeline_api::{ErrorKind, Hook};

use super::*;

fn unique() -> Value {
    json!([{ "unique": ["id"] }])
}

/// How often Athena was asked to run something, and how many different tokens it got.
fn tokens(server: &AthenaServer) -> (usize, usize) {
    let started = server.requests("StartQueryExecution");
    let tokens: std::collections::HashSet<_> =
        started.iter().map(|body| body["ClientRequestToken"].as_str().unwrap().to_owned()).collect();
    (started.len(), tokens.len())
}

#[tokio::test]
async fn a_query_is_followed_from_the_queue_to_its_end() {
    let server = AthenaServer::start(|_| one(&["0"])).await;
    server.desk().slow = [2, 1];
    let mut check = open(&server, unique(), json!({ "output_location": "s3://mine/" })).await.unwrap();
    assert_eq!(check.at_end(0).await.unwrap()[0].found, "0 keys more than once");
    assert_eq!(server.requests("GetQueryExecution").len(), 4);
    let started = &server.requests("StartQueryExecution")[0];
    assert_eq!(started["ResultConfiguration"], json!({ "OutputLocation": "s3://mine/" }));
}

#[tokio::test]
async fn a_flush_that_comes_again_is_answered_by_the_query_that_was_asked_before() {
    let server = AthenaServer::start(|_| one(&["0"])).await;
    let mut check = open(&server, unique(), json!({ "when": "flush" })).await.unwrap();
    let written = [file(None, 0)];
    // More often than the client itself tries again.
    server.desk().faults = vec![("GetQueryExecution", "ThrottlingException", 4)];
    let error = check.after_flush(&written).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retriable);
    assert!(format!("{error:#}").contains("ThrottlingException: as ordered"), "{error:#}");
    check.after_flush(&written).await.unwrap();
    assert_eq!((server.queries().len(), tokens(&server)), (1, (2, 1)));
    // The same query of the same flush, and of another: the table may be another.
    check.after_flush(&written).await.unwrap();
    check.after_flush(&[file(None, 10)]).await.unwrap();
    assert_eq!((server.queries().len(), tokens(&server)), (3, (4, 3)));
}

#[tokio::test]
async fn a_start_whose_answer_was_lost_is_not_run_twice() {
    let server = AthenaServer::start(|_| one(&["0"])).await;
    let mut check = open(&server, unique(), json!({})).await.unwrap();
    server.desk().faults =
        vec![("StartQueryExecution", "TooManyRequestsException", 1), ("GetQueryResults", "InternalServerException", 1)];
    check.at_end(0).await.unwrap();
    assert_eq!((server.queries().len(), tokens(&server)), (1, (2, 1)));
}

#[tokio::test]
async fn a_query_that_failed_is_asked_anew_the_next_time() {
    let server = AthenaServer::start(|_| Reply::Failed("GENERIC_INTERNAL_ERROR: a node left.", 1, true)).await;
    let mut check = open(&server, unique(), json!({ "when": "flush" })).await.unwrap();
    let error = check.after_flush(&[file(None, 0)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retriable);
    assert_eq!(
        error.to_string(),
        "Athena's query 00000000-0000-0000-0000-000000000000 failed: GENERIC_INTERNAL_ERROR: a node left; it was SELECT \
         count(*) FROM (SELECT 1 FROM \"stocks\" GROUP BY \"id\" HAVING count(*) > 1)"
    );
    server.desk().answer = Box::new(|_| one(&["0"]));
    check.after_flush(&[file(None, 0)]).await.unwrap();
    assert_eq!((server.queries().len(), tokens(&server)), (2, (2, 2)));
}

#[tokio::test]
async fn why_a_query_is_not_answered_is_told_in_athenas_own_words_with_what_to_do() {
    for (reply, kind, part) in [
        (
            Reply::Failed("TABLE_NOT_FOUND: line 1:8: no stocks", 2, false),
            ErrorKind::Config,
            "put the hook glue_table before",
        ),
        (Reply::Failed("COLUMN_NOT_FOUND: line 1:8: idd", 2, false), ErrorKind::Config, "line 1:8: idd"),
        (Reply::Failed("HIVE_BAD_DATA: Malformed Parquet file", 1, false), ErrorKind::Config, "does not fit its files"),
        (Reply::Failed("a riddle", 3, false), ErrorKind::Fatal, "failed: a riddle; it was SELECT"),
        (Reply::Failed("", 3, false), ErrorKind::Fatal, "Athena gives no reason"),
        (
            Reply::Cancelled("Query cancelled! : Bytes scanned limit was exceeded"),
            ErrorKind::Fatal,
            "was cancelled: Query cancelled! : Bytes scanned limit was exceeded; it was SELECT",
        ),
    ] {
        let server = AthenaServer::start(move |_| reply.clone()).await;
        let error = open(&server, unique(), json!({})).await.unwrap().at_end(0).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:#}");
        assert!(format!("{error:#}").contains(part), "{error:#}");
    }
}

#[tokio::test]
async fn a_query_that_scans_or_takes_too_much_is_stopped() {
    for (reply, rest, kind, part, stops) in [
        (
            Reply::Running(2049),
            json!({ "max_scanned": "2KiB" }),
            ErrorKind::Config,
            "scanned 2049 bytes, and max_scanned is 2KiB",
            1,
        ),
        (one(&["0"]), json!({ "max_scanned": "9B" }), ErrorKind::Config, "scanned 10 bytes, and max_scanned is 9B", 0),
        (
            Reply::Running(0),
            json!({ "timeout": "150ms" }),
            ErrorKind::Config,
            "took more than 150ms: expected a larger timeout",
            1,
        ),
        (Reply::Queued, json!({ "timeout": "150ms" }), ErrorKind::Retriable, "was in the queue for more than 150ms", 1),
    ] {
        let server = AthenaServer::start(move |_| reply.clone()).await;
        let error = open(&server, unique(), rest).await.unwrap().at_end(0).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:#}");
        assert!(format!("{error:#}").contains(part), "{error:#}");
        assert_eq!(server.requests("StopQueryExecution").len(), stops, "{part}");
    }
    let server = AthenaServer::start(|_| one(&["0"])).await;
    open(&server, unique(), json!({ "max_scanned": "10B" })).await.unwrap().at_end(0).await.unwrap();
}

#[tokio::test]
async fn answers_do_not_go_where_readers_take_everything_for_records() {
    let server = AthenaServer::start(|_| one(&["0"])).await;
    for among in ["s3://lake/stocks", "s3://lake/stocks/", "s3://lake/stocks/athena/"] {
        let error = open(&server, unique(), json!({ "output_location": among })).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains("choose another prefix"), "{error}");
    }
    for beside in ["s3://lake/", "s3://lake/stocks_answers/", "s3://answers/stocks/"] {
        open(&server, unique(), json!({ "output_location": beside })).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_workgroup_refuses_is_known_before_records_move() {
    let server = AthenaServer::start(|_| one(&["0"])).await;
    let error = open(&server, unique(), json!({ "workgroup": "research" })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        format!("{error:#}"),
        "cannot find the workgroup: expected a workgroup of this region in place of `research`: \
         InvalidRequestException: WorkGroup research is not found."
    );
    server.desk().output_location = None;
    let error = open(&server, unique(), json!({})).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Config && error.to_string().contains("expected output_location of athena_check")
    );
    open(&server, unique(), json!({ "output_location": "s3://mine/" })).await.unwrap().at_end(0).await.unwrap();
    server.desk().state = "DISABLED";
    let error = open(&server, unique(), json!({ "output_location": "s3://mine/" })).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Config && error.to_string().contains("is disabled"), "{error:#}");
    server.desk().faults = vec![("GetWorkGroup", "ExpiredTokenException", 1)];
    let error = open(&server, unique(), json!({})).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Config && format!("{error:#}").contains("have expired"), "{error:#}");
}

#[tokio::test]
async fn who_may_not_look_at_the_workgroup_may_still_ask_and_is_told_what_else_is_forbidden() {
    let server = AthenaServer::start(|_| one(&["0"])).await;
    server.desk().output_location = None;
    server.desk().faults =
        vec![("GetWorkGroup", "AccessDeniedException", 1), ("StartQueryExecution", "AccessDeniedException", 1)];
    let mut check = open(&server, unique(), json!({})).await.unwrap();
    let error = check.at_end(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        format!("{error:#}"),
        "cannot ask Athena in the workgroup `primary`: AccessDeniedException: as ordered: the policy of the caller lacks \
         the permission that the answer names"
    );
    let error = check.at_end(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().ends_with("expected output_location to be a place in S3 that the caller may write to"),
        "{error:#}"
    );
}

#[tokio::test]
async fn a_sink_that_leaves_nothing_in_s3_is_refused() {
    let server = AthenaServer::start(|_| one(&["0"])).await;
    let config = || serde_json::from_value::<AthenaCheckConfig>(config(&server, unique(), json!({}))).unwrap();
    let local = Context { dataset: Some(Dataset { location: "file:///out/".into(), ..dataset() }), ..context() };
    for (context, part) in [
        (Context { dataset: None, ..context() }, "leaves no files"),
        (local, "writes to file:///out/, which Athena cannot read"),
    ] {
        let error = AthenaCheck::open(config(), context).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains(part), "{error:#}");
    }
}

#[tokio::test]
async fn a_person_gets_a_whole_answer_in_its_types() {
    let rows = (0..5)
        .map(|number| row(&[&number.to_string(), "1.5", "true", "a"]))
        .chain([row(&["null", "NaN", "null", "null"])]);
    let rows: Vec<_> = rows.collect();
    let server =
        AthenaServer::start(move |_| Reply::Rows(vec!["n bigint", "x double", "b boolean", "t varchar"], rows.clone()))
            .await;
    server.desk().page = 4;
    let hook = json!({ "database": "market", "table": "stocks", "aws": server.aws() });
    let answer = crate::query(&hook, "select * from stocks").await.unwrap();
    let types: Vec<_> = answer[0].schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types, [DataType::Int64, DataType::Float64, DataType::Boolean, DataType::Utf8]);
    assert_eq!((answer[0].num_rows(), answer[0].column(0).null_count()), (6, 1));
    let error = crate::query(&hook, "drop table stocks").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
