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
        return Err(if metadata.is_dir() { "is a folder, expected a file" } else { "is not a regular file" }.into());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > LIMIT {
        return Err("is larger than 1 MiB, expected a pipeline file".into());
    }
    decode(bytes)
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "may not be read: permission denied".into(),
        _ => format!("cannot be read: {error}"),
    }
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16, expected UTF-8: save it again in that encoding".into());
    }
    if bytes.contains(&0) {
        return Err("is binary, expected YAML".into());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        format!("is not UTF-8: line {line} holds a byte that is no character")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
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
        assert_eq!(read(&folder.path().join("x.yaml")).unwrap_err(), "does not exist");
        std::fs::write(folder.path().join("big.yaml"), vec![b'#'; 2 << 20]).unwrap();
        assert!(read(&folder.path().join("big.yaml")).unwrap_err().contains("1 MiB"));
    }
}
