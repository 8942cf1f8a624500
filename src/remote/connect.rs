//! The way to the servers: their clients, each made once, the threads that these need, and what S3 is told. Every request has a
//! deadline, none is repeated by the library: that is for whoever asks. Credentials are those of the environment, which a worker
//! inherits; they are in no message.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use object_store::http::HttpBuilder;
use object_store::path::Path as Key;
use object_store::{ClientConfigKey, ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig};
use tokio::runtime::Runtime;
use url::Url;

use super::address::{Hidden, Target};
use super::error::{Fault, Reason, RemoteError, StatusFault};
use crate::settings::{RemoteSettings, Secret};

/// How long a connection may take to open.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long an answer, or its next bytes, may be waited for before they are asked for anew.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long trouble is borne before anything has begun: who has mistyped a URL is told soon.
const OPENING_WITHIN: Duration = Duration::from_secs(10);
/// Pauses between attempts.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Bytes of an answer in which S3's word for an error is looked for.
const ERROR_BYTES_MAX: usize = 16 * 1024;
/// Where a machine in a cloud is asked for credentials, and what AWS's service for them is called.
const CREDENTIAL_HOSTS: [&str; 3] = ["169.254.", "[fd00:ec2", "sts."];

/// The way to all servers of a run; all copies are one.
#[derive(Clone, Default)]
pub struct Remotes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    settings: RemoteSettings,
    hidden: Mutex<Hidden>,
    runtime: OnceLock<Result<Threads, String>>,
    web: OnceLock<Result<HttpClient, String>>,
    buckets: Mutex<BTreeMap<String, Arc<dyn ObjectStore>>>,
}

/// Threads that are not waited for: what they still have to say nobody wants to know.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Where to ask for an object: the store, and its name there.
pub(super) type Place = (Arc<dyn ObjectStore>, Key);

/// It is no part of what an input is how it is reached.
impl PartialEq for Remotes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Remotes {}

impl std::fmt::Debug for Remotes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remotes")
    }
}

impl Remotes {
    /// The way that settings describe; `hidden` is what shown URLs stand for.
    pub fn new(settings: RemoteSettings, hidden: Hidden) -> Remotes {
        Remotes(Arc::new(Inner { settings, hidden: Mutex::new(hidden), ..Inner::default() }))
    }

    /// The URL that a shown one stands for.
    pub(super) fn url_of(&self, shown: &Path) -> Secret {
        let shown = shown.to_string_lossy();
        let hidden = self.0.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.get(shown.as_ref()).cloned().unwrap_or_else(|| Secret::new(shown.into_owned()))
    }

    /// How long trouble is borne: in the middle of reading, or before anything has begun.
    pub(super) fn patience(&self, opening: bool) -> Patience {
        let limit = self.0.settings.timeout;
        let limit = if opening { limit.min(OPENING_WITHIN) } else { limit };
        Patience { since: Instant::now(), limit, pause: PAUSE_FIRST }
    }

    /// How long one answer is waited for.
    pub(super) fn silence(&self) -> Duration {
        SILENCE_MAX.min(self.0.settings.timeout)
    }

