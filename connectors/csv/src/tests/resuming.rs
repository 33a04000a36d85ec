use super::*;

#[tokio::test]
async fn a_file_that_was_read_is_not_read_again_and_one_that_grew_is_read_on() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("data/a.csv", "n\n1\n").write("data/b.csv", "n\n2\n");
    let config = json!({ "path": "data" });
    let first = fixture.read(config.clone()).await;
    assert_eq!(first.rows, ["1", "2"]);
    let again = fixture.try_read(config.clone(), first.offsets.clone()).await.unwrap();
    assert_eq!(again.rows, [""; 0]);
    fixture.append("data/a.csv", "3\nx\n").write("data/c.csv", "n\n4\n");
    let more = fixture.try_read(config, again.offsets).await.unwrap();
    assert_eq!(more.rows, ["3", "4"]);
    assert_eq!(more.misfit().0, "data/a.csv:4:1");
}

#[tokio::test]
async fn a_last_line_without_line_break_may_be_ended_later_but_not_continued() {
    let fixture = Fixture::new(&[("n", "int")]);
    for (end, rows) in [("\n2\nx\n", vec!["2"]), ("\r\n2\r\nx\r\n", vec!["2"]), ("\n", vec![])] {
        fixture.write("a.csv", "n\n1");
        let first = fixture.read(json!({ "path": "a.csv" })).await;
        assert_eq!(first.rows, ["1"]);
        fixture.append("a.csv", end);
        let more = fixture.try_read(json!({ "path": "a.csv" }), first.offsets).await.unwrap();
        assert_eq!(more.rows, rows);
        assert!(more.rejected.iter().all(|rejected| rejected.place == "a.csv:4:1"), "{:?}", more.rejected);
    }
    fixture.write("a.csv", "n\n1");
    let first = fixture.read(json!({ "path": "a.csv" })).await;
    fixture.append("a.csv", "2\n3\n");
    let error = fixture.try_read(json!({ "path": "a.csv" }), first.offsets).await.unwrap_err();
    assert!(error.to_string().contains("has been continued"), "{error}");
}

#[tokio::test]
async fn a_file_that_was_replaced_or_cut_is_refused() {
    let fixture = Fixture::new(&[("n", "int")]);
    let text: String = std::iter::once("n\n".to_owned()).chain((0..60_000).map(|n| format!("{n}\n"))).collect();
    let (start, end) = (text.replacen("\n7\n", "\n8\n", 1), text.replacen("59999", "59998", 1));
    for (changed, why) in [
        (start.as_str(), "what was read is different now"),
        (end.as_str(), "what was read is different now"),
        (&text[..text.len() - 6], "it is shorter now"),
        ("n\n", "it is shorter now"),
        ("", "it is empty now"),
    ] {
        for compressed in [false, true] {
            let write = |text: &str| match compressed {
                false => fixture.write("a.csv", text),
                true => fixture.write("a.csv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
            };
            let config = json!({ "path": if compressed { "a.csv.zst" } else { "a.csv" } });
            write(&text);
            let first = fixture.read(config.clone()).await;
            assert_eq!(first.rows.len(), 60_000);
            write(changed);
            let error = fixture.try_read(config, first.offsets).await.unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.kind(), pipeline_api::ErrorKind::Fatal);
        }
    }
}

#[tokio::test]
async fn a_header_that_only_now_gets_its_rows_is_read_on() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", "n");
    let first = fixture.read(json!({ "path": "a.csv" })).await;
    fixture.append("a.csv", "\r\n1\r\n");
    assert_eq!(fixture.try_read(json!({ "path": "a.csv" }), first.offsets).await.unwrap().rows, ["1"]);
}
