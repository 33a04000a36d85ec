//! What can be asked of a plugin in place of opening it, with its type erased.

use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::registry::parse;
use crate::{
    Artifact, Context, CountRows, Dataset, Examined, Findings, Found, Hook, Outlook, Plugin, Registration, Result,
    Sink, SinkBatch, Source, Unreached,
};

/// A call with a config.
pub(crate) type OpenFn<T> = fn(Value, Context) -> Answer<T>;

type Answer<T> = BoxFuture<'static, Result<T>>;

/// How many there are of each, by their names.
type Requests = Vec<(&'static str, u64)>;

/// The static methods of a plugin.
pub(crate) enum Unopened {
    Source(UnopenedSource),
    Sink(UnopenedSink),
    Hook(UnopenedHook),
    /// A kind that has none.
    Nothing,
}

/// The static methods of [`Source`].
pub(crate) struct UnopenedSource {
    examine: OpenFn<Vec<Examined>>,
    rate: fn(Value) -> Result<Option<f64>>,
    sample: fn(Value, Context, usize) -> Answer<Option<RecordBatch>>,
}

/// The static methods of [`Sink`].
pub(crate) struct UnopenedSink {
    dataset: fn(Value, &Context) -> Result<Option<Dataset>>,
    reset: OpenFn<Option<String>>,
    list: fn(Value, Context, CountRows) -> Answer<Option<Vec<Found>>>,
    examine: OpenFn<Vec<Examined>>,
    outlook: fn(Value, &Context, &SinkBatch) -> Result<Vec<Artifact>>,
    requests: fn(Value, u64) -> Result<Requests>,
}

/// The static methods of [`Hook`].
pub(crate) struct UnopenedHook {
    reset: OpenFn<Option<String>>,
    examine: OpenFn<Vec<Examined>>,
    unreached: fn(Value, Context, Vec<Found>) -> Answer<Vec<Unreached>>,
    validate_dataset: fn(Value, &Dataset, &mut Findings),
    outlook: fn(Value, &Context, &[Artifact]) -> Result<Outlook>,
}

impl UnopenedSource {
    pub(crate) const fn of<P: Plugin + Source>() -> Self {
        Self {
            examine: |config, context| Box::pin(async move { Ok(P::examine(parse::<P>(config)?, context).await) }),
            rate: |config| Ok(P::rate(&parse::<P>(config)?)),
            sample: |config, context, rows| {
                Box::pin(async move { P::sample(parse::<P>(config)?, context, rows).await })
            },
        }
    }
}

impl UnopenedSink {
    pub(crate) const fn of<P: Plugin + Sink>() -> Self {
        Self {
            dataset: |config, context| P::dataset(&parse::<P>(config)?, context),
            reset: |config, context| Box::pin(async move { P::reset(parse::<P>(config)?, context).await }),
            list: |config, context, count| Box::pin(async move { P::list(parse::<P>(config)?, context, count).await }),
            examine: |config, context| Box::pin(async move { Ok(P::examine(parse::<P>(config)?, context).await) }),
            outlook: |config, context, batch| P::outlook(&parse::<P>(config)?, context, batch),
            requests: |config, bytes| Ok(P::requests(&parse::<P>(config)?, bytes)),
        }
    }
}

impl UnopenedHook {
    pub(crate) const fn of<P: Plugin + Hook>() -> Self {
        Self {
            reset: |config, context| Box::pin(async move { P::reset(parse::<P>(config)?, context).await }),
            examine: |config, context| Box::pin(async move { Ok(P::examine(parse::<P>(config)?, context).await) }),
            unreached: |config, context, found| {
                Box::pin(async move { P::unreached(parse::<P>(config)?, context, &found).await })
            },
            validate_dataset: |config, dataset, findings| {
                if let Ok(config) = parse::<P>(config) {
                    P::validate_dataset(&config, dataset, findings);
                }
            },
            outlook: |config, context, artifacts| P::outlook(&parse::<P>(config)?, context, artifacts),
        }
    }
}

/// What is called in place of opening. Of a plugin of another kind it is nothing.
impl Registration {
    /// See [`Sink::dataset`].
    pub fn dataset(&self, config: Value, context: &Context) -> Result<Option<Dataset>> {
        match self.unopened() {
            Unopened::Sink(sink) => (sink.dataset)(config, context),
            _ => Ok(None),
        }
    }

    /// See [`Sink::reset`] and [`Hook::reset`].
    pub async fn reset(&self, config: Value, context: Context) -> Result<Option<String>> {
        match self.unopened() {
            Unopened::Sink(UnopenedSink { reset, .. }) | Unopened::Hook(UnopenedHook { reset, .. }) => {
                reset(config, context).await
            }
            _ => Ok(None),
        }
    }

    /// See [`Sink::list`].
    pub async fn list(&self, config: Value, context: Context, count: CountRows) -> Result<Option<Vec<Found>>> {
        match self.unopened() {
            Unopened::Sink(sink) => (sink.list)(config, context, count).await,
            _ => Ok(None),
        }
    }

    /// See [`Hook::unreached`].
    pub async fn unreached(&self, config: Value, context: Context, found: Vec<Found>) -> Result<Vec<Unreached>> {
        match self.unopened() {
            Unopened::Hook(hook) => (hook.unreached)(config, context, found).await,
            _ => Ok(Vec::new()),
        }
    }

    /// See [`Source::examine`], [`Sink::examine`] and [`Hook::examine`].
    pub async fn examine(&self, config: Value, context: Context) -> Result<Vec<Examined>> {
        match self.unopened() {
            Unopened::Source(UnopenedSource { examine, .. })
            | Unopened::Sink(UnopenedSink { examine, .. })
            | Unopened::Hook(UnopenedHook { examine, .. }) => examine(config, context).await,
            Unopened::Nothing => Ok(Vec::new()),
        }
    }

    /// See [`Source::rate`].
    pub fn rate(&self, config: Value) -> Result<Option<f64>> {
        match self.unopened() {
            Unopened::Source(source) => (source.rate)(config),
            _ => Ok(None),
        }
    }

    /// See [`Source::sample`].
    pub async fn sample(&self, config: Value, context: Context, rows: usize) -> Result<Option<RecordBatch>> {
        match self.unopened() {
            Unopened::Source(source) => (source.sample)(config, context, rows).await,
            _ => Ok(None),
        }
    }

    /// See [`Sink::outlook`].
    pub fn sink_outlook(&self, config: Value, context: &Context, batch: &SinkBatch) -> Result<Vec<Artifact>> {
        match self.unopened() {
            Unopened::Sink(sink) => (sink.outlook)(config, context, batch),
            _ => Ok(Vec::new()),
        }
    }

    /// See [`Sink::requests`].
    pub fn requests(&self, config: Value, bytes: u64) -> Result<Requests> {
        match self.unopened() {
            Unopened::Sink(sink) => (sink.requests)(config, bytes),
            _ => Ok(Vec::new()),
        }
    }

    /// See [`Hook::validate_dataset`]. A config of the wrong shape is no finding here.
    pub fn validate_dataset(&self, config: Value, dataset: &Dataset, findings: &mut Findings) {
        if let Unopened::Hook(hook) = self.unopened() {
            (hook.validate_dataset)(config, dataset, findings);
        }
    }

    /// See [`Hook::outlook`].
    pub fn hook_outlook(&self, config: Value, context: &Context, artifacts: &[Artifact]) -> Result<Outlook> {
        match self.unopened() {
            Unopened::Hook(hook) => (hook.outlook)(config, context, artifacts),
            _ => Ok(Outlook::default()),
        }
    }
}
