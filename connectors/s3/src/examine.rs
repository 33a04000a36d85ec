//! Whether a sink could write, read, remove and list its files.

use futures::TryStreamExt;
use pipeline_api::{Context, Error, ErrorKind, Examined, OffsetRange, Result, probe_name};

use crate::settings::Settings;
use crate::sink::absolute;
use crate::store::Store;
use crate::store_error::{Call, store_error};

/// What the probe holds.
const PROBE: &[u8] = b"written by pipeline doctor, to see whether that can be done; nobody needs it\n";

/// Tries what a sink does, with a file that readers skip and that is removed again. Of a server that does not answer nothing more
/// is asked.
pub(crate) async fn examine(settings: &Settings, context: &Context) -> Vec<Examined> {
    let what = |done: &str| format!("{}: {done}", settings.url);
    let mut opened = None;
    let trial = async {
        let store = Store::open_to_try(settings, &absolute(context)?).await?;
        let clock = store.clock().await.map_err(unanswered)?;
        opened = Some(store);
        clock.map(|clock| clock.judge()).transpose()
    };
    let mut examined = vec![Examined::of(what("reach it"), trial).await];
    let Some(store) = opened else { return examined };
    let probe = probe_name();
    let write =
        async { store.write(&probe, PROBE.to_vec(), store.attributes(0, OffsetRange::new(0, 0))).await.map(|()| None) };
    let written = Examined::of(what("write an object"), write).await;
    let is_written = written.outcome.is_ok();
    let may_be_written = is_written || written.is_unanswered();
    examined.push(written);
    if is_written {
        examined.push(Examined::of(what("read it"), async { read(&store, &probe).await.map(|()| None) }).await);
    }
    if may_be_written {
        let removed = Examined::of(what("remove it"), async { remove(&store, &probe).await.map(|()| None) }).await;
        examined.extend(is_written.then_some(removed));
    }
    examined.push(Examined::of(what("list what is there"), async { store.examine_list().await.map(|()| None) }).await);
    examined
}

fn unanswered(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Retriable => {
            error.context("the server does not answer; check that it runs, `endpoint`, and the network")
        }
        _ => error,
    }
}

async fn read(store: &Store, probe: &str) -> Result<()> {
    let place = store.location().url_of(probe);
    let parts =
        store.read(probe).await?.ok_or_else(|| Error::fatal(format!("{place}: what was written is not there")))?;
    let parts: Vec<_> = parts.try_collect().await.map_err(|error| store_error(error, Call::Read, &place))?;
    if parts.concat() != PROBE {
        return Err(Error::fatal(format!("{place}: what is read is not what was written")));
    }
    Ok(())
}

async fn remove(store: &Store, probe: &str) -> Result<()> {
    let removed = store.remove_one(probe).await;
    removed.map_err(|error| error.context("it stays there, where readers skip it, until somebody removes it"))
}
