//! Apache Kafka as the broker of a pipeline: the only crate that names rdkafka.

mod settings;

pub use settings::check;
