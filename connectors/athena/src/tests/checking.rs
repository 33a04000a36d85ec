use pipeline_api::{Hook, Verdict};

use super::*;

fn built_in() -> Value {
    json!([
        { "row_count": {} },
        { "not_null": ["id", "close"] },
        { "sql": { "name": "low", "query": "select count(*) from stocks where close > 100", "expect": 0 } },
        { "unique": ["symbol", "id"] },
        { "between": { "column": "at", "min": "2020-01-01T00:00:00Z", "max": "2999-01-01" } },
        { "freshness": { "column": "at", "max_age": "100000h" } },
    ])
}

#[tokio::test]
async fn all_built_in_checks_of_a_table_are_one_query_and_each_free_one_is_its_own() {
    let server = AthenaServer::start(|sql| match sql.contains("close > 100") {
        true => one(&["0"]),
        false => one(&[
            "20",
            "0",
            "1",
            "0",
            "2020-01-02 00:00:00.000",
            "2025-01-02 03:04:05.678",
            "2026-06-01 00:00:00.000",
            "0",
        ]),
    })
    .await;
    let mut check = open(&server, built_in(), json!({})).await.unwrap();
    let outcomes = check.at_end(20).await.unwrap();
    let told: Vec<_> = outcomes.iter().map(|o| (o.check.as_str(), o.found.as_str(), o.verdict)).collect();
    assert_eq!(
        told[..3],
        [
            ("market.stocks: row_count", "20 rows", Verdict::Passed),
            ("market.stocks: not_null(id, close)", "1 in close nulls", Verdict::Failed),
            ("market.stocks: low", "0", Verdict::Passed),
        ]
    );
    assert_eq!(told[3], ("market.stocks: unique(symbol, id)", "0 keys more than once", Verdict::Passed));
    assert!(outcomes[5].found.starts_with("2026-06-01T00:00:00Z, "), "{}", outcomes[5].found);
    let queries = server.queries();
    assert_eq!(
        queries,
        [
            "SELECT * FROM (SELECT count(*), count(*) - count(\"id\"), count(*) - count(\"close\"), count(CASE WHEN \"at\" < \
             timestamp '2020-01-01 00:00:00' OR \"at\" > timestamp '2999-01-01' THEN 1 END), min(\"at\"), max(\"at\"), \
             max(\"at\") FROM \"stocks\") CROSS JOIN (SELECT count(*) FROM (SELECT 1 FROM \"stocks\" GROUP BY \"symbol\", \
             \"id\" HAVING count(*) > 1))",
            "select count(*) from stocks where close > 100",
        ]
    );
    // What was expected, the id and the query itself.
    let id = "00000000-0000-0000-0000-000000000000";
    assert_eq!(outcomes[1].expected, format!("0, by query {id}: {}", queries[0]));
    let started = &server.requests("StartQueryExecution")[0];
    assert_eq!(started["QueryExecutionContext"], json!({ "Catalog": "AwsDataCatalog", "Database": "market" }));
    assert_eq!((&started["WorkGroup"], started.get("ResultConfiguration")), (&json!("primary"), None));
}

#[tokio::test]
async fn the_files_of_a_flush_are_counted_in_their_partitions_and_a_missing_one_is_named() {
    let server = AthenaServer::start(|sql| {
        files(sql, |path| match path {
            _ if path.contains("MSFT") => None,
            _ if path.contains("+20.") => Some(9),
            _ => Some(10),
        })
    })
    .await;
    let mut check = open(&server, json!([{ "row_count": {} }]), json!({ "when": "flush" })).await.unwrap();
    let written = [file(Some("IBM"), 0), file(Some("MSFT"), 10), file(Some("it's"), 20), file(None, 30)];
    let outcomes = check.after_flush(&written).await.unwrap();
    let told: Vec<_> = outcomes.iter().map(|o| (o.check.as_str(), o.found.as_str(), o.verdict)).collect();
    assert_eq!(
        told,
        [
            (
                "market.stocks: row_count of s3://lake/stocks/symbol=MSFT/year=2012/stocks+0+10.parquet",
                "no such file",
                Verdict::Failed
            ),
            (
                "market.stocks: row_count of s3://lake/stocks/symbol=it's/year=2012/stocks+0+20.parquet",
                "9 rows",
                Verdict::Failed
            ),
            ("market.stocks: row_count", "20 rows in 2 files", Verdict::Passed),
        ]
    );
    assert!(outcomes[1].expected.starts_with("10 rows, by query 00000000-"), "{}", outcomes[1].expected);
    let query = &server.queries()[0];
    let (paths, partitions) = query.split_once(") AND ").unwrap();
    assert!(paths.starts_with("SELECT \"$path\", count(*) FROM \"stocks\" WHERE \"$path\" IN ('s3://lake/"), "{query}");
    assert_eq!(
        partitions,
        "(\"symbol\" IN ('IBM', 'MSFT', 'it''s') OR \"symbol\" IS NULL) AND (\"year\" IN (2012)) GROUP BY 1"
    );
}

