use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use pipeline_api::ErrorKind;

use super::*;

/// Answers one request on a port of its own with `response`. Gives the first line of the request, and its body.
fn one_request(response: &'static str) -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let head: Vec<String> =
            reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let length =
            head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        assert!(head.iter().any(|line| line.to_lowercase().starts_with("authorization: aws4-hmac-sha256")));
        stream.write_all(response.as_bytes()).unwrap();
        sender.send((head[0].clone(), body)).unwrap();
    });
    (endpoint, receiver)
}

fn store(endpoint: String) -> Store {
    let mut settings = settings("s3://lake/stocks");
    settings.endpoint = Some(endpoint);
    settings.access_key_id = Some("id".into());
    settings.secret_access_key = Some("canary".into());
    Store::open(&settings, Path::new("/")).unwrap()
}

#[tokio::test]
async fn a_put_names_the_key_with_the_percent_signs_of_hive_encoded_once() {
    let (endpoint, request) = one_request("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 0\r\n\r\n");
    store(endpoint).put("k=a%3Ab ü/t+0+1-2.json", b"{}\n".to_vec()).await.unwrap();
    let (line, body) = request.recv().unwrap();
    // The server decodes the path once, and finds the key `stocks/k=a%3Ab ü/t+0+1-2.json`.
    assert_eq!(line, "PUT /lake/stocks/k%3Da%253Ab%20%C3%BC/t%2B0%2B1-2.json HTTP/1.1");
    assert_eq!(body, b"{}\n");
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_fatal_and_says_what_to_check() {
    for (response, part) in [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 25\r\n\r\n<Code>AccessDenied</Code>", "s3:PutObject"),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "does not know these credentials"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 25\r\n\r\n<Code>NoSuchBucket</Code>", "the bucket does not exist"),
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\n\r\n<Code>ExpiredToken</Code>", "has expired"),
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "status 400"),
        ("HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n\r\n", "region"),
    ] {
        let (endpoint, _request) = one_request(response);
        let error = store(endpoint).put("t+0+1-2.json", b"{}\n".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{response}: {error:#}");
        assert!(error.to_string().contains(part), "{response}: {error:#}");
        assert!(error.to_string().starts_with("s3://lake/stocks/t+0+1-2.json: "));
        assert!(!format!("{error:?}").contains("canary"));
    }
}
