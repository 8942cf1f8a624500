//! Processes as `/proc` shows them: who owns a connection, who is still there, what can be seen of a process from outside.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};

/// The process of `ringload` that owns the client's side of a connection; `None` where it is gone already.
pub(crate) fn owner_of(client: SocketAddr, server: SocketAddr) -> Option<u32> {
    let (SocketAddr::V4(client), SocketAddr::V4(server)) = (client, server) else { return None };
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let (client, server) = (in_hex(client), in_hex(server));
    // sl, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode.
    let inode = table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        (fields.get(1)? == &client && fields.get(2)? == &server).then(|| fields.get(9).copied())?
    })?;
    let socket = PathBuf::from(format!("socket:[{inode}]"));
    let processes = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
    let mut owners = processes.filter(|process| is_ringload(process) && holds(process, &socket));
    owners.next()?.file_name()?.to_str()?.parse().ok()
}

/// The processes of `ringload` that run in a directory: those of the runs of one test, however they were started. A zombie is
/// in no directory any more.
pub(crate) fn running_in(directory: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    let here = |process: &PathBuf| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == directory);
    let pid = |process: PathBuf| process.file_name()?.to_str()?.parse().ok();
    processes.filter(|process| is_ringload(process) && here(process)).filter_map(pid).collect()
}

/// Whether there is a process of this id, a zombie included.
pub(crate) fn exists(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// What others can see of a running process: its arguments and its environment.
pub(crate) fn arguments_and_environment(pid: u32) -> String {
    let process = Path::new("/proc").join(pid.to_string());
    let read = |name| fs::read(process.join(name)).expect("a process that runs");
    String::from_utf8_lossy(&[read("cmdline"), read("environ")].concat()).into_owned()
}

/// An address as in `/proc/net/tcp`: the address in the machine's byte order, the port as it is.
fn in_hex(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

fn is_ringload(process: &Path) -> bool {
    fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == "ringload")
}

fn holds(process: &Path, file: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors
        .flatten()
        .any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == file))
}
