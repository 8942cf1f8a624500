//! A relay between `ringload` and a node: it knows which process owns each connection and how far the connection is, and it can
//! hold frames back, cut connections, and refuse new ones. It reads frames by their header (CQL binary protocol v4, section 2)
//! and changes none. Connections with TLS or compression of their own do not pass.
//!
//! The driver takes nodes' addresses from the node itself, so `ringload` must be told where the relay stands: [`Relay::address_map`].

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::processes::owner_of;

/// Bytes of a frame's header; the opcode is the fifth, the body's length the last four.
const HEADER: usize = 9;
/// Opcodes with which the node says that a connection is ready: READY and AUTH_SUCCESS.
const READY: [u8; 2] = [0x02, 0x10];
/// Opcodes with which rows are written: EXECUTE and BATCH.
const WRITES: [u8; 2] = [0x0A, 0x0D];
/// How often the door is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// A running relay. It ends, and cuts everything, when it is dropped.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    /// Where it listens, as `host:port`.
    pub(crate) contact: String,
}

struct Shared {
    node: SocketAddr,
    /// What the body of a frame that writes rows contains.
    marker: &'static [u8],
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    door: Door,
    connections: BTreeMap<u64, Connection>,
    accepted: u64,
    /// Processes that nothing is held back from.
    spared: BTreeSet<u32>,
    stalled: Stalled,
    ready_held: bool,
    ready_delay: Duration,
    /// Frames with rows that may still pass; `None`: all.
    writes_left: Option<u64>,
    writes_passed: BTreeMap<u32, u64>,
    /// Hashes of the bodies of those frames: the same row in the same statement has the same body.
    rows_passed: HashSet<u64>,
    /// Every set of processes that had a connection that was not ready at one instant.
    opening: BTreeSet<BTreeSet<u32>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Door {
    #[default]
    Open,
    /// New connections are refused.
    Shut,
    /// The relay is over.
    Gone,
}

#[derive(Default)]
enum Stalled {
    #[default]
    Nobody,
    Everybody,
    These(BTreeSet<u32>),
}

struct Connection {
    pid: Option<u32>,
    ready: bool,
    waits_with_rows: bool,
    client: TcpStream,
    node: TcpStream,
}

/// What a frame is to the relay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rows,
    Ready,
    Other,
}

