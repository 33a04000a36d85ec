//! A door on a port of this machine.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::desk::{Desk, Entered};
use super::entry::{Entry, enter};
use super::rule::{Rule, Target};

/// A door that is open. It is shut when it is dropped.
#[derive(Debug)]
pub(crate) struct Door<T: Target> {
    address: SocketAddr,
    desk: Arc<Desk<T>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Target> Door<T> {
    /// Opens a door on a free port, in a thread of its own.
    pub(crate) fn open(entry: impl Entry<Target = T>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let desk = Arc::new(Desk::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = serve(entry, Arc::clone(&desk), listener);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serving => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, desk, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn order(&self, rule: Rule<T>) {
        self.desk.order(rule);
    }

    pub(crate) fn heal(&self) {
        self.desk.heal();
    }

    /// All requests that have come in, in their order.
    pub(crate) fn requests(&self) -> Vec<Entered<T>> {
        self.desk.requests()
    }

    /// Waits until so many answers are held back. Errors: that takes more than half a minute.
    pub(crate) fn wait_until_held(&self, answers: usize) -> io::Result<()> {
        waited(self.desk.holds(answers), "no answer is held back")
    }

    /// Lets the answers go that are held back.
    pub(crate) fn release(&self) {
        self.desk.release();
    }

    /// Waits until everybody has hung up and all is done that was asked for. Errors: that takes more than half a minute.
    pub(crate) fn wait_until_idle(&self) -> io::Result<()> {
        // Connections are taken in their order: once this one was, those of the dead have been.
        let mut probe = TcpStream::connect(self.address)?;
        probe.write_all(b"\r\n\r\nnone\r\n\r\n")?;
        probe.read_to_end(&mut Vec::new())?;
        waited(self.desk.becomes_idle(), "somebody is still connected to the server")
    }
}

impl<T: Target> Drop for Door<T> {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, and a panic in it has been shown.
            let _ = thread.join();
        }
    }
}

fn waited(in_time: bool, otherwise: &'static str) -> io::Result<()> {
    if in_time { Ok(()) } else { Err(io::Error::new(io::ErrorKind::TimedOut, otherwise)) }
}

/// Serves whoever connects.
async fn serve<E: Entry>(entry: E, desk: Arc<Desk<E::Target>>, listener: TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        // Counted before the next one is taken.
        let (entry, desk, busy) = (entry.clone(), Arc::clone(&desk), desk.busy());
        tokio::spawn(async move {
            let _busy = busy;
            let answer = service_fn(|request| enter(&entry, &desk, request));
            // It ends with an error where a fault cuts it, or where the client goes away.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
