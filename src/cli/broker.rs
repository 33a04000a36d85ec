//! The brokers of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pipeline_api::Result;
use pipeline_embedded::EmbeddedBroker;
#[cfg(feature = "kafka")]
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::broker::Broker;
use pipeline_runtime::{BrokerSettings, EmbeddedSettings, Plan};

#[cfg(feature = "kafka")]
use super::{redaction::redacted, table::say};

/// How long a command that a person looks at waits for a broker.
pub(super) const BRIEFLY: Duration = Duration::from_secs(5);

/// The brokers that are open: pipelines whose files name the same store share one.
#[derive(Default)]
pub(super) struct Brokers(BTreeMap<PathBuf, Arc<EmbeddedBroker>>);

impl Brokers {
    /// The broker of a plan. One that cannot be reached is waited for so long.
    #[cfg_attr(not(feature = "kafka"), allow(unused_variables, reason = "a broker in the process is there"))]
    pub(super) async fn open(&mut self, plan: &Plan, wait: Duration) -> Result<Arc<dyn Broker>> {
        match &plan.broker {
            BrokerSettings::Embedded(settings) => Ok(self.embedded(settings)?),
            #[cfg(feature = "kafka")]
            BrokerSettings::Kafka(settings) => {
                let say = |line: &str| say(&redacted(line));
                Ok(KafkaBroker::connect(&plan.name, settings, plan.delivery, wait, say).await?)
            }
            #[cfg(not(feature = "kafka"))]
            BrokerSettings::Kafka(_) => Err(pipeline_api::Error::config("this program is built without Kafka")),
        }
    }

    /// The same to try what a run would do: makes nothing. `None` if it is a broker in the process that is not there yet.
    ///
    /// Errors: it could not be made, too.
    pub(super) async fn find(&mut self, plan: &Plan, wait: Duration) -> Result<Option<Arc<dyn Broker>>> {
        match &plan.broker {
            BrokerSettings::Embedded(settings) => {
                Ok(EmbeddedBroker::find(settings)?.map(|broker| broker as Arc<dyn Broker>))
            }
            BrokerSettings::Kafka(_) => self.open(plan, wait).await.map(Some),
        }
    }

    fn embedded(&mut self, settings: &EmbeddedSettings) -> Result<Arc<EmbeddedBroker>> {
        let Some(path) = &settings.path else { return EmbeddedBroker::open(settings) };
        if let Some(open) = self.0.get(path) {
            return Ok(open.clone());
        }
        let broker = EmbeddedBroker::open(settings)?;
        self.0.insert(path.clone(), broker.clone());
        Ok(broker)
    }
}
