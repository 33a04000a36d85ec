//! A plain client of APIs that speak JSON.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// Calls an operation, and returns the status and the body of the answer. Errors: there is no answer.
pub(crate) fn call(endpoint: &str, target: &str, input: &Value) -> io::Result<(u16, Value)> {
    send(endpoint, target, input)?.answer()
}

/// Calls an operation that must be done, and returns its output.
pub(crate) fn done(endpoint: &str, target: &str, input: &Value) -> Value {
    let (status, output) = call(endpoint, target, input).unwrap();
    assert_eq!(status, 200, "{target}: {output}");
    output
}

/// A call under way.
pub(crate) struct Sent(TcpStream);

/// Calls an operation, and does not wait for the answer.
pub(crate) fn send(endpoint: &str, target: &str, input: &Value) -> io::Result<Sent> {
    let service = if target.starts_with("AWSGlue") { "glue" } else { "athena" };
    let signature = format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=testkit/20200101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n"
    );
    send_with(endpoint, target, input, &signature)
}

pub(crate) fn send_with(endpoint: &str, target: &str, input: &Value, headers: &str) -> io::Result<Sent> {
    let address = endpoint.strip_prefix("http://").unwrap();
    let body = input.to_string();
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: {target}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len(),
    )?;
    Ok(Sent(stream))
}

impl Sent {
    /// Whether anything has been answered by now.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn has_answer(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let waits = self.0.peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        self.0.set_nonblocking(false).unwrap();
        !waits
    }

    /// Waits for the status and the body of the answer. Errors: there is none.
    pub(crate) fn answer(mut self) -> io::Result<(u16, Value)> {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }
}
