//! What stands in for AWS, made as strict.

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::call::{Call, TARGET};
use super::refusal::Refusal;
use super::strict::{Page, Refused, Started, check_limits, check_version};
use crate::door::{Answer, Entry, answer};

/// A server of this machine, and how to reach an account in it.
#[derive(Clone)]
pub(super) struct Backend {
    port: u16,
    account: Option<HeaderValue>,
    /// Locked while a table is changed or a query is started: one after the other.
    started: Arc<Mutex<Started>>,
}

/// Who signs nothing is nobody.
const UNSIGNED: Refusal = Refusal { status: 400, code: "MissingAuthenticationTokenException" };

type Failed = Box<dyn Error + Send + Sync>;

/// The status, the headers and the body of an answer.
type Reply = (hyper::http::response::Parts, Bytes);

impl Backend {
    pub(super) fn new(port: u16, account: Option<HeaderValue>) -> Self {
        Self { port, account, started: Arc::default() }
    }

    async fn strict(&self, operation: &str, parts: Parts, mut input: Value) -> Result<Reply, Failure> {
        if !parts.headers.contains_key(AUTHORIZATION) {
            return Err((UNSIGNED, "Missing Authentication Token".to_owned()).into());
        }
        check_limits(operation, &input)?;
        if let Some(page) = Page::of(operation, &mut input)? {
            let reply = self.forward(parts, input.to_string().into()).await?;
            return changed(reply, |output| page.cut(output));
        }
        match operation {
            "UpdateTable" => self.update_table(parts, input).await,
            "StartQueryExecution" => self.start_query(parts, input).await,
            _ => Ok(self.forward(parts, input.to_string().into()).await?),
        }
    }

    async fn update_table(&self, parts: Parts, input: Value) -> Result<Reply, Failure> {
        let _alone = self.started.lock().await;
        let mut asked = parts.clone();
        asked.headers.insert(TARGET, HeaderValue::from_static("AWSGlue.GetTable"));
        let table = json!({ "DatabaseName": input["DatabaseName"], "Name": input["TableInput"]["Name"] });
        let (_, current) = self.forward(asked, table.to_string().into()).await?;
        check_version(&input, &serde_json::from_slice(&current).unwrap_or_default())?;
        Ok(self.forward(parts, input.to_string().into()).await?)
    }

    async fn start_query(&self, parts: Parts, input: Value) -> Result<Reply, Failure> {
        let mut started = self.started.lock().await;
        if let Some(output) = started.again(&input)? {
            return Ok((hyper::Response::new(()).into_parts().0, output));
        }
        let (reply, output) = self.forward(parts, input.to_string().into()).await?;
        if reply.status.is_success() {
            started.remember(input, output.clone());
        }
        Ok((reply, output))
    }

    async fn forward(&self, mut parts: Parts, body: Bytes) -> Result<Reply, Failed> {
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(TRANSFER_ENCODING);
        if let Some(account) = &self.account {
            parts.headers.insert("x-moto-account-id", account.clone());
        }
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let reply = sender.send_request(Request::from_parts(parts, Full::new(body))).await?;
        let (mut reply, body) = reply.into_parts();
        for header in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            reply.headers.remove(header);
        }
        Ok((reply, body.collect().await?.to_bytes()))
    }
}

impl Entry for Backend {
    type Target = Call;

    fn target(parts: &Parts) -> Call {
        Call::of(parts)
    }

    async fn act(&self, call: Call, parts: Parts, body: Bytes) -> Answer {
        let done = match serde_json::from_slice(&body) {
            Ok(input) if parts.headers.contains_key(TARGET) => self.strict(&call.operation, parts, input).await,
            _ => self.forward(parts, body).await.map_err(Failure::from),
        };
        match done {
            Ok((reply, body)) => {
                let mut answer = answer(reply.status, body);
                *answer.headers_mut() = reply.headers;
                answer
            }
            Err(Failure::Refused((refusal, message))) => refusal.answer(&message),
            Err(Failure::Broken(error)) => answer(StatusCode::BAD_GATEWAY, error.to_string()),
        }
    }

    fn refuse(refusal: Refusal, _: &str) -> Answer {
        refusal.answer("ordered by a test")
    }
}

/// Why a call is not answered as the backend answers it.
enum Failure {
    Refused(Refused),
    Broken(Failed),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failed> for Failure {
    fn from(error: Failed) -> Self {
        Self::Broken(error)
    }
}

/// The same with a changed output, if it is one.
fn changed((reply, body): Reply, change: impl FnOnce(&mut Value)) -> Result<Reply, Failure> {
    let Ok(mut output) = serde_json::from_slice(&body) else { return Ok((reply, body)) };
    change(&mut output);
    Ok((reply, output.to_string().into()))
}
