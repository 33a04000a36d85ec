use super::compressed::gzip;
use super::*;

#[tokio::test]
async fn fields_get_the_types_of_the_topic_by_name_and_others_are_strings() {
    let fixture =
        Fixture::new(&[("volume", "bigint"), ("price", "double not null"), ("day", "date"), ("missing", "int")]);
    fixture.write("a.csv", "day,note,price,volume\n2026-01-02,\"a, \"\"b\"\"\nc\",1.5,9007199254740993\n,,-0.25,\n");
    let read = fixture.read(json!({ "path": "a.csv" })).await;
    assert_eq!(read.rows, ["2026-01-02|a, \"b\"\nc|1.5|9007199254740993", "∅|∅|-0.25|∅"]);
    assert_eq!(read.rejected, []);
    let source = fixture.open(json!({ "path": "a.csv" }), SourceOffsets::new()).await.unwrap();
    let columns: Vec<String> = source.schema().fields().iter().map(|field| pipeline_api::column_type(field)).collect();
    assert_eq!(columns, ["date", "string", "double not null", "bigint"]);
}

#[tokio::test]
async fn every_type_reads_its_texts() {
    let types = json!({
        "a": "boolean", "b": "tinyint", "c": "smallint", "d": "int", "e": "float", "f": "decimal(9,2)",
        "g": "timestamp", "h": "timestamp(6)", "i": "binary not null"
    });
    let fixture = Fixture::new(&[]);
    let line = "TRUE,-128,32767,-5,1.5,1.50,2026-01-02T03:04:05.678+01:00,2026-01-02 03:04:05.000001,xyz\n";
    fixture.write("a.csv", format!("a,b,c,d,e,f,g,h,i\n{line}0,,,,,,,,z\n"));
    let read = fixture.read(json!({ "path": "a.csv", "types": types })).await;
    assert_eq!(read.rejected, []);
    assert_eq!(
        read.rows,
        [
            "true|-128|32767|-5|1.5|1.50|2026-01-02T02:04:05.678|2026-01-02T03:04:05.000001|78797a",
            "false|∅|∅|∅|∅|∅|∅|∅|7a"
        ]
    );
}

#[tokio::test]
async fn byte_order_mark_carriage_returns_blank_lines_and_a_missing_last_line_break_are_no_matter() {
    let fixture = Fixture::new(&[("b", "int")]);
    let expected = ["x|1", "y|2"];
    for text in [
        "a,b\nx,1\ny,2\n",
        "a,b\nx,1\ny,2",
        "\u{feff}a,b\r\nx,1\r\ny,2\r\n",
        "a,b\rx,1\ry,2\r",
        "\n\na,b\n\n\nx,1\r\n\r\ny,2\n\n",
        "\"a\",\"b\"\n\"x\",\"1\"\n\"y\",\"2\"",
    ] {
        fixture.write("a.csv", text);
        let read = fixture.read(json!({ "path": "a.csv" })).await;
        assert_eq!(read.rows, expected, "{text:?}");
        assert_eq!(read.rejected, [], "{text:?}");
    }
}

#[tokio::test]
async fn delimiter_quote_null_texts_and_columns_are_as_the_config_says() {
    let fixture = Fixture::new(&[]);
    fixture.write("a.tsv", "\u{feff}x\ty \"z\t'q\tr'\nNULL\t\t-\n");
    let config = json!({
        "path": "a.tsv", "delimiter": "\t", "quote": "'", "header": false, "columns": ["a", "b", "c"], "nulls": ["NULL", "-"]
    });
    assert_eq!(fixture.read(config).await.rows, ["x|y \"z|q\tr", "∅||∅"]);
    fixture.write("a.csv", "a,b\n\"x,y\"\n");
    assert_eq!(fixture.read(json!({ "path": "a.csv", "quote": "" })).await.rows, ["\"x|y\""]);
}

