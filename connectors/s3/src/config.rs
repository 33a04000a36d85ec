//! What stands under `config:` of the two sinks.

use pipeline_api::{ByteSize, Findings, HumanDuration, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::json_encoding::{JsonCompression, JsonEncoding};
use crate::objects::ObjectSettings;
use crate::parquet_encoding::{ParquetCompression, ParquetEncoding};
use crate::settings::{
    FileConfig, MetadataColumns, Settings, default_max_partitions, default_multipart_above, default_path_style,
    default_timeout,
};

/// Defines a config: the settings that both sinks share, then its own. (`serde(flatten)` would say it shorter, but it
/// cannot refuse unknown fields.)
macro_rules! file_config {
    ($(#[$docs:meta])* $name:ident { $($(#[$field_docs:meta])* $field:ident: $of:ty,)* }) => {
        $(#[$docs])*
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Where the files go: `s3://bucket/prefix`, `file:///absolute/folder`, or a folder relative to the
            /// pipeline file. Everything below it should be this sink's: readers take whatever lies there for data.
            pub url: String,

            /// The columns that become folders, in this order: `column`, or `date(c)`, `year(c)`, `month(c)`, `hour(c)`
            /// of a date or timestamp (in UTC), each with ` as name` if its folder should have another name. Default:
            /// none.
            ///
            /// A plain column leaves the file and is only in the path. A function adds a column called like the
            /// function: `year`, `month` (1 to 12) and `hour` (0 to 23) are int, `date` is a date. Null is the folder
            /// `__HIVE_DEFAULT_PARTITION__`. A record with an empty text in such a column is refused, because the
            /// folder of an empty text reads back as null.
            #[serde(default)]
            pub partition_by: Vec<String>,

            $($(#[$field_docs])* pub $field: $of,)*

            /// Columns to add from what the topic says of each record. Default: none.
            #[serde(default)]
            pub metadata: MetadataColumns,

            /// The most files that one task holds open, one for each topic partition and combination of partition
            /// values. More stop the pipeline: it guards against partitioning by a column with a value for each record.
            #[serde(default = "default_max_partitions")]
            pub max_partitions: usize,

            /// Files larger than this are uploaded in parts of 16 MiB, or of this size if it is less. Up to it a file is one
            /// request, and a crash leaves nothing behind. From 5MiB, the least that a part may have, to 5GiB, the most that
            /// one request may have.
            #[serde(default = "default_multipart_above")]
            pub multipart_above: ByteSize,

            /// How long one request to the store may take, and one second more for each 256 KiB of it: 8 MiB have 32
            /// seconds more. After that it is sent again, within the file's `errors.retry.timeout`.
            #[serde(default = "default_timeout")]
            pub timeout: HumanDuration,

            /// What is said of each object beside its bytes.
            #[serde(default)]
            pub objects: ObjectSettings,

            /// The URL of an S3 server other than AWS, such as `http://127.0.0.1:9000`. Default: the environment
            /// variable `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, else AWS itself.
            #[serde(default)]
            pub endpoint: Option<String>,

            /// The bucket's region. Default: the environment variable `AWS_REGION` or `AWS_DEFAULT_REGION`, else
            /// `us-east-1`.
            #[serde(default)]
            pub region: Option<String>,

            /// Whether the bucket stands in the path of a request (`https://host/bucket/key`) or in the host name
            /// (`https://bucket.host/key`).
            #[serde(default = "default_path_style")]
            pub path_style: bool,

            /// Allows an `endpoint` that is plain HTTP and not on this machine. Records cross the network unencrypted.
            #[serde(default)]
            pub allow_http: bool,

            /// The profile of `~/.aws/config` that gives the credentials, and the region if nobody else does. Default:
            /// `AWS_PROFILE`, else `default`.
            #[serde(default)]
            pub profile: Option<String>,

            /// The access key, with `secret_access_key`. Default: the environment (`AWS_ACCESS_KEY_ID`, …), the profile, a
            /// web identity, the container's or the machine's role.
            #[serde(default)]
            pub access_key_id: Option<Secret>,

            /// The secret that belongs to `access_key_id`.
            #[serde(default)]
            pub secret_access_key: Option<Secret>,

            /// The token that belongs to temporary credentials.
            #[serde(default)]
            pub session_token: Option<Secret>,
        }

        impl $name {
            fn shared(&self) -> Settings {
                Settings {
                    url: self.url.clone(),
                    partition_by: self.partition_by.clone(),
                    metadata: self.metadata.clone(),
                    max_partitions: self.max_partitions,
                    multipart_above: self.multipart_above,
                    timeout: self.timeout,
                    objects: self.objects.clone(),
                    endpoint: self.endpoint.clone(),
                    region: self.region.clone(),
                    path_style: self.path_style,
                    allow_http: self.allow_http,
                    profile: self.profile.clone(),
                    access_key_id: self.access_key_id.clone(),
                    secret_access_key: self.secret_access_key.clone(),
                    session_token: self.session_token.clone(),
                }
            }
        }
    };
}

file_config! {
    /// Writes records as Parquet files below a URL, in Hive folders if `partition_by` says so: the form that Athena
    /// reads.
    ///
    /// Each flush writes one file for each topic partition and combination of partition values. Up to
    /// `multipart_above` it is one PUT, beyond that a multipart upload.
    ///
    /// ```yaml
    /// type: s3_parquet
    /// config:
    ///   url: s3://lake/stocks
    ///   region: eu-central-1
    ///   partition_by: [symbol, year(date)]
    ///   compression: zstd
    ///   metadata: { offset: kafka_offset, partition: kafka_partition }
    /// ```
    S3ParquetConfig {
        /// How the pages of a file are compressed: `zstd` at level 1, `snappy`, or `none`.
        #[serde(default)]
        compression: ParquetCompression,

        /// The most rows of one row group. Larger groups read faster as a whole and take more memory to write.
        #[serde(default = "default_row_group_rows")]
        row_group_rows: usize,
    }
}

file_config! {
    /// Writes records as JSON lines below a URL, in Hive folders if `partition_by` says so: the form that Athena reads
    /// with the SerDe `org.openx.data.jsonserde.JsonSerDe`. Timestamps are `YYYY-MM-DD HH:MM:SS.mmm` in UTC.
    ///
    /// Each flush writes one file for each topic partition and combination of partition values. Up to
    /// `multipart_above` it is one PUT, beyond that a multipart upload.
    ///
    /// ```yaml
    /// type: s3_json
    /// config:
    ///   url: out/stocks_json
    ///   partition_by: [date(event_time) as day]
    ///   compression: gzip
    /// ```
    S3JsonConfig {
        /// How a file is compressed: `none` (`.json`), `gzip` (`.json.gz`), or `zstd` (`.json.zst`, level 1: smaller
        /// and many times faster than gzip).
        #[serde(default)]
        compression: JsonCompression,
    }
}

fn default_row_group_rows() -> usize {
    1_048_576
}

impl FileConfig for S3ParquetConfig {
    const TYPE: &'static str = "s3_parquet";
    type Encoding = ParquetEncoding;

    fn settings(&self) -> Settings {
        self.shared()
    }

    fn encoding(&self) -> ParquetEncoding {
        ParquetEncoding::new(self.compression, self.row_group_rows)
    }

    fn check(&self, findings: &mut Findings) {
        if self.row_group_rows == 0 {
            findings.error("/row_group_rows", "a row group has at least 1 row, such as 1_000_000");
        }
    }
}

impl FileConfig for S3JsonConfig {
    const TYPE: &'static str = "s3_json";
    type Encoding = JsonEncoding;

    fn settings(&self) -> Settings {
        self.shared()
    }

    fn encoding(&self) -> JsonEncoding {
        JsonEncoding::new(self.compression)
    }
}
