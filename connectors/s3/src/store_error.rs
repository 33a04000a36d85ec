//! What an error of the store means for the caller.

use std::error::Error as StdError;
use std::io;

use object_store::Error as StoreError;
use pipeline_api::Error;

use crate::answer::without_answer;

/// What was asked of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Write,
    Read,
    List,
    Remove,
    /// To list and abort uploads in parts.
    Abort,
}

impl Call {
    /// What the credentials must allow.
    fn permissions(self) -> &'static str {
        match self {
            Self::Write => "s3:PutObject and s3:AbortMultipartUpload",
            Self::Read => "s3:GetObject",
            Self::List => "s3:ListBucket",
            Self::Remove => "s3:DeleteObject",
            Self::Abort => "s3:ListBucketMultipartUploads and s3:AbortMultipartUpload",
        }
    }
}

/// The error of a call on `place`, a URL, as the contract wants it.
pub(crate) fn store_error(error: StoreError, call: Call, place: &str) -> Error {
    let message = match &error {
        StoreError::InvalidPath { .. } | StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
            format!("{place}: the store cannot take this file")
        }
        StoreError::UnknownConfigurationKey { .. } => format!("{place}: the store's settings do not fit"),
        _ => return answered(error, call, place),
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

fn answered(error: StoreError, call: Call, place: &str) -> Error {
    let on_file = causes(&error).find_map(|cause| cause.downcast_ref::<io::Error>());
    if let Some(message) = on_file.and_then(|error| fatal_file_error(error, place)) {
        return Error::fatal(message).with_source(text(&error));
    }
    if let Some(message) = refusal(&error, call, place) {
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
        ErrorKind::FileTooLarge => {
            format!(
                "{place}: the file is larger than the file system or `ulimit -f` allows; raise that, or flush more often"
            )
        }
        ErrorKind::InvalidFilename => format!("{place}: the file system takes no name that long"),
        _ => return None,
    })
}

/// What a request was refused for that will be refused again. The client tells it only in its text.
fn refusal(error: &StoreError, call: Call, place: &str) -> Option<String> {
    if causes(error).any(|cause| cause.to_string().contains("redirect without LOCATION")) {
        return Some(format!("{place}: the bucket is in another region; set `region`"));
    }
    let text = causes(error).map(ToString::to_string).find_map(|text| {
        let (_, status) = text.split_once("status code: ")?;
        Some(status.to_owned())
    })?;
    let status: u16 = text.get(..3)?.parse().ok()?;
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    let message = match (status, code) {
        // Among these is an upload that is no longer open: the next attempt begins a new one.
        (_, "RequestTimeout" | "OperationAborted" | "SlowDown" | "NoSuchUpload") => return None,
        (408 | 409 | 425 | 429, _) => return None,
        (_, "ExpiredToken" | "TokenRefreshRequired") => "the session token has expired; get new credentials".to_owned(),
        (_, "RequestTimeTooSkewed") => "this machine's clock and the store's differ too much; set the clock".to_owned(),
        (401, _) | (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken") => {
            "the store does not know these credentials; check access_key_id or the environment's AWS_ variables"
                .to_owned()
        }
        (403, _) => format!("permission denied; the credentials need {} there", call.permissions()),
        (404, _) => "the bucket does not exist; create it, or check its name, `region` and `endpoint`".to_owned(),
        (400..=499 | 501 | 505, _) => {
            let named = if code.is_empty() { String::new() } else { format!(" ({code})") };
            format!("the store refuses the request with status {status}{named}; check `url`, `region` and `endpoint`")
        }
        _ => return None,
    };
    Some(format!("{place}: {message}"))
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline_api::ErrorKind;

    fn kind_of(source: impl Into<Box<dyn StdError + Send + Sync>>) -> ErrorKind {
        store_error(StoreError::Generic { store: "S3", source: source.into() }, Call::Write, "s3://lake/x").kind()
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
    fn a_file_system_that_takes_nothing_is_named_with_what_to_do() {
        let message = file_error(io::Error::from(io::ErrorKind::ReadOnlyFilesystem), "file:///out").to_string();
        assert_eq!(message, "file:///out: the file system is read-only; choose a `url` that can be written");
        let message = file_error(io::Error::from(io::ErrorKind::StorageFull), "file:///out").to_string();
        assert_eq!(message, "file:///out: the disk is full; free some space and run again");
    }
}
