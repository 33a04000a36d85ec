//! Topics and groups as a whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_api::{Error, Result};
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::{CreateTopic, TopicInfo, TopicSpec};
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::groups::{GroupInfo, GroupMemberInfo};

use crate::attended::Attended;
use crate::blocking::blocking;
use crate::client::{ANSWER, ClientLog};
use crate::error::{failed, failed_with};
use crate::fit;
use crate::login::LetIn;
use crate::native::{self, TopicDescription};
use crate::settings;
use crate::source_offsets::topic_name;
use crate::way::Way;

/// How long it may take until all of a cluster knows of a topic that was made or deleted, and between two looks.
const PROPAGATION: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// librdkafka's own `message.max.bytes`.
const LARGEST: i64 = 1_000_000;

/// The client that creates, checks and deletes.
pub(crate) struct Admin {
    client: Arc<Attended<LetIn<AdminClient<ClientLog>>>>,
    /// Lists groups: rdkafka's admin client does not. It is asked nothing before the other one has
    /// been let in, which says why if it is not.
    groups: Arc<LetIn<BaseConsumer<ClientLog>>>,
    /// The largest record that producers send, in bytes.
    largest: i64,
}

impl Admin {
    pub(crate) fn open(settings: &KafkaSettings) -> Result<Self> {
        let mut config = settings::admin(settings);
        Way::reveal(&mut config);
        let log = || ClientLog::new("admin");
        let client = LetIn::<AdminClient<_>>::new(&config, log(), AdminClient::inner)?;
        let largest = settings::producer(settings, None).get("message.max.bytes").and_then(|most| most.parse().ok());
        Ok(Self {
            client: Arc::new(Attended::new(client, |client| client.inner())?),
            groups: Arc::new(LetIn::new(&config, log(), BaseConsumer::client)?),
            largest: largest.unwrap_or(LARGEST),
        })
    }

    /// The hosts of a group's members, in Kafka's order.
    pub(crate) async fn hosts(&self, group: &str) -> Result<Vec<String>> {
        let (client, name) = (self.groups.clone(), group.to_owned());
        blocking(move || {
            let listed = client.fetch_group_list(Some(&name), ANSWER);
            let listed = listed.map_err(|error| failed(format!("Kafka does not describe group `{name}`"), &error))?;
            let members = listed.groups().iter().map(Group::new).flat_map(|group| group.members);
            Ok(members.map(|member| member.host).collect())
        })
        .await
    }

    /// What the cluster says of a topic. Errors: there is none of that name.
    pub(crate) async fn describe(&self, topic: &str) -> Result<TopicDescription> {
        self.find(topic).await?.ok_or_else(|| missing(topic))
    }

    /// See [`Broker::ensure_topic`](pipeline_runtime::broker::Broker::ensure_topic).
    pub(crate) async fn ensure_topic(&self, spec: &TopicSpec) -> Result<TopicInfo> {
        match (self.find(&spec.name).await?, &spec.create) {
            (Some(_), _) => {}
            (None, None) => return Err(missing(&spec.name)),
            (None, Some(create)) => self.create(&new_topic(spec, create)?, &options()).await?,
        }
        // Another process may have made it a moment ago.
        let found = self.await_topic(&spec.name).await?;
        self.check(spec, found).await
    }

    /// See [`Broker::examine_topic`](pipeline_runtime::broker::Broker::examine_topic).
    pub(crate) async fn examine_topic(&self, spec: &TopicSpec) -> Result<Option<TopicInfo>> {
        match (self.find(&spec.name).await?, &spec.create) {
            (Some(found), _) if !found.is_led => Err(Error::retriable(format!(
                "topic `{}` has a partition without a leader; check that all brokers of the cluster run",
                spec.name
            ))),
            (Some(found), _) => self.check(spec, found).await.map(Some),
            (None, None) => Err(missing(&spec.name)),
            (None, Some(create)) => {
                self.create(&new_topic(spec, create)?, &options().validate_only(true)).await.map(|()| None)
            }
        }
    }

