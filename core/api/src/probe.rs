//! Trials of folders that leave nothing behind, for `examine`.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;

/// A name for what is written only to see whether that can be done. Nobody else has it, and readers skip it for how it begins.
pub fn probe_name() -> String {
    // Seeded by the system for each process and each call.
    format!("_pipeline-probe-{:016x}", RandomState::new().build_hasher().finish())
}

/// Writes a file into `folder`, or into the one that it would be made in, and removes it. Errors: that cannot be done.
pub fn probe_folder(folder: &Path) -> io::Result<()> {
    let probe = nearest_folder(folder).join(probe_name());
    let written = fs::write(&probe, "probe");
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

/// `folder`, or, where there is none, the one that it would be made in. It need be no folder: a file or a broken link that is in the
/// way is there as well.
pub fn nearest_folder(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.symlink_metadata().is_ok()).unwrap_or(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn several_may_try_one_folder_at_once_and_nothing_stays() {
        let folder = std::env::temp_dir().join(probe_name());
        fs::create_dir(&folder).unwrap();
        let below = folder.join("a/b");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100).for_each(|_| probe_folder(&below).unwrap()));
            }
        });
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(&folder).unwrap();
    }
}
