//! Calls that are dropped before they end.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// The result of `call`, or `None` if it waits more than `waits` times: then it is dropped, as the runtime drops a call
/// when the pipeline stops.
pub(crate) async fn interrupted<F: Future + Unpin>(mut call: F, waits: usize) -> Option<F::Output> {
    let mut left = waits;
    poll_fn(move |context| match (Pin::new(&mut call).poll(context), left) {
        (Poll::Ready(result), _) => Poll::Ready(Some(result)),
        (Poll::Pending, 0) => Poll::Ready(None),
        (Poll::Pending, _) => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
