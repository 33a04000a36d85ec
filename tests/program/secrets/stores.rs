//! Stores whose answers repeat the request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::canary::{assert_hidden, canary};
use crate::support::Project;

const TO_A_STORE: &str = "\
name: secrets
sources:
  - type: ticks
    config: { rows: 10 }
    transforms:
      - { type: select, config: { fields: [symbol] } }
topic: { name: secrets, schema: { symbol: string } }
sinks:
  - type: s3_json
    config:
      url: s3://lake/out
      compression: none
      endpoint: http://ADDRESS
      access_key_id: '${env:LAKE_ID}'
      secret_access_key: '${env:LAKE_KEY}'
      session_token: '${env:LAKE_OTHER}'
errors: { retry: { timeout: 10ms, pause: 1ms, max_pause: 1ms } }
";

const FROM_THE_ENVIRONMENT: [(&str, &str); 3] = [
    ("access_key_id: '${env:LAKE_ID}'", "AWS_ACCESS_KEY_ID"),
    ("secret_access_key: '${env:LAKE_KEY}'", "AWS_SECRET_ACCESS_KEY"),
    ("session_token: '${env:LAKE_OTHER}'", "AWS_SESSION_TOKEN"),
];

/// The whole of a request, which a store repeats in its answer in this form.
type Form = fn(&str) -> String;

const FORMS: [Form; 4] = [
    |request| request.to_owned(),
    |request| {
        format!(
            "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><CanonicalRequest>{request}</CanonicalRequest></Error>"
        )
    },
    |request| format!("<Error><Code>{0}</Code><Message>{0}</Message></Error>", request.replace("\r\n", " ")),
    |request| serde_json::json!({ "error": { "request": request } }).to_string(),
];

/// A store that refuses every request with this status, and repeats it. Ends with the test's process.
fn echoing_store(status: &'static str, form: Form) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || refuse(stream, status, form));
        }
    });
    address
}

fn refuse(mut stream: TcpStream, status: &str, form: Form) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut request, mut length, mut token) = (String::new(), 0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let (name, value) = line.split_once(':').unwrap_or((line.as_str(), ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-security-token" => token = value.trim().to_owned(),
            _ => {}
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.push_str(&String::from_utf8_lossy(&body));
    let answer = form(&request);
    let head = format!(
        "HTTP/1.1 {status}\r\nx-repeated: {token}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all((head + &answer).as_bytes()).ok()
}

fn variables(names: [&'static str; 3]) -> Vec<(&'static str, String)> {
    names.into_iter().map(|name| (name, canary(name))).collect()
}

#[test]
fn an_answer_that_repeats_the_request_shows_none_of_its_secrets() {
    let secrets = variables(["LAKE_ID", "LAKE_KEY", "LAKE_OTHER"]);
    for (status, form) in
        ["400 Bad Request", "403 Forbidden", "500 Internal Server Error", "404 Not Found"].into_iter().zip(FORMS)
    {
        let address = echoing_store(status, form).to_string();
        let project = Project::new(&TO_A_STORE.replace("ADDRESS", &address));
        let run = assert_hidden(&project, &["run", "pipeline.yaml"], &secrets, &[]).with_code(1);
        run.complaining("s3://lake/out/").complaining("TRACE");
        assert_hidden(&project, &["doctor", "pipeline.yaml"], &secrets, &[])
            .with_code(1)
            .saying("write an object: s3://lake/");
        assert_hidden(&project, &["doctor", "pipeline.yaml", "--format", "json"], &secrets, &[]).with_code(1);
        assert_hidden(&project, &["reset", "pipeline.yaml", "--yes"], &secrets, &[]).with_code(1);
    }
}

#[test]
fn credentials_that_the_file_does_not_name_are_not_shown_either() {
    let secrets = variables(FROM_THE_ENVIRONMENT.map(|(_, variable)| variable));
    let address = echoing_store("403 Forbidden", FORMS[2]).to_string();
    let text = TO_A_STORE.replace("ADDRESS", &address);
    let text = FROM_THE_ENVIRONMENT.iter().fold(text, |text, (line, _)| text.replace(line, ""));
    let project = Project::new(&text);
    assert_hidden(&project, &["run", "pipeline.yaml"], &secrets, &[]).with_code(1).complaining("403");
}

#[test]
fn the_password_of_an_endpoint_or_a_proxy_of_the_environment_is_not_shown() {
    let text = FROM_THE_ENVIRONMENT.iter().fold(TO_A_STORE.to_owned(), |text, (line, _)| text.replace(line, ""));
    let project = Project::new(&text.replace("endpoint: http://ADDRESS", ""));
    let mut variables = variables(FROM_THE_ENVIRONMENT.map(|(_, variable)| variable));
    let with_password = "http://me:kanarienvogel@127.0.0.1:1";
    variables.push(("AWS_ENDPOINT_URL", with_password.into()));
    assert_hidden(&project, &["run", "pipeline.yaml"], &variables, &[]).with_code(1).complaining("holds credentials");
    variables.pop();
    variables.extend(["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, with_password.to_owned())));
    assert_hidden(&project, &["run", "pipeline.yaml"], &variables, &[]).with_code(1);
}
