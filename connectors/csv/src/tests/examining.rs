use super::*;

/// What the files at `path` come to.
async fn examined(fixture: &Fixture, path: &str) -> Result<Option<String>> {
    let config: CsvConfig = serde_json::from_value(json!({ "path": path })).unwrap();
    let context = Context { folder: fixture.folder.path().into(), ..Context::new("csv", fixture.schema.clone()) };
    let mut all = CsvSource::examine(config, context).await;
    assert_eq!(all.len(), 1);
    let found = all.remove(0);
    assert_eq!(found.what, format!("the files at `{path}`"));
    found.outcome
}

#[tokio::test]
async fn the_files_that_a_path_means_are_counted_and_looked_into() {
    let fixture = Fixture::new(&[("n", "bigint")]);
    fixture.write("data/a.csv", "n\n1\n").write("data/b.csv", "n\n2\n");
    assert_eq!(examined(&fixture, "data/a.csv").await.unwrap().as_deref(), Some("1 file"));
    assert_eq!(examined(&fixture, "data/*.csv").await.unwrap().as_deref(), Some("2 files"));
    fixture.write("data/c.csv.gz", "n\n3\n");
    let error = examined(&fixture, "data").await.unwrap_err().to_string();
    assert!(error.starts_with("data/c.csv.gz: the name ends in .gz, but the file holds no gzip data"), "{error}");
}

#[tokio::test]
async fn what_would_stop_a_source_before_its_first_record_is_told() {
    let fixture = Fixture::new(&[("n", "bigint")]);
    fixture.write("other.csv", "m\n1\n");
    for (path, wrong) in [
        ("missing.csv", "missing.csv: there is no such file, expected one"),
        ("missing/*.csv", "path: there is no csv file at `missing/*.csv`"),
    ] {
        let error = examined(&fixture, path).await.unwrap_err().to_string();
        assert!(error.starts_with(wrong), "{error}");
    }
}
