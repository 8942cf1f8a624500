//! What goes wrong with servers, sorted: what may pass and is tried again, and what lasts and ends the run with one line. Never passes
//! on what the library says as a whole, for it names URLs with all that is in them.

use std::error::Error;
use std::path::{Path, PathBuf};

use object_store::Error as StoreError;

/// What to do where a server cannot do what a load needs.
const BY_HAND: &str = "let another program get it and load it as standard input, as in curl -f URL | ringload load ... -, or save it first";

/// Why an object cannot be read. Every message names it as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// It is not there.
    #[error("{}: there is nothing at this URL (404): check it", path.display())]
    Missing {
        /// The object.
        path: PathBuf,
    },
    /// The server refuses to hand it out.
    #[error("{}: the server refuses to hand it out ({answer}): {}", path.display(), allowed(path))]
    Denied {
        /// The object.
        path: PathBuf,
        /// What it says.
        answer: String,
    },
    /// There is nobody to sign requests as.
    #[error(
        "{}: there are no credentials for S3 ({problem}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --s3-anonymous \
         for what everybody may read",
        path.display()
    )]
    NoCredentials {
        /// The object.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// It can only be read from its beginning.
    #[error("{}: the server does not send parts of it (no range requests), which a load needs: {BY_HAND}", path.display())]
    NoRanges {
        /// The object.
        path: PathBuf,
    },
    /// What the server says cannot be used.
    #[error("{}: the server's answer cannot be used ({problem}): {BY_HAND}", path.display())]
    Unusable {
        /// The object.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It may be another server than it says.
    #[error(
        "{}: the server's certificate is not trusted ({problem}): check the URL; SSL_CERT_FILE can name a file of other authorities",
        path.display()
    )]
    Untrusted {
        /// The object.
        path: PathBuf,
        /// What is wrong with the certificate.
        problem: String,
    },
    /// The server answers with an error that does not pass.
    #[error("{}: the server answers {answer}: check the URL{}", path.display(), region(answer))]
    Refused {
        /// The object.
        path: PathBuf,
        /// What it says.
        answer: String,
    },
    /// Another version is there.
    #[error(
        "{}: the object has changed since the load began: load it again when nothing writes to it",
        path.display()
    )]
    Changed {
        /// The object.
        path: PathBuf,
    },
    /// The server is in trouble, or cannot be reached.
    #[error(
        "{}: nothing comes from the server for {seconds} s ({problem}): see whether it can be reached, and run the same command again; \
         --remote-timeout is how long that is borne",
        path.display()
    )]
    Unreachable {
        /// The object.
        path: PathBuf,
        /// For how long it was tried.
        seconds: u64,
        /// What went wrong the last time.
        problem: String,
    },
    /// The settings cannot be used.
    #[error("{}: S3 cannot be asked ({problem}): check --s3-endpoint, --s3-region and the AWS_ variables", path.display())]
    Settings {
        /// The object.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The threads that talk to servers.
    #[error("{}: cannot start the threads that read it: {problem}", path.display())]
    Threads {
        /// The object.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
}

fn allowed(path: &Path) -> &'static str {
    match path.starts_with("s3:") {
        true => "check the AWS_ credentials, or give --s3-anonymous for what everybody may read",
        false => "check user and password; if the URL is signed, it may have expired",
    }
}

fn region(answer: &str) -> &'static str {
    if answer.starts_with("30") { ", and --s3-region" } else { "" }
}

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It may go well the next time; this is what was seen.
    Passing(String),
    /// It will not.
    Lasting(Reason),
}

/// Why a request will never go well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    Missing,
    Denied(String),
    NoCredentials(String),
    NoRanges,
    /// The object has no bytes there.
    NoBytes,
    Unusable(String),
    Untrusted(String),
    Refused(String),
    Changed,
    Settings(String),
    Threads(String),
}

