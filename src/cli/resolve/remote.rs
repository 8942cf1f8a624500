//! The options that say how inputs at URLs are reached. Keys are no options: they come from the environment.

use super::Typed;
use crate::cli::args::RemoteArgs;
use crate::cli::error::UsageError;
use crate::cli::value;
use crate::settings::{RemoteSettings, S3Settings};

pub(super) fn resolve(typed: &Typed<'_>, args: &RemoteArgs) -> Result<RemoteSettings, UsageError> {
    let endpoint = args.s3_endpoint.as_ref().map(|url| match url.contains('@') {
        // What may be a password is not repeated.
        true => Err(UsageError::Combination(
            "--s3-endpoint with user and password: keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; leave them out"
                .to_owned(),
        )),
        false => typed.value("s3-endpoint", url, endpoint),
    });
    Ok(RemoteSettings {
        split: args.split_remote,
        timeout: typed.value("remote-timeout", &args.remote_timeout, value::timeout)?,
        s3: S3Settings {
            endpoint: endpoint.transpose()?,
            region: args.s3_region.clone().filter(|region| !region.is_empty()),
            virtual_host: args.s3_virtual_host,
            anonymous: args.s3_anonymous,
        },
    })
}

fn endpoint(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#']) => Ok(text.to_owned()),
        _ => {
            Err("is no server: write https://HOST or https://HOST:PORT (http:// is not encrypted)".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_server() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(endpoint(text).ok().as_deref(), expected, "{text}")
        };
        check("https://minio:9000/", Some("https://minio:9000"));
        check("http://127.0.0.1:9000", Some("http://127.0.0.1:9000"));
        for wrong in ["minio:9000", "https://", "s3://bucket", "https://host/path", "https://host?x"] {
            check(wrong, None);
        }
    }
}
