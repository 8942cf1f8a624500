//! How inputs at URLs are reached.
//! A command that reads records takes this group, as a part of how files are read.

/// How inputs at URLs are reached.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Inputs at URLs")]
pub struct RemoteArgs {
    /// Let several workers read one object, each a part; without it, an object has one reader
    #[arg(long)]
    pub split_remote: bool,

    /// How long a server that inputs come from may be silent or in trouble
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    pub remote_timeout: String,

    /// Server that speaks as S3 does, for example `https://minio:9000`; without it, AWS or what `AWS_ENDPOINT_URL` says
    #[arg(long, value_name = "URL")]
    pub s3_endpoint: Option<String>,

    /// Region of the bucket; without it, what `AWS_REGION` says, or us-east-1
    #[arg(long, value_name = "NAME")]
    pub s3_region: Option<String>,

    /// Put the bucket into the host's name (bucket.host/key) instead of the path (host/bucket/key)
    #[arg(long)]
    pub s3_virtual_host: bool,

    /// Do not sign requests: for buckets that everybody may read
    #[arg(long)]
    pub s3_anonymous: bool,
}
