//! URLs of inputs: which texts are such, what of them may be shown, and what they name. What may be a secret (user and password,
//! everything behind `?`) is in a [`Secret`] from here on; whatever is signed anew is still the same input. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;

use crate::settings::Secret;

const S3: &str = "s3://";
const HTTP: [&str; 2] = ["http://", "https://"];
/// Stands for what is behind `?`.
const HIDDEN: &str = "?...";
/// Digits of the hash that tells hidden texts apart.
const HASH_DIGITS: usize = 8;
/// What signs a URL and does not say what it names: AWS, Google, CloudFront; Azure's only together with `sig`.
const SIGNING: [&str; 7] =
    ["AWSAccessKeyId", "Signature", "Expires", "GoogleAccessId", "Key-Pair-Id", "Policy", "sig"];
const SIGNING_PREFIXES: [&str; 2] = ["X-Amz-", "X-Goog-"];
const SIGNING_AZURE: [&str; 14] =
    ["sv", "ss", "srt", "sp", "se", "st", "spr", "sr", "skoid", "sktid", "skt", "ske", "sks", "skv"];

/// What the shown URLs stand for, where they hide something.
pub type Hidden = BTreeMap<String, Secret>;

/// The URL of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What may be shown, and tells it from all others.
    pub shown: PathBuf,
    /// All of it.
    pub url: Secret,
}

/// Why a URL names no input. None shows what may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It cannot be understood.
    #[error("{shown}: is no URL of a file ({problem}): check it")]
    Malformed {
        /// The URL, as far as it may be shown.
        shown: String,
        /// What is wrong.
        problem: String,
    },
    /// Keys have a place of their own.
    #[error(
        "{shown}: an s3:// URL is s3://BUCKET/KEY, without user and password: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    Keys {
        /// The URL without them.
        shown: String,
    },
}

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An object of S3, or of what speaks like it.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key; empty for the bucket itself.
        key: String,
    },
    /// Whatever a web server has there.
    Web(Box<Url>),
}

/// Whether an input is at a URL. A file of such a name is `./http://...`.
pub fn is_remote(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    HTTP.iter().chain([&S3]).any(|scheme| text.starts_with(scheme.as_bytes()))
}

/// What files that are made of an input at a URL are named after.
pub fn base_name(shown: &str) -> &str {
    let shown = shown
        .strip_suffix(HIDDEN)
        .or_else(|| shown.rsplit_once(HIDDEN).map(|(base, _)| base))
        .unwrap_or(shown);
    let (_, rest) = shown.split_once("://").unwrap_or(("", shown));
    rest.trim_end_matches('/').rsplit('/').next().unwrap_or(rest)
}

impl Address {
    /// Understands the URL of an input.
    ///
    /// # Errors
    /// It names none.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let shown = match Target::parse(text)? {
            Target::S3 { .. } => text.to_owned(),
            Target::Web(url) => shown(&url),
        };
        Ok(Address { shown: shown.into(), url: Secret::new(text.to_owned()) })
    }

    /// Takes the place of what may be a secret in `path`, if it is a URL, and keeps it in `hidden`.
    ///
    /// # Errors
    /// It is a URL that names no input.
    pub fn hide(path: PathBuf, hidden: &mut Hidden) -> Result<PathBuf, AddressError> {
        let Some(text) = path.to_str().filter(|_| is_remote(&path)) else { return Ok(path) };
        let Address { shown, url } = Address::parse(text)?;
        // As texts: to a path, two slashes are one.
        if shown.as_os_str() == path.as_os_str() {
            return Ok(path);
        }
        hidden.insert(shown.to_string_lossy().into_owned(), url);
        Ok(shown)
    }
}

impl Target {
    /// What a URL names.
    ///
    /// # Errors
    /// Nothing that can be read.
    pub fn parse(text: &str) -> Result<Target, AddressError> {
        if let Some(rest) = text.strip_prefix(S3) {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            if let Some((_, bucket)) = bucket.rsplit_once('@') {
                return Err(AddressError::Keys { shown: format!("{S3}{bucket}/{key}") });
            }
            let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            if bucket.is_empty() || !bucket.chars().all(is_name) {
                let problem = "the name of its bucket is missing or no such name".to_owned();
                return Err(AddressError::Malformed { shown: text.to_owned(), problem });
            }
            let mut parts = key.strip_suffix('/').unwrap_or(key).split('/');
            if !key.is_empty() && parts.any(|part| ["", ".", ".."].contains(&part)) {
                let problem = "keys with empty parts, . or .. between slashes cannot be read".to_owned();
                return Err(AddressError::Malformed { shown: text.to_owned(), problem });
            }
            return Ok(Target::S3 { bucket: bucket.to_owned(), key: key.to_owned() });
        }
        let mut url = Url::parse(text).map_err(|error| AddressError::Malformed {
            shown: without_secrets(text),
            problem: error.to_string(),
        })?;
        url.set_fragment(None);
        Ok(Target::Web(Box::new(url)))
    }
}