    /// Errors: the topic that is there does not fit.
    async fn check(&self, spec: &TopicSpec, found: TopicDescription) -> Result<TopicInfo> {
        let TopicSpec { name, partitions, .. } = spec;
        if found.partitions != *partitions {
            return Err(Error::config(format!(
                "topic `{name}` has {0} partitions, the file says {partitions}, expected `topic.partitions: {0}`",
                found.partitions
            )));
        }
        fit::check(spec, &self.config(name).await?, self.largest)?;
        Ok(TopicInfo { id: found.id, partitions: found.partitions })
    }

    /// Makes sure that a topic of source offsets is there, with so many partitions at least.
    pub(crate) async fn ensure_source_offsets(&self, name: &str, partitions: i32) -> Result<()> {
        if self.find(name).await?.is_none() {
            let new = NewTopic::new(name, partitions, TopicReplication::Fixed(-1))
                .set("cleanup.policy", "compact")
                .set("segment.bytes", "16777216")
                .set("min.cleanable.dirty.ratio", "0.1");
            self.create(&new, &options()).await?;
        }
        let found = self.await_topic(name).await?;
        if found.partitions >= partitions {
            return Ok(());
        }
        let context = || format!("topic `{name}` does not get {partitions} partitions");
        let more = NewPartitions::new(name, usize::try_from(partitions).unwrap_or(0));
        let results = self.client.create_partitions([&more], &options()).await;
        for result in results.map_err(|error| failed(context(), &error))? {
            match result {
                // Another process was faster.
                Ok(_) | Err((_, Code::InvalidPartitions)) => {}
                Err((_, code)) => return Err(failed_with(context(), code)),
            }
        }
        Ok(())
    }

    /// Errors: somebody reads the topic, or a process runs the pipeline.
    pub(crate) async fn refuse_in_use(&self, pipeline: &str, topic: &str) -> Result<()> {
        // Says at once why a cluster cannot be reached.
        self.find(topic).await?;
        let own = format!("{pipeline}.");
        for group in self.groups().await? {
            let reads = |member: &GroupMember| group.name.starts_with(&own) || names_topic(&member.assignment, topic);
            if let Some(member) = group.members.iter().find(|member| reads(member)) {
                return Err(Error::fatal(format!(
                    "topic `{topic}` is in use: group `{}` has a member at {}",
                    group.name, member.host
                )));
            }
        }
        Ok(())
    }

