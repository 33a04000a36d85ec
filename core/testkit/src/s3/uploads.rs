//! Uploads in parts that are neither completed nor aborted.

use std::fs;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// An upload in parts that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenUpload {
    /// The key that the object would have.
    pub key: String,
    /// The upload's id.
    pub id: String,
}

/// All open uploads, sorted. `s3s-fs` keeps for each a file `.upload-<id>.json`, and its key only in the name of another:
/// `.bucket-<base64>.object-<base64>.upload-<id>.metadata.json`.
pub(super) fn open_uploads(root: &Path) -> io::Result<Vec<OpenUpload>> {
    let mut uploads = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let upload = name.to_str().and_then(parse).filter(|upload| is_open(root, &upload.id));
        uploads.extend(upload);
    }
    uploads.sort();
    Ok(uploads)
}

pub(super) fn is_open(root: &Path, id: &str) -> bool {
    root.join(format!(".upload-{id}.json")).is_file()
}

fn parse(name: &str) -> Option<OpenUpload> {
    let (_, rest) = name.strip_prefix(".bucket-")?.split_once(".object-")?;
    let (key, rest) = rest.split_once(".upload-")?;
    let id = rest.strip_suffix(".metadata.json")?.to_owned();
    let key = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
    Some(OpenUpload { key, id })
}