/// What may be shown of a URL that cannot be understood.
fn without_secrets(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// A URL without user and password, and with a hash of what is behind `?` but for what only signs it.
fn shown(url: &Url) -> String {
    let mut plain = url.clone();
    // Only a URL without a host has no place for them.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_query(None);
    let Some(query) = url.query().filter(|query| !query.is_empty()) else { return plain.to_string() };
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let is_azure = query.split('&').any(|pair| name(pair) == "sig");
    let signs = |pair: &&str| {
        let name = name(pair);
        let starts =
            |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        SIGNING.contains(&name.as_str())
            || SIGNING_PREFIXES.iter().any(starts)
            || is_azure && SIGNING_AZURE.contains(&name.as_str())
    };
    let rest: Vec<&str> = query.split('&').filter(|pair| !signs(pair)).collect();
    if rest.is_empty() {
        return format!("{plain}{HIDDEN}");
    }
    let hash = blake3::hash(rest.join("&").as_bytes()).to_hex();
    format!("{plain}{HIDDEN}{}", hash.get(..HASH_DIGITS).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let address = Address::parse(text).unwrap();
        assert_eq!(address.url.expose(), text);
        assert!(!format!("{address:?}").contains("secret"), "{address:?}");
        address.shown.to_str().unwrap().to_owned()
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let check = |text: &str, expected: &str| assert_eq!(shown(text), expected);
        check("http://host/a/b.csv", "http://host/a/b.csv");
        check("https://host:8443/a%20b.csv#part", "https://host:8443/a%20b.csv");
        check("https://joe:secret@host/b.csv", "https://host/b.csv");
        check("https://host/b.csv?X-Amz-Signature=secret&x-amz-date=1", "https://host/b.csv?...");
        check("https://host/b.csv?sv=1&sr=b&sig=secret", "https://host/b.csv?...");
        check("s3://bucket/a b/c?d#e.csv", "s3://bucket/a b/c?d#e.csv");
        let other = shown("https://host/get?id=1&token=secret");
        assert!(
            other.starts_with("https://host/get?...") && other.len() == "https://host/get?...".len() + 8,
            "{other}"
        );
    }

    #[test]
    fn what_is_signed_anew_is_the_same_and_another_query_is_another() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(shown(one) == shown(other), same, "{one} {other}")
        };
        check("http://h/a?X-Amz-Date=1&X-Amz-Signature=a", "http://h/a?X-Amz-Date=2&X-Amz-Signature=b", true);
        check("http://h/a?versionId=1&X-Amz-Signature=a", "http://h/a?versionId=2&X-Amz-Signature=a", false);
        check("http://h/a?id=1", "http://h/a?id=2", false);
        check("http://h/a?se=1&sig=a", "http://h/a?se=2&sig=b", true);
        // Without a signature it is a name like any other.
        check("http://h/a?se=1", "http://h/a?se=2", false);
        check("http://joe:a@h/a", "http://jim:b@h/a", true);
    }

    #[test]
    fn a_url_that_names_nothing_is_refused_without_its_secrets() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Address::parse(text).unwrap_err().to_string(), expected);
        };
        check("http://joe:secret@/x?secret", "http:///x: is no URL of a file (empty host): check it");
        check(
            "http://joe:secret@h:99999/x?secret",
            "http://h:99999/x: is no URL of a file (invalid port number): check it",
        );
        check(
            "s3:///key",
            "s3:///key: is no URL of a file (the name of its bucket is missing or no such name): check it",
        );
        check(
            "s3://b//key",
            "s3://b//key: is no URL of a file (keys with empty parts, . or .. between slashes cannot be read): check it",
        );
        check(
            "s3://AKIA:secret@b/key",
            "s3://b/key: an s3:// URL is s3://BUCKET/KEY, without user and password: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        );
    }

    #[test]
    fn files_are_named_after_the_last_part_of_the_path() {
        let check = |shown: &str, expected: &str| assert_eq!(base_name(shown), expected);
        check("http://host/a/b.csv", "b.csv");
        check("https://host/a/b.csv?...1234abcd", "b.csv");
        check("https://host/a/b.csv?...", "b.csv");
        check("https://host/", "host");
        check("s3://bucket/a/b.csv", "b.csv");
    }

    #[test]
    fn only_urls_are_hidden() {
        let mut hidden = Hidden::new();
        let mut hide = |path: &str| Address::hide(path.into(), &mut hidden).unwrap();
        assert_eq!(hide("a.csv?x=1"), Path::new("a.csv?x=1"));
        assert_eq!(hide("-"), Path::new("-"));
        assert_eq!(hide("s3://b/k"), Path::new("s3://b/k"));
        assert_eq!(hide("http://h/a?sig=secret"), Path::new("http://h/a?..."));
        assert_eq!(hidden.len(), 1);
        assert_eq!(hidden["http://h/a?..."].expose(), "http://h/a?sig=secret");
    }
}
