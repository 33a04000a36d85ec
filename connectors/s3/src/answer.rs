//! What a store answers to a request that it refuses.

/// What the client says before the text of an answer.
const BEFORE: [&str; 2] = ["non-2xx status code: ", "error response: "];

/// The client's text of an error, in which of the answer only S3's own code and message are left: a store may repeat the
/// whole request in it, with a session token among its headers.
pub(crate) fn without_answer(text: &str) -> String {
    let found = BEFORE.iter().find_map(|before| text.find(before).map(|at| text.split_at(at + before.len())));
    let Some((client, answer)) = found else { return text.to_owned() };
    let status = match answer.as_bytes().first() {
        Some(digit) if digit.is_ascii_digit() => answer.split(':').next().unwrap_or_default(),
        _ => "",
    };
    let parts = [Some(status), element(answer, "Code"), element(answer, "Message")];
    let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    format!("{client}{}", parts.join(": "))
}

/// The text of an element, which is of one line and not long.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (text.len() <= 200 && !text.contains(['<', '\n', '\r'])).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::without_answer;

    #[test]
    fn of_an_answer_only_the_code_and_the_message_are_left() {
        let client = "Error performing PUT http://h/b/k in 1ms - Server returned non-2xx status code: ";
        let xml = "<?xml?><Error><Code>SignatureDoesNotMatch</Code><Message>check your key</Message>\
                   <CanonicalRequest>x-amz-security-token:geheim</CanonicalRequest></Error>";
        for (answer, left) in [
            (format!("403 Forbidden: {xml}"), "403 Forbidden: SignatureDoesNotMatch: check your key"),
            ("403 Forbidden: authorization: geheim".into(), "403 Forbidden"),
            ("500 Internal Server Error: ".into(), "500 Internal Server Error"),
            ("400 Bad Request: <Message>a\ngeheim</Message>".into(), "400 Bad Request"),
        ] {
            assert_eq!(without_answer(&format!("{client}{answer}")), format!("{client}{left}"));
        }
        let response = format!("x - Server returned error response: {xml}");
        assert_eq!(
            without_answer(&response),
            "x - Server returned error response: SignatureDoesNotMatch: check your key"
        );
        assert_eq!(without_answer("connection reset by peer"), "connection reset by peer");
    }
}