    /// Runs something that waits for servers, on this thread.
    pub(super) fn wait_for<T>(&self, task: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let runtime = self.0.runtime.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("remote")
                .enable_all()
                .build();
            runtime.map(|runtime| Threads(Some(runtime))).map_err(|error| error.to_string())
        });
        match runtime {
            Ok(Threads(Some(runtime))) => runtime.block_on(task),
            Ok(Threads(None)) => Err(Fault::Lasting(Reason::Threads("they have ended".to_owned()))),
            Err(problem) => Err(Fault::Lasting(Reason::Threads(problem.clone()))),
        }
    }

    /// Where to ask for what a URL names.
    pub(super) fn place(&self, target: &Target) -> Result<Place, Fault> {
        let wrong = |problem: String| Fault::Lasting(Reason::Settings(problem));
        match target {
            Target::S3 { bucket, key } => {
                let key =
                    Key::parse(key).map_err(|error| Fault::Lasting(Reason::Unusable(error.to_string())))?;
                Ok((self.bucket(bucket).map_err(wrong)?, key))
            }
            // The URL as it is, whatever it looks like: nothing is added to it.
            Target::Web(url) => Ok((self.web(url).map_err(wrong)?, Key::default())),
        }
    }

    fn web(&self, url: &Url) -> Result<Arc<dyn ObjectStore>, String> {
        let options = || client_options().with_allow_http(true);
        let mut plain = url.clone();
        let client = match url.username().is_empty() && url.password().is_none() {
            true => {
                let make = || Connector(None).connect(&options()).map_err(|error| error.to_string());
                self.0.web.get_or_init(make).clone()?
            }
            false => {
                // Only a URL without a host has no place for them, and no user.
                let _ = plain.set_username("");
                let _ = plain.set_password(None);
                let options = options().with_default_headers(login(url)?);
                Connector(None).connect(&options).map_err(|error| error.to_string())?
            }
        };
        let builder = HttpBuilder::new()
            .with_url(plain)
            .with_client_options(options())
            .with_retry(never())
            .with_http_connector(Connector(Some(client)));
        builder.build().map(|store| Arc::new(store) as _).map_err(|error| error.to_string())
    }

    fn bucket(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, String> {
        let mut buckets = self.0.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = buckets.get(bucket) {
            return Ok(Arc::clone(store));
        }
        let store: Arc<dyn ObjectStore> =
            Arc::new(self.s3(bucket).build().map_err(|error| error.to_string())?);
        buckets.insert(bucket.to_owned(), Arc::clone(&store));
        Ok(store)
    }

    fn s3(&self, bucket: &str) -> AmazonS3Builder {
        let RemoteSettings { s3, .. } = &self.0.settings;
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(never());
        let allow_http = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
        let mut allow_http = builder.get_config_value(&allow_http).is_some_and(|allowed| allowed == "true");
        if let Some(endpoint) = &s3.endpoint {
            // Who names it so wants it so.
            allow_http |= endpoint.starts_with("http://");
            let endpoint = match endpoint.split_once("://") {
                Some((scheme, host)) if s3.virtual_host => format!("{scheme}://{bucket}.{host}"),
                _ => endpoint.clone(),
            };
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        if let Some(region) = &s3.region {
            builder = builder.with_region(region);
        }
        if s3.virtual_host {
            builder = builder.with_virtual_hosted_style_request(true);
        }
        if s3.anonymous {
            builder = builder.with_skip_signature(true);
        }
        builder
            .with_client_options(client_options().with_allow_http(allow_http))
            .with_http_connector(Connector(None))
    }
}

/// User and password as a header.
fn login(url: &Url) -> Result<HeaderMap, String> {
    let decoded = |text: &str| {
        // As in a form, but for `+`.
        let pair = format!("x={}", text.replace('+', "%2B"));
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let login = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(login)))
        .map_err(|_| "user and password cannot be sent".to_owned())?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", value);
    Ok(headers)
}

fn client_options() -> ClientOptions {
    // A body takes as long as its reader: what has a deadline is each part of it.
    let options = ClientOptions::new().with_timeout_disabled().with_connect_timeout(CONNECT_WITHIN);
    options.with_user_agent(HeaderValue::from_static(concat!("ringload/", env!("CARGO_PKG_VERSION"))))
}

fn never() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// How long trouble has been borne, and is borne still.
pub(super) struct Patience {
    since: Instant,
    limit: Duration,
    pause: Duration,
}

impl Patience {
    /// The pause before the next attempt; `None` where there is to be none.
    pub(super) fn next_pause(&mut self) -> Option<Duration> {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MAX);
        (self.since.elapsed() + pause < self.limit).then_some(pause)
    }

    /// What to say when there is none.
    pub(super) fn lost(&self, path: &Path, problem: String) -> RemoteError {
        RemoteError::Unreachable {
            path: path.to_path_buf(),
            seconds: self.since.elapsed().as_secs() + 1,
            problem,
        }
    }
}

