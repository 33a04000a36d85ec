//! The files of a SeaweedFS, past its S3.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::http::{answers, encoded, request};

/// The folder of all buckets.
const BUCKETS: &str = "/buckets";

/// The folder in a bucket where uploads in parts wait for their end.
const UPLOADS: &str = ".uploads";

/// What marks a folder, in Go's mode of a file.
const FOLDER: u64 = 1 << 31;

/// So many entries are listed at once.
const PAGE: usize = 1000;

/// Makes the folder that is a bucket. Errors: the answer.
pub(super) fn make_bucket(port: u16, bucket: &str) -> Result<(), String> {
    match request(port, "POST", &format!("{BUCKETS}/{bucket}/"), "") {
        Ok((201, _)) => Ok(()),
        answer => Err(format!("{answer:?}")),
    }
}

/// Whether a file can be written into a bucket and removed again. Also without one.
pub(super) fn is_writable(port: u16, bucket: Option<&str>) -> bool {
    let path = bucket.map_or_else(|| "/probe".to_owned(), |bucket| format!("{BUCKETS}/{bucket}/probe"));
    let written = request(port, "PUT", &path, "probe").is_ok_and(|(status, _)| status == 201);
    written && answers(port, "DELETE", &path, 204)
}

/// All objects of a bucket by their keys.
pub(super) fn objects(port: u16, bucket: &str) -> BTreeMap<String, Vec<u8>> {
    let root = format!("{BUCKETS}/{bucket}");
    let mut objects = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in entries(port, &folder) {
            let path = path(&entry);
            match entry["Mode"].as_u64().is_some_and(|mode| mode & FOLDER != 0) {
                true if path == format!("{root}/{UPLOADS}") => {}
                true => folders.push(path),
                false => {
                    let key = path[root.len() + 1..].to_owned();
                    objects.extend(file(port, &path).map(|bytes| (key, bytes)));
                }
            }
        }
    }
    objects
}

/// The keys of the uploads in parts that are neither completed nor aborted.
pub(super) fn open_uploads(port: u16, bucket: &str) -> Vec<String> {
    let uploads = entries(port, &format!("{BUCKETS}/{bucket}/{UPLOADS}"));
    let key =
        |upload: &Value| String::from_utf8(BASE64_STANDARD.decode(upload["Extended"]["key"].as_str()?).ok()?).ok();
    let mut keys: Vec<_> = uploads.iter().filter_map(key).collect();
    keys.sort();
    keys
}

/// What was said of an object when it was put, by the names of the headers in small letters.
pub(super) fn said_of(port: u16, bucket: &str, key: &str) -> BTreeMap<String, String> {
    let path = format!("{BUCKETS}/{bucket}/{key}");
    let folder = path.rfind('/').map_or("", |slash| &path[..slash]);
    let entry = entries(port, folder).into_iter().find(|entry| entry["FullPath"] == path);
    let said = entry.and_then(|entry| entry["Extended"].as_object().cloned()).unwrap_or_default();
    let decoded = |value: &Value| String::from_utf8(BASE64_STANDARD.decode(value.as_str()?).ok()?).ok();
    said.iter().filter_map(|(name, value)| Some((name.to_lowercase(), decoded(value)?))).collect()
}

/// What is in a folder. A folder that is not there is empty.
fn entries(port: u16, folder: &str) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut last = String::new();
    loop {
        let path = format!("{}/?limit={PAGE}&lastFileName={}", encoded(folder), encoded(&last));
        let (status, body) = request(port, "GET", &path, "").expect("a filer that answers");
        if status == 404 {
            return entries;
        }
        assert_eq!(status, 200, "{folder}: {}", String::from_utf8_lossy(&body));
        let mut page: Value = serde_json::from_slice(&body).expect("JSON from the filer");
        let Some(found) = page["Entries"].as_array_mut().map(std::mem::take) else { return entries };
        let is_last = found.len() < PAGE;
        entries.extend(found);
        if is_last {
            return entries;
        }
        last = page["LastFileName"].as_str().expect("a name").to_owned();
    }
}

fn path(entry: &Value) -> String {
    entry["FullPath"].as_str().expect("a path").to_owned()
}

/// A file; none if it was removed meanwhile.
fn file(port: u16, path: &str) -> Option<Vec<u8>> {
    let (status, bytes) = request(port, "GET", &encoded(path), "").expect("a filer that answers");
    assert!(status == 200 || status == 404, "{path}: {status}");
    (status == 200).then_some(bytes)
}
