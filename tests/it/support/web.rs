//! A web server in the test's process: ranges, ETags, logins, and the faults that servers have. It remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// Bytes sent at once.
const SENT_BYTES: usize = 64 * 1024;

/// The server; it listens until the test's process ends.
pub(crate) struct WebServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    requests: Vec<Request>,
}

/// What there is at a path.
#[derive(Clone)]
pub(crate) struct Object {
    content: Content,
    /// Its ETag, if the server tells one.
    pub(crate) e_tag: Option<String>,
    /// When it was changed, if the server tells that.
    pub(crate) last_modified: Option<String>,
    /// Whether parts of it are sent.
    pub(crate) ranges: bool,
    /// How many of the next requests are answered with 503.
    pub(crate) unavailable: u32,
    /// How many of the next answers break off, and after how many bytes.
    pub(crate) breaks: (u32, usize),
    /// Whether an answer that breaks off leaves the connection open.
    pub(crate) stalls: bool,
    /// Whether it never answers.
    pub(crate) silent: bool,
    /// The header that a request must have.
    pub(crate) authorization: Option<String>,
    /// What is there instead after so many requests.
    pub(crate) replaced: Option<(usize, Box<Object>)>,
}

#[derive(Clone)]
enum Content {
    Bytes(Arc<Vec<u8>>),
    /// So many bytes of records, made when they are sent.
    Numbered(u64),
}

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The path with what is behind `?`.
    pub(crate) path: String,
    /// The range, if one was asked for.
    pub(crate) range: Option<Range<u64>>,
    /// The version that it was asked for.
    pub(crate) if_match: Option<String>,
    authorization: Option<String>,
    method: String,
}

/// Bytes of a record that is made when it is sent, and of the header before.
const RECORD_BYTES: u64 = 1_000;

impl Object {
    /// An object with an ETag.
    pub(crate) fn of(bytes: impl Into<Vec<u8>>) -> Object {
        let bytes = bytes.into();
        let e_tag = Some(format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..16]));
        Object::with(Content::Bytes(Arc::new(bytes)), e_tag)
    }

    /// An object of about so many bytes, which nobody ever has in memory.
    pub(crate) fn numbered(bytes: u64) -> Object {
        let bytes = bytes / RECORD_BYTES * RECORD_BYTES;
        Object::with(Content::Numbered(bytes), Some(format!("\"numbered-{bytes}\"")))
    }

    fn with(content: Content, e_tag: Option<String>) -> Object {
        Object {
            content,
            e_tag,
            last_modified: None,
            ranges: true,
            unavailable: 0,
            breaks: (0, 0),
            stalls: false,
            silent: false,
            authorization: None,
            replaced: None,
        }
    }

    fn size(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Numbered(bytes) => *bytes,
        }
    }

    fn bytes(&self, range: Range<u64>) -> Vec<u8> {
        match &self.content {
            Content::Bytes(bytes) => bytes[range.start as usize..range.end as usize].to_vec(),
            Content::Numbered(_) => {
                let (first, last) = (range.start / RECORD_BYTES, range.end.div_ceil(RECORD_BYTES));
                let lines: String = (first..last).map(numbered_line).collect();
                let from = (range.start - first * RECORD_BYTES) as usize;
                lines.as_bytes()[from..from + (range.end - range.start) as usize].to_vec()
            }
        }
    }
}

/// A line of [`RECORD_BYTES`]; the first one is the header.
fn numbered_line(line: u64) -> String {
    match line {
        // Behind it empty lines, which are no records.
        0 => format!("id,note{}", "\n".repeat(RECORD_BYTES as usize - 7)),
        _ => format!("{line:012},{:x<n$}\n", "", n = RECORD_BYTES as usize - 14),
    }
}

