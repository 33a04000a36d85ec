//! The way in: every request goes through here, and some come to harm.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use super::desk::Desk;
use super::fault::{Fault, Refusal};
use super::listing::listing;
use super::request::{Action, Target};
use super::server::S3Server;
use super::uploads::{is_open, open_uploads};

/// How much [`Fault::Drip`] lets through at once.
const DROP_BYTES: usize = 16 * 1024;

/// What stands between the port and the store.
#[derive(Clone)]
pub(super) struct Door {
    root: PathBuf,
    store: S3Service,
    desk: Arc<Desk>,
}

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl std::error::Error for Cut {}

impl Door {
    pub(super) fn new(root: &Path, desk: Arc<Desk>) -> io::Result<Self> {
        let files = FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(S3Server::ACCESS_KEY_ID, S3Server::SECRET_ACCESS_KEY));
        Ok(Self { root: root.to_owned(), store: builder.build(), desk })
    }

    /// Serves whoever connects.
    pub(super) async fn serve(self, listener: TcpListener) {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        while let Ok((stream, _)) = listener.accept().await {
            // Counted before the next one is taken.
            let (door, busy) = (self.clone(), self.desk.busy());
            tokio::spawn(async move {
                let _busy = busy;
                let answer = service_fn(|request| door.answer(request));
                // It ends with an error where a fault cuts it, or where the client goes away.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }

    async fn answer(&self, request: hyper::Request<Incoming>) -> Result<Response<Body>, Cut> {
        let target = Target::of(request.method(), request.uri());
        let (parts, body) = request.into_parts();
        match self.desk.enter(&target) {
            None => Ok(self.act(target, parts, whole(body).await?).await),
            Some(Fault::Refuse(refusal)) => {
                whole(body).await?;
                Ok(refuse(refusal, parts.uri.path()))
            }
            Some(Fault::RefuseWhenDone(refusal)) => {
                let path = parts.uri.path().to_owned();
                self.act(target, parts, whole(body).await?).await;
                Ok(refuse(refusal, &path))
            }
            Some(Fault::LoseAnswer) => {
                self.act(target, parts, whole(body).await?).await;
                Err(Cut)
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
                Ok(answer(StatusCode::OK, refusal.xml(parts.uri.path())))
            }
            Some(Fault::Drip(pause)) => {
                let body = dripping(body, pause).await?;
                Ok(drip(self.act(target, parts, body).await, pause).await)
            }
        }
    }

    /// Does what is asked for, also if the client goes away meanwhile.
    async fn act(&self, target: Target, parts: Parts, body: Bytes) -> Response<Body> {
        let door = self.clone();
        let path = parts.uri.path().to_owned();
        let done = tokio::spawn(async move {
            let _busy = door.desk.busy();
            door.done(&target, parts, body).await
        });
        done.await.unwrap_or_else(|_| refuse(Refusal::INTERNAL_ERROR, &path))
    }

    async fn done(&self, target: &Target, parts: Parts, body: Bytes) -> Response<Body> {
        let path = parts.uri.path().to_owned();
        if !self.root.join(&target.bucket).is_dir() {
            return refuse(Refusal::NO_SUCH_BUCKET, &path);
        }
        if target.parameter("uploadId").is_some_and(|id| !is_open(&self.root, id)) {
            return refuse(Refusal::NO_SUCH_UPLOAD, &path);
        }
        match self.store.call(hyper::Request::from_parts(parts, Body::from(body))).await {
            Ok(answer) if answer.status() == StatusCode::NOT_IMPLEMENTED && target.action == Action::ListUploads => {
                self.list_uploads(target).unwrap_or_else(|_| refuse(Refusal::INTERNAL_ERROR, &path))
            }
            Ok(answer) => answer,
            Err(_) => refuse(Refusal::INTERNAL_ERROR, &path),
        }
    }

    fn list_uploads(&self, target: &Target) -> io::Result<Response<Body>> {
        Ok(answer(StatusCode::OK, listing(target, open_uploads(&self.root)?)))
    }
}

fn answer(status: StatusCode, xml: String) -> Response<Body> {
    let mut answer = Response::new(Body::from(xml));
    *answer.status_mut() = status;
    answer
}

fn refuse(refusal: Refusal, path: &str) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(status, refusal.xml(path))
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

async fn drip(answer: Response<Body>, pause: Duration) -> Response<Body> {
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await.map(|body| body.to_bytes()) else {
        return refuse(Refusal::INTERNAL_ERROR, "");
    };
    let drops = stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let drop = rest.split_to(rest.len().min(DROP_BYTES));
        Some((Ok::<_, Infallible>(Frame::data(drop)), rest))
    });
    Response::from_parts(parts, Body::http_body_unsync(StreamBody::new(drops)))
}
