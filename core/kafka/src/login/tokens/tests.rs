#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pipeline_api::{Delivery, ErrorKind};
use pipeline_runtime::broker::{Broker, ProducerId};
use pipeline_runtime::{AwsMskIam, KafkaSettings};

use crate::admin::Admin;
use crate::broker::KafkaBroker;
use crate::bystander::Bystander;
use crate::consumer::KafkaConsumer;
use crate::places::Places;
use crate::producer::{KafkaProducer, Mode};
use crate::settings;
use crate::source_offsets::SourceOffsetsTopic;
use crate::way::Door;

const KEY: &str = "AKIDEXAMPLE";

/// Runs the body of a test in a process of its own, which has these credentials and no others.
fn with_credentials(test: &str, credentials: &[(&str, &str)], body: impl FnOnce()) {
    const INSIDE: &str = "PIPELINE_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside.args(["--exact", &format!("login::tokens::tests::{test}")]).env(INSIDE, "");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        inside.env_remove(name);
    }
    inside.envs([("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nowhere")]).envs(credentials.iter().copied());
    let ended = inside.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

/// Somebody who asks everybody in by `OAUTHBEARER`, and tells what they bring: who it is, and the token.
fn doorman() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, (tell, told)) = (listener.local_addr().unwrap().to_string(), channel());
    std::thread::spawn(move || {
        for guest in listener.incoming().map(Result::unwrap) {
            let tell = tell.clone();
            std::thread::spawn(move || receive(guest, &tell));
        }
    });
    (address, told)
}

fn receive(mut guest: TcpStream, tell: &Sender<(String, String)>) -> io::Result<()> {
    let mut handshake = frame(&mut guest)?;
    // What it can: in the first version, which is all that it can say it in.
    while handshake[..2] == [0, 18] {
        let can: &[u8] = match handshake[3] {
            0 => &[0, 0, 0, 0, 0, 3, 0, 17, 0, 0, 0, 1, 0, 18, 0, 0, 0, 0, 0, 36, 0, 0, 0, 1],
            _ => &[0, 35, 0, 0, 0, 0],
        };
        answer(&mut guest, &handshake, can)?;
        handshake = frame(&mut guest)?;
    }
    // The kind of the request is 17, then come its version, its number, and the client's name.
    assert_eq!(handshake[..2], [0, 17]);
    let length = usize::from(handshake[9]);
    let name = String::from_utf8_lossy(&handshake[10..10 + length]).into_owned();
    let mechanism = b"OAUTHBEARER";
    answer(&mut guest, &handshake, &[&[0, 0, 0, 0, 0, 1, 0, mechanism.len() as u8], &mechanism[..]].concat())?;
    let words = String::from_utf8_lossy(&frame(&mut guest)?).into_owned();
    let token = words.split_once("auth=Bearer ").unwrap().1.split('\u{1}').next().unwrap().to_owned();
    _ = tell.send((name, token));
    Ok(())
}

fn answer(guest: &mut TcpStream, request: &[u8], body: &[u8]) -> io::Result<()> {
    let answer = [&request[4..8], body].concat();
    guest.write_all(&[&(answer.len() as u32).to_be_bytes()[..], &answer].concat())
}

fn frame(guest: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    guest.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    guest.read_exact(&mut frame)?;
    Ok(frame)
}

/// Without TLS, which would hide the tokens.
fn settings_for(server: &str) -> KafkaSettings {
    let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let all = [("bootstrap.servers", server), ("security.protocol", "sasl_plaintext")];
    let name = |name| BTreeMap::from([text(("client.id", name))]);
    KafkaSettings {
        properties: all.map(text).into(),
        consumer: name("consumer"),
        producer: name("producer"),
        admin: name("admin"),
        aws_msk_iam: Some(AwsMskIam { region: "eu-central-1".to_owned() }),
        ..KafkaSettings::default()
    }
}

/// Asserts that the next who knocks is called so, and has a token that AWS would take.
fn assert_asks<T>(told: &Receiver<(String, String)>, client: &str, _of_whom: T) {
    let (name, token) = told.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{client} does not ask"));
    assert_eq!(name, client);
    let request = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    let (place, query) = request.split_once('?').unwrap();
    assert_eq!(place, "https://kafka.eu-central-1.amazonaws.com/");
    let fields: BTreeMap<&str, &str> = query.split('&').map(|field| field.split_once('=').unwrap()).collect();
    assert_eq!(fields["Action"], "kafka-cluster%3AConnect");
    assert_eq!(fields["X-Amz-Expires"], "900");
    assert_eq!(fields["X-Amz-Signature"].len(), 64);
    let day = &fields["X-Amz-Date"][..8];
    assert_eq!(fields["X-Amz-Credential"], format!("{KEY}%2F{day}%2Feu-central-1%2Fkafka-cluster%2Faws4_request"));
}

#[test]
fn every_client_asks_to_be_let_in_with_a_signed_request() {
    let credentials = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", "never-shown")];
    with_credentials("every_client_asks_to_be_let_in_with_a_signed_request", &credentials, || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        for client in ["admin", "bystander", "member", "offsets", "producer"] {
            let (server, told) = doorman();
            let settings = settings_for(&server);
            let config = settings::consumer(&settings, "group", None);
            let offsets = SourceOffsetsTopic::new("p", config.clone(), Door::default());
            let (place, bystander) = (Places::default().take("p"), || Bystander::new(&settings, "group").unwrap());
            match client {
                "admin" => assert_asks(&told, "admin", Admin::open(&settings).unwrap()),
                "bystander" => assert_asks(&told, "consumer", bystander()),
                "member" => {
                    let nobody = Arc::new(Bystander::new(&settings_for("127.0.0.1:1"), "group").unwrap());
                    let member = KafkaConsumer::open(&config, "group", "topic", nobody, place).unwrap();
                    assert_asks(&told, "consumer", member);
                }
                "offsets" => assert_asks(&told, "consumer", std::thread::spawn(move || offsets.read("source"))),
                _ => {
                    let config = settings::producer(&settings, None);
                    let door = Door::default();
                    let id = ProducerId { pipeline: "p".into(), source: "s".into(), task: 0 };
                    let opened = KafkaProducer::open(&config, id, Mode::AsTheyCome, offsets, place, &door);
                    assert_asks(&told, "producer", runtime.block_on(opened).unwrap());
                }
            }
        }
    });
}

#[test]
fn a_process_without_credentials_hears_of_them_within_seconds() {
    with_credentials("a_process_without_credentials_hears_of_them_within_seconds", &[], || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (server, _told) = doorman();
        let asked = Instant::now();
        let error = runtime
            .block_on(async {
                let broker = KafkaBroker::open("p", &settings_for(&server), Delivery::ExactlyOnce)?;
                broker.find_topic("topic").await
            })
            .expect_err("it was let in");
        assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
        assert_eq!(error.kind(), ErrorKind::Config, "{error:#}");
        assert!(error.to_string().contains("check the AWS credentials of this process"), "{error:#}");
    });
}
