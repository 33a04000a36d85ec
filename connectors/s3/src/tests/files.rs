use std::io::Read;

use arrow::array::{Date32Array, Decimal128Array, Float64Array, StringArray, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::take_record_batch;
use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use pipeline_api::Sink;
use serde_json::json;

use super::*;

fn stocks(rows: i64) -> RecordBatch {
    let symbols: Vec<Option<String>> = (0..rows).map(|n| (n % 7 != 3).then(|| format!("S{}", n % 3))).collect();
    records([
        ("symbol", Arc::new(StringArray::from(symbols)) as ArrayRef),
        ("price", Arc::new(Float64Array::from_iter((0..rows).map(|n| (n % 5 != 1).then_some(n as f64 / 4.0))))),
        ("volume", Arc::new(Int64Array::from_iter_values(0..rows))),
        ("at", Arc::new(TimestampMillisecondArray::from_iter_values((0..rows).map(|n| n * 86_400_000)))),
    ])
}

#[tokio::test]
async fn parquet_holds_every_row_in_the_order_of_its_offsets_with_nulls_as_nulls() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 10_000;
    let all = stocks(rows);
    let mut sink = parquet_sink(json!({ "url": "out" }), &all, folder.path()).await;
    for (start, length) in [(0, 1), (1, 4999), (5000, 3), (5003, 4997)] {
        sink.put(batch(start as i64, all.slice(start, length))).await.unwrap();
    }
    let artifacts = sink.flush(ranges(0, 0, rows)).await.unwrap();
    let files = files_in(&folder.path().join("out"));
    assert_eq!(files.keys().collect::<Vec<_>>(), ["t+0+00000000000000000000-10000.parquet"]);
    let bytes = files.values().next().unwrap();
    assert_eq!((artifacts[0].rows, artifacts[0].bytes), (rows as u64, bytes.len() as u64));
    let found = parquet_rows(bytes);
    assert_eq!(found.len(), rows as usize);
    for (n, row) in found.iter().enumerate() {
        assert_eq!(row["volume"], n.to_string());
        let symbol = if n % 7 == 3 { "null".into() } else { format!("\"S{}\"", n % 3) };
        assert_eq!(row["symbol"], symbol);
        assert_eq!(row["price"] == "null", n % 5 == 1);
    }
}

#[tokio::test]
async fn parquet_says_nothing_that_only_arrow_understands_and_obeys_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let micros = TimestampMicrosecondArray::from_iter_values(0..100);
    let all = records([
        ("at", Arc::new(TimestampMillisecondArray::from_iter_values(0..100)) as ArrayRef),
        ("precise", Arc::new(micros)),
        ("amount", Arc::new(Decimal128Array::from_iter_values(0..100).with_precision_and_scale(18, 6).unwrap())),
    ]);
    for (word, compression) in [
        ("none", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("zstd", Compression::ZSTD(Default::default())),
    ] {
        let settings = json!({ "url": word, "compression": word, "row_group_rows": 40 });
        let mut sink = parquet_sink(settings, &all, folder.path()).await;
        sink.put(batch(0, all.clone())).await.unwrap();
        sink.flush(ranges(0, 0, 100)).await.unwrap();
        let bytes = files_in(&folder.path().join(word)).into_values().next().unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let groups = reader.metadata().row_groups();
        assert_eq!(groups.iter().map(|group| group.num_rows()).collect::<Vec<_>>(), [40, 40, 20]);
        for column in groups[0].columns() {
            let codec = |of: Compression| std::mem::discriminant(&of);
            assert_eq!(codec(column.compression()), codec(compression));
        }
        assert_eq!(groups[0].column(0).column_type(), PhysicalType::INT64);
        let said = reader.metadata().file_metadata().key_value_metadata().unwrap();
        let said: Vec<_> = said.iter().map(|entry| (&*entry.key, entry.value.as_deref())).collect();
        assert_eq!(said, [("pipeline.flushed", Some("100"))]);
        let unit = |column: usize| format!("{:?}", groups[0].column(column).column_descr().logical_type_ref());
        assert!(unit(0).contains("MILLIS") && unit(1).contains("MICROS"), "{} {}", unit(0), unit(1));
        // A reader with a zone of its own does not shift them.
        assert!(unit(0).contains("utc: false") || unit(0).contains("u_t_c: false"), "{}", unit(0));
        let encodings = groups.iter().flat_map(|group| group.columns()).flat_map(|column| column.encodings());
        for encoding in encodings {
            let read = matches!(encoding, Encoding::PLAIN | Encoding::RLE | Encoding::RLE_DICTIONARY);
            assert!(read, "{encoding}, which Athena does not read for every type");
        }
    }
}