impl WebServer {
    /// A server without objects.
    pub(crate) fn start() -> WebServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // Clients go away whenever they like.
                thread::spawn(move || serve(&state, &stream).ok());
            }
        });
        WebServer { address, state }
    }

    /// Puts an object at a path, without what is behind `?`. Returns its URL.
    pub(crate) fn put(&self, path: &str, object: Object) -> String {
        self.state().objects.insert(path.to_owned(), object);
        self.url(path)
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Forgets what it was asked.
    pub(crate) fn forget_requests(&self) {
        self.state().requests.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a server that did not panic")
    }
}

/// Answers what comes over a connection.
fn serve(state: &Mutex<State>, stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader)? {
        let base = request.path.split('?').next().unwrap_or_default().to_owned();
        let object = {
            let mut state = state.lock().expect("a server that did not panic");
            state.requests.push(request.clone());
            let Some(object) = state.objects.get_mut(&base) else {
                answer(stream, "404 Not Found", &[])?;
                continue;
            };
            match &mut object.replaced {
                Some((0, other)) => *object = *other.clone(),
                Some((requests, _)) => *requests -= 1,
                None => {}
            }
            let asked = object.clone();
            object.unavailable = asked.unavailable.saturating_sub(1);
            if asked.unavailable == 0
                && request.range.as_ref().is_some_and(|range| range.end - range.start > asked.breaks.1 as u64)
            {
                object.breaks.0 = asked.breaks.0.saturating_sub(1);
            }
            asked
        };
        respond(stream, &request, &object)?;
    }
    Ok(())
}

fn respond(stream: &TcpStream, request: &Request, object: &Object) -> io::Result<()> {
    if object.silent {
        thread::park();
    }
    if object.unavailable > 0 {
        return answer(stream, "503 Service Unavailable", &[]);
    }
    if object.authorization.is_some() && object.authorization != request.authorization {
        return answer(stream, "401 Unauthorized", &[]);
    }
    if request.if_match.is_some() && request.if_match != object.e_tag {
        return answer(stream, "412 Precondition Failed", &[]);
    }
    let size = object.size();
    let asked = request.range.clone().filter(|_| object.ranges);
    let range = asked.clone().map_or(0..size, |range| range.start..range.end.min(size));
    if range.start >= range.end && size > 0 || asked.is_some() && size == 0 {
        return answer(stream, "416 Range Not Satisfiable", &[]);
    }
    let mut head = vec![format!("Content-Length: {}", range.end - range.start)];
    head.extend(object.e_tag.as_ref().map(|tag| format!("ETag: {tag}")));
    head.extend(object.last_modified.as_ref().map(|time| format!("Last-Modified: {time}")));
    let status = match asked {
        Some(_) => {
            head.push(format!("Content-Range: bytes {}-{}/{size}", range.start, range.end - 1));
            "206 Partial Content"
        }
        None => "200 OK",
    };
    write_head(stream, status, &head)?;
    if request.method == "HEAD" {
        return Ok(());
    }
    let (breaks, after) = object.breaks;
    let end = if breaks > 0 { range.end.min(range.start + after as u64) } else { range.end };
    let mut at = range.start;
    while at < end {
        let next = end.min(at + SENT_BYTES as u64);
        (&*stream).write_all(&object.bytes(at..next))?;
        at = next;
    }
    match end < range.end {
        true if object.stalls => {
            thread::park();
            Ok(())
        }
        true => stream.shutdown(std::net::Shutdown::Both),
        false => Ok(()),
    }
}

fn answer(stream: &TcpStream, status: &str, head: &[String]) -> io::Result<()> {
    write_head(stream, status, &[head, &["Content-Length: 0".to_owned()]].concat())
}

fn write_head(mut stream: &TcpStream, status: &str, head: &[String]) -> io::Result<()> {
    stream.write_all(format!("HTTP/1.1 {status}\r\n{}\r\n\r\n", head.join("\r\n")).as_bytes())
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request { path, range: None, if_match: None, authorization: None, method };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = range_of(value),
            "if-match" => request.if_match = Some(value.to_owned()),
            "authorization" => request.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(Some(request))
}

fn range_of(value: &str) -> Option<Range<u64>> {
    let (start, end) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some(start.parse().ok()?..end.parse::<u64>().ok()? + 1)
}
