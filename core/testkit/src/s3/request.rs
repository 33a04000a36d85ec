//! What was asked of the server.

use hyper::{Method, Uri};
use percent_encoding::percent_decode_str;

use super::Fault;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// PutObject.
    Put,
    /// CreateMultipartUpload.
    CreateUpload,
    /// UploadPart.
    PutPart,
    /// CompleteMultipartUpload.
    CompleteUpload,
    /// AbortMultipartUpload.
    AbortUpload,
    /// ListMultipartUploads.
    ListUploads,
    /// ListObjectsV2.
    List,
    /// DeleteObject or DeleteObjects.
    Delete,
    /// GetObject or HeadObject.
    Get,
}

/// A request that has come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it asks for.
    pub action: Action,
    /// The key of the object; empty if it is about the bucket.
    pub key: String,
    /// What was done to it, if a rule fitted it.
    pub fault: Option<Fault>,
}

/// Where a request is addressed to.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) action: Action,
    pub(super) bucket: String,
    pub(super) key: String,
    query: Vec<(String, String)>,
}

impl Target {
    pub(super) fn of(method: &Method, uri: &Uri) -> Self {
        let query: Vec<(String, String)> = uri.query().map(parse_query).unwrap_or_default();
        let (bucket, key) = uri.path().trim_start_matches('/').split_once('/').unwrap_or((&uri.path()[1..], ""));
        let (bucket, key) = (decoded(bucket), decoded(key));
        let has = |name: &str| query.iter().any(|(found, _)| found == name);
        let action = match *method {
            Method::PUT if has("partNumber") => Action::PutPart,
            Method::PUT => Action::Put,
            Method::POST if has("uploads") => Action::CreateUpload,
            Method::POST if has("uploadId") => Action::CompleteUpload,
            Method::DELETE if has("uploadId") => Action::AbortUpload,
            Method::DELETE | Method::POST => Action::Delete,
            _ if has("uploads") => Action::ListUploads,
            _ if key.is_empty() => Action::List,
            _ => Action::Get,
        };
        Self { action, bucket, key, query }
    }

    /// The value of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('+', " ")))).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
