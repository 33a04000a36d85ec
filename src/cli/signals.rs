//! Ctrl-C and SIGTERM.

use std::sync::Arc;
use std::{process, thread};

use pipeline_api::{Error, Result};
use pipeline_runtime::run::Stopper;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::progress::Display;

/// Stops gently at the first signal and at once at the second. On a thread of its own: a person can stop the program also when
/// plugins hold all others.
pub(super) fn watch(stoppers: Vec<Stopper>, display: Arc<Display>) -> Result<()> {
    let failed = |error| Error::fatal("no threads can be started").with_source(error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let watching = thread::Builder::new().name("signals".into());
    watching.spawn(move || runtime.block_on(obey(&stoppers, &display))).map_err(failed)?;
    Ok(())
}

async fn obey(stoppers: &[Stopper], display: &Display) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    any(&mut interrupt, &mut terminate).await;
    display.say("stopping: flushing and committing what is under way (again to stop at once)");
    for stopper in stoppers {
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
