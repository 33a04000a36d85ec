use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use arrow::array::StringArray;
use pipeline_api::{CRASH_POINT_VARIABLE, Sink};
use serde_json::json;

use super::*;

/// Names the folder into which [`a_flush_in_a_process_of_its_own`] writes.
const FOLDER_VARIABLE: &str = "PIPELINE_S3_TEST_FOLDER";

fn keyed() -> RecordBatch {
    records([
        ("k", Arc::new(StringArray::from(vec!["a", "b", "c", "a"])) as ArrayRef),
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
    ])
}

async fn flush_into(folder: &Path) {
    let mut sink = json_sink(json!({ "url": "out", "partition_by": ["k"] }), &keyed(), folder).await;
    sink.put(batch(0, keyed())).await.unwrap();
    sink.flush(ranges(0, 0, 4)).await.unwrap();
    let store = Store::open(&settings("out"), folder).await.unwrap();
    store.put("large.json", vec![b'\n'; 65 * 1024 * 1024]).await.unwrap();
}

/// Does nothing unless it was started by the test below.
#[tokio::test]
async fn a_flush_in_a_process_of_its_own() {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        flush_into(Path::new(&folder)).await;
    }
}

#[tokio::test]
async fn a_flush_that_is_killed_anywhere_shows_no_half_file_and_its_replay_leaves_what_it_would_have_left() {
    let untouched = tempfile::tempdir().unwrap();
    flush_into(untouched.path()).await;
    let expected = files_in(&untouched.path().join("out"));
    assert_eq!(expected.len(), 4);
    for point in [
        "s3_before_put:1",
        "s3_before_put:2",
        "s3_after_first_put",
        "s3_after_put",
        "s3_multipart_part",
        "s3_before_complete",
        "s3_after_complete",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::crashes::a_flush_in_a_process_of_its_own"])
            .env(FOLDER_VARIABLE, folder.path())
            .env(CRASH_POINT_VARIABLE, point)
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(9), "{point} was not reached");
        let out = folder.path().join("out");
        let found = files_in(&out);
        let whole = found.iter().filter(|(path, _)| !path.contains('#'));
        assert!(whole.into_iter().all(|(path, bytes)| expected[path] == *bytes), "{point}");
        assert_eq!(
            found.keys().any(|path| path.contains('#')),
            matches!(point, "s3_multipart_part" | "s3_before_complete")
        );
        flush_into(folder.path()).await;
        assert!(files_in(&out) == expected, "{point}");
    }
}
