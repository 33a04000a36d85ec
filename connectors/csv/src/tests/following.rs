use std::time::Duration;

use tokio::time::timeout;

use super::*;

/// The next rows; a clock that stands still while nothing waits makes the source look again at once.
async fn next(source: &mut CsvSource, read: &mut Read) -> Vec<String> {
    let before = read.rows.len();
    while read.rows.len() == before {
        read.add(source.poll().await.unwrap().unwrap());
    }
    read.rows[before..].to_vec()
}

async fn is_silent(source: &mut CsvSource, read: &mut Read) -> bool {
    loop {
        match timeout(Duration::from_secs(5), source.poll()).await {
            Err(_) => return true,
            Ok(batch) => {
                let batch = batch.unwrap().unwrap();
                if batch.records.num_rows() > 0 {
                    return false;
                }
                read.add(batch);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_growing_file_is_read_line_by_line_and_its_last_line_once_it_is_complete() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", "n,t\n1,a\n2,");
    let config = json!({ "path": "a.csv", "follow": true });
    let (mut source, mut read) = (fixture.open(config, SourceOffsets::new()).await.unwrap(), Read::default());
    assert_eq!(next(&mut source, &mut read).await, ["1|a"]);
    assert!(is_silent(&mut source, &mut read).await);
    fixture.append("a.csv", "b");
    assert!(is_silent(&mut source, &mut read).await);
    fixture.append("a.csv", "c\r\n3,");
    assert_eq!(next(&mut source, &mut read).await, ["2|bc"]);
    fixture.append("a.csv", "d\nx,\n");
    assert_eq!(next(&mut source, &mut read).await, ["3|d"]);
    assert_eq!(read.misfit().0, "a.csv:5:1");
}

#[tokio::test(start_paused = true)]
async fn new_files_are_picked_up_and_a_new_start_goes_on_with_all_of_them() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("data/b.csv", "n\n1\n");
    let config = json!({ "path": "data", "follow": true });
    let (mut source, mut read) = (fixture.open(config.clone(), SourceOffsets::new()).await.unwrap(), Read::default());
    assert_eq!(next(&mut source, &mut read).await, ["1"]);
    fixture.write("data/a.csv", "n\n2\n");
    assert_eq!(next(&mut source, &mut read).await, ["2"]);
    fixture.append("data/b.csv", "3\n");
    assert_eq!(next(&mut source, &mut read).await, ["3"]);
    fixture.append("data/b.csv", "4\n");
    let mut source = fixture.open(config, read.offsets.clone()).await.unwrap();
    assert_eq!(next(&mut source, &mut read).await, ["4"]);
    assert!(is_silent(&mut source, &mut read).await);
}

#[tokio::test(start_paused = true)]
async fn a_followed_file_that_is_cut_is_refused() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", "n\n1\n2\n");
    let config = json!({ "path": "a.csv", "follow": true });
    let (mut source, mut read) = (fixture.open(config, SourceOffsets::new()).await.unwrap(), Read::default());
    next(&mut source, &mut read).await;
    fixture.write("a.csv", "n\n3\n");
    let error = source.poll().await.unwrap_err();
    assert!(error.to_string().contains("it is shorter now"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_long_line_that_is_still_being_written_is_waited_for() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", format!("n,t\n1,{}", "x".repeat(600_000)));
    let config = json!({ "path": "a.csv", "follow": true, "max_record": "1KiB" });
    let (mut source, mut read) = (fixture.open(config, SourceOffsets::new()).await.unwrap(), Read::default());
    assert!(is_silent(&mut source, &mut read).await);
    assert!(read.rejected.is_empty());
    fixture.append("a.csv", "\n2,y\n");
    assert_eq!(next(&mut source, &mut read).await, ["2|y"]);
    assert_eq!(read.misfit().0, "a.csv:2:1");
}

#[tokio::test]
async fn a_followed_file_without_header_is_tried_again_later() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", "n");
    let error = fixture.open(json!({ "path": "a.csv", "follow": true }), SourceOffsets::new()).await.err().unwrap();
    assert_eq!(error.kind(), pipeline_api::ErrorKind::Retriable);
}
