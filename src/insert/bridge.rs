//! Between the parser threads and the lanes: gathers rows that are to be sent together, and hands them over. It waits for both, on a
//! thread of its own. Never holds rows back where nothing comes in, or where their memory is wanted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use tokio::sync::mpsc;

use super::cql::{Gauges, Target};
use super::engine::BoundBatch;
use super::gather::{Arrival, Gather, GroupKey, Limits, Parcel, WindowSize};
use super::lane::{Run, Work};
use super::prospect::Prospect;
use super::replicas::ReplicaSets;
use super::weight::MutationWeight;
use super::wire::Held;
use crate::settings::{BatchMode, Gathering};

/// Rows that a lane takes at once where each is sent by itself: enough to make the hand-over cheap, few enough to keep all lanes busy
/// at the end.
const RUN_ROWS: usize = 8;
/// What a parcel of one partition may be: to the server it is one change, whose size no limit for batches looks at. Larger ones save
/// next to nothing, and keep others waiting.
pub(super) const PARTITION: Limits = Limits { rows: 128, weight: 64 << 10, tokens: usize::MAX };
/// What a parcel of several partitions may be: Cassandra warns of more than ten (`unlogged_batch_across_partitions_warn_threshold`), and
/// of more than 5 KiB (`batch_size_warn_threshold`).
pub(super) const REPLICAS: Limits = Limits { rows: 128, weight: 5 << 10, tokens: 10 };
/// How long rows wait for others with the same replicas: there are far fewer sets of these than partitions.
const REPLICAS_WINDOW: WindowSize = WindowSize { rows: 16 << 10, bytes: 1 << 20 };
/// Where nobody says that only rows of one partition may go together, parcels of a partition that are no larger than this are put
/// together with others for the same replicas.
const SMALL_ROWS: usize = 4;
/// How often is looked whether memory is wanted while rows are held back and nothing comes.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// When nothing has come for so long, rows are let go, unless it was said before that nothing will come.
const DRY_AFTER: Duration = Duration::from_millis(100);
/// So much of the oldest input is let go at once where its memory is wanted.
const LET_GO_BYTES: u64 = 256 << 10;

/// How rows are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Singly,
    ByPartition,
    ByReplicas,
}

/// The lanes are gone.
struct LanesGone;

/// Takes rows from the feed to the lanes.
pub(super) struct Bridge<'a> {
    feed: &'a Receiver<BoundBatch>,
    lanes: &'a mpsc::Sender<Work>,
    gauges: &'a Gauges,
    target: &'a Target,
    mode: BatchMode,
    gather: Gather<Held>,
    /// Rows that go together with others for the same replicas: they wait a second time, but not long.
    replicas: Gather<Held>,
    prospect: Prospect,
    sets: ReplicaSets,
    weight: MutationWeight,
    /// Parcels that leave.
    out: Vec<Parcel<Held>>,
    packed: Vec<Parcel<Held>>,
}

impl<'a> Bridge<'a> {
    /// A bridge that gathers like this; off where rows cannot be sent together.
    pub(super) fn new(
        feed: &'a Receiver<BoundBatch>,
        lanes: &'a mpsc::Sender<Work>,
        gauges: &'a Gauges,
        target: &'a Target,
        gathering: Gathering,
    ) -> Self {
        let window = WindowSize { rows: gathering.window_rows, bytes: gathering.window_bytes };
        Bridge {
            feed,
            lanes,
            gauges,
            target,
            mode: gathering.mode,
            gather: Gather::new(window),
            replicas: Gather::new(REPLICAS_WINDOW),
            prospect: Prospect::new(window),
            sets: ReplicaSets::default(),
            weight: MutationWeight::of(&target.row_plan),
            out: Vec::new(),
            packed: Vec::new(),
        }
    }

    /// Hands everything over; ends with the feed, or early when there are no lanes left.
    pub(super) fn run(mut self) {
        // When the lanes are gone, so is everything that could be done.
        let _ = self.hand_over();
    }

    fn hand_over(&mut self) -> Result<(), LanesGone> {
        while let Some(batch) = self.next()? {
            match self.style(&batch) {
                Style::Singly => {
                    self.let_all_go()?;
                    self.send_runs(batch)?;
                }
                style => self.gather(batch, style)?,
            }
        }
        self.let_all_go()
    }

