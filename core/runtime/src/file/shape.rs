//! Whether values have the shape that a JSON Schema gives them, in our own words.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError};
use pipeline_api::{ByteSize, HumanDuration, nearest};
use serde_json::Value;

use super::alternatives::{Leaf, leaves};
use super::bounds::bound_integers;
use super::expectation::{self, expected, list};
use super::overrides::Untyped;
use super::pointer;
use super::problems::Problems;
use super::scalar;
use super::secrets::Secrets;
use super::whole_numbers::make_whole;

/// The form that a JSON Schema gives to values.
pub(super) struct Form {
    schema: Value,
    validator: Result<jsonschema::Validator, ValidationError<'static>>,
}

impl Form {
    /// Of this schema.
    pub(super) fn new(mut schema: Value) -> Self {
        bound_integers(&mut schema);
        let validator = validator(&schema);
        Self { schema, validator }
    }

    /// The schema.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }
}

/// Checks values against schemas, and reports every mistake.
pub(super) struct Shape<'a> {
    pub(super) untyped: &'a Untyped,
    pub(super) secrets: &'a mut Secrets,
    pub(super) problems: &'a mut Problems,
}

impl Shape<'_> {
    /// Reports whatever in `value`, which is at `at` in the file, does not fit the schema. Values of open type take the
    /// type that fits.
    pub(super) fn check(&mut self, value: &mut Value, at: &str, form: &Form) {
        let Form { schema, validator } = form;
        let validator = match validator {
            Ok(validator) => validator,
            Err(error) => return self.problems.key(at, format!("its schema is broken, report this: {error}")),
        };
        make_whole(value, schema);
        for pointer in validator.iter_errors(value).flat_map(|error| mistyped(&error)).collect::<BTreeSet<_>>() {
            self.retype(value, at, &pointer);
        }
        let errors: Vec<ValidationError<'_>> = validator.iter_errors(value).collect();
        let leaves: Vec<Leaf<'_>> = errors.iter().flat_map(leaves).collect();
        // A slip in the name of a required field is one mistake, not two.
        let meant: Vec<String> = leaves.iter().flat_map(|leaf| self.unknown_fields(leaf, at, schema)).collect();
        for leaf in &leaves {
            if self.problems.overflowed() {
                return;
            }
            self.report(leaf, at, schema, &meant);
        }
    }

    /// Gives the value at `pointer` below `at` the other type that its text allows.
    fn retype(&self, value: &mut Value, at: &str, pointer: &str) {
        let Some(slot) = value.pointer_mut(pointer) else { return };
        let text = self.untyped.get(&format!("{at}{pointer}"));
        let other = match (&*slot, text) {
            (Value::String(text), _) if is_grouped(text) => Some(scalar::typed(&text.replace('_', ""))),
            (Value::String(_), Some(text)) => Some(scalar::typed(text)),
            (Value::Number(_) | Value::Bool(_), Some(text)) => Some(Value::String(text.clone())),
            _ => None,
        };
        if let Some(other) = other {
            *slot = other;
        }
    }

    /// Reports the unknown fields that `leaf` is about, and returns the pointers of those that were meant.
    fn unknown_fields(&mut self, leaf: &Leaf<'_>, at: &str, schema: &Value) -> Vec<String> {
        let Leaf::Single(error) = leaf else { return Vec::new() };
        let (ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected }) = error.kind()
        else {
            return Vec::new();
        };
        let holder = format!("{at}{}", error.instance_path().as_str());
        let known = expectation::field_names(expectation::subschema(schema, error));
        for name in unexpected {
            self.secrets.add_unknown(&pointer::field(&holder, name), name, &known, &error.instance()[name]);
        }
        let mut meant = Vec::new();
        for name in unexpected {
            if self.problems.overflowed() {
                break;
            }
            meant.extend(self.unknown_field(&holder, name, &known, error.instance()));
        }
        meant
    }

    fn unknown_field(&mut self, holder: &str, name: &str, known: &[&str], instance: &Value) -> Option<String> {
        let free = known.iter().copied().filter(|known| instance.get(known).is_none());
        let meant = nearest(name, free);
        let expected = if known.is_empty() { "expected none".into() } else { format!("expected {}", list(known)) };
        let message = match meant {
            Some(meant) => format!("unknown field, did you mean `{meant}`? {expected}"),
            None => format!("unknown field, {expected}"),
        };
        self.problems.key(pointer::field(holder, name), message);
        meant.map(|meant| pointer::field(holder, meant))
    }

    fn report(&mut self, leaf: &Leaf<'_>, at: &str, schema: &Value, meant: &[String]) {
        match leaf {
            Leaf::Choice { pointer, found, options } => self.choice(&format!("{at}{pointer}"), found, options),
            Leaf::NoVariant { pointer, found, names } => self.no_variant(&format!("{at}{pointer}"), found, names),
            Leaf::SeveralVariants { pointer } => {
                self.problems.key(format!("{at}{pointer}"), "has several fields, expected one of them alone");
            }
            Leaf::Kinds { pointer, found, expected } => {
                let pointer = format!("{at}{pointer}");
                let found = self.found(&pointer, found);
                self.problems.value(pointer, format!("found {found}, expected {}", expected.join(" or ")));
            }
            Leaf::Single(error) => self.single(error, at, schema, meant),
        }
    }

    fn single(&mut self, error: &ValidationError<'_>, at: &str, schema: &Value, meant: &[String]) {
        let pointer = format!("{at}{}", error.instance_path().as_str());
        let subschema = expectation::subschema(schema, error);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { .. } | ValidationErrorKind::UnevaluatedProperties { .. } => {}
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let field = pointer::field(&pointer, name);
                if !meant.contains(&field) {
                    self.missing(&field, subschema.get("properties").and_then(|properties| properties.get(name)));
                }
            }
            ValidationErrorKind::Enum { options } => {
                let options: Vec<Value> = options.as_array().cloned().unwrap_or_default();
                self.choice(&pointer, error.instance(), &options);
            }
            ValidationErrorKind::Constant { expected_value } => {
                self.choice(&pointer, error.instance(), &[expected_value.as_ref().clone()]);
            }
            _ => {
                let misread = expectation::misreading(error.instance(), subschema);
                if let Some(why) = misread.filter(|_| self.secrets.shown(&pointer).is_none()) {
                    return self.problems.value(pointer, why);
                }
                let found = self.found(&pointer, error.instance());
                let hint = expectation::quotes_hint(error.instance(), subschema);
                self.problems.value(pointer, format!("found {found}, expected {}{hint}", expected(subschema)));
            }
        }
    }

    fn no_variant(&mut self, pointer: &str, found: &Value, names: &[String]) {
        let words: Vec<&str> = names.iter().map(String::as_str).collect();
        let fields = found.as_object().into_iter().flatten().map(|(name, _)| name);
        let mut any = false;
        for name in fields {
            any = true;
            self.unknown_field(pointer, name, &words, found);
        }
        if !any {
            self.problems.key(pointer, format!("found an empty mapping, expected {}", list(&words)));
        }
    }

    fn missing(&mut self, field: &str, schema: Option<&Value>) {
        let what = schema.map_or("a value".into(), expected);
        self.problems.key(field, format!("missing, expected {what}"));
        let description = schema.and_then(|schema| schema.get("description")).and_then(Value::as_str);
        if let Some(first) = description.and_then(|text| text.split("\n\n").next()) {
            self.problems.help(field, first.replace('\n', " "));
        }
    }

    fn choice(&mut self, pointer: &str, found: &Value, options: &[Value]) {
        let words: Vec<String> =
            options.iter().map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let shown = self.found(pointer, found);
        let meant = found.as_str().filter(|_| self.secrets.shown(pointer).is_none());
        let message = match meant.and_then(|found| nearest(found, words.iter().copied())) {
            Some(meant) => format!("found {shown}, did you mean `{meant}`? expected {}", list(&words)),
            None => format!("found {shown}, expected {}", list(&words)),
        };
        self.problems.value(pointer, message);
    }

    fn found(&self, pointer: &str, value: &Value) -> String {
        match self.secrets.shown(pointer) {
            Some(shown) => format!("`{shown}`"),
            None => expectation::found(value),
        }
    }
}

fn validator(schema: &Value) -> Result<jsonschema::Validator, ValidationError<'static>> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_format(ByteSize::FORMAT, |text: &str| text.parse::<ByteSize>().is_ok())
        .with_format(HumanDuration::FORMAT, |text: &str| text.parse::<HumanDuration>().is_ok())
        .should_validate_formats(true)
        .build(schema)
}

/// The pointers of values that have another type than the one that some part of the schema wants.
fn mistyped(error: &ValidationError<'_>) -> Vec<String> {
    match error.kind() {
        ValidationErrorKind::Type { .. } => vec![error.instance_path().as_str().to_owned()],
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context.iter().flatten().flat_map(mistyped).collect()
        }
        _ => Vec::new(),
    }
}

/// `1_000_000`, which YAML takes for a text.
fn is_grouped(text: &str) -> bool {
    text.contains('_') && text.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()))
}
