//! The engine: loads pipeline files, runs their tasks, and owns every guarantee.
//!
//! [`mod@file`] turns YAML into a [`Plan`] or says everything that is wrong with it; [`run`] runs plans on a [`Broker`](broker::Broker).
//! The engine knows brokers only through the ports in [`broker`].

pub mod ahead;
pub mod broker;
pub mod file;
mod metadata_columns;
mod plan;
mod redactor;
pub mod run;
mod transform_chain;

pub use metadata_columns::{behind_topic, without_metadata};
pub use plan::{
    AwsMskIam, BrokerSettings, CreateTopic, EmbeddedSettings, ErrorPolicy, FlushPolicy, KafkaSettings, Latency,
    OnFailure, Plan, PluginPlan, ReconcilePolicy, RecordMemory, ReportQuery, RetryPolicy, SinkPlan, SourcePlan,
    Tolerance, TopicPlan, TransformPlan,
};
pub use redactor::Redactor;
pub use transform_chain::TransformChain;
