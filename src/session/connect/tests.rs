//! Sessions that do not come about, against small servers on loopback. What needs a real cluster is tested with one.

use std::future::Future;
use std::num::NonZeroUsize;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::settings::{Credentials, Secret, TlsSettings, TlsVerification};

/// Short enough for tests, long enough for loopback on a busy machine.
const SHORT: Limits = Limits {
    attempt: Duration::from_millis(400),
    tcp: Duration::from_millis(400),
    first_doubt: Duration::from_millis(50),
    unreachable: Duration::from_millis(300),
    probe: Duration::from_millis(400),
    pools: Duration::from_millis(400),
};

fn settings(host: String) -> ConnectionSettings {
    ConnectionSettings {
        connect_timeout: Duration::from_millis(1500),
        request_timeout: Duration::from_secs(1),
        ..ConnectionSettings::usual(&host)
    }
}

async fn error_of(settings: &ConnectionSettings) -> ConnectError {
    let pool = PoolShape { connections_per_node: NonZeroUsize::MIN };
    connect_within(settings, "ks", pool, SHORT).await.expect_err("there is no database")
}

/// A server that does this with each connection; its address. It ends with the test's runtime.
async fn server<F, Served>(serve: F) -> String
where
    F: Fn(TcpStream) -> Served + Send + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

const OPTIONS: u8 = 0x05;
const STARTUP: u8 = 0x01;
const AUTH_RESPONSE: u8 = 0x0f;

/// Speaks CQL as far as `answer` says: opcode and body for a request's opcode, or the end of the connection.
async fn speak_cql(mut stream: TcpStream, answer: impl Fn(u8) -> Option<(u8, Vec<u8>)>) {
    let mut header = [0; 9];
    while stream.read_exact(&mut header).await.is_ok() {
        let [_, _, stream_high, stream_low, opcode, length @ ..] = header;
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let Some((opcode, body)) = answer(opcode) else { return };
        let mut frame = vec![0x84, 0, stream_high, stream_low, opcode];
        frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        frame.extend(body);
        if stream.write_all(&frame).await.is_err() {
            return;
        }
    }
}

fn short_text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn error(code: u32, message: &str) -> Option<(u8, Vec<u8>)> {
    Some((0x00, [code.to_be_bytes().to_vec(), short_text(message)].concat()))
}

/// A server that takes every request but answers a login with this error.
async fn guarded(code: u32, message: &'static str) -> String {
    server(move |stream| {
        speak_cql(stream, move |opcode| match opcode {
            OPTIONS => Some((0x06, vec![0, 0])),
            STARTUP => Some((0x03, short_text("org.apache.cassandra.auth.PasswordAuthenticator"))),
            AUTH_RESPONSE => error(code, message),
            _ => None,
        })
    })
    .await
}

fn with_login(host: String) -> ConnectionSettings {
    let credentials = Credentials { user: "ann".to_owned(), password: Secret::new("s3cret".to_owned()) };
    ConnectionSettings { credentials: Some(credentials), ..settings(host) }
}

fn with_tls(host: String) -> ConnectionSettings {
    let tls = TlsSettings { ca: None, client: None, verification: TlsVerification::None };
    ConnectionSettings { tls: Some(tls), ..settings(host) }
}

#[tokio::test]
async fn a_refused_login_ends_at_once_and_tells_the_servers_reason() {
    let host = guarded(0x0100, "Provided username ann and/or password are incorrect").await;
    let error = error_of(&with_login(host.clone())).await;
    assert!(matches!(error, ConnectError::LoginRefused { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains(&host) && message.contains("ann") && message.contains("are incorrect"),
        "{message}"
    );
    assert!(!message.contains("s3cret"), "{message}");
}

#[tokio::test]
async fn a_login_that_could_not_be_decided_is_tried_again() {
    let host =
        guarded(0x0100, "Unable to perform authentication: Cannot achieve consistency level QUORUM").await;
    let error = error_of(&with_login(host)).await;
    assert!(matches!(error, ConnectError::TimedOut { attempts: 2.., .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_wants_a_login_asks_for_credentials() {
    let error = error_of(&settings(guarded(0x0100, "never reached").await)).await;
    assert!(matches!(error, ConnectError::CredentialsNeeded { .. }), "{error:?}");
}

#[tokio::test]
async fn connections_closed_at_start_up_are_tried_again_until_the_time_is_up() {
    let host = server(|stream| async move { drop(stream) }).await;
    let error = error_of(&settings(host)).await;
    assert!(matches!(error, ConnectError::TimedOut { attempts: 2.., .. }), "{error:?}");
}

#[tokio::test]
async fn an_overloaded_server_is_tried_again() {
    let host = server(|stream| speak_cql(stream, |_| error(0x1001, "too many requests"))).await;
    let error = error_of(&settings(host)).await;
    assert!(
        matches!(&error, ConnectError::TimedOut { last, .. } if last.contains("too many requests")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_never_answers_runs_into_the_timeout() {
    let host = server(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let error = error_of(&settings(host)).await;
    assert!(matches!(&error, ConnectError::TimedOut { last, .. } if last.contains("no answer")), "{error:?}");
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = error_of(&settings(host.clone())).await;
    assert!(matches!(&error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("{host}: connection refused")), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_tls_gives_a_hint_to_use_it() {
    // A fatal alert to a client hello; to anything else, the end.
    let host = server(|mut stream| async move {
        if stream.read_u8().await.ok() == Some(0x16) {
            let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, 40]).await;
        }
    })
    .await;
    let error = error_of(&settings(host)).await;
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    assert!(error.to_string().ends_with("give --tls"), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_gives_a_hint_to_leave_it_out() {
    // Like Cassandra, which answers a client hello with a CQL error.
    let answering = server(|mut stream| async move {
        let _ = stream.read_u8().await;
        let _ = stream.write_all(&[0x84, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 10, 0, 0]).await;
    })
    .await;
    // One that answers CQL only, and closes on anything else.
    let closing = server(|stream| async move {
        let mut first = [0];
        if stream.peek(&mut first).await.is_ok() && first == [0x04] {
            speak_cql(stream, |_| Some((0x06, vec![0, 0]))).await;
        }
    })
    .await;
    for host in [answering, closing] {
        let error = error_of(&with_tls(host)).await;
        assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
        assert!(error.to_string().contains("does not speak TLS"), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_database_at_all_is_told_so() {
    let host = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let error = error_of(&settings(host)).await;
    assert!(matches!(error, ConnectError::Other { .. }), "{error:?}");
    assert!(error.to_string().contains("does not speak CQL"), "{error}");
}

#[test]
fn a_session_can_be_opened_on_any_thread() {
    fn check<T: Send>(_: T) {}
    let settings = settings("127.0.0.1:9042".to_owned());
    check(connect(&settings, "ks", PoolShape { connections_per_node: NonZeroUsize::MIN }));
}

#[test]
fn pauses_grow_to_a_bound_and_at_most_half_is_chance() {
    for (attempt, shortest, longest) in
        [(1, 100, 200), (2, 200, 400), (5, 1600, 3200), (6, 2500, 5000), (u32::MAX, 2500, 5000)]
    {
        for random in [0, 1, 12_345, u64::MAX - 1, u64::MAX] {
            let pause = backoff(attempt, random).as_millis();
            assert!((shortest..=longest).contains(&pause), "attempt {attempt}, random {random}: {pause} ms");
        }
    }
}