/// The machine that was asked for keys, because the environment has none, cannot be reached: there is often no such machine.
#[derive(Debug, thiserror::Error)]
#[error(
    "there are no AWS_ credentials in the environment, and this machine has none of its own: {problem}; set AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY, or give --s3-anonymous"
)]
struct NoKeys {
    problem: String,
}

/// What is at the root of an error, which names no URL.
fn last_of(error: &HttpError) -> String {
    let chain = std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}

/// Makes clients that tell an answer's status, or hands out the one that there is.
#[derive(Debug)]
struct Connector(Option<HttpClient>);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        match &self.0 {
            Some(client) => Ok(client.clone()),
            None => Ok(HttpClient::new(Telling(ReqwestConnector::default().connect(options)?))),
        }
    }
}

/// A client that makes an error of its own of an answer that is no success.
#[derive(Debug)]
struct Telling(HttpClient);

#[async_trait]
impl HttpService for Telling {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = request.uri().host().unwrap_or_default();
        let of_credentials = CREDENTIAL_HOSTS.iter().any(|start| host.starts_with(start));
        let answer = self.0.execute(request).await.map_err(|error| match of_credentials {
            true => HttpError::new(error.kind(), NoKeys { problem: last_of(&error) }),
            false => error,
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let code = code_of(answer).await;
        let fault = StatusFault { status: status.as_u16(), code, of_credentials };
        Err(HttpError::new(HttpErrorKind::Unknown, fault))
    }
}

/// S3's word for an error, from its answer.
async fn code_of(answer: HttpResponse) -> String {
    let mut body = answer.into_body().bytes_stream();
    let mut bytes = Vec::new();
    let read = async {
        while let Some(Ok(more)) = body.next().await {
            bytes.extend_from_slice(&more);
            if bytes.len() > ERROR_BYTES_MAX {
                break;
            }
        }
    };
    // The status says enough.
    let _ = tokio::time::timeout(CONNECT_WITHIN, read).await;
    let text = String::from_utf8_lossy(&bytes);
    let code =
        text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    let is_word = |code: &&str| code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric());
    code.filter(is_word).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::S3Settings;

    #[test]
    fn pauses_grow_and_end_with_the_time_that_trouble_is_borne() {
        let settings = RemoteSettings { timeout: Duration::from_secs(1), ..RemoteSettings::default() };
        let mut patience = Remotes::new(settings, Hidden::new()).patience(false);
        let pauses: Vec<_> =
            std::iter::from_fn(|| patience.next_pause()).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800]);
    }

    #[test]
    fn a_bucket_is_where_the_settings_have_it() {
        let check = |endpoint: &str, virtual_host: bool, expected: &str| {
            let s3 =
                S3Settings { endpoint: Some(endpoint.to_owned()), virtual_host, ..S3Settings::default() };
            let remotes = Remotes::new(RemoteSettings { s3, ..RemoteSettings::default() }, Hidden::new());
            let found = remotes.s3("bucket").get_config_value(&AmazonS3ConfigKey::S3Endpoint);
            assert_eq!(found.as_deref(), Some(expected));
        };
        check("http://minio:9000", false, "http://minio:9000");
        check("https://minio:9000", true, "https://bucket.minio:9000");
    }

    #[test]
    fn a_login_is_decoded_before_it_is_sent() {
        let url = Url::parse("http://joe%40x:p%3Aw+d@host/").unwrap();
        let value = login(&url).unwrap().remove("authorization").unwrap();
        assert_eq!(value.to_str().unwrap(), format!("Basic {}", STANDARD.encode("joe@x:p:w+d")));
        assert!(value.is_sensitive());
    }
}
