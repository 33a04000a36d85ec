//! A server that speaks Athena's protocol (AWS JSON 1.1), as strict as AWS, and answers queries as a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What becomes of a query.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// It succeeds, with these columns (`name type`) and rows.
    Rows(Vec<&'static str>, Vec<Vec<Option<String>>>),
    /// It fails, for this reason, of a category that Athena numbers, and whether it might succeed if sent again.
    Failed(&'static str, i32, bool),
    /// Somebody cancels it.
    Cancelled(&'static str),
    /// It waits for ever.
    Queued,
    /// It runs for ever, and scans so many bytes.
    Running(u64),
}

/// The server. It ends when it is dropped.
pub(super) struct AthenaServer {
    endpoint: String,
    desk: Arc<Mutex<Desk>>,
    task: JoinHandle<()>,
}

/// What the server does, and what it has been asked.
pub(super) struct Desk {
    /// What is answered to a query.
    pub(super) answer: Box<dyn Fn(&str) -> Reply + Send>,
    /// How many looks at a query find it in the queue, and how many find it running.
    pub(super) slow: [usize; 2],
    /// How many bytes a query that succeeds has scanned.
    pub(super) scanned: u64,
    /// How many rows a page has, with the row of the names.
    pub(super) page: usize,
    /// The place for answers that the workgroup `primary` says.
    pub(super) output_location: Option<&'static str>,
    /// Whether the workgroup `primary` takes queries.
    pub(super) state: &'static str,
    /// The next so many calls of an action are refused with a code.
    pub(super) faults: Vec<(&'static str, &'static str, usize)>,
    requests: Vec<(String, Value)>,
    tokens: HashMap<String, (Value, usize)>,
    executions: Vec<Execution>,
}

struct Execution {
    sql: String,
    reply: Reply,
    looks: usize,
    stopped: bool,
}

type Refusal = (u16, &'static str, String);

impl AthenaServer {
    pub(super) async fn start(answer: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let desk = Arc::new(Mutex::new(Desk {
            answer: Box::new(answer),
            slow: [0, 0],
            scanned: 10,
            page: 1000,
            output_location: Some("s3://results/athena/"),
            state: "ENABLED",
            faults: Vec::new(),
            requests: Vec::new(),
            tokens: HashMap::new(),
            executions: Vec::new(),
        }));
        let shared = Arc::clone(&desk);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let desk = Arc::clone(&shared);
                let service = service_fn(move |request| answered(Arc::clone(&desk), request));
                tokio::spawn(async move {
                    // A client that hangs up is none of our business.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { endpoint, desk, task }
    }

    /// What a file would say under `aws:`.
    pub(super) fn aws(&self) -> Value {
        json!({ "region": "eu-central-1", "endpoint": self.endpoint, "access_key_id": "id", "secret_access_key": "geheim" })
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bodies of all requests for an action.
    pub(super) fn requests(&self, action: &str) -> Vec<Value> {
        let desk = self.desk();
        desk.requests.iter().filter(|(name, _)| name == action).map(|(_, body)| body.clone()).collect()
    }

    /// The queries that were run, in their order: those that Athena would bill.
    pub(super) fn queries(&self) -> Vec<String> {
        self.desk().executions.iter().map(|execution| execution.sql.clone()).collect()
    }
}

impl Drop for AthenaServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answered(desk: Arc<Mutex<Desk>>, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let answer = desk.lock().unwrap_or_else(PoisonError::into_inner).handle(&head.headers, &body);
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err((status, code, message)) => (status, json!({ "__type": code, "Message": message })),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(CONTENT_TYPE, "application/x-amz-json-1.1".parse().unwrap());
    Ok(response)
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err((400, "InvalidRequestException", message.into()))
}

impl Desk {
    fn handle(&mut self, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if header(CONTENT_TYPE.as_str()) != "application/x-amz-json-1.1" {
            return Err((400, "SerializationException", "the content is of another type".into()));
        }
        let signed = header(AUTHORIZATION.as_str());
        if !signed.starts_with("AWS4-HMAC-SHA256 Credential=id/") || !signed.contains("/athena/aws4_request") {
            return Err((403, "IncompleteSignatureException", "the request is not signed for Athena".into()));
        }
        let Some(action) = header("x-amz-target").strip_prefix("AmazonAthena.") else {
            return Err((400, "UnknownOperationException", "no target".into()));
        };
        let body: Value = serde_json::from_slice(body).map_err(|_| (400, "SerializationException", String::new()))?;
        self.requests.push((action.to_owned(), body.clone()));
        if let Some(fault) = self.faults.iter_mut().find(|(name, _, left)| *name == action && *left > 0) {
            fault.2 -= 1;
            let status = if fault.1.starts_with("Internal") { 500 } else { 400 };
            return Err((status, fault.1, "as ordered".into()));
        }
        match action {
            "GetWorkGroup" => self.workgroup(&body),
            "StartQueryExecution" => self.start(&body),
            "GetQueryExecution" => self.look(&body),
            "GetQueryResults" => self.results(&body),
            "StopQueryExecution" => self.stop(&body),
            other => Err((400, "UnknownOperationException", format!("{other} is not expected"))),
        }
    }

    fn workgroup(&self, body: &Value) -> Result<Value, Refusal> {
        match body["WorkGroup"].as_str() {
            Some("primary") => {
                let results = self.output_location.map(|location| json!({ "OutputLocation": location }));
                let configuration = json!({ "ResultConfiguration": results.unwrap_or(json!({})) });
                Ok(json!({ "WorkGroup": { "Name": "primary", "State": self.state, "Configuration": configuration } }))
            }
            _ => invalid(format!("WorkGroup {} is not found.", body["WorkGroup"].as_str().unwrap_or_default())),
        }
    }

    fn start(&mut self, body: &Value) -> Result<Value, Refusal> {
        self.workgroup(body)?;
        let (sql, token) = (body["QueryString"].as_str(), body["ClientRequestToken"].as_str());
        let (Some(sql), Some(token)) = (sql, token) else {
            return invalid("QueryString or ClientRequestToken is missing");
        };
        if !(32..=128).contains(&token.len()) {
            return invalid("ClientRequestToken must have length between 32 and 128");
        }
        if sql.is_empty() || sql.len() > 262_144 {
            return invalid("QueryString must have length between 1 and 262144");
        }
        let own = body["ResultConfiguration"]["OutputLocation"].as_str();
        if own.or(self.output_location).is_none() {
            return invalid("No output location provided.");
        }
        let execution = match self.tokens.get(token) {
            Some((before, _)) if before != body => return invalid("Idempotent parameters do not match"),
            Some((_, execution)) => *execution,
            None => {
                let reply = (self.answer)(sql);
                self.executions.push(Execution { sql: sql.to_owned(), reply, looks: 0, stopped: false });
                self.tokens.insert(token.to_owned(), (body.clone(), self.executions.len() - 1));
                self.executions.len() - 1
            }
        };
        Ok(json!({ "QueryExecutionId": id_of(execution) }))
    }

    fn look(&mut self, body: &Value) -> Result<Value, Refusal> {
        let ([queued, running], scanned) = (self.slow, self.scanned);
        let execution = self.execution(body)?;
        execution.looks += 1;
        let mut bytes = 0;
        let (state, reason, error) = match &execution.reply {
            _ if execution.stopped => ("CANCELLED", "Query cancelled by user", None),
            _ if execution.looks <= queued => ("QUEUED", "", None),
            _ if execution.looks <= queued + running => ("RUNNING", "", None),
            Reply::Queued => ("QUEUED", "", None),
            Reply::Running(scanned) => {
                bytes = *scanned;
                ("RUNNING", "", None)
            }
            Reply::Cancelled(reason) => ("CANCELLED", *reason, None),
            Reply::Failed(reason, category, retryable) => {
                ("FAILED", *reason, Some(json!({ "ErrorCategory": category, "Retryable": retryable })))
            }
            Reply::Rows(..) => {
                bytes = scanned;
                ("SUCCEEDED", "", None)
            }
        };
        let mut status = json!({ "State": state });
        if !reason.is_empty() {
            status["StateChangeReason"] = json!(reason);
        }
        if let Some(error) = error {
            status["AthenaError"] = error;
        }
        Ok(json!({ "QueryExecution": {
            "QueryExecutionId": body["QueryExecutionId"],
            "Query": execution.sql,
            "Status": status,
            "Statistics": { "DataScannedInBytes": bytes },
        } }))
    }

    fn results(&mut self, body: &Value) -> Result<Value, Refusal> {
        let (page, [queued, running]) = (self.page, self.slow);
        let most = body["MaxResults"].as_u64().unwrap_or(1000);
        let execution = self.execution(body)?;
        let (columns, rows) = match &execution.reply {
            Reply::Rows(columns, rows) if execution.looks > queued + running && !execution.stopped => (columns, rows),
            _ => return invalid("Query has not yet finished. Current state: RUNNING"),
        };
        if !(1..=1000).contains(&most) {
            return invalid("MaxResults must be between 1 and 1000");
        }
        let columns: Vec<_> = columns.iter().map(|column| column.split_once(' ').unwrap()).collect();
        let header = columns.iter().map(|(name, _)| Some((*name).to_owned())).collect::<Vec<_>>();
        let all: Vec<_> = std::iter::once(&header).chain(rows).collect();
        let first = match body["NextToken"].as_str() {
            None => 0,
            Some(token) => match token.strip_prefix("row-").and_then(|row| row.parse::<usize>().ok()) {
                Some(row) if row < all.len() => row,
                _ => return invalid("NextToken is not one of ours"),
            },
        };
        let end = all.len().min(first + page.min(most as usize));
        let datum = |value: &Option<String>| value.as_ref().map_or(json!({}), |text| json!({ "VarCharValue": text }));
        let row = |row: &&Vec<Option<String>>| json!({ "Data": row.iter().map(datum).collect::<Vec<_>>() });
        let info = |(name, of): &(&str, &str)| json!({ "Name": name, "Type": of });
        let mut answer = json!({ "ResultSet": {
            "Rows": all[first..end].iter().map(row).collect::<Vec<_>>(),
            "ResultSetMetadata": { "ColumnInfo": columns.iter().map(info).collect::<Vec<_>>() },
        } });
        if end < all.len() {
            answer["NextToken"] = json!(format!("row-{end}"));
        }
        Ok(answer)
    }

    fn stop(&mut self, body: &Value) -> Result<Value, Refusal> {
        self.execution(body)?.stopped = true;
        Ok(json!({}))
    }

    fn execution(&mut self, body: &Value) -> Result<&mut Execution, Refusal> {
        let id = body["QueryExecutionId"].as_str().unwrap_or_default();
        let index = id.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
        match index.filter(|index| id_of(*index) == id).and_then(|index| self.executions.get_mut(index)) {
            Some(execution) => Ok(execution),
            None => invalid(format!("QueryExecution {id} was not found")),
        }
    }
}

fn id_of(execution: usize) -> String {
    format!("00000000-0000-0000-0000-{execution:012}")
}
