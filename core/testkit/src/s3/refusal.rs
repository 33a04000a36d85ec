//! Errors as S3 answers them.

/// An error as S3 answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The code in the XML body.
    pub code: &'static str,
}

impl Refusal {
    /// 500: try again.
    pub const INTERNAL_ERROR: Self = Self { status: 500, code: "InternalError" };
    /// 503: try again, more slowly.
    pub const SLOW_DOWN: Self = Self { status: 503, code: "SlowDown" };
    /// 409: something else is being done to the same object.
    pub const OPERATION_ABORTED: Self = Self { status: 409, code: "OperationAborted" };
    /// 412: a condition of the request does not hold.
    pub const PRECONDITION_FAILED: Self = Self { status: 412, code: "PreconditionFailed" };
    /// 403: these credentials may not do this.
    pub const ACCESS_DENIED: Self = Self { status: 403, code: "AccessDenied" };
    /// 403: the clocks differ too much.
    pub const REQUEST_TIME_TOO_SKEWED: Self = Self { status: 403, code: "RequestTimeTooSkewed" };
    /// 400: the session token has had its time.
    pub const EXPIRED_TOKEN: Self = Self { status: 400, code: "ExpiredToken" };
    /// 404: there is no such bucket.
    pub const NO_SUCH_BUCKET: Self = Self { status: 404, code: "NoSuchBucket" };
    /// 404: the upload was completed or aborted.
    pub const NO_SUCH_UPLOAD: Self = Self { status: 404, code: "NoSuchUpload" };

    /// The body of the answer.
    pub(super) fn xml(self, path: &str) -> String {
        let Self { code, .. } = self;
        let resource = path.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>ordered by a test</Message>\
             <Resource>{resource}</Resource><RequestId>1</RequestId></Error>"
        )
    }
}
