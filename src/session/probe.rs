//! What a contact point says to a bare TCP connection: whether it can be reached at all, and whether it speaks TLS or
//! CQL. Asked only after the driver has failed, to say why; never sends credentials and keeps no connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::tls;

/// An OPTIONS request: version 4, no flags, stream 0, opcode 5, empty body (CQL binary protocol v4, sections 2 and 4.1.3).
const OPTIONS_FRAME: [u8; 9] = [0x04, 0, 0, 0, 0x05, 0, 0, 0, 0];

/// The protocol that a port was asked for, or answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// TLS records.
    Tls,
    /// CQL frames without TLS.
    PlainCql,
}

/// Connects to every contact point at once. `Ok` if one of them took the connection, else what each of them said.
pub(super) async fn reach(hosts: &[String], patience: Duration) -> Result<(), String> {
    let mut attempts = JoinSet::new();
    for (index, host) in hosts.iter().enumerate() {
        let host = host.clone();
        attempts.spawn(async move { (index, reach_one(&host, patience).await) });
    }
    let mut reasons = vec![String::new(); hosts.len()];
    while let Some(done) = attempts.join_next().await {
        match done {
            Ok((_, Ok(()))) => return Ok(()),
            Ok((index, Err(reason))) => {
                if let Some(slot) = reasons.get_mut(index) {
                    *slot = reason;
                }
            }
            Err(_) => {}
        }
    }
    Err(reasons.join(", "))
}

async fn reach_one(host: &str, patience: Duration) -> Result<(), String> {
    match timeout(patience, TcpStream::connect(host)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(err)) => Err(format!("{host}: {}", super::failure::io_reason(&err))),
        Err(_) => Err(format!("{host}: no answer")),
    }
}

/// Whether the contact points speak the other protocol and not the one that the session uses. `None`: nobody answered
/// in a way that tells, as when a node closes every connection because it has too many.
///
/// A node with optional TLS answers in both, and is no mismatch.
pub(super) async fn mismatch(ours: Speech, hosts: &[String], patience: Duration) -> Option<bool> {
    let theirs = match ours {
        Speech::Tls => Speech::PlainCql,
        Speech::PlainCql => Speech::Tls,
    };
    if answers_in(ours, hosts, patience).await == Some(true) {
        return Some(false);
    }
    answers_in(theirs, hosts, patience).await
}

/// Whether any contact point, asked in this protocol, answers in it. `None`: none answers at all.
async fn answers_in(asked: Speech, hosts: &[String], patience: Duration) -> Option<bool> {
    let mut questions = JoinSet::new();
    for host in hosts {
        let host = host.clone();
        questions.spawn(async move { timeout(patience, answer(asked, &host)).await.ok().flatten() });
    }
    let mut verdict = None;
    while let Some(done) = questions.join_next().await {
        match done.ok().flatten() {
            Some(speech) if speech == asked => return Some(true),
            Some(_) => verdict = Some(false),
            None => {}
        }
    }
    verdict
}

/// Makes a TLS handshake with every contact point. `Some(Err)`: one of them, or our side, ended it with a reason.
/// `Some(Ok)`: one of them completed it and said nothing against it. `None`: nobody can tell.
pub(super) async fn handshake(
    config: &Arc<ClientConfig>,
    hosts: &[String],
    patience: Duration,
) -> Option<Result<(), rustls::Error>> {
    let mut handshakes = JoinSet::new();
    for host in hosts {
        let (host, config) = (host.clone(), Arc::clone(config));
        handshakes.spawn(async move { handshake_one(config, &host, patience).await });
    }
    let mut verdict = None;
    while let Some(done) = handshakes.join_next().await {
        match done.ok().flatten() {
            Some(Err(reason)) => return Some(Err(reason)),
            Some(Ok(())) => verdict = Some(Ok(())),
            None => {}
        }
    }
    verdict
}

async fn handshake_one(
    config: Arc<ClientConfig>,
    host: &str,
    patience: Duration,
) -> Option<Result<(), rustls::Error>> {
    let mut stream = timeout(patience, TcpStream::connect(host)).await.ok()?.ok()?;
    let name = ServerName::IpAddress(stream.peer_addr().ok()?.ip().into());
    let mut connection = ClientConnection::new(config, name).ok()?;
    let deadline = Instant::now() + patience;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let mut out = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut out).ok()?;
        }
        stream.write_all(&out).await.ok()?;
        // With TLS 1.3 a server refuses the client's certificate after the client's part of the handshake. So nothing is sent
        // that would make the server reset the connection, and silence until the deadline is consent.
        let read = match timeout_at(deadline, stream.read(&mut buffer)).await {
            Err(_) if !connection.is_handshaking() => return Some(Ok(())),
            Ok(Ok(read @ 1..)) => read,
            _ => return None,
        };
        let mut bytes = buffer.get(..read)?;
        while !bytes.is_empty() {
            connection.read_tls(&mut bytes).ok()?;
            if let Err(reason) = connection.process_new_packets() {
                return Some(Err(reason));
            }
        }
    }
}

async fn answer(asked: Speech, host: &str) -> Option<Speech> {
    let mut stream = TcpStream::connect(host).await.ok()?;
    let question = match asked {
        Speech::Tls => client_hello(stream.peer_addr().ok()?)?,
        Speech::PlainCql => OPTIONS_FRAME.to_vec(),
    };
    stream.write_all(&question).await.ok()?;
    let first = stream.read_u8().await.ok()?;
    speech_of(first)
}

/// The protocol whose answers begin with this byte: TLS records of type alert or handshake (RFC 8446, section 5.1), CQL
/// frames from a server of version 1 to 6 (CQL binary protocol, section 2.1).
fn speech_of(first: u8) -> Option<Speech> {
    match first {
        0x15 | 0x16 => Some(Speech::Tls),
        0x81..=0x86 => Some(Speech::PlainCql),
        _ => None,
    }
}

fn client_hello(node: SocketAddr) -> Option<Vec<u8>> {
    let name = ServerName::IpAddress(node.ip().into());
    let mut connection = ClientConnection::new(tls::probing_config().ok()?, name).ok()?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).ok()?;
    Some(hello)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_of_an_answer_tells_the_protocol() {
        for (first, expected) in [
            (0x15, Some(Speech::Tls)),
            (0x16, Some(Speech::Tls)),
            (0x84, Some(Speech::PlainCql)),
            (0x85, Some(Speech::PlainCql)),
            (0x04, None),
            (b'H', None),
            (0x00, None),
        ] {
            assert_eq!(speech_of(first), expected, "{first:#x}");
        }
    }

    #[test]
    fn the_question_in_tls_is_a_handshake_record() {
        let hello = client_hello("127.0.0.1:9042".parse().unwrap()).unwrap();
        assert_eq!(hello.first(), Some(&0x16));
    }
}
