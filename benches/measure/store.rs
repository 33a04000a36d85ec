//! The S3 server, and what lies there.

use std::io::{BufRead, BufReader, Read};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::file::reader::{FileReader, SerializedFileReader};
use pipeline_testkit::aws::SeaweedServer;
use tokio::runtime::Runtime;

/// A SeaweedFS, and a look at it.
pub(crate) struct Store {
    server: SeaweedServer,
    runtime: Runtime,
}

impl Store {
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { server: SeaweedServer::start(), runtime })
    }

    /// What a process needs in its environment to work with it.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, String)> {
        // Newer SDKs add sums that it does not take.
        let sums = ("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required".to_owned());
        self.server.environment().into_iter().chain([sums])
    }

    pub(crate) fn make_bucket(&self, name: &str) {
        self.server.bucket(name);
    }

    pub(crate) fn bucket(&self, name: &str) -> Result<AmazonS3> {
        let builder = AmazonS3Builder::new().with_endpoint(self.server.endpoint()).with_region("us-east-1");
        let builder = builder.with_access_key_id(SeaweedServer::ACCESS_KEY_ID);
        let builder = builder.with_secret_access_key(SeaweedServer::SECRET_ACCESS_KEY);
        Ok(builder.with_bucket_name(name).with_allow_http(true).build()?)
    }

    pub(crate) fn has_object(&self, bucket: &AmazonS3) -> Result<bool> {
        Ok(self.runtime.block_on(bucket.list(None).try_next())?.is_some())
    }
}

/// The bucket of this name, where AWS' environment variables say.
pub(crate) fn client(bucket: &str) -> Result<AmazonS3> {
    Ok(AmazonS3Builder::from_env().with_bucket_name(bucket).with_allow_http(true).build()?)
}

/// What this program starts itself as: says how many rows the objects of a bucket have, and how many objects that are. Of Parquet as the footers say, of JSON as
/// many as there are lines.
pub(crate) fn print_count(bucket: &str) -> Result<()> {
    let bucket = client(bucket)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (rows, objects) = runtime.block_on(async {
        let mut rows = 0;
        let objects = bucket.list(None).try_collect::<Vec<_>>().await?;
        for object in &objects {
            let bytes = bucket.get(&object.location).await?.bytes().await?;
            let name = object.location.filename().unwrap_or_default();
            rows += match name.split_once('.').map(|(_, extension)| extension).context("an object without an ending")? {
                "parquet" => {
                    let reader = SerializedFileReader::new(bytes)?;
                    u64::try_from(reader.metadata().file_metadata().num_rows())?
                }
                "json.zst" => lines(zstd::Decoder::new(&bytes[..])?)?,
                "json" => lines(&bytes[..])?,
                other => bail!("an object that ends in {other}"),
            };
        }
        anyhow::Ok((rows, objects.len()))
    })?;
    println!("{rows} {objects}");
    Ok(())
}

fn lines(text: impl Read) -> Result<u64> {
    let mut reader = BufReader::new(text);
    let (mut lines, mut line) = (0, Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        lines += 1;
        line.clear();
    }
    Ok(lines)
}
