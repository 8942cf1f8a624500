use super::*;
use crate::format::csv::dialect::Dialect;
use crate::format::csv::reader::ChunkReader;
use crate::plan::unit::{FileId, UnitId};
use crate::reject::part::PartFiles;
use proptest::prelude::*;
use std::path::Path;

/// A unit in a test: its chunks have so many records each.
struct Load {
    unit: Arc<UnitLoad>,
    chunks: Vec<ChunkLoad>,
    /// One for each chunk, which the unit holds, too, as long as it holds the chunk's memory.
    memory: Vec<Arc<()>>,
    grown: Arc<Mutex<Vec<Unsaid>>>,
    halt: Arc<Halt>,
}

impl Load {
    fn of(records: &[u64], dir: &Path) -> Load {
        let mut start = 0;
        let chunk = |records: &u64| {
            let chunk = Chunk { start, len: records * 2 + 1, records: *records, line: 1 };
            start += chunk.len;
            chunk
        };
        let chunks = records.iter().map(chunk).collect();
        let unit = WorkUnit { id: UnitId(3), file: FileId(0), first_ordinal: 0, first_record: 1, chunks };
        let rejects = PartWriter::new(PartFiles::new(dir, unit.id, 1, 1));
        let (halt, grown) = (Arc::new(Halt::default()), Arc::new(Mutex::new(Vec::new())));
        let on_grown = {
            let grown = Arc::clone(&grown);
            Box::new(move |unsaid| grown.lock().unwrap().push(unsaid))
        };
        let brake = Arc::new(RejectBrake::new(u64::MAX));
        let unit = UnitLoad::new(unit, 1, "in.csv".into(), rejects, Arc::clone(&halt), brake, on_grown);
        Load { unit: Arc::new(unit), chunks: Vec::new(), memory: Vec::new(), grown, halt }
    }

    /// Begins with the next chunk.
    fn begin(&mut self) {
        let memory = Arc::new(());
        self.unit.begin_chunk(Box::new(Arc::clone(&memory)));
        self.memory.push(memory);
        let index = self.chunks.len();
        let chunk = self.unit.unit.chunks[index];
        let bytes = "x\n".repeat(chunk.records as usize) + "\n";
        let records = ChunkReader::new(&Dialect::default()).read(bytes.into_bytes()).unwrap();
        let first_record = 1 + self.unit.unit.chunks[..index].iter().map(|chunk| chunk.records).sum::<u64>();
        self.chunks.push(ChunkLoad::new(Arc::clone(&self.unit), index as u32, chunk, first_record, records));
    }

    fn begun(mut self) -> Load {
        while self.chunks.len() < self.unit.unit.chunks.len() {
            self.begin();
        }
        self
    }

    /// The chunks whose memory is given back.
    fn given_back(&self) -> Vec<usize> {
        let is_free = |(index, memory): (usize, &Arc<()>)| (Arc::strong_count(memory) == 1).then_some(index);
        self.memory.iter().enumerate().filter_map(is_free).collect()
    }

    fn reject(&self, chunk: usize, record: u32) {
        let fault =
            Fault { code: RejectCode::InvalidNumber, column: None, value: None, message: "bad".into() };
        self.chunks[chunk].reject(record, &fault);
    }
}

fn load(records: &[u64]) -> Load {
    Load::of(records, Path::new("/proc/never-made")).begun()
}

#[test]
fn the_prefix_grows_over_chunks_that_are_settled_without_a_gap() {
    let load = load(&[2, 3, 0, 1, 2]);
    let chunks = |load: &Load| load.unit.take_prefix().prefix.chunks;
    load.chunks[1].written(3);
    load.chunks[4].written(1);
    assert_eq!(chunks(&load), 0);
    load.chunks[0].written(1);
    assert_eq!(chunks(&load), 0, "one record of the first chunk is not settled");
    load.chunks[0].written(1);
    assert_eq!(
        load.unit.take_prefix().prefix,
        Prefix { chunks: 3, records: 5, written: 5, rejected: 0, bytes: 13, ..Prefix::default() }
    );
    assert_eq!(load.unit.counts().records, 6, "those after the prefix are counted, too");
    load.chunks[3].written(1);
    assert_eq!(chunks(&load), 4);
    load.chunks[4].written(1);
    let all = load.unit.take_prefix();
    assert_eq!((all.prefix.chunks, all.prefix.records, all.done), (5, 8, true));
}

#[test]
fn a_chunk_without_records_is_settled_when_it_is_begun() {
    let mut load = Load::of(&[0, 1, 0], Path::new("/proc/never-made"));
    load.begin();
    assert_eq!(load.unit.take_prefix().prefix.chunks, 1);
    let load = load.begun();
    load.chunks[1].written(1);
    assert!(load.unit.take_prefix().done);
}

