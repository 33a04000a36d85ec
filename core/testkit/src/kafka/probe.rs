//! Whether a broker serves.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::ports::Ports;

/// Names that Kafka's hash sends to the partitions 0 to 3 of the coordinators' topics, and that nobody else uses.
const NAMES: [&str; 4] = ["0", "1", "2", "3"];

const GROUP: u8 = 0;
const TRANSACTION: u8 = 1;

const NO_ERROR: i16 = 0;
const TRANSACTIONAL_ID_NOT_FOUND: i16 = 105;

/// Whether the broker does at once whatever a client may ask of it.
///
/// An open port is not enough: the broker would still send clients away to come again. It names a coordinator when it is
/// registered and let in; by then it has read the cluster's metadata, its topics and users. Being asked also makes it create
/// the coordinators' topics. Each of their partitions then answers for a name of its own when it is loaded.
pub(super) fn serves(ports: &Ports) -> bool {
    all_loaded(ports).unwrap_or(false)
}

fn all_loaded(ports: &Ports) -> io::Result<bool> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, ports.tls))?;
    let mut broker = TcpStream::connect((Ipv4Addr::LOCALHOST, ports.plain))?;
    broker.set_read_timeout(Some(Duration::from_secs(1)))?;
    for kind in [GROUP, TRANSACTION] {
        if coordinator(&mut broker, kind)? != NO_ERROR {
            return Ok(false);
        }
    }
    for name in NAMES {
        if group(&mut broker, name)? != NO_ERROR || transaction(&mut broker, name)? != TRANSACTIONAL_ID_NOT_FOUND {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `FindCoordinator` version 1. Before the error, the answer has the time of throttling.
fn coordinator(broker: &mut TcpStream, kind: u8) -> io::Result<i16> {
    let mut request = header(10, 1);
    string(&mut request, NAMES[0]);
    request.push(kind);
    let answer = ask(broker, &request)?;
    error_at(&answer, 4 + 4)
}

/// `OffsetFetch` version 5, of all partitions. The error is the end of the answer.
fn group(broker: &mut TcpStream, name: &str) -> io::Result<i16> {
    let mut request = header(9, 5);
    string(&mut request, name);
    request.extend((-1_i32).to_be_bytes());
    let answer = ask(broker, &request)?;
    error_at(&answer, answer.len().saturating_sub(2))
}

/// `DescribeTransactions` version 0, which is of the newer kind: tagged fields end the header and the body, here none, and
/// lengths are of one byte and one more than they say.
fn transaction(broker: &mut TcpStream, name: &str) -> io::Result<i16> {
    let mut request = header(65, 0);
    request.extend([0, 2, 2, name.as_bytes()[0], 0]);
    let answer = ask(broker, &request)?;
    error_at(&answer, 4 + 1 + 4 + 1)
}

/// The header of a request without a number and a client's name.
fn header(key: i16, version: i16) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(key.to_be_bytes());
    header.extend(version.to_be_bytes());
    header.extend(0_i32.to_be_bytes());
    header.extend((-1_i16).to_be_bytes());
    header
}

fn string(request: &mut Vec<u8>, value: &str) {
    request.extend(i16::try_from(value.len()).expect("a short name").to_be_bytes());
    request.extend(value.as_bytes());
}

fn ask(broker: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut framed = Vec::from(u32::try_from(request.len()).expect("a short request").to_be_bytes());
    framed.extend(request);
    broker.write_all(&framed)?;
    let mut length = [0; 4];
    broker.read_exact(&mut length)?;
    let mut answer = Vec::new();
    broker.take(u64::from(u32::from_be_bytes(length))).read_to_end(&mut answer)?;
    Ok(answer)
}

fn error_at(answer: &[u8], place: usize) -> io::Result<i16> {
    let error = answer.get(place..place + 2).and_then(|bytes| bytes.try_into().ok());
    error.map(i16::from_be_bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
