//! A text that is found again wherever it turns up.

use std::ffi::OsString;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::support::{Ended, Project, Started};

/// What every canary has in it: letters alone, which no URL escapes.
const MARK: &str = "kanarienvogel";

/// A secret that says whose it is, with characters that others escape.
pub(super) fn canary(whose: &str) -> String {
    format!("{MARK}/{whose}+=%")
}

/// Where a canary stands in bytes, with what is around it: as it is, in capitals, percent-encoded, or within base64.
pub(super) fn find(bytes: &[u8]) -> Option<String> {
    let decoded: Vec<u8> = percent_encoding::percent_decode(bytes).collect();
    [bytes, &decoded].into_iter().find_map(|bytes| find_plain(bytes).or_else(|| find_in_base64(bytes)))
}

fn find_plain(bytes: &[u8]) -> Option<String> {
    let at = bytes.windows(MARK.len()).position(|window| window.eq_ignore_ascii_case(MARK.as_bytes()))?;
    let around = at.saturating_sub(60)..bytes.len().min(at + 60);
    Some(String::from_utf8_lossy(&bytes[around]).into_owned())
}

fn find_in_base64(bytes: &[u8]) -> Option<String> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let words = bytes.split(|byte| !is_letter(byte)).filter(|word| word.len() >= MARK.len());
    words.flat_map(|word| (0..4).map(move |skipped| &word[skipped..])).find_map(|word| {
        let standard = |byte: &u8| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        };
        let whole: Vec<u8> = word[..word.len() / 4 * 4].iter().map(standard).collect();
        find_plain(&STANDARD_NO_PAD.decode(whole).unwrap_or_default())
    })
}

/// Calls the program with the most detailed log, a run with both forms of it. Asserts that no canary is in what it says, nor
/// in any file but those whose names are given.
#[track_caller]
pub(super) fn assert_hidden(
    project: &Project,
    arguments: &[&str],
    variables: &[(&str, String)],
    except: &[&str],
) -> Ended {
    let assert_in = |format: &str| {
        let ended = call(project, arguments, variables, format);
        assert_eq!(shown(project, &ended, except), [""; 0], "of {arguments:?} with logs as {format}");
        ended
    };
    if arguments[0] == "run" {
        assert_in("json");
    }
    assert_in("text")
}

pub(super) fn call(project: &Project, arguments: &[&str], variables: &[(&str, String)], log_format: &str) -> Ended {
    let mut command = project.program(arguments.iter().copied().chain(["--log-format", log_format]));
    let variables = variables.iter().map(|(name, value)| (*name, OsString::from(value)));
    command.env("PIPELINE_LOG", "trace").env("RUST_BACKTRACE", "1").envs(variables);
    Started::new(command).end()
}

/// Every place in what was said and is on disk where a canary stands.
pub(super) fn shown(project: &Project, ended: &Ended, except: &[&str]) -> Vec<String> {
    let said = [("stdout", &ended.out), ("stderr", &ended.err)];
    let said = said.into_iter().flat_map(|(stream, text)| {
        text.lines().filter_map(move |line| find(line.as_bytes()).map(|found| format!("{stream}: {found}")))
    });
    let files = project.files(".").into_iter().filter(|file| !except.iter().any(|name| file.ends_with(name)));
    let on_disk = files.filter_map(|file| {
        let in_name = find(file.as_os_str().as_encoded_bytes());
        in_name.or_else(|| find(&fs::read(&file).unwrap())).map(|found| format!("{}: {found}", file.display()))
    });
    said.chain(on_disk).collect()
}

#[test]
fn the_search_finds_a_canary_in_every_form() {
    let secret = canary("x");
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let mut texts = vec![
        secret.clone(),
        secret.to_uppercase(),
        escaped(&secret),
        format!("?token={}&a=b", percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC)),
        serde_json::json!({ "a": [secret] }).to_string(),
    ];
    for before in ["", "u", "us", "user:"] {
        let text = format!("{before}{secret} and more");
        let plain = STANDARD_NO_PAD.encode(&text);
        texts.extend([
            plain.replace('+', "-").replace('/', "_"),
            escaped(&plain),
            format!("authorization=Basic{plain}="),
        ]);
    }
    for text in texts {
        assert!(find(text.as_bytes()).is_some(), "{text}");
    }
    assert_eq!(find(b"kanarien vogel, a2FuYXJpZW4gdm9nZWw= and %6b%61%6e"), None);
}
