//! Tokens of AWS's IAM, for MSK.
//!
//! A token is a signed request, valid for a quarter of an hour. librdkafka asks for one by an event, which comes only to clients
//! that are polled; many of ours are not. So clients are given their tokens: one thread for each region signs, before
//! the last token is over, and gives it to all that are there.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use pipeline_api::{Error, Result};
use pipeline_aws::{AwsSettings, CredentialsCache};
use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::config::ClientConfig;
use tokio::runtime::{Builder, Runtime};

use super::token::Token;
use crate::native::Bearer;
use crate::settings::msk_region;

/// So long before its end a token is replaced: a client may be slow to use it.
const AHEAD: Duration = Duration::from_secs(180);
/// The pause after a token that could not be made.
const PAUSE: Duration = Duration::from_secs(5);

/// The right of a client to tokens. Dropped before its client.
pub(crate) struct Pass {
    office: Arc<Office>,
    number: u64,
}

impl Pass {
    /// A pass for a client whose settings ask for one. Errors: no thread can be started.
    pub(crate) fn of<C: ClientContext>(config: &ClientConfig, client: &Client<C>) -> Result<Option<Self>> {
        let Some(region) = msk_region(config) else { return Ok(None) };
        let office = Office::of(region)?;
        let number = office.admit(Bearer::of(client));
        Ok(Some(Self { office, number }))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.office.state().bearers.remove(&self.number);
    }
}

/// Signs the tokens of a region, for all clients of this process. Credentials are the process's own: AWS's usual chain, from
/// the environment to the role of the machine.
#[derive(Default)]
struct Office {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bearers: BTreeMap<u64, Bearer>,
    count: u64,
    token: Option<Token>,
}

/// How long a token may be given to clients yet.
fn lasts(token: &Token) -> Duration {
    (token.valid_until - AHEAD).duration_since(SystemTime::now()).unwrap_or_default()
}

impl Office {
    /// The one of a region. Errors: no thread can be started.
    fn of(region: &str) -> Result<Arc<Self>> {
        static OFFICES: Mutex<BTreeMap<String, Arc<Office>>> = Mutex::new(BTreeMap::new());
        let mut offices = OFFICES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(office) = offices.get(region) {
            return Ok(office.clone());
        }
        let office = Arc::<Self>::default();
        let failed = |error| Error::fatal("no thread can be started for the tokens of MSK").with_source(error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (own, name) = (office.clone(), region.to_owned());
        let work = move || own.work(&runtime, &name);
        std::thread::Builder::new().name("kafka tokens".into()).spawn(work).map_err(failed)?;
        offices.insert(region.to_owned(), office.clone());
        Ok(office)
    }

    /// Whoever comes gets the token that there is, or else the next one.
    fn admit(&self, bearer: Bearer) -> u64 {
        let mut state = self.state();
        if let Some(token) = state.token.as_ref().filter(|token| !lasts(token).is_zero()) {
            bearer.give(&token.text, token.valid_until_millis());
        }
        state.count += 1;
        let number = state.count;
        state.bearers.insert(number, bearer);
        self.changed.notify_all();
        number
    }

    /// Signs for as long as the process lives, whenever there is somebody who needs a token.
    fn work(&self, runtime: &Runtime, region: &str) {
        let mut next = Instant::now();
        loop {
            self.wait_until(next);
            let signed = runtime.block_on(sign(region));
            next = Instant::now() + signed.as_ref().map_or(PAUSE, lasts);
            self.give_all(signed.map_err(|error| format!("{error:#}")));
        }
    }

    /// Waits for the moment, and for somebody to be there.
    fn wait_until(&self, moment: Instant) {
        let mut state = self.state();
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if state.bearers.is_empty() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if left.is_zero() {
                return;
            } else {
                (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Gives all clients a new token, or tells them why there is none.
    fn give_all(&self, signed: Result<Token, String>) {
        let mut state = self.state();
        for bearer in state.bearers.values() {
            match &signed {
                Ok(token) => bearer.give(&token.text, token.valid_until_millis()),
                Err(reason) => bearer.refuse(reason),
            }
        }
        state.token = signed.ok();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever this process is by now: the credentials are asked for anew each time, because they expire too.
async fn sign(region: &str) -> Result<Token> {
    let settings = AwsSettings { region: Some(region.to_owned()), ..AwsSettings::default() };
    let credentials = CredentialsCache::new(&settings.look_up().await).get().await?;
    Token::sign(region, credentials, SystemTime::now())
}
