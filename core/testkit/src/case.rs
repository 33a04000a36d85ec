//! A named claim about a plugin or a broker, and how a whole suite of them runs.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use pipeline_api::BoxFuture;

/// How a case ends: well, with an error of what is tested, or with a panic of its own.
pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// One thing that every `S` must do.
pub struct Case<S> {
    /// The claim.
    pub name: &'static str,
    /// The sentence of the contract that it follows from, with its place: `Sink::flush: "The same ranges …"`. Empty where
    /// the claim itself is the contract.
    pub contract: &'static str,
    pub(crate) check: fn(S) -> BoxFuture<'static, Outcome>,
}

impl<S> Case<S> {
    /// Runs the case. Errors: what went wrong, with the name of the case and what the contract says.
    pub async fn run(&self, subject: S) -> Result<(), String> {
        // What is tested may panic as soon as it is called.
        let check = AssertUnwindSafe(async { (self.check)(subject).await }).catch_unwind();
        let fault = match tokio::time::timeout(TIME_LIMIT, check).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(error))) => format!("{error:?}"),
            Ok(Err(panic)) => panic_text(panic.as_ref()).to_owned(),
            Err(_) => format!("it did not end within {} s", TIME_LIMIT.as_secs()),
        };
        match self.contract {
            "" => Err(format!("{}: {fault}", self.name)),
            contract => Err(format!("{}: {fault}\n    the contract says at {contract}", self.name)),
        }
    }
}

// By hand, because a derive would ask the same of `S`.
impl<S> Clone for Case<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Case<S> {}

impl<S> std::fmt::Debug for Case<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("contract", &self.contract).finish()
    }
}

/// Runs all cases, each on a subject of its own, and panics with all that failed.
pub(crate) async fn run_all<S>(cases: Vec<Case<S>>, subject: impl AsyncFn() -> S) {
    let mut faults = Vec::new();
    for case in &cases {
        faults.extend(case.run(subject().await).await.err());
    }
    assert!(faults.is_empty(), "{} of {} cases failed:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// More than any session time-out of a broker.
const TIME_LIMIT: Duration = Duration::from_secs(120);

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

/// Lists functions `async fn(Subject) -> Outcome` as cases, under their own names, below the sentence of the contract that
/// they follow from.
macro_rules! list_cases {
    ($($place:literal: $sentence:literal => [$($name:ident),* $(,)?])*) => {
        pub(super) const CASES: &[$crate::Case<super::Subject>] = &[$($($crate::Case {
            name: stringify!($name),
            contract: concat!($place, ": \"", $sentence, "\""),
            check: |subject| Box::pin($name(subject)),
        }),*),*];
    };
}
pub(crate) use list_cases;
