//! The brokers of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pipeline_api::Result;
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::Plan;
use pipeline_runtime::broker::Broker;

/// The brokers that are open: pipelines whose files name the same store share one.
#[derive(Default)]
pub(super) struct Brokers(BTreeMap<PathBuf, Arc<EmbeddedBroker>>);

impl Brokers {
    /// The broker of a plan.
    pub(super) fn open(&mut self, plan: &Plan) -> Result<Arc<dyn Broker>> {
        let Some(path) = &plan.broker.path else { return Ok(EmbeddedBroker::open(&plan.broker)?) };
        if let Some(open) = self.0.get(path) {
            return Ok(open.clone());
        }
        let broker = EmbeddedBroker::open(&plan.broker)?;
        self.0.insert(path.clone(), broker.clone());
        Ok(broker)
    }
}
