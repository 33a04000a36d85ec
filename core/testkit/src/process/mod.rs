//! Servers that are processes beside the test.

mod keeper;
mod ports;

pub(crate) use keeper::Keeper;
pub(crate) use ports::free;

/// What every system and every server says of a port that somebody else has.
const TAKEN: &str = "already in use";

/// So many times a start looks for other ports when somebody took one between the look and the start.
const ATTEMPTS: usize = 5;

/// A server that serves.
#[derive(Debug)]
pub(crate) struct Server<Ports> {
    pub(crate) keeper: Keeper,
    pub(crate) ports: Ports,
    pub(crate) pid: u32,
}

impl<Ports> Server<Ports> {
    /// Starts a server and waits until it serves.
    ///
    /// Panics with the end of its log if it does not.
    pub(crate) fn start(
        name: &str,
        mut ports: impl FnMut() -> Ports,
        keep: impl Fn(&Ports) -> Keeper,
        serves: impl Fn(&Ports) -> bool,
    ) -> Self {
        for _ in 0..ATTEMPTS {
            let ports = ports();
            let mut keeper = keep(&ports);
            match keeper.come_up(|| serves(&ports)) {
                Ok(pid) => return Self { keeper, ports, pid },
                Err(log) if log.contains(TAKEN) => {}
                Err(log) => panic!("{name} does not come up:\n{log}"),
            }
        }
        panic!("{name} finds no free ports")
    }

    /// Starts it again after a kill, on the same ports, and waits until it serves.
    ///
    /// Panics with the end of its log if it does not.
    pub(crate) fn restart(&mut self, name: &str, serves: impl Fn(&Ports) -> bool) {
        match self.keeper.come_up(|| serves(&self.ports)) {
            Ok(pid) => self.pid = pid,
            Err(log) => panic!("{name} does not come up again:\n{log}"),
        }
    }
}