impl Relay {
    /// A relay to a node (`host:port`); frames that write rows are known by `marker` in their bodies.
    pub(crate) fn to(node: &str, marker: &'static [u8]) -> Relay {
        let listener = listen_somewhere();
        let contact = listener.local_addr().expect("an address").to_string();
        let node = node.parse().expect("the node's address");
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { node, marker, state, changed });
        let doorkeeper = Arc::clone(&shared);
        thread::spawn(move || doorkeeper.keep_door(listener));
        Relay { shared, contact }
    }

    /// The value of `--address-map` that leads connections to the node's own address here.
    pub(crate) fn address_map(&self) -> String {
        let (_, port) = self.contact.rsplit_once(':').expect("an address with a port");
        // The driver assumes the contact point's port for all nodes.
        format!("{}:{port}={}", self.shared.node.ip(), self.contact)
    }

    /// Nothing is held back from this process.
    pub(crate) fn spare(&self, pid: u32) {
        self.change(|state| {
            state.spared.insert(pid);
        });
    }

    /// From now on no connection becomes ready.
    pub(crate) fn hold_ready(&self) {
        self.change(|state| state.ready_held = true);
    }

    /// Connections become ready again, each a while after the node has said so.
    pub(crate) fn release_ready(&self, delay: Duration) {
        self.change(|state| (state.ready_held, state.ready_delay) = (false, delay));
    }

    /// Processes that have a connection that is not ready, the spared ones aside.
    pub(crate) fn opening(&self) -> BTreeSet<u32> {
        let state = self.shared.lock();
        state.opening_now().difference(&state.spared).copied().collect()
    }

    /// The most processes that had a connection that was not ready at one instant, the spared ones aside.
    pub(crate) fn opening_peak(&self) -> usize {
        let state = self.shared.lock();
        state.opening.iter().map(|pids| pids.difference(&state.spared).count()).max().unwrap_or(0)
    }

    /// Processes whose connections are all ready.
    pub(crate) fn connected(&self) -> BTreeSet<u32> {
        let state = self.shared.lock();
        let all: BTreeSet<u32> = state.connections.values().filter_map(|connection| connection.pid).collect();
        all.difference(&state.opening_now()).copied().collect()
    }

    /// So many more frames with rows may pass, then no more.
    pub(crate) fn allow_writes(&self, frames: u64) {
        self.change(|state| state.writes_left = Some(state.writes_left.unwrap_or(0) + frames));
    }

    /// All frames with rows may pass.
    pub(crate) fn allow_all_writes(&self) {
        self.change(|state| state.writes_left = None);
    }

    /// Whether all frames that may pass have passed.
    pub(crate) fn writes_used_up(&self) -> bool {
        self.shared.lock().writes_left == Some(0)
    }

    /// Whether a frame with rows of this process is held back.
    pub(crate) fn holds_write_of(&self, pid: u32) -> bool {
        let state = self.shared.lock();
        state.connections.values().any(|connection| connection.pid == Some(pid) && connection.waits_with_rows)
    }

    /// Frames with rows that have passed, by process.
    pub(crate) fn writes_passed(&self) -> BTreeMap<u32, u64> {
        self.shared.lock().writes_passed.clone()
    }

    /// Different rows that have passed, whoever sent them and how often.
    pub(crate) fn rows_passed(&self) -> u64 {
        self.shared.lock().rows_passed.len() as u64
    }

    /// Nothing passes in either direction, as if the node hung.
    pub(crate) fn stall(&self) {
        self.change(|state| state.stalled = Stalled::Everybody);
    }

    /// Nothing passes from or to these processes.
    pub(crate) fn stall_only(&self, pids: impl IntoIterator<Item = u32>) {
        self.change(|state| state.stalled = Stalled::These(pids.into_iter().collect()));
    }

    /// Everything passes again.
    pub(crate) fn go_on(&self) {
        self.change(|state| state.stalled = Stalled::Nobody);
    }

    /// Cuts all connections and refuses new ones, as if the node were down.
    pub(crate) fn go_down(&self) {
        self.change(|state| {
            state.door = Door::Shut;
            state.cut_all();
        });
    }

    /// Takes connections again.
    pub(crate) fn come_up(&self) {
        self.change(|state| state.door = Door::Open);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.lock());
        self.shared.changed.notify_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.change(|state| {
            state.door = Door::Gone;
            state.cut_all();
        });
    }
}

/// An address of its own: on a fixed port, and on an address that no connection takes as its source, so that it is still
/// there after the door was shut.
fn listen_somewhere() -> TcpListener {
    static NEXT: AtomicU8 = AtomicU8::new(100);
    let [.., high, low] = std::process::id().to_be_bytes();
    loop {
        let address = Ipv4Addr::new(127, NEXT.fetch_add(1, Ordering::Relaxed), high, low.max(1));
        if let Ok(listener) = TcpListener::bind((address, 9042)) {
            return listener;
        }
    }
}

impl State {
    fn cut_all(&mut self) {
        for (_, connection) in std::mem::take(&mut self.connections) {
            connection.cut();
        }
    }

    fn opening_now(&self) -> BTreeSet<u32> {
        self.connections.values().filter(|connection| !connection.ready).filter_map(|it| it.pid).collect()
    }

    fn is_held(&self, pid: Option<u32>, kind: Kind) -> bool {
        if pid.is_some_and(|pid| self.spared.contains(&pid)) {
            return false;
        }
        let stalled = match &self.stalled {
            Stalled::Nobody => false,
            Stalled::Everybody => true,
            Stalled::These(pids) => pid.is_some_and(|pid| pids.contains(&pid)),
        };
        stalled
            || match kind {
                Kind::Rows => self.writes_left == Some(0),
                Kind::Ready => self.ready_held,
                Kind::Other => false,
            }
    }
}

