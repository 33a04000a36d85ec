//! What the engine relies on in a broker, whichever it is.
//!
//! ```no_run
//! # async fn adapter() -> std::sync::Arc<dyn pipeline_runtime::broker::Broker> { unimplemented!() }
//! # async fn test() {
//! pipeline_testkit::broker_conformance::run(adapter).await;
//! # }
//! ```
//!
//! Every case uses topics, groups and pipelines of its own, so that one server can serve them all. A case assumes nothing
//! about offsets but that they ascend: a broker may put records of its own between ours.

mod fixture;
mod groups;
mod member;
mod reading;
mod topics;
mod transactions;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use pipeline_api::BoxFuture;
use pipeline_runtime::broker::Broker;

use fixture::Fixture;

/// How a case ends: well, with an error of the broker, or with a panic of its own.
pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// One thing that a broker must do.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The claim.
    pub name: &'static str,
    check: fn(Arc<dyn Broker>) -> BoxFuture<'static, Outcome>,
}

impl Case {
    /// Runs the case. Errors: what went wrong, with the name of the case.
    pub async fn run(&self, broker: Arc<dyn Broker>) -> Result<(), String> {
        let check = AssertUnwindSafe((self.check)(broker)).catch_unwind();
        let fault = match tokio::time::timeout(TIME_LIMIT, check).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(error))) => format!("{error:?}"),
            Ok(Err(panic)) => panic_text(panic.as_ref()).to_owned(),
            Err(_) => format!("it did not end within {} s", TIME_LIMIT.as_secs()),
        };
        Err(format!("{}: {fault}", self.name))
    }
}

/// All cases.
pub fn cases() -> Vec<Case> {
    [topics::CASES, transactions::CASES, reading::CASES, groups::CASES].concat()
}

/// Runs all cases, each on the broker that `factory` gives it, and panics with all that failed.
///
/// The broker's session time-out should be a few seconds at most: some cases wait for it.
pub async fn run(factory: impl AsyncFn() -> Arc<dyn Broker>) {
    let mut faults = Vec::new();
    for case in cases() {
        faults.extend(case.run(factory().await).await.err());
    }
    assert!(faults.is_empty(), "{} of {} cases failed:\n{}", faults.len(), cases().len(), faults.join("\n"));
}

/// More than any session time-out.
const TIME_LIMIT: Duration = Duration::from_secs(120);

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

/// Lists functions `async fn(Fixture) -> Outcome` as cases, under their own names.
macro_rules! list_cases {
    ($($name:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            name: stringify!($name),
            check: |broker| Box::pin($name(super::Fixture::new(broker))),
        }),*];
    };
}
use list_cases;