#[tokio::test]
async fn a_column_of_parquet_has_a_dictionary_where_its_values_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 5000;
    let decimals = |values: Vec<i128>| Decimal128Array::from(values).with_precision_and_scale(18, 2).unwrap();
    let all = records([
        ("symbol", Arc::new(StringArray::from_iter_values((0..rows).map(|n| format!("S{n}")))) as ArrayRef),
        ("price", Arc::new(Float64Array::from_iter_values((0..rows).map(|n| (n % 700) as f64 / 4.0)))),
        ("vwap", Arc::new(Float64Array::from_iter_values((0..rows).map(|n| (n % 800) as f64 / 3.0)))),
        ("volume", Arc::new(Int64Array::from_iter((0..rows).map(|n| (n % 4 > 0).then_some(n))))),
        ("at", Arc::new(TimestampMillisecondArray::from_iter_values((0..rows).map(|n| n / 50)))),
        ("day", Arc::new(Date32Array::from_iter_values(0..rows as i32))),
        ("cost", Arc::new(decimals((0..rows as i128).collect()))),
        ("fee", Arc::new(decimals((0..rows as i128).map(|n| n % 3).collect()))),
        ("late", Arc::new(Int64Array::from_iter_values((0..rows).map(|n| n.max(1024))))),
    ]);
    let mut sink = parquet_sink(json!({ "url": "out" }), &all, folder.path()).await;
    sink.put(batch(0, all.clone())).await.unwrap();
    sink.flush(ranges(0, 0, rows)).await.unwrap();
    let bytes = files_in(&folder.path().join("out")).into_values().next().unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let columns = reader.metadata().row_group(0).columns();
    let with: Vec<String> = columns
        .iter()
        .filter(|column| column.dictionary_page_offset().is_some())
        .map(|column| column.column_path().string())
        .collect();
    assert_eq!(with, ["symbol", "price", "at", "fee", "late"]);
}

#[tokio::test]
async fn json_lines_read_back_from_every_compression_with_timestamps_as_athena_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 20_000;
    let all = stocks(rows);
    for (word, extension) in [("none", "json"), ("gzip", "json.gz"), ("zstd", "json.zst")] {
        let mut sink = json_sink(json!({ "url": word, "compression": word }), &all, folder.path()).await;
        sink.put(batch(0, all.slice(0, 3))).await.unwrap();
        sink.put(batch(3, all.slice(3, rows as usize - 3))).await.unwrap();
        sink.flush(ranges(0, 0, rows)).await.unwrap();
        let files = files_in(&folder.path().join(word));
        let bytes = &files[&format!("t+0+00000000000000000000-20000.{extension}")];
        let text = match word {
            "gzip" => {
                let mut text = Vec::new();
                flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
                text
            }
            "zstd" => zstd::decode_all(&bytes[..]).unwrap(),
            _ => bytes.clone(),
        };
        let found = json_rows(&text);
        assert_eq!(found.len(), rows as usize);
        assert_eq!(found[2], json!({ "symbol": "S2", "price": 0.5, "volume": 2, "at": "1970-01-03 00:00:00.000" }));
        assert_eq!(found[3].get("symbol"), None);
        assert!(found.iter().enumerate().all(|(n, row)| row["volume"] == n));
    }
}