#[test]
fn memory_is_given_back_when_a_prefix_is_said_and_not_before() {
    let load = load(&[1, 1, 1]);
    load.chunks[1].written(1);
    assert!(load.given_back().is_empty(), "it is behind a gap");
    load.chunks[0].written(1);
    assert!(load.given_back().is_empty(), "nobody was told");
    let saying = load.unit.take_prefix();
    assert!(load.given_back().is_empty(), "it is being said");
    // What is settled meanwhile is not part of it.
    load.chunks[2].written(1);
    drop(saying);
    assert_eq!(load.given_back(), [0, 1]);
    drop(load.unit.take_prefix());
    assert_eq!(load.given_back(), [0, 1, 2]);
}

#[test]
fn whoever_waits_hears_how_much_there_is_to_say() {
    let load = load(&[1, 2, 3, 1]);
    let heard = |load: &Load| std::mem::take(&mut *load.grown.lock().unwrap());
    load.chunks[1].written(2);
    load.chunks[2].written(2);
    assert_eq!(heard(&load), []);
    load.chunks[0].written(1);
    load.chunks[2].written(1);
    assert_eq!(heard(&load), [Unsaid { bytes: 8, done: false }, Unsaid { bytes: 15, done: false }]);
    drop(load.unit.take_prefix());
    load.chunks[3].written(1);
    assert_eq!(heard(&load), [Unsaid { bytes: 3, done: true }]);
}

#[test]
fn news_are_what_has_come_since_the_last_time() {
    let tmp = tempfile::tempdir().unwrap();
    let load = Load::of(&[1, 1, 1], tmp.path()).begun();
    let news = |load: &Load| {
        let saying = load.unit.take_prefix();
        (saying.is_new, saying.has_new_rejects)
    };
    assert_eq!(news(&load), (false, false));
    load.reject(1, 0);
    assert_eq!(news(&load), (false, false), "the reject is behind a gap");
    load.chunks[0].written(1);
    assert_eq!(news(&load), (true, true));
    load.chunks[2].written(1);
    assert_eq!(news(&load), (true, false));
    assert_eq!(news(&load), (false, false));
}

#[test]
fn rejects_that_are_kept_can_be_read_while_the_attempt_goes_on() {
    let tmp = tempfile::tempdir().unwrap();
    let load = Load::of(&[2, 2], tmp.path()).begun();
    load.reject(0, 1);
    load.unit.keep_rejects().unwrap();
    load.reject(1, 0);
    let reasons = PartFiles::new(tmp.path(), UnitId(3), 1, 1).reasons;
    let kept = std::fs::read_to_string(&reasons).unwrap();
    assert_eq!(serde_json::from_str::<RejectReason>(kept.trim()).unwrap().record, 2);
    load.unit.keep_rejects().unwrap();
    assert_eq!(std::fs::read_to_string(&reasons).unwrap().lines().count(), 2);
}

#[test]
fn a_record_whose_reject_cannot_be_written_is_not_settled() {
    let load = load(&[1]);
    load.reject(0, 0);
    assert_eq!(load.halt.failure().map(|failure| failure.kind), Some(FailureKind::Output));
    assert_eq!((load.unit.take_prefix().prefix, load.unit.counts().records), (Prefix::default(), 0));
    assert!(load.unit.keep_rejects().is_err());
}

proptest! {
    /// Whatever is settled in whatever order, the prefix is the leading chunks that are wholly settled, and it is the sum of what
    /// became of their records.
    #[test]
    fn the_prefix_is_what_is_settled_in_front(
        records in prop::collection::vec(0u64..4, 1..12),
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..40),
    ) {
        let tmp = tempfile::tempdir().unwrap();
        let load = Load::of(&records, tmp.path()).begun();
        let mut settled = vec![(0, 0); records.len()];
        for (index, is_bad) in order {
            let index = index.index(records.len());
            let (written, rejected) = &mut settled[index];
            if *written + *rejected == records[index] {
                continue;
            }
            if is_bad {
                load.reject(index, (*written + *rejected) as u32);
                *rejected += 1;
            } else {
                load.chunks[index].written(1);
                *written += 1;
            }
            let whole = (0..records.len()).take_while(|index| settled[*index].0 + settled[*index].1 == records[*index]);
            let expected = whole.fold(Prefix::default(), |prefix, index| Prefix {
                chunks: prefix.chunks + 1,
                records: prefix.records + records[index],
                written: prefix.written + settled[index].0,
                rejected: prefix.rejected + settled[index].1,
                bytes: prefix.bytes + records[index] * 2 + 1,
                ..prefix
            });
            let saying = load.unit.take_prefix();
            prop_assert_eq!(saying.prefix, expected);
            prop_assert_eq!(saying.done, expected.chunks as usize == records.len());
            drop(saying);
            prop_assert_eq!(load.given_back(), (0..expected.chunks as usize).collect::<Vec<_>>());
        }
    }
}