    /// The next batch, or `None` at the end. Meanwhile rows that are held back are let go where they must not be any longer.
    fn next(&mut self) -> Result<Option<BoundBatch>, LanesGone> {
        let begun = Instant::now();
        let (mut is_dry, mut has_asked) = (false, false);
        self.gauges.let_go.store(false, Ordering::Relaxed);
        loop {
            if self.gather.held() + self.replicas.held() == 0 {
                return Ok(self.feed.recv().ok());
            }
            is_dry |= begun.elapsed() >= DRY_AFTER || self.gauges.let_go.load(Ordering::Relaxed);
            match self.feed.recv_timeout(if is_dry { Duration::ZERO } else { LOOK_EVERY }) {
                Ok(batch) => {
                    self.gauges.hungry.store(false, Ordering::Relaxed);
                    return Ok(Some(batch));
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if is_dry => self.let_one_go()?,
                Err(RecvTimeoutError::Timeout) if self.gauges.memory_wanted.load(Ordering::Relaxed) => {
                    self.gather.release_first(LET_GO_BYTES, &mut self.out);
                    self.send_parcels()?;
                    self.let_packed_go()?;
                }
                Err(RecvTimeoutError::Timeout) if self.gather.held() == 0 => self.let_packed_go()?,
                Err(RecvTimeoutError::Timeout) => {
                    if !std::mem::replace(&mut has_asked, true) {
                        self.gauges.hungry.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// How a batch's rows are to be sent.
    fn style(&mut self, batch: &BoundBatch) -> Style {
        let style = match self.mode {
            BatchMode::Off => return Style::Singly,
            BatchMode::Partition => return Style::ByPartition,
            BatchMode::Replica => Style::ByReplicas,
            BatchMode::Auto => {
                let held_bytes = held_bytes(batch);
                batch.rows.iter().for_each(|row| self.prospect.note(row.token, held_bytes));
                if self.prospect.pays() { Style::ByPartition } else { Style::ByReplicas }
            }
        };
        self.sets.refresh(&self.target.session, &self.target.table);
        match style {
            // The nodes of such a cluster take each row at the shard that has it.
            Style::ByReplicas if !self.packs() => Style::Singly,
            style => style,
        }
    }

    /// Whether rows of several partitions go together.
    fn packs(&self) -> bool {
        match self.mode {
            BatchMode::Replica => true,
            BatchMode::Auto => !self.sets.is_sharded(),
            BatchMode::Partition | BatchMode::Off => false,
        }
    }

    fn gather(&mut self, batch: BoundBatch, style: Style) -> Result<(), LanesGone> {
        let held_bytes = held_bytes(&batch);
        if style == Style::ByReplicas {
            // Rows from before, when they were held back.
            while let Some(parcel) = self.gather.release() {
                self.pass_on(parcel)?;
            }
        }
        let batch = Arc::new(batch);
        for (row, bound) in (0..).zip(&batch.rows) {
            let held = Held { batch: Arc::clone(&batch), row };
            if style == Style::ByReplicas {
                self.pack(held, bound.token, held_bytes)?;
                continue;
            }
            let weight = held.row().map_or(0, |row| row.values.len());
            let arrival = Arrival { row: held, token: bound.token, weight, held_bytes };
            self.gather.push(arrival, GroupKey::Partition(bound.token), PARTITION, &mut self.out);
            self.send_parcels()?;
        }
        Ok(())
    }

    /// Puts a row to others for the same replicas.
    fn pack(&mut self, row: Held, token: i64, held_bytes: u64) -> Result<(), LanesGone> {
        let weight = row.row().map_or(0, |row| self.weight.bytes(row.values));
        let arrival = Arrival { row, token, weight, held_bytes };
        let key = GroupKey::Replicas(self.sets.set(token));
        self.replicas.push(arrival, key, REPLICAS, &mut self.packed);
        for parcel in self.packed.drain(..) {
            self.lanes.blocking_send(Work::Parcel(parcel)).map_err(|_| LanesGone)?;
        }
        Ok(())
    }

    /// Sends a parcel of one partition, or puts it together with others where it is small.
    fn pass_on(&mut self, parcel: Parcel<Held>) -> Result<(), LanesGone> {
        if parcel.rows.len() > SMALL_ROWS || !self.packs() || !self.is_light(&parcel) {
            return self.send(Work::Parcel(parcel));
        }
        for row in parcel.rows {
            let held_bytes = held_bytes(&row.batch);
            self.pack(row, parcel.token, held_bytes)?;
        }
        Ok(())
    }

    /// Whether others have room beside it.
    fn is_light(&self, parcel: &Parcel<Held>) -> bool {
        let rows = parcel.rows.iter().filter_map(Held::row);
        let weight = rows.fold(0_usize, |sum, row| sum.saturating_add(self.weight.bytes(row.values)));
        weight <= REPLICAS.weight / 2
    }

    fn send_parcels(&mut self) -> Result<(), LanesGone> {
        if self.out.is_empty() {
            return Ok(());
        }
        let mut out = std::mem::take(&mut self.out);
        let sent = out.drain(..).try_for_each(|parcel| self.pass_on(parcel));
        self.out = out;
        sent
    }

    /// Lets the oldest rows go, and last those that were put together.
    fn let_one_go(&mut self) -> Result<(), LanesGone> {
        match self.gather.release() {
            Some(parcel) => self.pass_on(parcel),
            None => self.let_packed_go(),
        }
    }

    fn let_packed_go(&mut self) -> Result<(), LanesGone> {
        while let Some(parcel) = self.replicas.release() {
            self.send(Work::Parcel(parcel))?;
        }
        Ok(())
    }

    fn let_all_go(&mut self) -> Result<(), LanesGone> {
        while let Some(parcel) = self.gather.release() {
            self.pass_on(parcel)?;
        }
        self.let_packed_go()
    }

    fn send_runs(&self, batch: BoundBatch) -> Result<(), LanesGone> {
        let batch = Arc::new(batch);
        for start in (0..batch.rows.len()).step_by(RUN_ROWS) {
            let rows = start..batch.rows.len().min(start + RUN_ROWS);
            self.send(Work::Run(Run { batch: Arc::clone(&batch), rows }))?;
        }
        Ok(())
    }

    fn send(&self, work: Work) -> Result<(), LanesGone> {
        self.lanes.blocking_send(work).map_err(|_| LanesGone)
    }
}

/// Bytes of input that each row of a batch keeps in memory.
fn held_bytes(batch: &BoundBatch) -> u64 {
    batch.held_bytes.div_ceil((batch.rows.len() as u64).max(1))
}
