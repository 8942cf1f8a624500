//! Connecting, and failing to: each cause has one clear line, exit code 4, in time, and no secret is ever shown.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ringload::session::tls::client_config;
use ringload::settings::{ClientCertificate, TlsSettings, TlsVerification};
use scylla::client::session_builder::SessionBuilder;

use crate::support::database::{CASSANDRA, Keyspace, environment};
use crate::support::nodes::Nodes;
use crate::support::numbered::{self, NumberedLoad, TABLE};
use crate::support::processes::arguments_and_environment;
use crate::support::program::{Run, wait_until};
use crate::support::scratch::Scratch;

/// The variable that names a node with passwords.
const AUTH: &str = "RINGLOAD_TEST_AUTH";
/// The variable that names a node that asks for client certificates, and the one that names its files.
const TLS: &str = "RINGLOAD_TEST_TLS";
const TLS_DIR: &str = "RINGLOAD_TEST_TLS_DIR";
/// The variable that allows a test to start a node whose certificate has a DNS name only.
const TLS_DNS: &str = "RINGLOAD_TEST_TLS_DNS";
/// What a user may wait for the reason: less than the minute for which connecting may be tried.
const TOLD_WITHIN: Duration = Duration::from_secs(50);
/// A password that must never be shown.
const SECRET: &str = "open-sesame-9217";
const RECORDS: u64 = 500;

/// `ringload load` of a small file into the numbered table of a keyspace.
fn load(scratch: &Scratch, hosts: &str, keyspace: &str) -> Run {
    let file = scratch.write("numbered.csv", numbered::csv(RECORDS));
    Run::load(scratch, hosts, &format!("{keyspace}.numbered")).args(["--workers", "2"]).arg(file)
}

/// The run says one line that contains all of `said`, in time, and does not show the secret.
#[track_caller]
fn check_told(run: Run, said: &[&str]) {
    let begin = Instant::now();
    let run = run.finish().expect_code(4);
    assert!(begin.elapsed() < TOLD_WITHIN, "it took {:?}", begin.elapsed());
    let errors: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert_eq!(errors.len(), 1, "{}", run.stderr);
    assert!(errors[0].starts_with("error: "), "{}", run.stderr);
    for said in said {
        assert!(errors[0].contains(said), "no {said:?} in {}", run.stderr);
    }
    assert!(!run.stderr.contains(SECRET) && run.stdout.is_empty(), "{}{}", run.stdout, run.stderr);
}

#[track_caller]
fn expect_loaded(run: Run, keyspace: &Keyspace) -> String {
    let run = run.finish().expect_code(0);
    numbered::expect_every_row(keyspace, RECORDS);
    run.stderr
}

// A plain node, or none at all.

#[test]
fn a_host_that_nobody_knows() {
    let hosts = "no-such-host.invalid";
    check_told(
        load(&Scratch::new(), hosts, "k"),
        &["unknown host no-such-host.invalid", "check the spelling"],
    );
}

#[test]
fn a_port_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hosts = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let said = ["no contact point can be reached", &hosts, "connection refused", "check --hosts"];
    check_told(load(&Scratch::new(), &hosts, "k"), &said);
}

#[test]
fn a_listener_that_never_answers() {
    // The operating system takes the connections, nobody reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hosts = listener.local_addr().expect("an address").to_string();
    let scratch = Scratch::new();
    let run = load(&scratch, &hosts, "k").args(["--connect-timeout", "8s"]);
    check_told(run, &[&hosts, "no session within 8s", "no answer"]);
}

#[test]
fn a_listener_that_closes_every_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hosts = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let scratch = Scratch::new();
    let run = load(&scratch, &hosts, "k").args(["--connect-timeout", "8s"]);
    check_told(run, &[&hosts, "no session within 8s", "limit of connections"]);
}

#[test]
fn one_contact_point_of_two_is_enough() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let hosts = format!("127.0.0.1:1,{}", keyspace.contact);
    expect_loaded(load(&Scratch::new(), &hosts, &keyspace.name), &keyspace);
}

#[test]
fn a_node_that_cannot_be_reached_at_its_own_address() {
    let Some(node) = environment(CASSANDRA) else { return };
    let map = format!("{node}=127.0.0.1:1");
    let scratch = Scratch::new();
    let run = load(&scratch, &node, "k").args(["--address-map", &map, "--connect-timeout", "8s"]);
    check_told(run, &["no node can be reached at the address it has in the cluster", "--address-map"]);
}

#[test]
fn a_datacenter_that_does_not_exist() {
    let Some(node) = environment(CASSANDRA) else { return };
    let scratch = Scratch::new();
    let run = load(&scratch, &node, "k").args(["--datacenter", "atlantis"]);
    check_told(run, &["no node is in datacenter \"atlantis\"", "must be one of: "]);
}

