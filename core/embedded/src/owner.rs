//! Who holds a store.

use std::path::Path;

use pipeline_api::{Error, Timestamp};
use serde::{Deserialize, Serialize};

/// The process that opened a store. Written beside the store, for the message that the next one gets; the lock itself is
/// the store's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Owner {
    pid: u32,
    since: String,
}

const FILE: &str = "owner";

impl Owner {
    /// Leaves a note that this process holds the store in `folder`. A note that cannot be written is no reason to stop.
    pub(crate) fn announce(folder: &Path) {
        let owner = Self { pid: std::process::id(), since: format!("{:.0}", Timestamp::now()) };
        let written = serde_json::to_vec(&owner)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(folder.join(FILE), text));
        if let Err(error) = written {
            tracing::debug!(folder = %folder.display(), %error, "cannot note who holds the broker's store");
        }
    }

    /// The error of somebody who finds the store in `folder` locked.
    pub(crate) fn refusal(folder: &Path) -> Error {
        let owner = std::fs::read(folder.join(FILE)).ok().and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        let holder = match owner {
            Some(owner) if owner.pid == std::process::id() => format!("this process (since {})", owner.since),
            Some(owner) => format!("process {} (since {})", owner.pid, owner.since),
            None => "another process".to_owned(),
        };
        Error::fatal(format!(
            "the embedded broker in `{}` is held by {holder}: wait until it ends, or give each pipeline a folder of its own",
            folder.display()
        ))
    }
}