    /// Deletes a topic, and the pipeline's source offsets and groups, as far as they are there, and waits until they are gone.
    pub(crate) async fn delete(&self, pipeline: &str, topic: &str) -> Result<()> {
        let offsets = topic_name(pipeline);
        let context = || format!("topic `{topic}` cannot be deleted");
        let results = self.client.delete_topics(&[topic, &offsets], &options()).await;
        for result in results.map_err(|error| failed(context(), &error))? {
            match result {
                Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => {}
                Err((name, code)) => return Err(failed_with(format!("topic `{name}` cannot be deleted"), code)),
            }
        }
        for name in [topic, &offsets] {
            let started = Instant::now();
            while self.find(name).await?.is_some() {
                if started.elapsed() > PROPAGATION {
                    return Err(Error::retriable(format!("{}: it is still there", context())));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        self.delete_groups(pipeline).await
    }

    async fn delete_groups(&self, pipeline: &str) -> Result<()> {
        let own = format!("{pipeline}.");
        let groups = self.groups().await?;
        let names: Vec<&str> =
            groups.iter().map(|group| group.name.as_str()).filter(|name| name.starts_with(&own)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let results = self.client.delete_groups(&names, &options()).await;
        for result in results.map_err(|error| failed("consumer groups cannot be deleted", &error))? {
            match result {
                Ok(_) | Err((_, Code::GroupIdNotFound)) => {}
                Err((name, code)) => return Err(failed_with(format!("group `{name}` cannot be deleted"), code)),
            }
        }
        Ok(())
    }

    async fn groups(&self) -> Result<Vec<Group>> {
        let client = self.groups.clone();
        blocking(move || {
            let listed = client.fetch_group_list(None, ANSWER);
            let listed = listed.map_err(|error| failed("Kafka does not list its consumer groups", &error))?;
            Ok(listed.groups().iter().map(Group::new).collect())
        })
        .await
    }

    /// What the cluster says of a topic, if there is one of that name.
    pub(crate) async fn find(&self, topic: &str) -> Result<Option<TopicDescription>> {
        let (client, name) = (self.client.clone(), topic.to_owned());
        let is_no_use = |client: &AdminClient<ClientLog>| client.inner().context().way().is_shut_out();
        let describe = move || native::describe_topic_unless(client.inner(), &name, ANSWER, || is_no_use(&client));
        let way = self.client.inner().context().way();
        match blocking(move || Ok(describe())).await? {
            Err(code) if code != Code::UnknownTopicOrPartition => {
                Err(way.explain(failed_with(format!("Kafka does not describe topic `{topic}`"), code)))
            }
            described => {
                way.answered();
                Ok(described.ok())
            }
        }
    }

    async fn create(&self, topic: &NewTopic<'_>, options: &AdminOptions) -> Result<()> {
        let name = topic.name;
        let results = self.client.create_topics([topic], options).await;
        let context = || format!("topic `{name}` cannot be created");
        for result in results.map_err(|error| failed(context(), &error))? {
            match result {
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                Err((_, code)) => return Err(failed_with(context(), code)),
            }
        }
        Ok(())
    }

    /// Waits until the cluster knows of a topic that was just made, and each of its partitions has a leader.
    async fn await_topic(&self, topic: &str) -> Result<TopicDescription> {
        let started = Instant::now();
        loop {
            if let Some(found) = self.find(topic).await?.filter(|found| found.is_led) {
                return Ok(found);
            }
            if started.elapsed() > PROPAGATION {
                return Err(Error::retriable(format!("topic `{topic}` was created, but is not there yet")));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn config(&self, topic: &str) -> Result<ConfigResource> {
        let context = || format!("Kafka does not say how topic `{topic}` is configured");
        let described = self.client.describe_configs([&ResourceSpecifier::Topic(topic)], &options()).await;
        described
            .map_err(|error| failed(context(), &error))?
            .into_iter()
            .next()
            .ok_or_else(|| Error::fatal(context()))?
            .map_err(|code| failed_with(context(), code))
    }
}

/// A consumer group and who is in it.
struct Group {
    name: String,
    members: Vec<GroupMember>,
}

struct GroupMember {
    host: String,
    /// In Kafka's consumer protocol.
    assignment: Vec<u8>,
}

impl Group {
    fn new(group: &GroupInfo) -> Self {
        let member = |member: &GroupMemberInfo| GroupMember {
            host: member.client_host().trim_start_matches('/').to_owned(),
            assignment: member.assignment().unwrap_or_default().to_owned(),
        };
        Self { name: group.name().to_owned(), members: group.members().iter().map(member).collect() }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER))
}

/// Errors: the topic would lose records that nobody has read.
fn new_topic<'a>(spec: &'a TopicSpec, create: &'a CreateTopic) -> Result<NewTopic<'a>> {
    fit::check_new(spec, create)?;
    let new = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(create.replication_factor));
    Ok(create.config.iter().fold(new, |new, (key, value)| new.set(key, value)))
}

fn missing(topic: &str) -> Error {
    Error::config(format!(
        "there is no topic `{topic}`, expected one that somebody made, or `topic.create` in the file to make it"
    ))
}

/// Whether a member's assignment, in Kafka's consumer protocol, has partitions of the topic: an array of names, each with its
/// partitions, after a version.
fn names_topic(assignment: &[u8], topic: &str) -> bool {
    let length = u16::try_from(topic.len()).unwrap_or(u16::MAX).to_be_bytes();
    let named = [&length[..], topic.as_bytes()].concat();
    assignment.windows(named.len()).any(|window| window == named)
}

#[cfg(test)]
mod tests {
    use super::names_topic;

    #[test]
    fn an_assignment_names_its_topics_and_none_that_begins_alike() {
        let assignment = b"\x00\x01\x00\x00\x00\x01\x00\x06stocks\x00\x00\x00\x01\x00\x00\x00\x00\xff\xff\xff\xff";
        assert!(names_topic(assignment, "stocks"));
        assert!(!names_topic(assignment, "stock") && !names_topic(assignment, "stocks2"));
    }
}