#[test]
fn a_keyspace_or_table_that_does_not_exist() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let (scratch, node) = (Scratch::new(), &keyspace.contact);
    check_told(load(&scratch, node, "no_such_keyspace"), &["no keyspace \"no_such_keyspace\"", "--table"]);
    let said = ["no table \"numbered\" in keyspace", &keyspace.name, "--table"];
    check_told(load(&scratch, node, &keyspace.name), &said);
}

// A node with passwords.

/// A keyspace on the node with passwords; `None` where there is no such node.
fn guarded_keyspace() -> Option<Keyspace> {
    let builder = SessionBuilder::new().user("cassandra", "cassandra");
    Some(Keyspace::through(builder, &environment(AUTH)?, 1, &[TABLE]))
}

/// A role whose password is the secret and that has this permission on the keyspace. It is gone when the test ends.
struct Role {
    admin: Keyspace,
    name: String,
}

impl Role {
    fn with(permission: &str, keyspace: &Keyspace) -> Role {
        static ROLES: AtomicU32 = AtomicU32::new(0);
        let name = format!("it_{}_{}", std::process::id(), ROLES.fetch_add(1, Ordering::Relaxed));
        let admin = guarded_keyspace().expect("the node with passwords");
        admin.cql(&format!("CREATE ROLE {name} WITH PASSWORD = '{SECRET}' AND LOGIN = true"));
        admin.cql(&format!("GRANT {permission} ON KEYSPACE {} TO {name}", keyspace.name));
        Role { admin, name }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.admin.cql(&format!("DROP ROLE {}", self.name));
    }
}

#[test]
fn a_wrong_password() {
    let Some(keyspace) = guarded_keyspace() else { return };
    let scratch = Scratch::new();
    let file = scratch.write("password", SECRET);
    let run =
        load(&scratch, &keyspace.contact, &keyspace.name).args(["--user", "cassandra", "--password-file"]);
    check_told(run.arg(file), &["login refused for user \"cassandra\"", "check --user and the password"]);
}

#[test]
fn no_user_where_one_is_needed() {
    let Some(node) = environment(AUTH) else { return };
    let said = ["the cluster wants a login", "--user", "--password-file"];
    check_told(load(&Scratch::new(), &node, "k"), &said);
}

#[test]
fn a_role_that_may_not_write() {
    let Some(keyspace) = guarded_keyspace() else { return };
    let reader = Role::with("SELECT", &keyspace);
    let scratch = Scratch::new();
    let run = load(&scratch, &keyspace.contact, &keyspace.name).args(["--user", &reader.name]);
    let said = [&keyspace.table("numbered"), &reader.name, "MODIFY"];
    check_told(run.env("RINGLOAD_PASSWORD", SECRET), &said);
    assert!(numbered::rows(&keyspace).is_empty());
}

#[test]
fn a_role_that_may_write_and_not_read_cannot_verify() {
    let Some(keyspace) = guarded_keyspace() else { return };
    let writer = Role::with("MODIFY", &keyspace);
    let scratch = Scratch::new();
    let run = |run: Run| run.args(["--user", &writer.name]).env("RINGLOAD_PASSWORD", SECRET);
    let said = [&keyspace.table("numbered"), &writer.name, "GRANT SELECT"];
    check_told(run(load(&scratch, &keyspace.contact, &keyspace.name)).arg("--verify"), &said);
    assert!(numbered::rows(&keyspace).is_empty(), "it is said before anything is written");
    let file = scratch.write("numbered.csv", numbered::csv(3));
    check_told(run(keyspace.verify(&scratch, "numbered")).arg(&file), &said);
    run(keyspace.load(&scratch, "numbered")).arg(&file).finish().expect_code(0);
    let reader = Role::with("SELECT", &keyspace);
    let verify = keyspace.verify(&scratch, "numbered").args(["--user", &reader.name]);
    let run = verify.env("RINGLOAD_PASSWORD", SECRET).arg(&file).finish().expect_code(0);
    assert_eq!(run.summary["verify"]["same"].as_u64(), Some(3), "{}", run.summary);
}

#[test]
fn a_role_that_may_write_and_whose_password_nobody_sees() {
    let Some(keyspace) = guarded_keyspace() else { return };
    let writer = Role::with("MODIFY", &keyspace);
    let load = NumberedLoad::into(keyspace, RECORDS);
    load.relay.allow_writes(0);
    let run = load.run(2).args(["--user", &writer.name]).env("RINGLOAD_PASSWORD", SECRET).start();
    wait_until("a worker writes", || run.workers().iter().any(|pid| load.relay.holds_write_of(*pid)));
    for worker in run.workers() {
        assert!(!arguments_and_environment(worker).contains(SECRET), "worker {worker}");
    }
    load.relay.allow_all_writes();
    let run = run.finish().expect_code(0);
    assert!(!run.stderr.contains(SECRET) && run.stdout.is_empty(), "{}{}", run.stdout, run.stderr);
    load.expect_every_row();
}

// Nodes with TLS.

