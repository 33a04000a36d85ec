//! Where requests go, if not to AWS itself.

use pipeline_api::{Error, Findings, Result};
use url::{Host, Url};

/// Reports what is wrong with the `endpoint` of a file.
pub(crate) fn check(endpoint: &str, allow_http: bool, pointer: &str, findings: &mut Findings) {
    if let Err(message) = parse(endpoint, allow_http) {
        findings.error(pointer, message);
    }
}

/// Errors: an endpoint of the environment that would send requests unencrypted, or shows a password.
pub(crate) fn check_environment(service: &str, allow_http: bool) -> Result<()> {
    for name in [format!("AWS_ENDPOINT_URL_{service}"), "AWS_ENDPOINT_URL".to_owned()] {
        let Ok(endpoint) = std::env::var(&name) else { continue };
        return parse(&endpoint, allow_http)
            .map(|_| ())
            .map_err(|message| Error::config(format!("the environment's {name}: {message}")));
    }
    Ok(())
}

fn parse(endpoint: &str, allow_http: bool) -> Result<Url, String> {
    let advice = "expected the URL of a server, such as http://127.0.0.1:5000";
    let parsed = Url::parse(endpoint);
    // Passwords may hold what makes a text no URL.
    if parsed.as_ref().map_or(endpoint.contains('@'), has_credentials) {
        return Err("the endpoint holds credentials, which logs would show: use access_key_id and \
                    secret_access_key"
            .into());
    }
    let url = parsed.map_err(|_| format!("`{endpoint}` is no URL, {advice}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err(format!("`{endpoint}` is no endpoint, {advice}"));
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        return Err(format!(
            "`{endpoint}` would send requests unencrypted, use https, or set allow_http: true if the network between \
             is yours"
        ));
    }
    Ok(url)
}

/// Whether a URL holds a user's name or password.
pub fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether a URL leads to this very machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
