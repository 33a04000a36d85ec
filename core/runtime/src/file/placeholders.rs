//! `${env:NAME}` in the values of a file.

use std::collections::BTreeMap;

use pipeline_api::nearest;
use serde_json::Value;

use super::overrides::Untyped;
use super::pointer;
use super::problems::Problems;
use super::secrets::Secrets;

/// Fills in `${env:NAME}` and `${env:NAME:-default}` in every text of the tree, once: what a variable holds is not
/// searched again. `$${` stands for `${`. What came from the environment becomes a secret, whatever it is but an
/// address.
pub(super) fn fill(
    tree: &mut Value,
    env: &BTreeMap<String, String>,
    untyped: &mut Untyped,
    secrets: &mut Secrets,
    problems: &mut Problems,
) {
    Filler { env, untyped, secrets, problems }.fill(tree, "");
}

/// Where a cluster is, is what a person must see who cannot reach it.
const ADDRESS: &str = "/kafka/bootstrap.servers";

struct Filler<'a> {
    env: &'a BTreeMap<String, String>,
    untyped: &'a mut Untyped,
    secrets: &'a mut Secrets,
    problems: &'a mut Problems,
}

impl Filler<'_> {
    fn fill(&mut self, value: &mut Value, at: &str) {
        match value {
            Value::Object(fields) => {
                fields.iter_mut().for_each(|(name, value)| self.fill(value, &pointer::field(at, name)));
            }
            Value::Array(entries) => {
                entries.iter_mut().enumerate().for_each(|(index, value)| self.fill(value, &pointer::entry(at, index)));
            }
            // Nobody will be told of more.
            Value::String(_) if self.problems.overflowed() => {}
            Value::String(text) if text.contains("${") => match self.filled(text) {
                Ok(Filled { text: filled, from_env }) => {
                    if !from_env.is_empty() && at != ADDRESS {
                        self.secrets.add(at, &filled, text);
                        for name in from_env {
                            self.secrets.add(at, &self.env[&name], &format!("${{env:{name}}}"));
                        }
                    }
                    self.untyped.insert(at.into(), filled.clone());
                    *text = filled;
                }
                Err(message) => {
                    self.problems.value(at, message);
                    self.problems.settle(at);
                }
            },
            _ => {}
        }
    }

    fn filled(&self, text: &str) -> Result<Filled, String> {
        let mut filled = Filled { text: String::with_capacity(text.len()), from_env: Vec::new() };
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if let Some(before) = rest[..start].strip_suffix('$') {
                filled.text.push_str(before);
                filled.text.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            filled.text.push_str(&rest[..start]);
            let (inner, behind) = rest[start + 2..].split_once('}').ok_or("a `${` has no `}`, expected ${env:NAME}")?;
            if inner.contains("${") {
                return Err("a placeholder stands within another, expected ${env:NAME} or ${env:NAME:-default}, \
                            where the default is plain text"
                    .into());
            }
            self.fill_one(inner, &mut filled)?;
            rest = behind;
        }
        filled.text.push_str(rest);
        Ok(filled)
    }

    fn fill_one(&self, inner: &str, filled: &mut Filled) -> Result<(), String> {
        let (name, default) = match inner.strip_prefix("env:").map(|inner| inner.split_once(":-")) {
            Some(Some((name, default))) => (name, Some(default)),
            Some(None) => (&inner["env:".len()..], None),
            // Its text is not repeated: it may be part of a secret.
            None => {
                return Err(
                    "a `${` begins no placeholder, expected ${env:NAME}, or $${ for the text `${` itself".into()
                );
            }
        };
        if !is_name(name) {
            return Err(match name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                // What stands behind may be a default, which may be a secret.
                Some(at) if at > 0 => format!(
                    "`{}` is followed by what is no part of a variable's name, expected ${{env:NAME}} or ${{env:NAME:-default}}",
                    &name[..at]
                ),
                _ => "this names no variable, expected ${env:NAME} with letters, digits and `_`, and no digit first"
                    .into(),
            });
        }
        match (self.env.get(name), default) {
            (Some(value), None) => filled.take(name, value),
            (Some(value), Some(_)) if !value.is_empty() => filled.take(name, value),
            (_, Some(default)) => filled.text.push_str(default),
            (None, None) => return Err(self.unset(name)),
        }
        Ok(())
    }

    fn unset(&self, name: &str) -> String {
        let meant = match nearest(name, self.env.keys().map(String::as_str)) {
            Some(meant) => format!(", did you mean `{meant}`?"),
            None => ",".into(),
        };
        format!(
            "the variable `{name}` is not set{meant} expected it in the environment, or a default: ${{env:{name}:-…}}"
        )
    }
}

struct Filled {
    text: String,
    /// The variables whose values are in the text.
    from_env: Vec<String>,
}

impl Filled {
    fn take(&mut self, name: &str, value: &str) {
        self.text.push_str(value);
        self.from_env.push(name.into());
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let env = [("A", "1"), ("TOKEN", "${env:A}"), ("EMPTY", "")];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (mut tree, mut problems) = (json!({ "x": text }), Problems::default());
        fill(&mut tree, &env, &mut Untyped::new(), &mut Secrets::default(), &mut problems);
        let text = tree["x"].as_str().unwrap().to_owned();
        match problems.into_found().pop() {
            None => Ok(text),
            Some(problem) => Err(problem.message),
        }
    }

    #[test]
    fn placeholders_are_filled_in_once() {
        assert_eq!(filled("a-${env:A}-${env:A}").unwrap(), "a-1-1");
        assert_eq!(filled("${env:TOKEN}").unwrap(), "${env:A}", "a variable's value is not searched again");
        assert_eq!(filled("$${env:A} $$ ${env:A}").unwrap(), "${env:A} $$ 1");
        assert_eq!(filled("${env:NONE:-s3://x/}${env:EMPTY:-y}").unwrap(), "s3://x/y");
        assert_eq!(filled("<${env:EMPTY}>").unwrap(), "<>");
    }

    #[test]
    fn what_is_no_placeholder_says_what_would_be_one() {
        assert!(filled("${env:TOKN}").unwrap_err().contains("`TOKN` is not set, did you mean `TOKEN`?"));
        assert!(filled("${A}").unwrap_err().contains("expected ${env:NAME}, or $${"));
        assert!(filled("${env:A").unwrap_err().contains("has no `}`"));
        assert!(filled("${env:a b}").unwrap_err().contains("`a` is followed by what is no part of a variable's name"));
    }
}
