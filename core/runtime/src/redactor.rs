//! Taking secrets out of what is said.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Takes secrets out of texts for people: messages, log lines, headers of dead letters. It finds them as they are, and in
/// the forms in which others write them: escaped, percent-encoded, in base64.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Every form of a secret, and what is shown for it; the longest first, so that nothing is left over of one within
    /// which another is found.
    forms: Arc<[(String, String)]>,
}

impl Redactor {
    /// For these secrets, each with what is shown for it.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s str)>) -> Self {
        let mut forms: Vec<(String, String)> = secrets
            .into_iter()
            .filter(|(value, _)| !value.is_empty())
            .flat_map(|(value, shown)| forms(value).into_iter().map(move |form| (form, shown.to_owned())))
            .collect();
        forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        Self { forms: forms.into() }
    }

    /// For the secrets of all of them.
    pub fn of_all<'r>(redactors: impl IntoIterator<Item = &'r Self>) -> Self {
        let mut forms: Vec<_> = redactors.into_iter().flat_map(|redactor| redactor.forms.iter().cloned()).collect();
        forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        Self { forms: forms.into() }
    }

    /// `text` without the secrets, and without what stands before the `@` of a URL.
    pub fn redact(&self, text: &str) -> String {
        let mut text = self.forms.iter().fold(text.to_owned(), |text, (form, shown)| match text.contains(form) {
            true => text.replace(form, shown),
            false => text,
        });
        let infos: Vec<Range<usize>> = user_infos(&text).filter(|info| &text[info.clone()] != "***").collect();
        for info in infos.into_iter().rev() {
            text.replace_range(info, "***");
        }
        text
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// A shorter part of base64 says nothing.
const TELLING_BASE64: usize = 8;

/// How a value may be written.
fn forms(value: &str) -> Vec<String> {
    let debug = format!("{value:?}");
    let json = serde_json::Value::from(value).to_string();
    let mut forms = vec![value.to_owned(), debug[1..debug.len() - 1].to_owned(), json[1..json.len() - 1].to_owned()];
    for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
        // Nothing but what no URL escapes; what a query leaves, with and without the slash.
        forms.push(percent_encoded(value, digits, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
        forms.push(percent_encoded(value, digits, |byte| byte.is_ascii_graphic() && !b"\"#%<>?&=+".contains(&byte)));
        forms.push(percent_encoded(value, digits, |byte| byte.is_ascii_graphic() && !b"\"#%<>?&=+/".contains(&byte)));
    }
    forms.extend(in_base64(value));
    forms.sort();
    forms.dedup();
    forms
}

fn percent_encoded(value: &str, digits: &[u8; 16], is_plain: impl Fn(u8) -> bool) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if is_plain(byte) {
            text.push(byte.into());
        } else {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)]));
            text.extend(['%', high, low]);
        }
    }
    text
}

/// What is the same in the base64 of every text that holds the value: three letters stand for three bytes, so there are
/// three ways for it to begin, and its first and last letter may depend on its neighbours.
fn in_base64(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&b"\0\0"[..before], value.as_bytes()].concat();
        // The letters that hold bits of the bytes before it, and of those behind it.
        let start = [0, 2, 3][before];
        let whole = bytes.len() * 8 / 6;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            forms.extend(text.get(start..whole).filter(|form| form.len() >= TELLING_BASE64).map(str::to_owned));
        }
    }
    forms
}

/// Where user names and passwords stand in the URLs that are somewhere in `text`: between `://` and `@`.
pub(crate) fn user_infos(text: &str) -> impl Iterator<Item = Range<usize>> {
    user_infos_until(text, |c| c.is_whitespace() || c.is_control() || "\"'`<>,;()[]{}".contains(c))
}

/// The same in a value, which holds a URL and hardly anything else: passwords may hold brackets and blanks.
pub(crate) fn user_infos_of_value(text: &str) -> impl Iterator<Item = Range<usize>> {
    user_infos_until(text, |_| false)
}

fn user_infos_until(text: &str, is_end: fn(char) -> bool) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(move |(at, scheme)| {
        let start = at + scheme.len();
        let url = text[start..].split(is_end).next().unwrap_or_default();
        let info = &url[..url.rfind('@')?];
        // An `@` behind a slash is one of a path, unless a password holds the slash.
        let is_info = !info.is_empty() && (info.contains(':') || !info.contains('/'));
        is_info.then(|| start..start + info.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter/2+\"geheim\"=ü";

    #[test]
    fn a_secret_is_found_in_every_form_in_which_others_write_it() {
        let redactor = Redactor::new([(SECRET, "***")]);
        let mut texts = vec![
            format!("a{SECRET}b"),
            format!("{SECRET:?}"),
            serde_json::json!({ "key": SECRET }).to_string(),
            "?token=hunter%2F2%2B%22geheim%22%3D%C3%BC&x".to_owned(),
            "?token=hunter%2f2%2b%22geheim%22%3d%c3%bc&x".to_owned(),
            "?token=hunter/2%2B%22geheim%22%3D%C3%BC&x".to_owned(),
        ];
        for before in ["", "u", "us", "use", "user:"] {
            let text = format!("{before}{SECRET} and more");
            texts.extend([STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)]);
        }
        for text in texts {
            let redacted = redactor.redact(&text);
            assert!(redacted.contains("***"), "{text}: {redacted}");
            assert!(!redacted.contains("hunter") && !redacted.contains("geheim"), "{text}: {redacted}");
        }
        let plain = "nothing of that is in https://example.com/a@b or here";
        assert_eq!(redactor.redact(plain), plain);
    }

    #[test]
    fn a_longer_secret_is_taken_out_before_one_that_is_part_of_it() {
        let redactor = Redactor::of_all([&Redactor::new([("hunter", "A")]), &Redactor::new([("hunter2", "B")])]);
        assert_eq!(redactor.redact("hunter2 hunter"), "B A");
    }

    #[test]
    fn whoever_comes_in_by_a_url_is_taken_out_without_being_known() {
        for (text, shown) in [
            ("s3://me:pass@bucket/x", "s3://***@bucket/x"),
            ("at https://me@host, and http://a:b/c@d:9000/", "at https://***@host, and http://***@d:9000/"),
            ("\"file:///a@b\" https://host/a@b", "\"file:///a@b\" https://host/a@b"),
            ("s3://***@bucket", "s3://***@bucket"),
        ] {
            assert_eq!(Redactor::default().redact(text), shown);
        }
    }
}
