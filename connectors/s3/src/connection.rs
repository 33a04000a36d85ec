//! Connections to a store, on which each request has time by its size.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};
use object_store::{ClientOptions, Result};
use pipeline_api::async_trait;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// Makes connections, and keeps hold of the last: the others are for credentials.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    timeout: Duration,
    last: Arc<Mutex<Option<HttpClient>>>,
}

/// The slowest that a request is waited for: it has the time-out of the file, and for each 256 KiB that it sends or is answered a second
/// more. As 24 requests of a task may be under way at once, that is 50 Mbit/s at the most.
const LEAST_BYTES_PER_SECOND: u64 = 256 * 1024;

impl Connector {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, last: Arc::default() }
    }

    pub(crate) fn last(&self) -> Option<HttpClient> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        // The client has one time-out for all requests, of whatever size.
        let client = ReqwestConnector::default().connect(&options.clone().with_timeout_disabled())?;
        let client = HttpClient::new(Patient { client, timeout: self.timeout });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }
}

/// Waits for each request as long as its size allows. What the store's client sends again has that time again.
#[derive(Debug)]
struct Patient {
    client: HttpClient,
    timeout: Duration,
}

#[async_trait]
impl HttpService for Patient {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let begun = Instant::now();
        let sent = request.body().content_length() as u64;
        let slow = TooSlow { bytes: sent, within: allowed(self.timeout, sent) };
        let answer = timeout_at(begun + slow.within, self.client.execute(request)).await;
        let (parts, body) = answer.unwrap_or_else(|_| Err(slow.into()))?.into_parts();
        let bytes = sent.saturating_add(body.size_hint().exact().unwrap_or(0));
        let within = allowed(self.timeout, bytes);
        let sleep = Box::pin(sleep_until(begun + within));
        let body = HttpResponseBody::new(TimedBody { body, sleep, slow: TooSlow { bytes, within } });
        Ok(HttpResponse::from_parts(parts, body))
    }
}

/// How long a request may take that carries so many bytes, there and back.
fn allowed(timeout: Duration, bytes: u64) -> Duration {
    timeout.saturating_add(Duration::from_millis(bytes.saturating_mul(1000) / LEAST_BYTES_PER_SECOND))
}

/// An answer that must have come by its time.
#[derive(Debug)]
struct TimedBody {
    body: HttpResponseBody,
    sleep: Pin<Box<Sleep>>,
    slow: TooSlow,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, HttpError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => self.sleep.as_mut().poll(context).map(|()| Some(Err(self.slow.into()))),
            frame => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request has taken all the time that it has.
#[derive(Clone, Copy, Debug)]
struct TooSlow {
    bytes: u64,
    within: Duration,
}

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, within } = self;
        write!(
            f,
            "{bytes} bytes were not through within {within:?}; raise `timeout` if the network is slower than that"
        )
    }
}

impl Error for TooSlow {}

impl From<TooSlow> for HttpError {
    fn from(slow: TooSlow) -> Self {
        Self::new(HttpErrorKind::Timeout, slow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_request_has_more_time_than_a_small_one() {
        let timeout = Duration::from_secs(60);
        assert_eq!(allowed(timeout, 0), timeout);
        assert_eq!(allowed(timeout, 10_000), Duration::from_millis(60_038));
        assert_eq!(allowed(timeout, 8 << 20), Duration::from_secs(92));
        assert_eq!(allowed(timeout, 5 << 30), Duration::from_secs(60 + 20 * 1024));
    }
}
