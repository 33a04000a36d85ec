//! The file as text, before it is YAML.

use std::io::Read;
use std::path::Path;

/// What a pipeline file may hold at most: far more than people write, and little enough to be refused at once.
const LIMIT: u64 = 1024 * 1024;

/// The text of the file, without a byte order mark. Errors: why it is none, as a sentence, and at which byte if that is
/// one in particular.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "is a folder" } else { "is a pipe, a socket or a device" };
        return Err(format!("{what}, expected a file"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > LIMIT {
        return Err("is larger than 1 MiB, expected a smaller one".into());
    }
    decode(bytes)
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist, expected the path of one".into(),
        std::io::ErrorKind::PermissionDenied => {
            "may not be read, expected one that this user has the permission to read".into()
        }
        std::io::ErrorKind::NotADirectory => "lies below a file, expected a path through folders".into(),
        _ => format!("cannot be read ({error}), expected one that can"),
    }
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if is_utf16(&bytes) {
        return Err("is UTF-16, expected UTF-8: save it again in that encoding".into());
    }
    if bytes.contains(&0) {
        return Err("is binary, expected text".into());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        format!("is not UTF-8: line {line} holds a byte that is no character, expected it to be saved in that encoding")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Whether the bytes begin with UTF-16's mark, or with letters of which every other byte is zero.
fn is_utf16(bytes: &[u8]) -> bool {
    let zero = |byte: &u8| *byte == 0;
    let (little, big) = match bytes.first_chunk::<8>() {
        Some(first) => (first.iter().skip(1).step_by(2).all(zero), first.iter().step_by(2).all(zero)),
        None => (false, false),
    };
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || little != big
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_is_text_and_a_byte_order_mark_is_no_part_of_it() {
        assert_eq!(decode(b"\xef\xbb\xbfname: x".to_vec()).unwrap(), "name: x");
        assert!(decode(b"\xff\xfen\0a\0".to_vec()).unwrap_err().contains("UTF-16"));
        assert!(decode(b"PK\0\x01".to_vec()).unwrap_err().contains("binary"));
        assert!(decode(b"a: b\nc: \xe9".to_vec()).unwrap_err().contains("line 2"));
    }

    #[test]
    fn what_is_no_file_is_refused_without_being_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().contains("is a folder"));
        assert_eq!(read(&folder.path().join("x.yaml")).unwrap_err(), "does not exist, expected the path of one");
        std::fs::write(folder.path().join("big.yaml"), vec![b'#'; 2 << 20]).unwrap();
        assert!(read(&folder.path().join("big.yaml")).unwrap_err().contains("1 MiB"));
    }

    #[test]
    fn whoever_may_not_read_it_is_told_so() {
        let message = unreadable(&std::io::Error::from(std::io::ErrorKind::PermissionDenied));
        assert_eq!(message, "may not be read, expected one that this user has the permission to read");
    }
}
