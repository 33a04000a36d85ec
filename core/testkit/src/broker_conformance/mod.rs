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

use std::sync::Arc;

use pipeline_runtime::broker::Broker;

use crate::case::run_all;
use fixture::Fixture;

pub use crate::case::Outcome;

/// One thing that a broker must do.
pub type Case = crate::Case<Arc<dyn Broker>>;

/// All cases.
pub fn cases() -> Vec<Case> {
    [topics::CASES, transactions::CASES, reading::CASES, groups::CASES].concat()
}

/// Runs all cases, each on the broker that `factory` gives it, and panics with all that failed.
///
/// The broker's session time-out should be a few seconds at most: some cases wait for it.
pub async fn run(factory: impl AsyncFn() -> Arc<dyn Broker>) {
    run_all(cases(), factory).await;
}

/// Lists functions `async fn(Fixture) -> Outcome` as cases, under their own names.
macro_rules! list_cases {
    ($($name:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            name: stringify!($name),
            contract: "",
            check: |broker| Box::pin($name(super::Fixture::new(broker))),
        }),*];
    };
}
use list_cases;
