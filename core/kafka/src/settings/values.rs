//! Whether a property is one that a file may set, in this place, to this value.

use pipeline_api::nearest;
use pipeline_runtime::KafkaSettings;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::clients::Kind;
use super::owned::{is_oidc, reason};
use super::properties::{self, Form, Scope, canonical, find};
use super::refused;

/// What is wrong with the property `name` in the part `kind`, or in the block itself; or what a person should know of it.
pub(super) fn check(
    settings: &KafkaSettings,
    kind: Option<Kind>,
    name: &str,
    value: &str,
) -> Result<Option<String>, String> {
    // First of all: librdkafka loads a plugin when its property is set.
    if let Some(why) = reason(canonical(name)).or_else(|| reason(name)) {
        return Err(format!("{why}; leave it out"));
    }
    if is_oidc(canonical(name), value) {
        check_oidc(settings.allow_oidc, set("sasl.oauthbearer.method", "oidc").is_ok())?;
    }
    let Some(property) = find(name) else { return Err(unknown(kind, name, value)) };
    check_place(kind, name, property.scope)?;
    check_form(name, value, &property.form)?;
    if canonical(name) == canonical(SERVERS) {
        check_servers(value)?;
    }
    Ok(warning(name, value))
}

/// Whether clients may fetch tokens over HTTP, and can.
fn check_oidc(is_allowed: bool, is_built_in: bool) -> Result<(), String> {
    let what = "lets clients fetch tokens over HTTP";
    match (is_built_in, is_allowed) {
        (false, _) => Err(format!(
            "{what} (OIDC), which this program is built without: it takes a librdkafka with libcurl (rdkafka's feature \
             `curl`), expected that or another `sasl.mechanism`"
        )),
        (true, false) => Err(format!("{what}, expected `allow_oidc: true` in `kafka` if that is meant")),
        (true, true) => Ok(()),
    }
}

/// Where a cluster is found.
const SERVERS: &str = "bootstrap.servers";

fn unknown(kind: Option<Kind>, name: &str, value: &str) -> String {
    // Some names of other clients are known well enough to be answered.
    if let Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_INVALID, why, ..)) = set(name, value)
        && !why.contains(name)
    {
        return why.trim_end_matches('.').to_owned();
    }
    let fields: &[&str] = if kind.is_none() {
        &["consumer", "producer", "admin", "instance", "latency", "allow_oidc", "aws_msk_iam"]
    } else {
        &[]
    };
    match nearest(name, properties::all().keys().map(String::as_str).chain(fields.iter().copied())) {
        Some(meant) => format!("unknown property, did you mean `{meant}`?"),
        None => "unknown property, expected one that librdkafka has".into(),
    }
}

fn check_place(kind: Option<Kind>, name: &str, scope: Scope) -> Result<(), String> {
    let Some(kind) = kind else { return Ok(()) };
    if canonical(name) == canonical(SERVERS) {
        return Err("all clients talk to one cluster, expected it in `kafka` itself".into());
    }
    let owner = match scope {
        _ if kind.takes(scope) => return Ok(()),
        Scope::Consumer => "consumer",
        _ => "producer",
    };
    let more = if kind == Kind::Admin && name == "request.timeout.ms" {
        "; how long an admin request may take is `socket.timeout.ms`"
    } else {
        ""
    };
    Err(format!("is a property of {owner}s, expected it in `{owner}`{more}"))
}

