//! Uploads in parts that are neither completed nor aborted. They cost money, and no reader and no listing shows them.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::signer::Signer;
use object_store::{Error, Result};
use pipeline_api::Timestamp;
use serde::Deserialize;
use url::Url;

use crate::clock::ServerClock;

/// The open uploads of a bucket. The client of the store does not list them, so this does, over the same connections.
pub(crate) struct Uploads {
    store: Arc<AmazonS3>,
    http: HttpClient,
    region: String,
}

/// What S3 answers to ListMultipartUploads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default, rename = "Upload")]
    uploads: Vec<Upload>,
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    upload_id: String,
}

impl Uploads {
    pub(crate) fn new(store: Arc<AmazonS3>, http: HttpClient, region: String) -> Self {
        Self { store, http, region }
    }

    /// Aborts every open upload of a key that begins with `prefix` and is `ours`. Returns how many there were.
    pub(crate) async fn abort(&self, prefix: &str, ours: impl Fn(&str) -> bool) -> Result<u64> {
        let mut aborted = 0;
        let mut page = self.page(prefix, None).await?;
        loop {
            for Upload { key, upload_id } in page.uploads.iter().filter(|upload| ours(&upload.key)) {
                match self.store.abort_multipart(&Key::parse(key)?, upload_id).await {
                    // Somebody else was faster.
                    Err(Error::NotFound { .. }) => {}
                    aborting => aborting.map(|()| aborted += 1)?,
                }
            }
            if !page.is_truncated {
                return Ok(aborted);
            }
            page = self.page(prefix, Some(&page)).await?;
        }
    }

    /// What the server says of the time, whether it lets the caller in or not. `None` if it says nothing of it.
    pub(crate) async fn clock(&self) -> Result<Option<ServerClock>> {
        let asked = Timestamp::now();
        let request = self.request(&[("uploads", ""), ("max-uploads", "1")]).await?;
        let answer = self.http.execute(request).await.map_err(failed)?;
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
        Ok(date.map(|date| ServerClock { date: date.to_owned(), asked, answered: Timestamp::now() }))
    }

    /// The first page, or the one after `last`.
    async fn page(&self, prefix: &str, last: Option<&Page>) -> Result<Page> {
        let mut query = vec![("uploads", ""), ("prefix", prefix)];
        query.extend(last.and_then(|last| Some(("key-marker", last.next_key_marker.as_deref()?))));
        query.extend(last.and_then(|last| Some(("upload-id-marker", last.next_upload_id_marker.as_deref()?))));
        let answer = self.http.execute(self.request(&query).await?).await.map_err(failed)?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(failed)?;
        if !status.is_success() {
            return Err(failed(format!(
                "the server returned non-2xx status code: {status}: {}",
                String::from_utf8_lossy(&body)
            )));
        }
        quick_xml::de::from_reader(&body[..]).map_err(failed)
    }

    async fn request(&self, query: &[(&str, &str)]) -> Result<HttpRequest> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        let url = with_query(self.bucket(&request).await?, query);
        *request.uri_mut() = url.as_str().parse().map_err(failed)?;
        let credentials = self.store.credentials().get_credential().await?;
        AwsAuthorizer::new(&credentials, "s3", &self.region).authorize(&mut request, None);
        Ok(request)
    }

    /// The URL of the bucket, which the client tells only as a part of another.
    async fn bucket(&self, request: &HttpRequest) -> Result<Url> {
        let mut url = self.store.signed_url(request.method().clone(), &Key::default(), Duration::from_secs(1)).await?;
        url.set_query(None);
        Ok(url)
    }
}

fn with_query(mut url: Url, query: &[(&str, &str)]) -> Url {
    url.query_pairs_mut().extend_pairs(query);
    // A plus that is one is encoded; what is left are spaces, which S3 wants to see in the other form.
    let encoded = url.query().map(|query| query.replace('+', "%20"));
    url.set_query(encoded.as_deref());
    url
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "S3", source: error.into() }
}
