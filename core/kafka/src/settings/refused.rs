//! What librdkafka says of properties that it does not take.

use pipeline_api::Error;
use pipeline_runtime::KafkaSettings;
use rdkafka::error::KafkaError;

use super::properties::find;

/// A client could not be made: what a person has to change, with the property's name and without its value if that is a
/// secret. Called by whoever makes a client; what is left to be refused by then is mostly a file that cannot be read.
pub(crate) fn refused(error: KafkaError) -> Error {
    let words = words(&error);
    let name = match &error {
        KafkaError::ClientConfig(_, _, name, _) => Some(name.clone()),
        _ => named(&words).into_iter().next(),
    };
    match name {
        Some(name) => Error::config(format!("the Kafka client refuses `{name}`: {words}")),
        None => Error::config(format!("the Kafka client refuses its settings: {words}")),
    }
}

/// What the client says, without the value of a secret.
pub(super) fn words(error: &KafkaError) -> String {
    let text = match error {
        KafkaError::ClientConfig(_, text, name, value) if KafkaSettings::is_secret(name) && !value.is_empty() => {
            text.replace(value.as_str(), "***")
        }
        KafkaError::ClientConfig(_, text, ..) => text.clone(),
        KafkaError::ClientCreation(text) => text.clone(),
        KafkaError::Nul(_) => "has a zero character in it".into(),
        other => other.to_string(),
    };
    text.trim().replace("`must", "` must")
}

/// The properties that a text names, in order.
pub(super) fn named(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let words = text.split(|c: char| !is_part(c)).map(|word| word.trim_end_matches('.'));
    let mut named: Vec<String> = Vec::new();
    for word in words.filter(|word| word.contains(['.', '_']) || *word == "retries").filter(|word| find(word).is_some())
    {
        if !named.iter().any(|known| known == word) {
            named.push(word.to_owned());
        }
    }
    named
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::producer::BaseProducer;

    use super::*;

    fn said(properties: &[(&str, &str)]) -> String {
        let config: ClientConfig =
            properties.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        refused(config.create::<BaseProducer>().map(|_| ()).unwrap_err()).to_string()
    }

    #[test]
    fn what_a_client_refuses_is_told_with_the_setting_and_without_a_secret() {
        let rows = [
            (
                vec![("linger.ms", "-1")],
                "the Kafka client refuses `linger.ms`: Configuration property \"queue.buffering.max.ms\" value -1 is outside allowed range 0..900000",
            ),
            (
                vec![("security.protocol", "tls")],
                "the Kafka client refuses `security.protocol`: Invalid value \"tls\" for configuration property \"security.protocol\"",
            ),
            (
                vec![("security.protocol", "ssl"), ("ssl.ca.location", "/none/ca.pem")],
                "the Kafka client refuses `ssl.ca.location`: ssl.ca.location failed",
            ),
            (
                vec![("security.protocol", "ssl"), ("ssl.key.pem", "hunter2")],
                "the Kafka client refuses `ssl.key.pem`: ssl.key.pem failed: not in PEM format?",
            ),
            (
                vec![("sasl.jaas.config", "password=hunter2")],
                "the Kafka client refuses `sasl.jaas.config`: Java JAAS configuration is not supported",
            ),
            (vec![("sasl.password", "hunt\0er2")], "the Kafka client refuses its settings: has a zero character in it"),
            (
                vec![("message.timeout.ms", "5"), ("linger.ms", "50")],
                "the Kafka client refuses `message.timeout.ms`: `message.timeout.ms` must be greater than `linger.ms`",
            ),
        ];
        let (properties, expected): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let said: Vec<String> = properties.iter().map(|properties| said(properties)).collect();
        // What OpenSSL adds is its own affair.
        assert!(said.iter().zip(&expected).all(|(said, expected)| said.starts_with(expected)), "{said:#?}");
        assert!(said.iter().all(|said| !said.contains("hunter2")), "{said:?}");
    }
}
