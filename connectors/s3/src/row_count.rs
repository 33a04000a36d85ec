//! How many rows a file holds.

use std::io::{self, BufRead, BufReader, Read};

use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use futures::stream::{BoxStream, StreamExt};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use pipeline_api::{Error, Result, Rows};
use tokio::runtime::Handle;

use crate::parquet_encoding::FLUSHED;
use crate::store::Store;

/// So much of a Parquet file's end is read at first: most footers are smaller.
const FOOTER_BYTES: u64 = 64 * 1024;

/// The rows that the footer of a Parquet file tells of, and those of all files of its flush, if it says so; `None` if the file has
/// gone.
pub(crate) async fn of_parquet(store: &Store, path: &str, bytes: u64) -> Result<Option<(Rows, Option<u64>)>> {
    let mut wanted = FOOTER_BYTES.min(bytes);
    loop {
        let Some(end) = store.read_part(path, bytes - wanted..bytes).await? else { return Ok(None) };
        let mut reader = ParquetMetaDataReader::new();
        return Ok(Some(match reader.try_parse_sized(&end, bytes).and_then(|()| reader.finish()) {
            Ok(footer) => (rows_of(&footer, bytes - footer_length(&end)), flushed(&footer)),
            Err(ParquetError::NeedMoreData(more)) if wanted < more as u64 && more as u64 <= bytes => {
                wanted = more as u64;
                continue;
            }
            Err(error) => (Rows::Unreadable(format!("it has no readable Parquet footer: {error}")), None),
        }));
    }
}

fn flushed(footer: &ParquetMetaData) -> Option<u64> {
    let entries = footer.file_metadata().key_value_metadata()?;
    entries.iter().find(|entry| entry.key == FLUSHED)?.value.as_ref()?.parse().ok()
}

/// How many bytes the footer takes at the end of a file: what stands before the last four, and eight more (Apache Parquet, "File
/// Format").
fn footer_length(end: &[u8]) -> u64 {
    let length = end.last_chunk::<8>().map_or(0, |[a, b, c, d, ..]| u32::from_le_bytes([*a, *b, *c, *d]));
    u64::from(length) + 8
}

/// The footer says where the pages are: those must lie before it, or something has been cut out.
fn rows_of(footer: &ParquetMetaData, before_footer: u64) -> Rows {
    let columns = || footer.row_groups().iter().flat_map(|group| group.columns());
    let end = columns().map(|column| column.byte_range()).map(|(start, length)| start.saturating_add(length)).max();
    let indexes = columns().flat_map(|column| {
        let index = |offset: Option<i64>, length: Option<i32>| offset?.checked_add(i64::from(length?));
        [
            index(column.offset_index_offset(), column.offset_index_length()),
            index(column.column_index_offset(), column.column_index_length()),
        ]
    });
    let index_end = indexes.flatten().max().and_then(|end| u64::try_from(end).ok());
    match u64::try_from(footer.file_metadata().num_rows()) {
        Ok(_) if end.max(index_end).is_some_and(|end| end > before_footer) => {
            Rows::Unreadable("its Parquet footer tells of more than the file has".to_owned())
        }
        Ok(rows) => Rows::Counted(rows),
        Err(_) => Rows::Unreadable("its Parquet footer has no number of rows".to_owned()),
    }
}

/// The lines of a file, whose name ends with `extension`; `None` if the file has gone. Reads all of it.
pub(crate) async fn of_lines(store: &Store, path: &str, extension: &str) -> Result<Option<Rows>> {
    let Some(stream) = store.read(path).await? else { return Ok(None) };
    let body = Body { stream, chunk: Bytes::new(), runtime: Handle::current() };
    let reader: Box<dyn Fn(Body) -> io::Result<Rows> + Send> = match extension {
        ".json.gz" => Box::new(|body| count_lines(MultiGzDecoder::new(body))),
        ".json.zst" => Box::new(|body| count_lines(zstd::stream::read::Decoder::new(body)?)),
        _ => Box::new(count_lines),
    };
    let counted = tokio::task::spawn_blocking(move || reader(body)).await;
    match counted.map_err(|error| Error::fatal(format!("{path}: the rows could not be counted")).with_source(error))? {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.kind() == io::ErrorKind::Other && is_of_store(&error) => {
            let place = store.location().url_of(path);
            Err(Error::retriable(format!("{place}: the file could not be read to its end")).with_source(error))
        }
        Err(error) => Ok(Some(Rows::Unreadable(format!("it cannot be decompressed: {error}")))),
    }
}

fn is_of_store(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<object_store::Error>())
}

fn count_lines(text: impl Read) -> io::Result<Rows> {
    let mut text = BufReader::with_capacity(64 * 1024, text);
    let (mut lines, mut whole) = (0, true);
    loop {
        let block = text.fill_buf()?;
        let Some(last) = block.last() else { break };
        whole = *last == b'\n';
        lines += block.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = block.len();
        text.consume(length);
    }
    match whole {
        true => Ok(Rows::Counted(lines)),
        false => Ok(Rows::Unreadable("it ends in the middle of a line".to_owned())),
    }
}

/// The bytes of a file for who reads on a thread that may wait.
struct Body {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    chunk: Bytes,
    runtime: Handle,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}
