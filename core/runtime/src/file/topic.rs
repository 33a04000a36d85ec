//! The topic's part of a plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use indexmap::IndexMap;
use pipeline_api::{nearest, parse_column, type_text};

use super::expectation::list;
use super::names::{self, Given};
use super::planner::Planner;
use super::pointer::field;
use super::spec::{CreateTopicSpec, TopicSpec};
use crate::plan::{CreateTopic, TopicPlan};

impl Planner<'_> {
    /// The topic. `None` if its shape is wrong or its converter is not linked.
    pub(super) fn topic(&mut self) -> Option<TopicPlan> {
        let spec = self.part::<TopicSpec>("/topic")?;
        if let Err(why) = names::topic(&spec.name) {
            self.problems.value("/topic/name", why);
        }
        let schema = Arc::new(self.columns(&spec.schema));
        self.check_key(spec.key.as_deref(), &schema);
        self.check_timestamp(spec.timestamp.as_deref(), &schema);
        let create = self.create(spec.create);
        let converter = self.plugins.get("/topic/format")?.clone();
        self.validate(&converter, "/topic/format/config", &schema);
        Some(TopicPlan {
            name: spec.name.into(),
            partitions: spec.partitions,
            create,
            key: spec.key,
            timestamp: spec.timestamp,
            converter,
            schema,
            rate: spec.rate,
        })
    }

    fn create(&mut self, spec: Option<CreateTopicSpec>) -> Option<CreateTopic> {
        let CreateTopicSpec { replication_factor, config } = spec?;
        if !self.has_kafka() {
            let why = "has no use without a `kafka` block: the embedded broker makes its topics by itself";
            self.problems.key("/topic/create", why);
        }
        let config: BTreeMap<String, String> = config.into_iter().map(|(name, value)| (name, value.text())).collect();
        if config.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")) && self.count("sinks") > 0 {
            let why = "a topic that is compacted loses records before the sinks have read them, expected `delete`";
            self.problems.value(field("/topic/create/config", "cleanup.policy"), why);
        }
        let default = CreateTopic::default().replication_factor;
        Some(CreateTopic { replication_factor: replication_factor.unwrap_or(default), config })
    }

    /// The columns. One with a wrong type is taken for a text, so that whatever else names it finds it.
    fn columns(&mut self, columns: &IndexMap<String, String>) -> Schema {
        let mut fields: Vec<Field> = Vec::with_capacity(columns.len());
        let mut given = Given::default();
        for (name, text) in columns {
            if self.problems.overflowed() {
                break;
            }
            let at = field("/topic/schema", name);
            if let Err(why) = names::column(name) {
                self.problems.key(&at, why);
            } else if let Some(other) = given.add(name) {
                let why = format!(
                    "differs from `{other}` only by case, which tables do not tell apart; expected another name"
                );
                self.problems.key(&at, why);
                continue;
            }
            let column = parse_column(name, text).unwrap_or_else(|error| {
                self.problems.value(&at, error.to_string());
                self.doubtful.insert(name.clone());
                Field::new(name, DataType::Utf8, true)
            });
            fields.push(column);
        }
        Schema::new(fields)
    }

    fn check_key(&mut self, key: Option<&str>, schema: &Schema) {
        let Some((key, column)) = self.named_column("/topic/key", key, schema) else { return };
        if column.data_type().is_nested() || *column.data_type() == DataType::Binary {
            let found = type_text(column.data_type());
            self.problems.value(
                "/topic/key",
                format!("`{key}` is of type {found}, which has no plain text; expected another column"),
            );
        }
    }

    fn check_timestamp(&mut self, timestamp: Option<&str>, schema: &Schema) {
        let Some((name, column)) = self.named_column("/topic/timestamp", timestamp, schema) else { return };
        if !matches!(column.data_type(), DataType::Timestamp(..)) && !self.doubtful.contains(name) {
            let found = type_text(column.data_type());
            self.problems
                .value("/topic/timestamp", format!("`{name}` is of type {found}, expected a column of type timestamp"));
        }
    }

    /// The column called `name`. `None` if nothing is called for, or there is no such column, which is then reported.
    fn named_column<'n, 's>(
        &mut self,
        at: &str,
        name: Option<&'n str>,
        schema: &'s Schema,
    ) -> Option<(&'n str, &'s Field)> {
        let name = name?;
        if let Ok(column) = schema.field_with_name(name) {
            return Some((name, column));
        }
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let wrong = super::pointer::is_within("/topic/schema", at)
            || self.problems.has_errors_within(&field("/topic/schema", name));
        if !known.is_empty() && !wrong {
            let meant = nearest(name, known.iter().copied()).map(|meant| format!(", did you mean `{meant}`?"));
            let meant = meant.unwrap_or(",".into());
            self.problems.value(at, format!("`{name}` is no column of the topic{meant} expected {}", list(&known)));
        }
        None
    }
}