impl Connection {
    fn cut(&self) {
        // Whoever is gone already needs no cutting.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.node.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn keep_door(self: Arc<Self>, listener: TcpListener) {
        let address = listener.local_addr().expect("an address");
        let mut listener = Some(listener);
        loop {
            let door = self.lock().door;
            match (door, &listener) {
                (Door::Gone, _) => return,
                (Door::Shut, _) => listener = None,
                (Door::Open, None) => {
                    listener = Some(TcpListener::bind(address).expect("the relay's address"))
                }
                (Door::Open, Some(open)) => {
                    open.set_nonblocking(true).expect("a socket without waiting");
                    if let Ok((client, from)) = open.accept() {
                        self.admit(client, owner_of(from, address));
                        continue;
                    }
                }
            }
            thread::sleep(LOOK);
        }
    }

    fn admit(self: &Arc<Self>, client: TcpStream, pid: Option<u32>) {
        client.set_nonblocking(false).expect("a socket that waits");
        let Ok(node) = TcpStream::connect(self.node) else { return };
        for stream in [&client, &node] {
            stream.set_nodelay(true).expect("a socket without delay");
        }
        let copy = |stream: &TcpStream| stream.try_clone().expect("a second handle of a socket");
        let (from_client, to_node, from_node, to_client) =
            (copy(&client), copy(&node), copy(&node), copy(&client));
        let mut state = self.lock();
        if state.door != Door::Open {
            return;
        }
        let id = state.accepted;
        state.accepted += 1;
        state.connections.insert(id, Connection { pid, ready: false, waits_with_rows: false, client, node });
        let opening = state.opening_now();
        state.opening.insert(opening);
        drop(state);
        for (from, to, is_request) in [(from_client, to_node, true), (from_node, to_client, false)] {
            let shared = Arc::clone(self);
            thread::spawn(move || {
                // Whatever ends one direction ends the connection.
                let _ = shared.pump(id, from, to, is_request);
                if let Some(connection) = shared.lock().connections.remove(&id) {
                    connection.cut();
                }
                shared.changed.notify_all();
            });
        }
    }

    fn pump(&self, id: u64, from: TcpStream, mut to: TcpStream, is_request: bool) -> io::Result<()> {
        let mut from = BufReader::with_capacity(1 << 16, from);
        loop {
            let frame = read_frame(&mut from)?;
            if !self.pass(id, self.kind_of(&frame, is_request), &frame) {
                return Ok(());
            }
            to.write_all(&frame)?;
        }
    }

    fn kind_of(&self, frame: &[u8], is_request: bool) -> Kind {
        let (header, body) = frame.split_at(HEADER);
        match header[4] {
            opcode if is_request && WRITES.contains(&opcode) && contains(body, self.marker) => Kind::Rows,
            opcode if !is_request && READY.contains(&opcode) => Kind::Ready,
            _ => Kind::Other,
        }
    }

    /// Waits until a frame may pass; false when its connection is cut.
    fn pass(&self, id: u64, kind: Kind, frame: &[u8]) -> bool {
        let mut state = self.lock();
        loop {
            let Some(pid) = state.connections.get(&id).map(|connection| connection.pid) else { return false };
            let held = state.is_held(pid, kind);
            if let Some(connection) = state.connections.get_mut(&id) {
                connection.waits_with_rows = held && kind == Kind::Rows;
            }
            if !held {
                break;
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        match kind {
            Kind::Rows => {
                state.count_write(id);
                state.rows_passed.insert(hash_of(&frame[HEADER..]));
            }
            Kind::Ready => {
                let delay = state.ready_delay;
                drop(state);
                thread::sleep(delay);
                if let Some(connection) = self.lock().connections.get_mut(&id) {
                    connection.ready = true;
                }
            }
            Kind::Other => (),
        }
        true
    }
}

impl State {
    fn count_write(&mut self, id: u64) {
        if let Some(left) = &mut self.writes_left {
            *left = left.saturating_sub(1);
        }
        if let Some(pid) = self.connections.get(&id).and_then(|connection| connection.pid) {
            *self.writes_passed.entry(pid).or_default() += 1;
        }
    }
}

fn read_frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    from.read_exact(&mut frame)?;
    let length = u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]);
    frame.resize(HEADER + length as usize, 0);
    from.read_exact(&mut frame[HEADER..])?;
    Ok(frame)
}

fn hash_of(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

fn contains(body: &[u8], marker: &[u8]) -> bool {
    memchr::memmem::find(body, marker).is_some()
}
