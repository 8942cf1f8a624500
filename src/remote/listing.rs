//! The objects of a bucket below a prefix, for what stands for a directory, and for patterns. Only lists names.

use std::path::Path;
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use object_store::ObjectMeta;

use super::address::Target;
use super::connect::Remotes;
use super::error::{Fault, RemoteError};
use super::object::within;

/// How long a list of one directory may take, which comes in pages of 1,000.
const LISTED_WITHIN: Duration = Duration::from_secs(600);

/// The keys in `bucket` below `prefix`, which ends with `/` or is empty: with `deep` those below what is below it too. What has no
/// bytes is left out: so are directories marked. `path` is what is said to be listed.
///
/// # Errors
/// The server does not list them.
pub fn list(
    remotes: &Remotes,
    path: &Path,
    bucket: &str,
    prefix: &str,
    deep: bool,
) -> Result<Vec<String>, RemoteError> {
    let target = Target::S3 { bucket: bucket.to_owned(), key: prefix.to_owned() };
    let mut patience = remotes.patience(true);
    loop {
        match remotes.wait_for(list_once(remotes, &target, deep)) {
            Ok(keys) => return Ok(keys),
            Err(Fault::Lasting(reason)) => return Err(reason.of(path)),
            Err(Fault::Passing(problem)) => match patience.next_pause() {
                Some(pause) => thread::sleep(pause),
                None => return Err(patience.lost(path, problem)),
            },
        }
    }
}

async fn list_once(remotes: &Remotes, target: &Target, deep: bool) -> Result<Vec<String>, Fault> {
    let (store, prefix) = remotes.place(target)?;
    let key = |object: ObjectMeta| (object.size > 0).then(|| object.location.to_string());
    if !deep {
        let listed = within(LISTED_WITHIN, store.list_with_delimiter(Some(&prefix))).await?;
        return Ok(listed.objects.into_iter().filter_map(key).collect());
    }
    let mut listed = store.list(Some(&prefix));
    let mut keys = Vec::new();
    while let Some(object) = within(remotes.silence(), async { listed.next().await.transpose() }).await? {
        keys.extend(key(object));
    }
    Ok(keys)
}
