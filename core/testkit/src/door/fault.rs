//! What goes wrong with a request.

use std::time::Duration;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<Refusal> {
    /// It is refused, and nothing is done.
    Refuse(Refusal),
    /// What it asks for is done, and the answer is an error all the same.
    RefuseWhenDone(Refusal),
    /// What it asks for is done, and the connection is cut in place of an answer.
    LoseAnswer,
    /// What it asks for is done, and the answer waits until the test lets it go.
    HoldAnswer,
    /// The connection is cut in the middle of the request's body, and nothing is done.
    Cut,
    /// The request is taken and never answered, and nothing is done.
    Silence,
    /// The answer is 200 with an error in its body, as CompleteMultipartUpload may end. Nothing is done.
    ErrorInBody(Refusal),
    /// The request's body is taken and the answer's is given in pieces of 16 KiB, with this pause before each.
    Drip(Duration),
}
