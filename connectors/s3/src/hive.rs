//! Values as folder names.

/// The folder name that Hive gives to null.
pub(crate) const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Appends `text` as Hive writes it in a folder name: the characters of its `FileUtils.charToEscape` as `%` and two
/// upper-case hexadecimal digits, and all others as they are, also those beyond ASCII. NUL, which Hive forgot, is
/// escaped too.
pub(crate) fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        if is_escaped(c) {
            into.push('%');
            for digit in [c as u32 >> 4, c as u32 & 15] {
                into.extend(char::from_digit(digit, 16).map(|digit| digit.to_ascii_uppercase()));
            }
        } else {
            into.push(c);
        }
    }
}

fn is_escaped(c: char) -> bool {
    c.is_ascii_control()
        || matches!(c, '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '[' | ']' | '^')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn exactly_the_characters_of_hive_are_escaped() {
        let mut escaped = String::new();
        escape("a b:c=d/e%f..ü\u{7f}\n\0}~+&<|>$,;@!(){[]^'\"#*?\\", &mut escaped);
        assert_eq!(escaped, "a b%3Ac%3Dd%2Fe%25f..ü%7F%0A%00}~+&<|>$,;@!()%7B%5B%5D%5E%27%22%23%2A%3F%5C");
    }

    #[test]
    fn decoding_the_percent_signs_gives_back_every_ascii_character() {
        let text: String = (0..=0x7fu8).map(char::from).collect();
        let mut escaped = String::new();
        escape(&text, &mut escaped);
        assert!(!escaped.contains('/'));
        assert_eq!(percent_encoding::percent_decode_str(&escaped).decode_utf8().unwrap(), text);
    }
}
