//! The bytes of a file, decompressed.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use flate2::read::MultiGzDecoder;
use pipeline_api::{Error, Result};
use zstd::stream::read::Decoder as ZstdDecoder;

/// A file that is being read from its beginning on.
pub(crate) struct Input {
    name: String,
    bytes: Bytes,
    stamp: Stamp,
}

enum Bytes {
    Plain(File),
    Gzip(Box<MultiGzDecoder<BufReader<File>>>),
    Zstd(ZstdDecoder<'static, BufReader<File>>),
}

/// How a file is compressed, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What a file system says of a file; as long as it stays, the file most likely does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// In bytes, compressed.
    pub(crate) size: u64,
    /// The time of the last change, in nanoseconds since 1970.
    pub(crate) modified: u64,
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How other files that are no CSV begin, and what they are.
const FOREIGN: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a zip archive, expected csv, .gz or .zst"),
    (b"BZh", "bzip2 data, expected csv, .gz or .zst"),
    (b"\xfd7zXZ", "xz data, expected csv, .gz or .zst"),
    (b"PAR1", "a Parquet file, expected csv"),
    (b"\xff\xfe", "UTF-16 text, expected UTF-8"),
    (b"\xfe\xff", "UTF-16 text, expected UTF-8"),
];

impl Compression {
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Self::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|metadata| Self::from_metadata(&metadata))
    }

    fn from_metadata(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self { size: metadata.len(), modified: modified.map_or(0, |since| since.as_nanos() as u64) }
    }
}

impl Input {
    /// Opens the file at `path`, called `name` towards people. Errors: its bytes are not what its name says.
    pub(crate) fn open(path: &Path, name: &str) -> Result<Self> {
        let unreadable = |error: io::Error| unreadable(name, error);
        let mut file = File::open(path).map_err(unreadable)?;
        let stamp = Stamp::from_metadata(&file.metadata().map_err(unreadable)?);
        let mut magic = Vec::with_capacity(8);
        Read::by_ref(&mut file).take(8).read_to_end(&mut magic).map_err(unreadable)?;
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let compression = Compression::of(path);
        check_magic(name, compression, &magic)?;
        let bytes = match compression {
            Compression::None => Bytes::Plain(file),
            Compression::Gzip => Bytes::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(file)))),
            Compression::Zstd => Bytes::Zstd(ZstdDecoder::new(file).map_err(unreadable)?),
        };
        Ok(Self { name: name.to_owned(), bytes, stamp })
    }

    /// What people call the file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the file was when it was opened.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Fills a part of `buffer`; 0 is the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            let read = match &mut self.bytes {
                Bytes::Plain(file) => file.read(buffer),
                Bytes::Gzip(decoder) => decoder.read(buffer),
                Bytes::Zstd(decoder) => decoder.read(buffer),
            };
            match read {
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Leaves out the next `count` bytes. It may go beyond the end unnoticed.
    pub(crate) fn skip(&mut self, count: u64) -> Result<()> {
        if let Bytes::Plain(file) = &mut self.bytes {
            let beyond = || Error::fatal(format!("{}: the stored offset is out of range", self.name));
            let count = i64::try_from(count).map_err(|_| beyond())?;
            return file.seek(SeekFrom::Current(count)).map(|_| ()).map_err(|error| unreadable(&self.name, error));
        }
        let mut buffer = vec![0; 64 * 1024];
        let mut left = count;
        while left > 0 {
            let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match self.read(&mut buffer[..wanted])? {
                0 => break,
                read => left -= read as u64,
            }
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Error {
        let what = match &self.bytes {
            Bytes::Plain(_) => return unreadable(&self.name, error),
            Bytes::Gzip(_) => "gzip",
            Bytes::Zstd(_) => "zstd",
        };
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                format!("{}: the {what} data ends in the middle, expected a complete file", self.name)
            }
            _ => format!("{}: the {what} data is damaged", self.name),
        };
        Error::fatal(message).with_source(error)
    }
}

fn check_magic(name: &str, compression: Compression, magic: &[u8]) -> Result<()> {
    let wrong = |message: &str| Err(Error::config(format!("{name}: {message}")));
    match compression {
        Compression::Gzip if !magic.starts_with(GZIP) => {
            wrong("the name ends in .gz, but the file holds no gzip data; compress it, or name it .csv")
        }
        Compression::Zstd if !magic.starts_with(ZSTD) => {
            wrong("the name ends in .zst, but the file holds no zstd data; compress it, or name it .csv")
        }
        Compression::None if magic.starts_with(GZIP) => {
            wrong("the file holds gzip data, expected a name that ends in .gz")
        }
        Compression::None if magic.starts_with(ZSTD) => {
            wrong("the file holds zstd data, expected a name that ends in .zst")
        }
        Compression::None => match FOREIGN.iter().find(|(start, _)| magic.starts_with(start)) {
            Some((_, what)) => wrong(&format!("the file holds {what}")),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn unreadable(name: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::config(format!(
            "{name}: there is no such file, expected one; relative paths start from the folder of the pipeline file"
        )),
        io::ErrorKind::PermissionDenied => Error::config(format!("{name}: this user may not read the file")),
        io::ErrorKind::IsADirectory => Error::config(format!("{name}: this is a folder, expected a file")),
        _ => Error::retriable(format!("{name}: the file cannot be read")).with_source(error),
    }
}
