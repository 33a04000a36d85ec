//! Ctrl-C and SIGTERM.

use std::process;
use std::sync::Arc;

use pipeline_runtime::run::Stopper;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::progress::Display;

/// Stops gently at the first signal and at once at the second.
pub(super) async fn watch(stoppers: Vec<Stopper>, display: Arc<Display>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    any(&mut interrupt, &mut terminate).await;
    display.say("stopping: flushing and committing what is under way (again to stop at once)");
    for stopper in &stoppers {
        stopper.stop();
    }
    let code = any(&mut interrupt, &mut terminate).await;
    display.say("stopped at once; the next run goes on where the last commit was");
    process::exit(code);
}

/// Waits for either; returns the exit code that says which.
async fn any(interrupt: &mut Signal, terminate: &mut Signal) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}
