//! From a partition value to its folder and back: one segment, which leads nowhere else and reads back as the value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pipeline_s3::fuzzing::partition_folder;

/// What Hive calls null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

fuzz_target!(|text: &str| {
    // Columns whose names are empty are found before any record.
    let (column, value) = text.split_once('\n').filter(|(column, _)| !column.is_empty()).unwrap_or(("k", text));
    assert_eq!(read_back(&partition_folder(column, None).unwrap()), (column.to_owned(), None));
    match partition_folder(column, Some(value)) {
        Ok(folder) => assert_eq!(read_back(&folder), (column.to_owned(), Some(value.to_owned()))),
        Err(error) => {
            assert!(value.is_empty() || value == NULL, "{value:?}: {error}");
            assert!(error.to_string().contains(&format!("`{column}`")), "{error}");
        }
    }
});

/// The column and the value of a folder, as another program reads them.
fn read_back(folder: &str) -> (String, Option<String>) {
    let segment = folder.strip_suffix('/').unwrap();
    assert!(!segment.contains('/') && !segment.contains(|c: char| c.is_ascii_control()), "{folder:?}");
    let (column, value) = segment.split_once('=').unwrap();
    assert!(!value.contains('=') && !matches!(segment, "." | ".."), "{folder:?}");
    (decoded(column), (value != NULL).then(|| decoded(value)))
}

/// The text without its percent escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digits = [*high, *low].map(|digit| char::from(digit).to_digit(16).unwrap() as u8);
                bytes.push(digits[0] * 16 + digits[1]);
                behind
            }
            (b'%', _) => panic!("{text:?} ends within an escape"),
            _ => {
                bytes.push(*first);
                behind
            }
        };
    }
    String::from_utf8(bytes).unwrap()
}
