//! The answer to ListMultipartUploads, which `s3s-fs` does not give.

use super::uploads::OpenUpload;

/// The uploads of keys with this prefix, as S3 lists them.
pub(super) fn listing(bucket: &str, prefix: &str, uploads: &[OpenUpload]) -> String {
    let uploads = uploads.iter().filter(|upload| upload.key.starts_with(prefix)).map(|OpenUpload { key, id }| {
        format!(
            "<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>",
            escaped(key)
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>{bucket}</Bucket>\
         <Prefix>{}</Prefix><MaxUploads>1000</MaxUploads><IsTruncated>false</IsTruncated>{}</ListMultipartUploadsResult>",
        escaped(prefix),
        uploads.collect::<String>()
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
