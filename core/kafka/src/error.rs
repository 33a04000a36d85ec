//! What an error of Kafka means to the engine.

use pipeline_api::{Error, ErrorKind};
use pipeline_runtime::broker::CommitError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// An error in what was being done: `context` says what, in the words of an error.
pub(crate) fn failed(context: impl Into<String>, error: &KafkaError) -> Error {
    match error.rdkafka_error_code() {
        Some(code) => failed_with(context, code),
        None => Error::fatal(context).with_source(error.to_string()),
    }
}

/// The same of a bare code.
pub(crate) fn failed_with(context: impl Into<String>, code: Code) -> Error {
    Error::new(kind(code), context).with_source(reason(code))
}

/// Who must act.
pub(crate) fn kind(code: Code) -> ErrorKind {
    match code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::OperationTimedOut
        | Code::MessageTimedOut
        | Code::TimedOutQueue
        | Code::ISRInsufficient
        | Code::WaitingForCoordinator
        | Code::InProgress
        | Code::PreviousInProgress
        | Code::WaitCache
        | Code::Retry
        | Code::Interrupted
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::RequestTimedOut
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::NetworkException
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::RebalanceInProgress
        | Code::NotController
        | Code::ConcurrentTransactions
        | Code::KafkaStorageError
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::OffsetNotAvailable
        | Code::UnstableOffsetCommit
        | Code::ThrottlingQuotaExceeded
        | Code::PurgeQueue
        | Code::PurgeInflight
        | Code::InvalidProducerEpoch
        | Code::InvalidTransactionalState
        | Code::State => ErrorKind::Retriable,
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication
        | Code::SSL
        | Code::UnsupportedSASLMechanism
        | Code::PolicyViolation
        | Code::InvalidConfig
        | Code::InvalidReplicationFactor
        | Code::InvalidPartitions
        | Code::InvalidSessionTimeout
        | Code::InvalidTransactionTimeout
        | Code::InvalidTopic
        | Code::InvalidGroupId
        | Code::UnsupportedVersion => ErrorKind::Config,
        _ => ErrorKind::Fatal,
    }
}

/// Kafka's own words, and what to do about it where they do not say.
pub(crate) fn reason(code: Code) -> String {
    let help = match code {
        Code::Authentication | Code::SaslAuthenticationFailed => {
            ": check `sasl.mechanism`, `sasl.username` and `sasl.password`"
        }
        Code::SSL => ": check `ssl.ca.location`, `ssl.certificate.location` and `security.protocol`",
        Code::TopicAuthorizationFailed => ": the user needs READ, WRITE and DESCRIBE on the topic",
        Code::GroupAuthorizationFailed => ": the user needs READ on the consumer group",
        Code::TransactionalIdAuthorizationFailed => ": the user needs WRITE on the transactional id",
        Code::ClusterAuthorizationFailed => ": the user needs IDEMPOTENT_WRITE, and CREATE to create topics",
        Code::MessageSizeTooLarge => {
            ": a record is larger than `message.max.bytes`, expected that and the topic's `max.message.bytes` to be raised"
        }
        Code::InvalidTimestamp => {
            ": a record's timestamp is too far from now for the topic (`message.timestamp.before.max.ms`, `.after.max.ms`)"
        }
        Code::MessageTimedOut => {
            ": brokers did not store a record within `delivery.timeout.ms`, check that enough of them run and have room on their disks"
        }
        Code::FencedInstanceId => ": another process runs with the same `instance`, expected one of its own for each",
        Code::InvalidSessionTimeout => {
            ": `session.timeout.ms` is outside of what the broker allows (`group.min.session.timeout.ms`)"
        }
        Code::InvalidTransactionTimeout => {
            ": `transaction.timeout.ms` is above the broker's `transaction.max.timeout.ms`"
        }
        _ => "",
    };
    format!("{code}{help}")
}

/// What a refused or doubtful commit of a group means.
pub(crate) fn commit_failed(context: impl Into<String>, error: &KafkaError) -> CommitError {
    match error.rdkafka_error_code() {
        Some(
            code @ (Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::FencedInstanceId
            | Code::RebalanceInProgress
            | Code::StaleMemberEpoch
            | Code::FencedMemberEpoch
            | Code::AssignmentLost
            | Code::Fenced),
        ) => CommitError::Fenced(code.to_string()),
        _ => CommitError::Failed(failed(context, error)),
    }
}

/// What a failed call of a producer means.
pub(crate) fn produce_failed(context: impl Into<String>, code: Code) -> CommitError {
    match code {
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => CommitError::Fenced(code.to_string()),
        code => CommitError::Failed(failed_with(context, code)),
    }
}