/// A node that asks for client certificates.
struct Sealed {
    contact: String,
    files: PathBuf,
    scratch: Scratch,
}

impl Sealed {
    fn from_environment() -> Option<Sealed> {
        let (contact, files) = (environment(TLS)?, environment(TLS_DIR)?.into());
        Some(Sealed { contact, files, scratch: Scratch::new() })
    }

    fn keyspace(&self, verification: TlsVerification) -> Keyspace {
        let client = ClientCertificate { cert: self.file("client.pem"), key: self.file("client.key") };
        let settings = TlsSettings { ca: Some(self.file("ca.pem")), client: Some(client), verification };
        let context = client_config(&settings).expect("the files of the node");
        Keyspace::through(SessionBuilder::new().tls_context(Some(context)), &self.contact, 1, &[TABLE])
    }

    fn load(&self, keyspace: &str) -> Run {
        load(&self.scratch, &self.contact, keyspace)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }
}

fn ca(run: Run, file: &Path) -> Run {
    run.args(["--tls", "--tls-ca"]).arg(file)
}

fn certificate(run: Run, node: &Sealed, name: &str) -> Run {
    let cert = node.file(&format!("{name}.pem"));
    let key = node.file(&format!("{name}.key"));
    run.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key)
}

#[test]
fn a_client_certificate_that_the_node_trusts() {
    let Some(node) = Sealed::from_environment() else { return };
    let keyspace = node.keyspace(TlsVerification::NodeAddress);
    let run = certificate(ca(node.load(&keyspace.name), &node.file("ca.pem")), &node, "client");
    assert!(!expect_loaded(run, &keyspace).contains("warning"));
}

#[test]
fn no_client_certificate_where_one_is_needed() {
    let Some(node) = Sealed::from_environment() else { return };
    let run = ca(node.load("k"), &node.file("ca.pem"));
    check_told(run, &["the node wants a client certificate", "--tls-cert and --tls-key"]);
}

#[test]
fn a_client_certificate_of_an_authority_that_the_node_does_not_know() {
    let Some(node) = Sealed::from_environment() else { return };
    let run = certificate(ca(node.load("k"), &node.file("ca.pem")), &node, "other-client");
    check_told(run, &["client's certificate", "check --tls-cert"]);
}

#[test]
fn a_node_certificate_of_an_authority_that_is_not_trusted() {
    let Some(node) = Sealed::from_environment() else { return };
    let run = certificate(ca(node.load("k"), &node.file("other-ca.pem")), &node, "client");
    check_told(run, &["signed by an authority that is not trusted", "--tls-ca"]);
}

#[test]
fn a_node_certificate_for_another_name() {
    let Some(node) = Sealed::from_environment() else { return };
    let run = certificate(ca(node.load("k"), &node.file("ca.pem")), &node, "client");
    let run = run.args(["--tls-server-name", "db.example.net"]);
    check_told(run, &["not for db.example.net", "--tls-server-name"]);
}

#[test]
fn certificates_that_are_not_checked_are_warned_of() {
    let Some(node) = Sealed::from_environment() else { return };
    let keyspace = node.keyspace(TlsVerification::NodeAddress);
    let run = certificate(node.load(&keyspace.name).args(["--tls", "--tls-insecure"]), &node, "client");
    let said = expect_loaded(run, &keyspace);
    assert!(said.contains("warning: --tls-insecure: the nodes' certificates are NOT checked"), "{said}");
}

#[test]
fn plain_connections_to_a_node_that_speaks_tls() {
    let Some(node) = Sealed::from_environment() else { return };
    check_told(node.load("k"), &["the node speaks TLS on this port", "give --tls"]);
}

#[test]
fn tls_to_a_node_that_speaks_none() {
    let (Some(plain), Some(node)) = (environment(CASSANDRA), Sealed::from_environment()) else { return };
    let run = ca(load(&node.scratch, &plain, "k"), &node.file("ca.pem"));
    check_told(run, &["the node does not speak TLS on this port", "leave --tls out"]);
}

#[test]
fn a_node_certificate_with_a_dns_name_only() {
    const NAME: &str = "db.example.org";
    if environment(TLS_DNS).is_none() {
        return;
    }
    let nodes = Nodes::start(&["--tls-dns", NAME]);
    let (contact, files) = (nodes.get("contact_points").to_string(), nodes.get("tls_dir").into());
    let node = Sealed { contact, files, scratch: Scratch::new() };
    let keyspace = node.keyspace(TlsVerification::ServerName(NAME.into()));
    let run = || certificate(ca(node.load(&keyspace.name), &node.file("ca.pem")), &node, "client");
    check_told(run(), &["not for 127.", "it names db.example.org", "--tls-server-name"]);
    let wrong = run().args(["--tls-server-name", "db.example.net"]);
    check_told(wrong, &["not for db.example.net", "it names db.example.org"]);
    expect_loaded(run().args(["--tls-server-name", NAME]), &keyspace);
}
