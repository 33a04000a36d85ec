//! What an error of the store means for the caller.

use std::error::Error as StdError;
use std::io;

use object_store::Error as StoreError;
use pipeline_api::Error;

use crate::answer::without_answer;

/// The error of a call on `place`, a URL, as the contract wants it.
pub(crate) fn store_error(error: StoreError, place: &str) -> Error {
    let message = match &error {
        StoreError::PermissionDenied { .. } => denied(place),
        StoreError::Unauthenticated { .. } => {
            format!(
                "{place}: the store does not know these credentials; check access_key_id or the environment's AWS_ variables"
            )
        }
        StoreError::NotFound { .. } => {
            format!("{place}: the bucket does not exist; create it, or check its name, `region` and `endpoint`")
        }
        StoreError::InvalidPath { .. } | StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
            format!("{place}: the store cannot take this file")
        }
        StoreError::UnknownConfigurationKey { .. } => format!("{place}: the store's settings do not fit"),
        _ => return generic(error, place),
    };
    Error::fatal(message).with_source(text(&error))
}

/// The error of a call on a local file, as the contract wants it.
pub(crate) fn file_error(error: io::Error, place: &str) -> Error {
    match fatal_file_error(&error, place) {
        Some(message) => Error::fatal(message).with_source(error),
        None => Error::retriable(format!("{place}: the file system failed")).with_source(error),
    }
}

fn generic(error: StoreError, place: &str) -> Error {
    let on_file = causes(&error).find_map(|cause| cause.downcast_ref::<io::Error>());
    if let Some(message) = on_file.and_then(|error| fatal_file_error(error, place)) {
        return Error::fatal(message).with_source(text(&error));
    }
    if let Some(message) = refusal(&error, place) {
        return Error::fatal(message).with_source(text(&error));
    }
    Error::retriable(format!("{place}: the store failed")).with_source(text(&error))
}

/// The client's errors hold the text of their causes in their own: with those as causes each would be shown three
/// times.
fn text(error: &StoreError) -> String {
    without_answer(&error.to_string())
}

fn fatal_file_error(error: &io::Error, place: &str) -> Option<String> {
    use io::ErrorKind;
    Some(match error.kind() {
        ErrorKind::StorageFull => format!("{place}: the disk is full; free some space and run again"),
        ErrorKind::QuotaExceeded => format!("{place}: the disk quota is used up; free some space and run again"),
        ErrorKind::ReadOnlyFilesystem => {
            format!("{place}: the file system is read-only; choose a `url` that can be written")
        }
        ErrorKind::PermissionDenied => {
            format!("{place}: permission denied; let this user write there, or choose another `url`")
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            format!("{place}: a file is in the way of a folder; remove it, or choose another `url`")
        }
        ErrorKind::InvalidFilename => format!("{place}: the file system takes no name that long"),
        _ => return None,
    })
}

/// What a request was refused for that will be refused again. The client tells it only in its text.
fn refusal(error: &StoreError, place: &str) -> Option<String> {
    if causes(error).any(|cause| cause.to_string().contains("redirect without LOCATION")) {
        return Some(format!("{place}: the bucket is in another region; set `region`"));
    }
    let text = causes(error).map(ToString::to_string).find_map(|text| {
        let (_, status) = text.split_once("status code: ")?;
        Some(status.to_owned())
    })?;
    let status: u16 = text.get(..3)?.parse().ok()?;
    let passing = ["RequestTimeout", "OperationAborted", "SlowDown"].iter().any(|code| text.contains(code));
    if !(400..500).contains(&status) || matches!(status, 408 | 409 | 425 | 429) || passing {
        return None;
    }
    Some(if text.contains("ExpiredToken") || text.contains("TokenRefreshRequired") {
        format!("{place}: the session token has expired; get new credentials")
    } else if matches!(status, 401 | 403) {
        denied(place)
    } else {
        format!("{place}: the store refuses the request with status {status}; check `url`, `region` and `endpoint`")
    })
}

fn denied(place: &str) -> String {
    format!(
        "{place}: permission denied; the credentials need s3:PutObject, s3:AbortMultipartUpload, s3:ListBucket and \
         s3:DeleteObject there, and the clock must be right"
    )
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline_api::ErrorKind;

    fn kind_of(source: impl Into<Box<dyn StdError + Send + Sync>>) -> ErrorKind {
        store_error(StoreError::Generic { store: "S3", source: source.into() }, "s3://lake/x").kind()
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_will_not_stops() {
        let status = |text: &str| kind_of(format!("Server returned non-2xx status code: {text}"));
        assert_eq!(status("503 Service Unavailable: SlowDown"), ErrorKind::Retriable);
        assert_eq!(status("500 Internal Server Error: "), ErrorKind::Retriable);
        assert_eq!(status("429 Too Many Requests: "), ErrorKind::Retriable);
        assert_eq!(status("400 Bad Request: <Code>RequestTimeout</Code>"), ErrorKind::Retriable);
        assert_eq!(kind_of("connection reset by peer"), ErrorKind::Retriable);
        assert_eq!(status("400 Bad Request: <Code>ExpiredToken</Code>"), ErrorKind::Fatal);
        assert_eq!(status("403 Forbidden: AccessDenied"), ErrorKind::Fatal);
        assert_eq!(kind_of(io::Error::from(io::ErrorKind::StorageFull)), ErrorKind::Fatal);
        assert_eq!(kind_of(io::Error::from(io::ErrorKind::Interrupted)), ErrorKind::Retriable);
    }

    #[test]
    fn a_fatal_error_names_the_place_and_what_to_check() {
        let missing = StoreError::NotFound { path: "x".into(), source: "NoSuchBucket".into() };
        let message = store_error(missing, "s3://lake/x").to_string();
        assert!(message.starts_with("s3://lake/x: the bucket does not exist"), "{message}");
        let message = file_error(io::Error::from(io::ErrorKind::ReadOnlyFilesystem), "file:///out").to_string();
        assert!(message.contains("read-only"), "{message}");
    }
}
