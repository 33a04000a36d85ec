//! Where a broker listens.

use crate::process::free;

/// The ports of one broker.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    pub(super) plain: u16,
    pub(super) tls: u16,
    pub(super) controller: u16,
}

impl Ports {
    /// Ports that nobody listens on now. Somebody may be quicker to.
    pub(super) fn free() -> Self {
        let [plain, tls, controller] = free();
        Self { plain, tls, controller }
    }
}
