use super::*;

/// The records of a text by the letter of RFC 4180, one character after the other; `None` if its quotes are wrong.
fn by_the_letter(text: &str) -> Option<Vec<Vec<String>>> {
    let mut records = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| matches!(c, '\r' | '\n')).is_some() {}
        if rest.peek().is_none() {
            return Some(records);
        }
        let mut record = Vec::new();
        loop {
            let mut field = String::new();
            if rest.next_if_eq(&'"').is_some() {
                loop {
                    match rest.next()? {
                        '"' if rest.next_if_eq(&'"').is_some() => field.push('"'),
                        '"' => break,
                        other => field.push(other),
                    }
                }
                if !matches!(rest.peek(), None | Some(',' | '\r' | '\n')) {
                    return None;
                }
            } else {
                while let Some(c) = rest.next_if(|c| !matches!(c, ',' | '\r' | '\n')) {
                    field.push(c);
                }
            }
            record.push(field);
            if rest.next_if_eq(&',').is_none() {
                break;
            }
        }
        records.push(record);
    }
}

#[tokio::test]
async fn every_short_text_reads_as_the_grammar_says_or_is_rejected() {
    let fixture = Fixture::new(&[]);
    let config = json!({ "path": "a.csv", "header": false, "columns": ["x", "y"], "nulls": [] });
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts
            .iter()
            .flat_map(|text| ["", "a", ",", "\"", "\n", "\r"].map(|next| format!("{text}{next}")))
            .collect();
        texts.sort();
        texts.dedup();
    }
    assert_eq!(texts.len(), 781);
    for text in texts {
        fixture.write("a.csv", &text);
        let read = fixture.read(config.clone()).await;
        match by_the_letter(&text) {
            None => assert!(!read.rejected.is_empty(), "{text:?}: {read:?}"),
            Some(records) => {
                let (good, bad): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.len() == 2);
                assert_eq!(read.rows, good.iter().map(|record| record.join("|")).collect::<Vec<_>>(), "{text:?}");
                assert_eq!(read.rejected.len(), bad.len(), "{text:?}: {read:?}");
            }
        }
    }
}
