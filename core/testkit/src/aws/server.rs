//! AWS, as a test sees it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::HeaderValue;
use serde_json::Value;

use super::backend::Backend;
use super::call::{Call, Rule};
use super::environment::variables;
use super::http::ask;
use super::ministack::MinistackServer;
use super::moto::MotoServer;
use super::refusal::Refusal;
use crate::door::{Door, Fault};

/// A call that has come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The operation, such as `GetTable`.
    pub operation: String,
    /// What was done to it, if a rule fitted it.
    pub fault: Option<Fault<Refusal>>,
}

/// A door in front of the shared [`MotoServer`] or [`MinistackServer`] that is as strict as AWS where these are not, does
/// wrong what is ordered, and keeps record of what is called. It is shut when it is dropped.
///
/// It wants calls signed, though with any key. A batch of more than Glue takes is refused; lists come in pages of three or
/// fewer; a table is changed only by who has seen its current version, if a version is given; and a query's token stands
/// for the same query for ever, and for no other.
#[derive(Debug)]
pub struct AwsServer(Door<Call>);

impl AwsServer {
    /// An account in moto that nobody else has: it is empty.
    ///
    /// Errors: no port is to be had. Panics as [`MotoServer::start`] does.
    pub fn moto() -> io::Result<Self> {
        Ok(Self(Door::open(Backend::new(MotoServer::shared().port(), Some(next_account())))?))
    }

    /// The account in MiniStack, which all tests of the process share.
    ///
    /// Errors: no port is to be had. Panics as [`MinistackServer::start`] does.
    pub fn ministack() -> io::Result<Self> {
        Ok(Self(Door::open(Backend::new(MinistackServer::shared().port(), None))?))
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        self.0.endpoint()
    }

    /// What a process needs in its environment to work with it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        variables(self.endpoint(), "testkit", "testkit-secret")
    }

    /// Calls an operation, `AWSGlue.GetTable`, as a client that shares no code with an SDK, and returns what is answered, be it
    /// an error. Blocks.
    ///
    /// # Panics
    ///
    /// There is no answer, or none in JSON.
    pub fn ask(&self, target: &str, input: &Value) -> Value {
        ask(&self.endpoint(), target, input).unwrap_or_else(|error| panic!("{target} of {}: {error}", self.endpoint()))
    }

    /// From now on faults meet the calls that the rule is about. Of several rules about one call the first counts.
    pub fn order(&self, rule: Rule) {
        self.0.order(rule);
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.0.heal();
    }

    /// All calls that have come in, in their order.
    pub fn requests(&self) -> Vec<Request> {
        let entered = self.0.requests().into_iter();
        entered.map(|(Call { operation }, fault)| Request { operation, fault }).collect()
    }

    /// The operations that were called, in their order.
    pub fn operations(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.operation).collect()
    }

    /// How many calls of this operation have come in.
    pub fn calls(&self, operation: &str) -> usize {
        self.operations().iter().filter(|called| *called == operation).count()
    }

    /// Waits until so many answers are [held back](Fault::HoldAnswer). Blocks.
    ///
    /// Errors: that takes more than half a minute.
    pub fn wait_until_held(&self, answers: usize) -> io::Result<()> {
        self.0.wait_until_held(answers)
    }

    /// Lets the answers go that are held back.
    pub fn release(&self) {
        self.0.release();
    }

    /// Waits until everybody has hung up and all is done that was asked for. Blocks: a client in the same process needs
    /// another thread to hang up.
    ///
    /// Errors: that takes more than half a minute.
    pub fn wait_until_idle(&self) -> io::Result<()> {
        self.0.wait_until_idle()
    }
}

/// The number of an account that nobody has yet.
fn next_account() -> HeaderValue {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    let number = TAKEN.fetch_add(1, Ordering::Relaxed);
    HeaderValue::from_str(&format!("2{number:011}")).expect("digits")
}
