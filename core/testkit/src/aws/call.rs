//! What is asked of AWS.

use hyper::http::request::Parts;

use super::refusal::Refusal;
use crate::door;

/// A fault, and which calls it meets: every one, unless it is narrowed down.
pub type Rule = door::Rule<Call>;

/// A call of an API that speaks JSON.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) operation: String,
}

/// What a rule is about.
#[derive(Clone, Debug, Default)]
pub struct Filter(Option<String>);

impl door::Rule<Call> {
    /// Only calls of this operation, such as `GetTable`.
    #[must_use]
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.filter = Filter(Some(operation.into()));
        self
    }
}

impl door::Target for Call {
    type Filter = Filter;
    type Refusal = Refusal;

    fn fits(&self, Filter(operation): &Filter) -> bool {
        operation.as_ref().is_none_or(|operation| *operation == self.operation)
    }
}

/// The header that says what is called: `AWSGlue.GetTable`.
pub(super) const TARGET: &str = "x-amz-target";

impl Call {
    /// Who does not say what is called, asks for a path: `GET /lake`.
    pub(super) fn of(parts: &Parts) -> Self {
        let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok());
        let operation = target.and_then(|target| target.rsplit('.').next()).map(str::to_owned);
        Self { operation: operation.unwrap_or_else(|| format!("{} {}", parts.method, parts.uri.path())) }
    }
}
