//! The wish of a person that a run ends.

use tokio::sync::watch;

/// Asks runs to stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Learns of that wish.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// A wish that nobody has uttered yet, and the ear for it.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks the run to stop: sources end, sinks flush and commit what they hold. Asking twice changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the wish was uttered.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for it, for ever if need be. Dropping the call loses nothing.
    pub async fn requested(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}