fn check_form(name: &str, value: &str, form: &Form) -> Result<(), String> {
    let shown = if KafkaSettings::is_secret(name) { "***" } else { value };
    let found = if value.is_empty() { "found an empty text".to_owned() } else { format!("found `{shown}`") };
    let is_word = !value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let fits = set(name, value);
    match form {
        // librdkafka reads as far as it understands: `5s` as 5, and `010` as 8.
        Form::Whole { least, most } if !is_word || fits.is_err() => {
            let number = value.parse::<i64>().ok().filter(|number| number.to_string() == value);
            match number.filter(|number| (least..=most).contains(&number)) {
                Some(_) => Ok(()),
                None => Err(format!("{found}, expected a whole number from {least} to {most}")),
            }
        }
        Form::Number { range } if value.parse::<f64>().is_err() || fits.is_err() => {
            Err(format!("{found}, expected a number from {range}"))
        }
        Form::Truth if fits.is_err() => Err(format!("{found}, expected true or false")),
        Form::Code => Err("is set by programs, not by files; leave it out".into()),
        Form::OneOf(options) if fits.is_err() && !is_unsupported(&fits) => {
            let meant = nearest(value, options.iter().map(String::as_str));
            let meant = meant.map_or(",".to_owned(), |meant| format!(", did you mean `{meant}`?"));
            Err(format!("{found}{meant} expected one of {}", options.join(", ")))
        }
        Form::Flags(options) if fits.is_err() => {
            Err(format!("{found}, expected some of these with commas between: {}", options.join(", ")))
        }
        _ => fits.map_err(|error| refused::words(&error)),
    }
}

/// Whether librdkafka is built without what the value asks for, and says so.
fn is_unsupported(fits: &Result<(), KafkaError>) -> bool {
    matches!(fits, Err(KafkaError::ClientConfig(_, why, ..)) if why.contains("build"))
}

/// Sets one property of a client that is never made.
fn set(name: &str, value: &str) -> Result<(), KafkaError> {
    ClientConfig::new().set(name, value).create_native_config().map(|_| ())
}

/// Servers as `host:port`, with commas between. What is shown has nothing in it that could be a password.
fn check_servers(value: &str) -> Result<(), String> {
    let mut servers = value.split(',').map(str::trim).peekable();
    if servers.all(|server| server.is_empty()) {
        return Err("found an empty text, expected `host:port`, with commas between several".into());
    }
    for server in value.split(',').map(str::trim).filter(|server| !server.is_empty()) {
        if server.contains('@') {
            return Err("has an `@` in it, expected `host:port`; who connects is `sasl.username`".into());
        }
        if let Some((scheme, _)) = server.split_once("://") {
            return Err(format!(
                "begins with `{scheme}://`, expected `host:port`; the protocol is `security.protocol`"
            ));
        }
        if server.contains(char::is_whitespace) {
            return Err(format!("`{server}` has a blank in it, expected `host:port`, with commas between several"));
        }
        let port = match server.rsplit_once(':') {
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => Some((host, port)),
            _ => None,
        };
        if let Some((host, port)) = port
            && (host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port > 0))
        {
            return Err(format!("`{server}` is no server, expected `host:port` with a port from 1 to 65535"));
        }
    }
    Ok(())
}

fn warning(name: &str, value: &str) -> Option<String> {
    let is = |expected: &str| value.eq_ignore_ascii_case(expected);
    let text = match canonical(name) {
        "enable.ssl.certificate.verification" if is("false") || is("f") || is("0") => {
            "whoever is between this program and the brokers can read and change everything, expected true, \
             and `ssl.ca.location` for an authority of your own"
        }
        "ssl.endpoint.identification.algorithm" if is("none") => {
            "any server with a certificate of the authority is taken for a broker, expected `https`"
        }
        "enable.sasl.oauthbearer.unsecure.jwt" if is("true") || is("t") || is("1") => {
            "the tokens are not signed, expected brokers in nothing but a trial to take them"
        }
        _ => return None,
    };
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use super::check_oidc;

    #[test]
    fn tokens_are_fetched_over_http_only_where_that_is_built_in_and_the_file_allows_it() {
        let said = |is_allowed, is_built_in| check_oidc(is_allowed, is_built_in).err().unwrap_or_default();
        assert!(said(false, true).contains("expected `allow_oidc: true`"), "{}", said(false, true));
        assert!(said(false, false).contains("is built without"), "{}", said(false, false));
        assert!(said(true, false).contains("is built without"), "{}", said(true, false));
        assert_eq!(said(true, true), "");
    }
}
