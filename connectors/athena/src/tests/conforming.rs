use std::path::Path;

use pipeline_testkit::hook_conformance::{self, Flushes};

use super::*;

fn flushes(_: &Path) -> Flushes {
    Flushes {
        records: Arc::new(columns()),
        dataset: dataset(),
        artifacts: vec![
            vec![file(Some("IBM"), 0), file(Some("MSFT"), 10)],
            vec![file(Some("IBM"), 20), file(None, 30)],
            vec![file(Some("it's"), 40)],
        ],
    }
}

#[tokio::test]
async fn athena_check_conforms() {
    let server = AthenaServer::start(|sql| match sql {
        _ if sql.contains("$path") => files(sql, |_| Some(10)),
        _ if sql.contains("id < 0") => one(&["0"]),
        // At the end the rows of the table too.
        _ if sql.contains("(SELECT count(*), ") => one(&["50", "0", "0", "1.0", "2.0", "0"]),
        _ => one(&["0", "0", "1.0", "2.0", "0"]),
    })
    .await;
    let checks = json!([
        { "row_count": {} },
        { "not_null": ["id"] },
        { "unique": ["id"] },
        { "between": { "column": "close", "min": 0 } },
        { "sql": { "query": "select count(*) from stocks where id < 0", "expect": 0 } },
    ]);
    for when in [json!("end"), json!("flush"), json!({ "every": "15m" })] {
        let config = config(&server, checks.clone(), json!({ "when": when }));
        let subject = hook_conformance::Subject::of::<AthenaCheck>;
        hook_conformance::run(|| subject(config.clone(), flushes)).await;
    }
}
