//! Where a server listens.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// The system gives no port of these to a client. Of those that it does give (what a bind to port 0 finds), one may be taken
/// while the server is down, and a client that knocks at such a port of its own machine in vain now and then reaches
/// itself.
const BELOW_CLIENTS: Range<u16> = 12_000..32_000;

/// Ports that nobody listens on now. Somebody may be quicker to.
pub(crate) fn free<const COUNT: usize>() -> [u16; COUNT] {
    let mut found = HashSet::new();
    while found.len() < COUNT {
        let port = any();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            found.insert(port);
        }
    }
    let mut found = found.into_iter();
    [(); COUNT].map(|()| found.next().expect("as many ports"))
}

fn any() -> u16 {
    let width = u64::from(BELOW_CLIENTS.end - BELOW_CLIENTS.start);
    let below = RandomState::new().hash_one(()) % width;
    BELOW_CLIENTS.start + u16::try_from(below).expect("below the width of the range")
}
