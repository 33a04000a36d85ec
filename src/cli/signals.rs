//! Ctrl-C and SIGTERM.

use std::process;
use std::time::Duration;

use pipeline_runtime::run::Stopper;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::table::say;

/// Stops gently at the first signal and at once at the second. Returns when the first has come; what comes after is
/// watched in the background.
pub(super) async fn first_signal(stoppers: Vec<Stopper>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return std::future::pending().await;
    };
    any(&mut interrupt, &mut terminate).await;
    say("stopping: flushing and committing what is under way (again to stop at once)");
    for stopper in &stoppers {
        stopper.stop();
    }
    tokio::spawn(async move {
        let code = any(&mut interrupt, &mut terminate).await;
        say("stopped at once; the next run goes on where the last commit was");
        // Give the line a moment to reach a terminal that is slow.
        tokio::time::sleep(Duration::from_millis(10)).await;
        process::exit(code);
    });
    // The stoppers live as long as the wish to stop.
    std::mem::forget(stoppers);
}

/// Waits for either; returns the exit code that says which.
async fn any(interrupt: &mut Signal, terminate: &mut Signal) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}
