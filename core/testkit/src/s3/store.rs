//! The store behind the door.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::http::request::Parts;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use super::listing::listing;
use super::refusal::Refusal;
use super::request::{Action, Target};
use super::server::S3Server;
use super::uploads::{is_open, open_uploads};
use crate::door::{Answer, Entry, answer};

/// The objects of a folder.
#[derive(Clone)]
pub(super) struct Store {
    root: PathBuf,
    service: S3Service,
}

impl Store {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let files = FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(S3Server::ACCESS_KEY_ID, S3Server::SECRET_ACCESS_KEY));
        Ok(Self { root: root.to_owned(), service: builder.build() })
    }

    fn list_uploads(&self, target: &Target) -> io::Result<Answer> {
        Ok(answer(StatusCode::OK, listing(target, open_uploads(&self.root)?)))
    }
}

impl Entry for Store {
    type Target = Target;

    fn target(parts: &Parts) -> Target {
        Target::of(&parts.method, &parts.uri)
    }

    async fn act(&self, target: Target, parts: Parts, body: Bytes) -> Answer {
        let path = parts.uri.path().to_owned();
        if !self.root.join(&target.bucket).is_dir() {
            return Self::refuse(Refusal::NO_SUCH_BUCKET, &path);
        }
        if target.parameter("uploadId").is_some_and(|id| !is_open(&self.root, id)) {
            return Self::refuse(Refusal::NO_SUCH_UPLOAD, &path);
        }
        match self.service.call(hyper::Request::from_parts(parts, Body::from(body))).await {
            Ok(answer) if answer.status() == StatusCode::NOT_IMPLEMENTED && target.action == Action::ListUploads => {
                self.list_uploads(&target).unwrap_or_else(|_| Self::refuse(Refusal::INTERNAL_ERROR, &path))
            }
            Ok(answer) => answer.map(BodyExt::boxed_unsync),
            Err(_) => Self::refuse(Refusal::INTERNAL_ERROR, &path),
        }
    }

    fn refuse(refusal: Refusal, path: &str) -> Answer {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer(status, refusal.xml(path))
    }
}