#[tokio::test]
async fn more_files_than_one_query_can_name_are_several_and_answers_come_in_pages() {
    let server = AthenaServer::start(|sql| files(sql, |_| Some(10))).await;
    server.desk().page = 7;
    let mut check = open(&server, json!([{ "row_count": {} }]), json!({ "when": "flush" })).await.unwrap();
    let written: Vec<_> = (0..3000).map(|number| file(Some("IBM"), number * 10)).collect();
    let outcomes = check.after_flush(&written[..20]).await.unwrap();
    assert_eq!(
        outcomes.iter().map(|o| o.found.as_str()).collect::<Vec<_>>(),
        ["20 files"].map(|_| "200 rows in 20 files")
    );
    assert_eq!((server.queries().len(), server.requests("GetQueryResults").len()), (1, 3));
    server.desk().page = 1000;
    let outcomes = check.after_flush(&written).await.unwrap();
    assert!(outcomes.len() > 1 && outcomes.iter().all(|outcome| outcome.verdict == Verdict::Passed), "{outcomes:?}");
    assert_eq!(server.queries().len(), 1 + outcomes.len());
}

#[tokio::test]
async fn nothing_is_asked_until_it_is_due_and_then_every_file_since_is_counted_once() {
    let server = AthenaServer::start(|sql| match sql.contains("$path") {
        true => files(sql, |_| Some(10)),
        false => one(&["30"]),
    })
    .await;
    let mut check = open(&server, json!([{ "row_count": {} }]), json!({ "when": { "every": "15m" } })).await.unwrap();
    let (first, second) = (file(Some("IBM"), 0), file(Some("IBM"), 10));
    assert_eq!(check.after_flush(std::slice::from_ref(&first)).await.unwrap(), []);
    assert_eq!(check.after_flush(&[first, second]).await.unwrap(), []);
    assert_eq!(server.queries(), [""; 0]);
    let outcomes = check.at_end(20).await.unwrap();
    let found: Vec<_> = outcomes.iter().map(|o| o.found.as_str()).collect();
    assert_eq!(found, ["20 rows in 2 files", "30 rows"]);
    // They are not counted again.
    assert_eq!(check.at_end(31).await.unwrap()[0].found, "30 rows");
    assert_eq!(check.at_end(31).await.unwrap()[0].verdict, Verdict::Failed);

    let mut check = open(&server, json!([{ "row_count": {} }]), json!({ "when": { "every": "1ms" } })).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    assert_eq!(check.after_flush(&[file(None, 0)]).await.unwrap()[0].found, "10 rows in 1 file");

    let before = server.queries().len();
    let mut check = open(&server, json!([{ "row_count": {} }]), json!({ "when": "end" })).await.unwrap();
    assert_eq!(check.after_flush(&[file(None, 0)]).await.unwrap(), []);
    assert_eq!(check.at_end(1).await.unwrap().len(), 1);
    assert_eq!(server.queries().len(), before + 1);
}

#[tokio::test]
async fn with_warn_neither_a_check_nor_a_query_that_fails_stops_anything() {
    let server = AthenaServer::start(|sql| match sql.contains("$path") {
        true => files(sql, |_| None),
        false => Reply::Failed("TABLE_NOT_FOUND: no stocks", 2, false),
    })
    .await;
    let rest = json!({ "when": "flush", "on_failure": "warn" });
    let mut check = open(&server, json!([{ "row_count": {} }]), rest.clone()).await.unwrap();
    assert_eq!(check.after_flush(&[file(None, 0)]).await.unwrap()[0].verdict, Verdict::Warned);
    let mut check = open(&server, json!([{ "unique": ["id"] }]), rest).await.unwrap();
    let outcomes = check.after_flush(&[file(None, 0)]).await.unwrap();
    assert_eq!((outcomes.len(), outcomes[0].verdict), (1, Verdict::Warned));
    assert!(outcomes[0].found.contains("TABLE_NOT_FOUND: no stocks"), "{}", outcomes[0].found);
}

#[tokio::test]
async fn a_free_query_of_more_than_one_value_is_an_error_that_names_the_check() {
    let server = AthenaServer::start(|_| one(&["1", "2"])).await;
    let checks = json!([{ "sql": { "name": "pairs", "query": "select 1, 2", "expect": 1 } }]);
    let error = open(&server, checks, json!({})).await.unwrap().at_end(0).await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "market.stocks: pairs: the query gives 1 rows of 2 columns, expected one value, such as SELECT count(*) …"
    );
}