#[tokio::test]
async fn metadata_columns_stand_behind_the_others_under_the_names_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let all = records([("n", Arc::new(Int64Array::from(vec![7, 8])) as ArrayRef)]);
    let metadata = json!({ "offset": "kafka_offset", "partition": "p", "topic": "tp", "timestamp": "ts", "key": "k" });
    let settings = json!({ "url": "out", "metadata": metadata });
    let mut sink = json_sink(settings.clone(), &all, folder.path()).await;
    let mut put = batch(41, all.clone());
    put.metadata.keys = BinaryArray::from_opt_vec(vec![Some(b"IBM"), None]);
    sink.put(put).await.unwrap();
    sink.flush(ranges(0, 41, 43)).await.unwrap();
    let file = files_in(&folder.path().join("out")).into_values().next().unwrap();
    assert_eq!(
        json_rows(&file),
        [
            json!({ "n": 7, "tp": "t", "p": 0, "kafka_offset": 41, "ts": "1970-01-01 00:00:41.000", "k": "IBM" }),
            json!({ "n": 8, "tp": "t", "p": 0, "kafka_offset": 42, "ts": "1970-01-01 00:00:42.000" }),
        ]
    );
    let dataset = S3Json::dataset(&config(settings), &context(all.schema(), folder.path())).unwrap().unwrap();
    let names: Vec<&str> = dataset.columns.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["n", "tp", "p", "kafka_offset", "ts", "k"]);
}

#[tokio::test]
async fn a_key_that_is_no_text_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let all = records([("n", Arc::new(Int64Array::from(vec![7])) as ArrayRef)]);
    let mut sink = json_sink(json!({ "url": "out", "metadata": { "key": "k" } }), &all, folder.path()).await;
    let mut put = batch(0, all);
    put.metadata.keys = BinaryArray::from_vec(vec![b"\xff"]);
    let error = sink.put(put).await.unwrap_err();
    assert_eq!(error.kind(), pipeline_api::ErrorKind::Data);
    assert_eq!(sink.flush(ranges(0, 0, 1)).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_buffered_grows_with_what_is_put_and_is_gone_after_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    // Each put fills pages, which are smaller once they are full and compressed.
    let all = stocks(250_000);
    let mut sink = parquet_sink(json!({ "url": "out" }), &all, folder.path()).await;
    let mut last = sink.buffered();
    assert_eq!((last.encoded, last.memory), (0, 0));
    for start in (0..250_000).step_by(50_000) {
        sink.put(batch(start as i64, all.slice(start, 50_000))).await.unwrap();
        let now = sink.buffered();
        assert!(now.encoded > last.encoded && now.memory > 0, "{now:?} after {last:?}");
        last = now;
    }
    let size = sink.flush(ranges(0, 0, 250_000)).await.unwrap()[0].bytes;
    assert!(last.encoded / 4 < size && size < last.encoded * 4, "{} was estimated, {size} written", last.encoded);
    assert_eq!(sink.buffered(), Default::default());
}

#[tokio::test]
async fn rows_that_come_a_few_at_a_time_take_little_more_memory_than_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, all) = (2000, stocks(2000));
    let mut sink = parquet_sink(json!({ "url": "out" }), &all, folder.path()).await;
    sink.put(batch(0, all.clone())).await.unwrap();
    let at_once = sink.buffered();
    sink.revoke(&[partition(0)]).await.unwrap();
    for start in (0..rows).step_by(4) {
        let few = take_record_batch(&all, &UInt32Array::from_iter_values(start..start + 4)).unwrap();
        sink.put(batch(start.into(), few)).await.unwrap();
    }
    let few_at_a_time = sink.buffered();
    assert!(few_at_a_time.memory < at_once.memory * 3 / 2, "{few_at_a_time:?} after {at_once:?}");
}

#[test]
fn the_dataset_tells_readers_what_is_in_the_files_and_what_is_in_the_path() {
    let all = records([
        ("symbol", Arc::new(StringArray::from(vec!["IBM"])) as ArrayRef),
        ("date", Arc::new(Date32Array::from(vec![0]))),
        ("price", Arc::new(Float64Array::from(vec![1.0]))),
    ]);
    let settings = json!({ "url": "s3://lake/stocks", "partition_by": ["symbol", "year(date)"] });
    let dataset = S3Parquet::dataset(&config(settings), &context(all.schema(), Path::new("/"))).unwrap().unwrap();
    assert_eq!(dataset.location, "s3://lake/stocks/");
    let columns = |schema: &SchemaRef| {
        schema.fields().iter().map(|f| (f.name().clone(), pipeline_api::type_text(f.data_type()))).collect::<Vec<_>>()
    };
    assert_eq!(columns(&dataset.columns), [("date".into(), "date".into()), ("price".into(), "double".into())]);
    assert_eq!(
        columns(&dataset.partition_columns),
        [("symbol".into(), "string".into()), ("year".into(), "int".into())]
    );
}
