//! An object as it was found, so that it is only read as long as it is that: its size, and the ETag or else the time of change that
//! the server tells. The same facts are what a later run compares.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta};
use serde::{Deserialize, Serialize};

use super::address::Target;
use super::connect::Remotes;
use super::error::{Fault, Reason, RemoteError, sort};
use crate::settings::Secret;

/// Objects that are looked at at the same time.
const PROBES: usize = 16;

/// What a request brings: bytes as they come.
pub(super) type Body = BoxStream<'static, object_store::Result<Bytes>>;

/// How the records of an object come to workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// It is one unit, handed out when all of it is proved: as many workers as there are objects, one for each.
    #[default]
    Whole,
    /// It is many, handed out as they are proved, to the only worker that there is.
    Forwards,
    /// It is many, for many workers, each of which asks for its part.
    Parts,
}

/// An object of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteObject {
    /// Its URL with all that is in it.
    pub url: Secret,
    /// What the server calls this version of it, if it does.
    pub e_tag: Option<String>,
    /// When the server says it was changed, in seconds since 1970, if it does.
    pub modified_s: Option<i64>,
    /// How it is cut.
    #[serde(default)]
    pub cut: Cut,
    /// Its first bytes, as far as they are known: nobody has to ask for them again.
    #[serde(skip)]
    pub head: Vec<u8>,
    /// The way to it; each process has its own.
    #[serde(skip)]
    pub remotes: Remotes,
}

/// An object that was found.
#[derive(Debug)]
pub struct Found {
    /// What it is.
    pub object: RemoteObject,
    /// Its size in bytes.
    pub size: u64,
}

impl RemoteObject {
    /// Whether a server says anything of it by which another version of the same size would be known.
    pub fn has_version(&self) -> bool {
        self.e_tag.is_some() || self.modified_s.is_some()
    }

    /// Asks for the bytes of a range, which is not empty, if the object is still what was found; the answer's body is still to come.
    pub(super) async fn get(&self, size: u64, start: u64, end: u64) -> Result<Body, Fault> {
        // A weak tag is never a match (RFC 9110, 13.1.1).
        let if_match = self.e_tag.clone().filter(|tag| !tag.starts_with("W/"));
        let range = Some(GetRange::Bounded(start..end));
        let result =
            ask(&self.remotes, &self.url, GetOptions { range, if_match, ..GetOptions::default() }).await?;
        // Whatever the server makes of conditions.
        if (result.meta.size, &result.meta.e_tag) != (size, &self.e_tag)
            || self.e_tag.is_none() && modified_s(&result.meta) != self.modified_s
        {
            return Err(Fault::Lasting(Reason::Changed));
        }
        Ok(result.into_stream())
    }
}

async fn ask(remotes: &Remotes, url: &Secret, options: GetOptions) -> Result<GetResult, Fault> {
    let target =
        Target::parse(url.expose()).map_err(|error| Fault::Lasting(Reason::Unusable(error.to_string())))?;
    let (store, key) = remotes.place(&target)?;
    within(remotes.silence(), store.get_opts(&key, options)).await
}

/// Waits for an answer, but not for ever.
pub(super) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = object_store::Result<T>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| sort(&error)),
        Err(_) => Err(Fault::Passing(format!("no answer within {} s", limit.as_secs_f32()))),
    }
}

fn modified_s(meta: &ObjectMeta) -> Option<i64> {
    // The library's word for nothing is 1970.
    Some(meta.last_modified.timestamp()).filter(|seconds| *seconds != 0)
}

/// Looks at objects, many at the same time; `head_bytes` of each beginning are read. What is found is in the order of the paths.
///
/// # Errors
/// Of the first one that cannot be read.
pub fn find(remotes: &Remotes, paths: &[&Path], head_bytes: usize) -> Result<Vec<Found>, RemoteError> {
    let Some(first) = paths.first() else { return Ok(Vec::new()) };
    let owned: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    let find = |path: PathBuf| async move { find_patiently(remotes, &path, head_bytes).await };
    let all = async { Ok(futures_util::stream::iter(owned).map(find).buffered(PROBES).try_collect().await) };
    match remotes.wait_for(all) {
        Ok(found) => found,
        Err(Fault::Lasting(reason)) => Err(reason.of(first)),
        Err(Fault::Passing(problem)) => Err(Reason::Threads(problem).of(first)),
    }
}

async fn find_patiently(remotes: &Remotes, path: &Path, head_bytes: usize) -> Result<Found, RemoteError> {
    let mut patience = remotes.patience(true);
    loop {
        match find_once(remotes, path, head_bytes).await {
            Ok(found) => return Ok(found),
            Err(Fault::Lasting(reason)) => return Err(reason.of(path)),
            Err(Fault::Passing(problem)) => match patience.next_pause() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(patience.lost(path, problem)),
            },
        }
    }
}

/// Asks for the object's first bytes: a URL that is signed for reading is not signed for looking.
async fn find_once(remotes: &Remotes, path: &Path, head_bytes: usize) -> Result<Found, Fault> {
    let url = remotes.url_of(path);
    let first = GetOptions { range: Some(GetRange::Bounded(0..head_bytes as u64)), ..GetOptions::default() };
    let (meta, head) = match ask(remotes, &url, first).await {
        Ok(result) => {
            let meta = result.meta.clone();
            let parts = within(remotes.silence(), result.into_stream().try_collect::<Vec<Bytes>>());
            (meta, parts.await?.concat())
        }
        // Of an object without bytes none can be asked for.
        Err(Fault::Lasting(Reason::NoBytes)) => {
            let look = GetOptions { head: true, ..GetOptions::default() };
            (ask(remotes, &url, look).await?.meta, Vec::new())
        }
        Err(fault) => return Err(fault),
    };
    let (e_tag, modified_s) = (meta.e_tag.clone(), modified_s(&meta));
    let object = RemoteObject { url, e_tag, modified_s, cut: Cut::default(), head, remotes: remotes.clone() };
    Ok(Found { object, size: meta.size })
}
