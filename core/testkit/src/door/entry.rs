//! What happens to a request on its way.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use super::desk::Desk;
use super::fault::Fault;
use super::rule::Target;

/// How much [`Fault::Drip`] lets through at once.
const DROP_BYTES: usize = 16 * 1024;

/// What a client is told.
pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>>;

/// What stands behind the door.
pub(crate) trait Entry: Clone + Send + Sync + 'static {
    /// What requests are about.
    type Target: Target;

    /// What a request is about.
    fn target(parts: &Parts) -> Self::Target;

    /// Does what is asked for.
    fn act(&self, target: Self::Target, parts: Parts, body: Bytes) -> impl Future<Output = Answer> + Send;

    /// The answer to a request that is refused.
    fn refuse(refusal: <Self::Target as Target>::Refusal, path: &str) -> Answer;
}

pub(crate) fn answer(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(boxed(Full::new(body.into())));
    *answer.status_mut() = status;
    answer
}

fn boxed<B>(body: B) -> UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>
where
    B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    body.map_err(|never| match never {}).boxed_unsync()
}

/// Why a connection ends without an answer.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl Error for Cut {}

/// Answers a request as the desk says.
pub(super) async fn enter<E: Entry>(
    entry: &E,
    desk: &Arc<Desk<E::Target>>,
    request: Request<Incoming>,
) -> Result<Answer, Cut> {
    let (parts, body) = request.into_parts();
    let target = E::target(&parts);
    let path = parts.uri.path().to_owned();
    let act = |parts, body| act(entry, desk, target.clone(), parts, body);
    match desk.enter(target.clone()) {
        None => Ok(act(parts, whole(body).await?).await),
        Some(Fault::Refuse(refusal)) => {
            whole(body).await?;
            Ok(E::refuse(refusal, &path))
        }
        Some(Fault::RefuseWhenDone(refusal)) => {
            act(parts, whole(body).await?).await;
            Ok(E::refuse(refusal, &path))
        }
        Some(Fault::LoseAnswer) => {
            act(parts, whole(body).await?).await;
            Err(Cut)
        }
        Some(Fault::HoldAnswer) => {
            let answer = act(parts, whole(body).await?).await;
            desk.hold().await;
            Ok(answer)
        }
        Some(Fault::Cut) => {
            half(&parts, body).await?;
            Err(Cut)
        }
        Some(Fault::Silence) => {
            whole(body).await?;
            std::future::pending().await
        }
        Some(Fault::ErrorInBody(refusal)) => {
            whole(body).await?;
            let mut answer = E::refuse(refusal, &path);
            *answer.status_mut() = StatusCode::OK;
            Ok(answer)
        }
        Some(Fault::Drip(pause)) => {
            let body = dripping(body, pause).await?;
            drip(act(parts, body).await, pause).await
        }
    }
}

/// Does what is asked for, also if the client goes away meanwhile.
async fn act<E: Entry>(entry: &E, desk: &Arc<Desk<E::Target>>, target: E::Target, parts: Parts, body: Bytes) -> Answer {
    let (entry, busy) = (entry.clone(), desk.busy());
    let done = tokio::spawn(async move {
        let _busy = busy;
        entry.act(target, parts, body).await
    });
    done.await.unwrap_or_else(|error| answer(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn whole(body: Incoming) -> Result<Bytes, Cut> {
    Ok(body.collect().await.map_err(|_| Cut)?.to_bytes())
}

/// Takes half of the body.
async fn half(parts: &Parts, mut body: Incoming) -> Result<(), Cut> {
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut missing = length.unwrap_or_default() / 2;
    while missing > 0 {
        let Some(Ok(frame)) = body.frame().await else { break };
        missing = missing.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
    }
    Ok(())
}

async fn dripping(mut body: Incoming, pause: Duration) -> Result<Bytes, Cut> {
    let (mut taken, mut paused_for) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame.map_err(|_| Cut)?.data_ref() {
            taken.extend_from_slice(data);
        }
        while paused_for < taken.len() {
            tokio::time::sleep(pause).await;
            paused_for += DROP_BYTES;
        }
    }
    Ok(taken.freeze())
}

async fn drip(answer: Answer, pause: Duration) -> Result<Answer, Cut> {
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let drops = stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let drop = rest.split_to(rest.len().min(DROP_BYTES));
        Some((Ok(Frame::data(drop)), rest))
    });
    Ok(Response::from_parts(parts, boxed(StreamBody::new(drops))))
}
