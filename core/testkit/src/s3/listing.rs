//! The answer to ListMultipartUploads, which `s3s-fs` does not give.

use super::request::Target;
use super::uploads::OpenUpload;

/// So few on a page that a test soon has two; S3 gives 1000.
const PAGE: usize = 2;

/// The uploads that are asked for, as S3 lists them. They must be sorted.
pub(super) fn listing(target: &Target, uploads: Vec<OpenUpload>) -> String {
    let prefix = target.parameter("prefix").unwrap_or_default();
    let marker = (target.parameter("key-marker"), target.parameter("upload-id-marker"));
    let asked = |upload: &OpenUpload| {
        upload.key.starts_with(prefix) && (Some(upload.key.as_str()), Some(upload.id.as_str())) > marker
    };
    let mut page: Vec<OpenUpload> = uploads.into_iter().filter(asked).collect();
    let truncated = page.len() > PAGE;
    page.truncate(PAGE);
    let next = page.last().filter(|_| truncated).map(|OpenUpload { key, id }| {
        format!("<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>", escaped(key))
    });
    let uploads = page.iter().map(|OpenUpload { key, id }| {
        format!(
            "<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>",
            escaped(key)
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>{}</Bucket>\
         <Prefix>{}</Prefix><IsTruncated>{truncated}</IsTruncated>{}{}</ListMultipartUploadsResult>",
        target.bucket,
        escaped(prefix),
        next.unwrap_or_default(),
        uploads.collect::<String>()
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