impl Reason {
    /// The reason, told of an object.
    pub(super) fn of(self, path: &Path) -> RemoteError {
        let path = path.to_path_buf();
        match self {
            Reason::Missing => RemoteError::Missing { path },
            Reason::Denied(answer) => RemoteError::Denied { path, answer },
            Reason::NoCredentials(problem) => RemoteError::NoCredentials { path, problem },
            Reason::NoRanges => RemoteError::NoRanges { path },
            // It had some when it was found.
            Reason::NoBytes | Reason::Changed => RemoteError::Changed { path },
            Reason::Unusable(problem) => RemoteError::Unusable { path, problem },
            Reason::Untrusted(problem) => RemoteError::Untrusted { path, problem },
            Reason::Refused(answer) => RemoteError::Refused { path, answer },
            Reason::Settings(problem) => RemoteError::Settings { path, problem },
            Reason::Threads(problem) => RemoteError::Threads { path, problem },
        }
    }
}

/// An answer that is no success, as the client saw it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}{}{code}", if code.is_empty() { "" } else { " " })]
pub(super) struct StatusFault {
    /// The answer's status.
    pub(super) status: u16,
    /// S3's word for it; empty if it says none.
    pub(super) code: String,
    /// Whether it comes from where credentials are asked for, and not from where the object is.
    pub(super) of_credentials: bool,
}

impl StatusFault {
    fn fault(&self) -> Fault {
        let answer = self.to_string();
        match self.status {
            408 | 429 | 500..=599 => Fault::Passing(answer),
            _ if self.of_credentials => Fault::Lasting(Reason::NoCredentials(answer)),
            404 | 410 => Fault::Lasting(Reason::Missing),
            401 | 403 => Fault::Lasting(Reason::Denied(answer)),
            412 => Fault::Lasting(Reason::Changed),
            416 => Fault::Lasting(Reason::NoBytes),
            _ => Fault::Lasting(Reason::Refused(answer)),
        }
    }
}

/// Sorts what the library says.
pub(super) fn sort(error: &StoreError) -> Fault {
    let chain = || std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    if let Some(status) = chain().find_map(|error| error.downcast_ref::<StatusFault>()) {
        return status.fault();
    }
    let last = chain().last().map(ToString::to_string).unwrap_or_default();
    let is_transport = chain().any(|error| error.is::<object_store::client::HttpError>());
    match error {
        StoreError::NotSupported { .. } => Fault::Lasting(Reason::NoRanges),
        // A certificate that is not trusted will not be so the next time.
        _ if is_transport && last.contains("certificate") => Fault::Lasting(Reason::Untrusted(last)),
        _ if is_transport => Fault::Passing(last),
        StoreError::Generic { .. } if last.contains("non-partial response") => {
            Fault::Lasting(Reason::NoRanges)
        }
        _ => Fault::Lasting(Reason::Unusable(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::client::{HttpError, HttpErrorKind};

    fn answer(status: u16, of_credentials: bool) -> Fault {
        let fault = StatusFault { status, code: String::new(), of_credentials };
        let source = HttpError::new(HttpErrorKind::Unknown, fault);
        sort(&StoreError::Generic { store: "test", source: Box::new(source) })
    }

    #[test]
    fn trouble_passes_and_refusals_last() {
        for status in [408, 429, 500, 503, 504] {
            assert_eq!(answer(status, false), Fault::Passing(status.to_string()));
        }
        let check = |status, expected: Reason| {
            assert_eq!(answer(status, false), Fault::Lasting(expected), "{status}");
        };
        check(404, Reason::Missing);
        check(403, Reason::Denied("403".into()));
        check(401, Reason::Denied("401".into()));
        check(412, Reason::Changed);
        check(416, Reason::NoBytes);
        check(301, Reason::Refused("301".into()));
        check(400, Reason::Refused("400".into()));
        // Of the machine that is asked for credentials it does not say that the object is missing.
        assert_eq!(answer(404, true), Fault::Lasting(Reason::NoCredentials("404".into())));
    }

    #[test]
    fn a_connection_that_breaks_may_be_better_the_next_time_and_a_certificate_not() {
        let of = |what: &str| {
            let source = HttpError::new(HttpErrorKind::Connect, std::io::Error::other(what.to_owned()));
            sort(&StoreError::Generic { store: "test", source: Box::new(source) })
        };
        assert_eq!(of("connection reset"), Fault::Passing("connection reset".into()));
        let untrusted = "invalid peer certificate: UnknownIssuer";
        assert_eq!(of(untrusted), Fault::Lasting(Reason::Untrusted(untrusted.into())));
    }
}
