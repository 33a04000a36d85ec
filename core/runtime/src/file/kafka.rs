//! The cluster's part of a plan.

use std::collections::BTreeMap;

use pipeline_api::Findings;

use super::names;
use super::planner::Planner;
use super::pointer;
use super::spec::{KafkaSpec, LatencySpec, PropertiesSpec, PropertyValue};
use crate::plan::{AwsMskIam, KafkaSettings, Latency};

/// Properties that name files, which are looked for from the pipeline file's folder.
const PATHS: [&str; 9] = [
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.keystore.location",
    "ssl.crl.location",
    "https.ca.location",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.jwt.template.file",
];

/// What stands for the system's own certificates where a file could be named.
const PROBE: &str = "probe";

impl Planner<'_> {
    /// Whether the topic lives on a Kafka cluster. A block in which something is wrong is one all the same.
    pub(super) fn has_kafka(&self) -> bool {
        self.tree.get("kafka").is_some() || self.problems.has_errors_within("/kafka")
    }

    /// The cluster. `None` if something is wrong with its block.
    pub(super) fn cluster(&mut self) -> Option<KafkaSettings> {
        if self.tree.get("embedded").is_some() || self.problems.has_errors_within("/embedded") {
            self.problems
                .key("/embedded", "has no use beside `kafka`: a topic lives on one broker, expected one of the two");
        }
        let spec = self.part::<KafkaSpec>("/kafka")?;
        if let Some(Err(why)) = spec.instance.as_deref().map(names::instance) {
            self.problems.value("/kafka/instance", why);
        }
        let settings = self.settings(spec);
        match self.kafka {
            Some(check) => self.check(check, &settings),
            None => self.problems.key(
                "/kafka",
                "this program is built without Kafka, expected one with the feature `kafka`, or no such block",
            ),
        }
        Some(settings)
    }

    fn settings(&self, spec: KafkaSpec) -> KafkaSettings {
        let mut all = spec.properties;
        all.extend(spec.bootstrap_servers.map(|servers| ("bootstrap.servers".to_owned(), servers)));
        KafkaSettings {
            properties: self.properties(all),
            consumer: self.of_client(spec.consumer),
            producer: self.of_client(spec.producer),
            admin: self.of_client(spec.admin),
            instance: spec.instance,
            latency: match spec.latency {
                LatencySpec::Normal => Latency::Normal,
                LatencySpec::Low => Latency::Low,
            },
            allow_oidc: spec.allow_oidc,
            read_queue: None,
            write_queue: None,
            aws_msk_iam: spec.aws_msk_iam.map(|spec| AwsMskIam { region: spec.region }),
        }
    }

    fn of_client(&self, properties: PropertiesSpec) -> BTreeMap<String, String> {
        self.properties(properties.0)
    }

    fn properties(&self, properties: BTreeMap<String, PropertyValue>) -> BTreeMap<String, String> {
        let text = |(name, value): (String, PropertyValue)| {
            let text = value.text();
            let is_path = PATHS.contains(&name.as_str()) && !text.is_empty() && text != PROBE;
            let text = if is_path { self.folder.join(text).to_string_lossy().into_owned() } else { text };
            (name, text)
        };
        properties.into_iter().map(text).collect()
    }

    /// Reports what is wrong with the properties, without what only follows from one whose value is not known.
    fn check(&mut self, check: super::KafkaCheck, settings: &KafkaSettings) {
        let wrong = self.problems.errors().filter(|problem| pointer::is_within(&problem.pointer, "/kafka"));
        let unknown: Vec<String> = wrong.filter_map(|problem| pointer::segments(&problem.pointer).last()).collect();
        let mut findings = Findings::default();
        check(settings, &mut findings);
        for finding in findings {
            let mut quoted = finding.message.split('`').skip(1).step_by(2);
            if !quoted.any(|name| unknown.iter().any(|unknown| unknown == name)) {
                self.problems.finding("/kafka", finding);
            }
        }
    }
}
