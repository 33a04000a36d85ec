//! What is wrong with a value of which a schema allows several forms.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::expectation;

/// One mistake.
pub(super) enum Leaf<'e> {
    /// What the validator says.
    Single(&'e ValidationError<'e>),
    /// The value at `pointer` is none of the options.
    Choice { pointer: String, found: &'e Value, options: Vec<Value> },
    /// The mapping at `pointer` has none of these fields, of which it needs one.
    NoVariant { pointer: String, found: &'e Value, names: Vec<String> },
    /// The mapping at `pointer` has several fields, of which only one may be there.
    SeveralVariants { pointer: String },
    /// The value at `pointer` is none of the kinds that are expected.
    Kinds { pointer: String, found: &'e Value, expected: Vec<String> },
}

/// The mistakes behind `error`. Of several forms it is the one that the person most likely meant whose mistakes count:
/// the form of the right kind, or the one with the right tag, or the one with the fewest mistakes.
pub(super) fn leaves<'e>(error: &'e ValidationError<'e>) -> Vec<Leaf<'e>> {
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            of_alternatives(error, context)
        }
        _ => vec![Leaf::Single(error)],
    }
}

type Branch<'e> = &'e [ValidationError<'static>];

fn of_alternatives<'e>(error: &'e ValidationError<'e>, context: &'e [Vec<ValidationError<'static>>]) -> Vec<Leaf<'e>> {
    let here = error.instance_path().as_str();
    let branches: Vec<Branch<'e>> = context.iter().map(Vec::as_slice).collect();
    let options: Vec<Value> = branches.iter().flat_map(|branch| options_at(branch, here)).collect();
    if !options.is_empty() && !error.instance().is_object() && !error.instance().is_array() {
        return vec![Leaf::Choice { pointer: here.into(), found: error.instance(), options }];
    }
    let of_kind: Vec<Branch<'e>> = branches.iter().copied().filter(|branch| !is_other_kind(branch, here)).collect();
    if of_kind.is_empty() {
        let expected = kinds(&branches);
        return vec![Leaf::Kinds { pointer: here.into(), found: error.instance(), expected }];
    }
    if let Some(choice) = wrong_tag(error, &of_kind) {
        return vec![choice];
    }
    if let Some(leaf) = wrong_variant(error, &of_kind) {
        return vec![leaf];
    }
    let tagged = |branch: &Branch<'e>| tag_errors(branch, here).next().is_none();
    let is_other_variant = |branch: Branch<'e>| refuses(branch, here) && missing(branch, here).next().is_some();
    let likely = of_kind.iter().copied().filter(tagged).min_by_key(|branch| (is_other_variant(branch), weight(branch)));
    likely.or(of_kind.first().copied()).into_iter().flatten().flat_map(leaves).collect()
}

/// The constants that a form wants at `here` itself.
fn options_at(branch: Branch<'_>, here: &str) -> Vec<Value> {
    let at_here = branch.iter().filter(|error| error.instance_path().as_str() == here);
    at_here.flat_map(constants).collect()
}

fn constants(error: &ValidationError<'_>) -> Vec<Value> {
    match error.kind() {
        ValidationErrorKind::Constant { expected_value } => vec![expected_value.as_ref().clone()],
        ValidationErrorKind::Enum { options } => options.as_array().cloned().unwrap_or_default(),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context.iter().flat_map(|branch| options_at(branch, error.instance_path().as_str())).collect()
        }
        _ => Vec::new(),
    }
}

fn is_other_kind(branch: Branch<'_>, here: &str) -> bool {
    branch.iter().any(|error| {
        matches!(error.kind(), ValidationErrorKind::Type { .. } | ValidationErrorKind::Constant { .. })
            && error.instance_path().as_str() == here
    })
}

fn kinds(branches: &[Branch<'_>]) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for error in branches.iter().copied().flatten() {
        let ValidationErrorKind::Type { kind } = error.kind() else { continue };
        let names: Vec<String> = match kind {
            jsonschema::error::TypeKind::Single(kind) => vec![kind.to_string()],
            jsonschema::error::TypeKind::Multiple(several) => several.iter().map(|kind| kind.to_string()).collect(),
        };
        let words = expectation::expected(&serde_json::json!({ "type": names }));
        if names != ["null"] && !kinds.contains(&words) {
            kinds.push(words);
        }
    }
    kinds
}

/// If the tag by which the forms tell themselves apart fits none of them: that.
fn wrong_tag<'e>(error: &'e ValidationError<'e>, branches: &[Branch<'e>]) -> Option<Leaf<'e>> {
    let here = error.instance_path().as_str();
    let tags: Vec<_> = branches.iter().filter_map(|branch| tag_errors(branch, here).next()).collect();
    let first = tags.first().filter(|_| tags.len() == branches.len() && branches.len() > 1)?;
    let options = tags.iter().flat_map(|tag| constants(tag)).collect();
    Some(Leaf::Choice { pointer: first.instance_path().as_str().into(), found: first.instance(), options })
}

/// If the forms tell themselves apart by the one field that each of them has, and the mapping has not just one of these:
/// that.
fn wrong_variant<'e>(error: &'e ValidationError<'e>, branches: &[Branch<'e>]) -> Option<Leaf<'e>> {
    let (here, found) = (error.instance_path().as_str(), error.instance());
    let by_tag = branches.iter().any(|branch| tag_errors(branch, here).next().is_some());
    if by_tag || branches.len() < 2 || !branches.iter().all(|branch| missing(branch, here).count() <= 1) {
        return None;
    }
    let names: Vec<String> = branches.iter().flat_map(|branch| missing(branch, here)).collect();
    if names.len() == branches.len() && names.windows(2).all(|pair| pair[0] != pair[1]) {
        return Some(Leaf::NoVariant { pointer: here.into(), found, names });
    }
    let given = branches.iter().filter(|branch| missing(branch, here).next().is_none());
    let several = given.clone().count() > 1 && given.clone().all(|branch| refuses(branch, here));
    several.then(|| Leaf::SeveralVariants { pointer: here.into() })
}

/// Whether a form takes a field at `here` itself for an unknown one.
fn refuses(branch: Branch<'_>, here: &str) -> bool {
    branch.iter().any(|error| {
        matches!(error.kind(), ValidationErrorKind::AdditionalProperties { .. })
            && error.instance_path().as_str() == here
    })
}

/// The fields that a form lacks at `here` itself.
fn missing<'e>(branch: Branch<'e>, here: &str) -> impl Iterator<Item = String> {
    branch.iter().filter(move |error| error.instance_path().as_str() == here).filter_map(|error| match error.kind() {
        ValidationErrorKind::Required { property } => property.as_str().map(str::to_owned),
        _ => None,
    })
}

/// What is wrong with the tag: a field that has to be one constant.
fn tag_errors<'e>(branch: Branch<'e>, here: &str) -> impl Iterator<Item = &'e ValidationError<'static>> {
    branch.iter().filter(move |error| {
        let is_constant = match error.kind() {
            ValidationErrorKind::Constant { .. } => true,
            ValidationErrorKind::Enum { options } => options.as_array().is_some_and(|options| options.len() == 1),
            _ => false,
        };
        let below = error.instance_path().as_str().strip_prefix(here);
        is_constant && below.is_some_and(|below| below.matches('/').count() == 1)
    })
}

/// How far a form is from what was written: a field that it lacks counts more than one that is wrong.
fn weight(branch: Branch<'_>) -> usize {
    branch
        .iter()
        .map(|error| match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => 2 * unexpected.len(),
            ValidationErrorKind::Required { .. } => 2,
            _ => 1,
        })
        .sum()
}
