use super::*;

#[tokio::test]
async fn headers_that_are_wrong_are_refused_with_their_place() {
    let fixture = Fixture::new(&[]);
    for (bytes, refusal) in [
        (&b"a,b,a\n"[..], "a.csv:1:5: the header names `a` twice, expected unique names"),
        (b"a,,b\n", "a.csv:1:3: a column has no name, expected one in the header"),
        (b"a,b,\n1,2,\n", "a.csv:1:5: a column has no name, expected one in the header"),
        (b"\"\"\n", "a.csv:1:1: a column has no name, expected one in the header"),
        (b"a,__b\n", "a.csv:1:3: `__b`: names that begin with __ are reserved, expected another"),
        (b"a,\"b\n", "a.csv:1:3: in the header: the quote that opens here never closes"),
        (
            b"a,\"b\"c\n",
            "a.csv:1:6: in the header: text follows a closing quote, expected the delimiter or the end of the line",
        ),
        (b"a,\xff\n", "a.csv:1:3: the header is not UTF-8, expected UTF-8 text"),
        (b"\n\na,b\0\n", "a.csv:3:3: the header holds a NUL byte, expected text"),
    ] {
        fixture.write("a.csv", bytes);
        assert_eq!(fixture.refusal(json!({ "path": "a.csv" })).await, refusal);
    }
    fixture.write("a.csv", format!("{}\n1\n", "n".repeat(5000)));
    let refusal = fixture.refusal(json!({ "path": "a.csv", "max_record": "4KiB" })).await;
    assert_eq!(refusal, "a.csv:1:1: the header is longer than 4096 bytes; `max_record` allows more");
}

#[tokio::test]
async fn files_whose_headers_differ_are_refused() {
    let fixture = Fixture::new(&[]);
    fixture.write("data/1.csv", "x,y\n1,2\n").write("data/2.csv", "y,x\n1,2\n");
    let refusal = fixture.refusal(json!({ "path": "data" })).await;
    assert!(refusal.contains("data/2.csv:1:1: the header is `y,x`, but that of data/1.csv is `x,y`"), "{refusal}");
}

#[tokio::test]
async fn a_name_is_taken_as_it_is_written() {
    let fixture = Fixture::new(&[("price", "double"), ("Price", "int")]);
    fixture.write("a.csv", "price,Price, price ,\"a,\nb\",é,e\u{301}\n1.5,2,3,4,5,6\n");
    let source = fixture.open(json!({ "path": "a.csv" }), SourceOffsets::new()).await.unwrap();
    let schema = source.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["price", "Price", " price ", "a,\nb", "é", "e\u{301}"]);
    assert_eq!(fixture.read(json!({ "path": "a.csv" })).await.rows, ["1.5|2|3|4|5|6"]);
}

#[tokio::test]
async fn another_delimiter_than_the_files_is_noticed_by_the_columns_of_the_topic() {
    let fixture = Fixture::new(&[("symbol", "string"), ("close", "double")]);
    for (delimiter, written) in [(";", ";"), ("\t", "\\t"), ("|", "|")] {
        let header = ["symbol", "day", "close"].join(delimiter);
        fixture.write("a.csv", format!("{header}\nIBM{delimiter}1{delimiter}1.5\n"));
        let refusal = fixture.refusal(json!({ "path": "a.csv" })).await;
        let expected = format!(
            "a.csv:1:1: the header is one column, `{}`; `delimiter: \"{written}\"` makes it symbol, day, close",
            header.escape_debug()
        );
        assert_eq!(refusal, expected);
        assert_eq!(fixture.read(json!({ "path": "a.csv", "delimiter": delimiter })).await.rows, ["IBM|1|1.5"]);
    }
    fixture.write("a.csv", "symbol,close\nIBM,1.5\n");
    let refusal = fixture.refusal(json!({ "path": "a.csv", "delimiter": ";" })).await;
    assert!(refusal.ends_with("`symbol,close`; `delimiter: \",\"` makes it symbol, close"), "{refusal}");
    // Of a name that only looks like several nobody knows better.
    fixture.write("a.csv", "up;down\n1;2\n");
    assert_eq!(fixture.read(json!({ "path": "a.csv" })).await.rows, ["1;2"]);
}
