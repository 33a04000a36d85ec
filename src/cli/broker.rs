//! The brokers of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pipeline_api::Result;
use pipeline_embedded::EmbeddedBroker;
#[cfg(feature = "kafka")]
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::broker::Broker;
use pipeline_runtime::{BrokerSettings, EmbeddedSettings, Plan};

/// The brokers that are open: pipelines whose files name the same store share one.
#[derive(Default)]
pub(super) struct Brokers(BTreeMap<PathBuf, Arc<EmbeddedBroker>>);

impl Brokers {
    /// The broker of a plan.
    pub(super) fn open(&mut self, plan: &Plan) -> Result<Arc<dyn Broker>> {
        match &plan.broker {
            BrokerSettings::Embedded(settings) => Ok(self.embedded(settings)?),
            #[cfg(feature = "kafka")]
            BrokerSettings::Kafka(settings) => Ok(KafkaBroker::open(&plan.name, settings, plan.delivery)?),
            #[cfg(not(feature = "kafka"))]
            BrokerSettings::Kafka(_) => Err(pipeline_api::Error::config("this program is built without Kafka")),
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
