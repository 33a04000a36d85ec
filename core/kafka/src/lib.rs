//! Apache Kafka as the broker of a pipeline: the only crate that names rdkafka.
