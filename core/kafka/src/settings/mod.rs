//! From a file's `kafka` block to the properties of clients.

mod clients;
mod conflicts;
mod owned;
mod properties;
mod refused;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use pipeline_api::{Finding, Findings, Severity};
use pipeline_runtime::{AwsMskIam, KafkaSettings};

#[cfg(feature = "msk")]
pub(crate) use clients::msk_region;
pub(crate) use clients::{admin, consumer, producer};
pub(crate) use refused::refused;

use clients::Kind;
use properties::{canonical, find};

/// Finds everything that is wrong with a `kafka` block, so that nothing of it is left to be found when clients connect.
/// Called for each file before it runs. Connects to nothing and reads no file; takes some milliseconds. Pointers are
/// relative to the block. No finding shows a secret.
pub fn check(settings: &KafkaSettings, findings: &mut Findings) {
    let mut found = Found::default();
    let blocks = Kind::ALL.map(|kind| (Some(kind), kind.own(settings)));
    for (kind, properties) in [(None, &settings.properties)].into_iter().chain(blocks) {
        check_names(settings, kind, properties, &mut found);
    }
    if let Some(iam) = &settings.aws_msk_iam {
        check_msk(iam, cfg!(feature = "msk"), &mut found);
    }
    let right = without_wrong(settings, &found);
    for kind in Kind::ALL {
        conflicts::check(&right, kind, &mut found);
    }
    found.tell(settings, findings);
}

/// What was found so far.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    /// The canonical names of the properties with errors: what follows from these would only distract.
    wrong: BTreeSet<String>,
}

impl Found {
    /// The property `name` of the part `kind`, or of the block itself, is wrong.
    fn wrong(&mut self, kind: Option<Kind>, name: &str, message: String) {
        self.wrong.insert(canonical(name).to_owned());
        self.add(Severity::Error, kind, name, message);
    }

    fn add(&mut self, severity: Severity, kind: Option<Kind>, name: &str, message: String) {
        let finding = Finding { severity, pointer: pointer(kind, name), message };
        // What holds for all clients was seen by the first of them.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The block as a whole is wrong.
    fn block(&mut self, message: String) {
        let finding = Finding { severity: Severity::Error, pointer: String::new(), message };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn tell(self, settings: &KafkaSettings, findings: &mut Findings) {
        let secrets: Vec<&str> = secrets(settings).collect();
        for Finding { severity, pointer, message } in self.findings {
            let message = secrets.iter().fold(message, |message, secret| message.replace(secret, "***"));
            match severity {
                Severity::Error => findings.error(pointer, message),
                Severity::Warning => findings.warning(pointer, message),
            }
        }
    }
}

/// A place in the block, as a JSON pointer.
fn pointer(kind: Option<Kind>, name: &str) -> String {
    let name = name.replace('~', "~0").replace('/', "~1");
    kind.map_or(format!("/{name}"), |kind| format!("/{}/{name}", kind.block()))
}

/// The values that are not to be shown; shorter ones are part of other words.
fn secrets(settings: &KafkaSettings) -> impl Iterator<Item = &str> {
    let all = Kind::ALL.into_iter().flat_map(|kind| kind.own(settings)).chain(&settings.properties);
    all.filter(|(name, value)| KafkaSettings::is_secret(name) && value.len() >= 4).map(|(_, value)| value.as_str())
}

fn check_names(settings: &KafkaSettings, kind: Option<Kind>, properties: &BTreeMap<String, String>, found: &mut Found) {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in properties {
        match values::check(settings, kind, name, value) {
            Err(message) => {
                // A slip in a name is one mistake: what was meant is not missing.
                let meant = find(name).is_none().then(|| quoted(&message).filter_map(find)).into_iter().flatten();
                found.wrong.extend(meant.map(|property| property.name.clone()));
                found.wrong(kind, name, message);
            }
            Ok(Some(warning)) => found.add(Severity::Warning, kind, name, warning),
            Ok(None) => {}
        }
        if find(name).is_some()
            && !found.wrong.contains(canonical(name))
            && let Some(other) = names.insert(canonical(name), name)
        {
            found.wrong(kind, name, format!("is the same as `{other}`, expected one of the two"));
        }
    }
}

fn check_msk(iam: &AwsMskIam, is_built_in: bool, found: &mut Found) {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !is_built_in {
        found.wrong(None, MSK, "this program is built without it, expected one with the feature `msk`".into());
    } else if iam.region.is_empty() || !iam.region.chars().all(is_part) {
        let found_region = format!("`region: {}` is no region of AWS, expected one such as `eu-central-1`", iam.region);
        found.wrong(None, MSK, found_region);
    }
}

/// The field for tokens of AWS.
const MSK: &str = "aws_msk_iam";

/// What a message has in backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The settings without those that are wrong.
fn without_wrong(settings: &KafkaSettings, found: &Found) -> KafkaSettings {
    let right = |properties: &BTreeMap<String, String>| {
        let right = properties.iter().filter(|(name, _)| !found.wrong.contains(canonical(name)));
        right.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    KafkaSettings {
        properties: right(&settings.properties),
        consumer: right(&settings.consumer),
        producer: right(&settings.producer),
        admin: right(&settings.admin),
        ..settings.clone()
    }
}
