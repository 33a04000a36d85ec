//! From a location to a folder.

use std::path::PathBuf;

use pipeline_api::{Error, Result};
use url::Url;

/// The file or folder behind a `file://` URL.
///
/// Errors: [`Config`](pipeline_api::ErrorKind::Config) for anything that is no local file.
pub(crate) fn local_path(url: &str) -> Result<PathBuf> {
    let parsed =
        Url::parse(url).map_err(|error| Error::config(format!("`{url}` is no location")).with_source(error))?;
    if parsed.scheme() != "file" {
        return Err(Error::config(format!(
            "the records lie at {url}, and a table of the local catalog is read from local files; expected a sink whose \
             url is a path or begins with file://"
        )));
    }
    parsed.to_file_path().map_err(|()| Error::config(format!("`{url}` is no local path, expected file:///…")))
}

/// The folder that holds the file at `url`, with a slash at its end.
pub(crate) fn parent(url: &str) -> &str {
    url.rfind('/').map_or(url, |slash| &url[..=slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reads_back_as_the_path_that_it_was_made_from() {
        for path in ["/data/out/symbol=a%3Ab/f.parquet", "/data/ü x/#1?/100%"] {
            let url = Url::from_file_path(path).unwrap();
            assert_eq!(local_path(url.as_str()).unwrap(), PathBuf::from(path));
        }
    }

    #[test]
    fn a_bucket_is_refused_with_the_reason() {
        let error = local_path("s3://lake/stocks/").unwrap_err().to_string();
        assert!(error.contains("is read from local files"), "{error}");
    }
}
