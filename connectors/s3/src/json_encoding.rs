//! Records as JSON lines.

use std::io::{self, Write};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use flate2::write::GzEncoder;
use pipeline_api::{Buffered, Error, FileFormat, RecordBatch, Result};
use pipeline_json::{TimestampStyle, write_lines};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zstd::stream::write::Encoder as ZstdEncoder;

use crate::encoding::{Encoding, OpenFile};

/// How a file of JSON lines is compressed. Readers tell it by the ending of its name alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonCompression {
    /// Not at all: `.json`.
    #[default]
    None,
    /// Gzip at its fastest level: `.json.gz`.
    Gzip,
    /// Zstandard at level 1: `.json.zst`.
    Zstd,
}

/// JSON lines, with timestamps as Athena reads them.
pub struct JsonEncoding {
    compression: JsonCompression,
}

/// A file of JSON lines that is being written.
pub struct JsonFile {
    compression: JsonCompression,
    /// Text that waits until it makes up a block; without compression, all of it.
    pending: Vec<u8>,
    /// Made with the first block: a compressor takes over a megabyte, and a flush may hold a thousand files.
    compressor: Option<Compressor>,
}

/// A compressor gets text in blocks of exactly this many bytes, so that what it makes of them follows from the text
/// alone.
const BLOCK_BYTES: usize = 256 * 1024;

enum Compressor {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(ZstdEncoder<'static, Vec<u8>>),
}

impl JsonEncoding {
    pub(crate) fn new(compression: JsonCompression) -> Self {
        Self { compression }
    }
}

impl Encoding for JsonEncoding {
    type Block = Bytes;
    type File = JsonFile;
    const FORMAT: FileFormat = FileFormat::JsonLines;

    fn extension(&self) -> &'static str {
        match self.compression {
            JsonCompression::None => ".json",
            JsonCompression::Gzip => ".json.gz",
            JsonCompression::Zstd => ".json.zst",
        }
    }

    fn prepare(&self, records: RecordBatch) -> Result<Bytes> {
        let mut text = Vec::new();
        write_lines(&records, TimestampStyle::Athena, &mut text)?;
        Ok(text.into())
    }

    fn block_of_lines(&self, lines: Bytes) -> Option<Bytes> {
        Some(lines)
    }

    fn start(&self, _schema: &SchemaRef) -> JsonFile {
        JsonFile { compression: self.compression, pending: Vec::new(), compressor: None }
    }
}

impl OpenFile for JsonFile {
    type Block = Bytes;

    fn write(&mut self, mut text: Bytes) -> Result<()> {
        if self.compression == JsonCompression::None {
            self.pending.extend_from_slice(&text);
            return Ok(());
        }
        if !self.pending.is_empty() {
            let missing = BLOCK_BYTES - self.pending.len();
            self.pending.extend_from_slice(&text.split_to(missing.min(text.len())));
            if self.pending.len() < BLOCK_BYTES {
                return Ok(());
            }
            self.compress_pending()?;
        }
        while text.len() >= BLOCK_BYTES {
            let block = text.split_to(BLOCK_BYTES);
            self.compressor()?.compress(&block)?;
        }
        self.pending.extend_from_slice(&text);
        Ok(())
    }

    fn buffered(&self) -> Buffered {
        let (compressed, memory) = self.compressor.as_ref().map_or((0, 0), Compressor::size);
        let pending = match self.compression {
            JsonCompression::None => self.pending.len(),
            // Records as JSON shrink to about a fifth.
            JsonCompression::Gzip | JsonCompression::Zstd => self.pending.len() / 5,
        };
        Buffered { encoded: (compressed + pending) as u64, memory: (memory + self.pending.capacity()) as u64 }
    }

    fn finish(mut self, _: u64) -> Result<Vec<u8>> {
        if self.compression == JsonCompression::None {
            return Ok(self.pending);
        }
        self.compress_pending()?;
        match self.compressor {
            Some(Compressor::Gzip(encoder)) => encoder.finish().map_err(broken),
            Some(Compressor::Zstd(encoder)) => encoder.finish().map_err(broken),
            None => Ok(self.pending),
        }
    }
}

impl JsonFile {
    fn compress_pending(&mut self) -> Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        self.compressor()?.compress(&pending)?;
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    fn compressor(&mut self) -> Result<&mut Compressor> {
        Ok(match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(self.compression).map_err(broken)?),
        })
    }
}

impl Compressor {
    fn new(compression: JsonCompression) -> io::Result<Self> {
        Ok(match compression {
            JsonCompression::Zstd => Self::Zstd(ZstdEncoder::new(Vec::new(), 1)?),
            _ => Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::fast())),
        })
    }

    fn compress(&mut self, text: &[u8]) -> Result<()> {
        let compressed = match self {
            Self::Gzip(encoder) => encoder.write_all(text),
            Self::Zstd(encoder) => encoder.write_all(text),
        };
        compressed.map_err(broken)
    }

    /// The bytes that it has made, and an estimate of its memory with them.
    fn size(&self) -> (usize, usize) {
        let (made, own) = match self {
            Self::Gzip(encoder) => (encoder.get_ref(), 320 * 1024),
            Self::Zstd(encoder) => (encoder.get_ref(), 1536 * 1024),
        };
        (made.len(), own + made.capacity())
    }
}

fn broken(error: io::Error) -> Error {
    Error::fatal("JSON lines cannot be compressed").with_source(error)
}