#[tokio::test]
async fn files_of_a_folder_are_read_by_name_whatever_their_compression() {
    let fixture = Fixture::new(&[("n", "int")]);
    let mut two_members = gzip(b"n\n2\n");
    two_members.extend(gzip(b"3\n"));
    fixture.write("data/b.csv.gz", two_members);
    fixture.write("data/c.csv.zst", zstd::encode_all(&b"n\n4\n5\n"[..], 1).unwrap());
    fixture.write("data/a.csv", "n\n1\n").write("data/d.csv", "").write("data/e.csv", "n\n");
    for path in ["data", "data/", "data/*.csv*", "./da*/*"] {
        assert_eq!(fixture.read(json!({ "path": path })).await.rows, ["1", "2", "3", "4", "5"], "{path}");
    }
}

#[tokio::test]
async fn files_without_rows_give_none() {
    let fixture = Fixture::new(&[("n", "int")]);
    for text in ["", "\n", "\u{feff}", "n\n", "n"] {
        fixture.write("a.csv", text);
        let mut source = fixture.open(json!({ "path": "a.csv" }), SourceOffsets::new()).await.unwrap();
        assert_eq!(source.schema().field(0), fixture.schema.field(0), "{text:?}");
        let read = read_all(&mut source, SourceOffsets::new()).await.unwrap();
        assert_eq!((read.rows.len(), read.rejected.len()), (0, 0), "{text:?}");
    }
}

#[tokio::test]
async fn many_rows_come_in_batches_and_none_is_lost_at_the_edges_of_the_buffers() {
    let fixture = Fixture::new(&[("n", "bigint"), ("text", "string")]);
    let mut text = String::from("n,text\r\n");
    let mut expected = Vec::new();
    for n in 0..50_000 {
        let filler = "é\"\",\r\n".repeat(n % 7);
        text.push_str(&format!("{n},\"{filler}\"\r\n"));
        expected.push(format!("{n}|{}", if n % 7 == 0 { "∅".into() } else { "é\",\r\n".repeat(n % 7) }));
    }
    fixture.write("a.csv", &text).write("b.csv.gz", gzip(text.as_bytes()));
    for path in ["a.csv", "b.csv.gz"] {
        let read = fixture.read(json!({ "path": path })).await;
        assert!(read.rows == expected, "{} rows", read.rows.len());
    }
    let mut source = fixture.open(json!({ "path": "a.csv" }), SourceOffsets::new()).await.unwrap();
    assert_eq!(source.poll().await.unwrap().unwrap().records.num_rows(), 8192);
}

#[tokio::test]
async fn tasks_share_the_files_without_overlap() {
    let fixture = Fixture::new(&[("n", "int")]);
    for n in 10..30 {
        fixture.write(&format!("data/{n}.csv"), format!("n\n{n}\n"));
    }
    let mut rows = Vec::new();
    for index in 0..3 {
        let context = Context { task: Task { index, of: 3 }, ..fixture.context(SourceOffsets::new()) };
        let mut source = CsvSource::open(parsed(json!({ "path": "data" })), context).await.unwrap();
        let read = read_all(&mut source, SourceOffsets::new()).await.unwrap();
        assert!(!read.rows.is_empty());
        rows.extend(read.rows);
    }
    rows.sort();
    assert_eq!(rows, (10..30).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn times_are_read_in_their_format_and_zone() {
    let fixture = Fixture::new(&[("at", "timestamp"), ("day", "date"), ("unix", "timestamp(6)")]);
    fixture.write("a.csv", "at,day,unix\n07/06/2026 09:30,06.07.2026,1783344600.5\n");
    let config = json!({
        "path": "a.csv",
        "time": {
            "format": "%m/%d/%Y %H:%M", "formats": { "day": "%d.%m.%Y", "unix": "unix_s" }, "zone": "America/New_York"
        }
    });
    let read = fixture.read(config).await;
    assert_eq!(read.rejected, []);
    assert_eq!(read.rows, ["2026-07-06T13:30:00|2026-07-06|2026-07-06T13:30:00.500"]);
}
