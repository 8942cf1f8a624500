//! A bucket of a test's own on the server that speaks as S3 does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::runtime::Runtime;

use super::database::environment;
use super::program::Run;

/// The variable that names the server, as `scripts/s3 start` prints it.
pub(crate) const S3: &str = "RINGLOAD_TEST_S3";

/// The keys that it knows, as `scripts/s3.d` has them.
pub(crate) const KEY: &str = "ringload-test";
/// The secret one.
pub(crate) const SECRET: &str = "ringload-test-secret";

/// A bucket; it goes with the server.
pub(crate) struct Bucket {
    runtime: Runtime,
    store: Arc<AmazonS3>,
    /// The server's URL.
    pub(crate) endpoint: String,
    /// Its name.
    pub(crate) name: String,
}

impl Bucket {
    /// A new bucket; `None` where the environment names no server.
    pub(crate) fn new() -> Option<Bucket> {
        static BUCKETS: AtomicU32 = AtomicU32::new(0);
        let endpoint = environment(S3)?;
        let name = format!("it-{}-{}", std::process::id(), BUCKETS.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let store = |bucket: &str| {
            AmazonS3Builder::new()
                .with_endpoint(&endpoint)
                .with_allow_http(true)
                .with_bucket_name(bucket)
                .with_access_key_id(KEY)
                .with_secret_access_key(SECRET)
                .build()
                .expect("a client")
        };
        // The library makes no buckets; to make one is to put nothing at its own path.
        let whole = AmazonS3Builder::new()
            .with_endpoint(&endpoint)
            .with_allow_http(true)
            .with_virtual_hosted_style_request(true)
            .with_bucket_name("none")
            .with_access_key_id(KEY)
            .with_secret_access_key(SECRET)
            .build()
            .expect("a client");
        runtime.block_on(whole.put(&Path::from(name.as_str()), PutPayload::new())).ok();
        let store = Arc::new(store(&name));
        Some(Bucket { runtime, store, endpoint, name })
    }

    /// Puts an object there. Returns its URL.
    pub(crate) fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) -> String {
        let bytes: Vec<u8> = bytes.into();
        let key = Path::parse(key).expect("a key");
        self.runtime.block_on(self.store.put(&key, bytes.into())).expect("the object is there");
        self.url(key.as_ref())
    }

    /// The URL of a key that whoever has it may read for so long.
    pub(crate) fn signed(&self, key: &str, time: Duration) -> String {
        let (method, key) = ("GET".parse().expect("a method"), Path::from(key));
        let url = self.store.signed_url(method, &key, time);
        self.runtime.block_on(url).expect("a URL").into()
    }

    /// The URL of a key.
    pub(crate) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// A run that knows the server and the keys.
    pub(crate) fn reached_by(&self, run: Run) -> Run {
        run.env("RINGLOAD_S3_ENDPOINT", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
    }
}
