//! The loop's end of the streams: a way to each peer that has a connection, kept by the loop alone, without a lock.
use super::door::{End, Patience, Tally};
use bytes::Bytes;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use switchyard_engine::Flow;
use switchyard_engine::base::Table;
use switchyard_engine::wire::Malformed;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// Which connection: what the engine calls it, and a number, because the same two ends may meet again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) flow: Flow,
    pub(super) peer: SocketAddr,
    pub(super) id: u64,
}

/// What a connection tells the loop. Its place in the queue is free again when this is dropped.
#[derive(Debug)]
pub struct FromStream {
    name: Name,
    what: What,
    _place: OwnedSemaphorePermit,
}

/// What happened on a connection.
#[derive(Debug)]
pub(super) enum What {
    /// It is there.
    Opened(Way),
    /// A message, in a buffer of its own.
    Message(Bytes),
    /// Nobody can say where the next message begins.
    Garbled(Bytes, Malformed),
    /// Nothing has come for long.
    Quiet,
    /// It has ended, or could not be made.
    Closed,
}

/// What the loop has to do about it.
pub(in crate::net) enum News {
    Message(Bytes),
    Garbled(Bytes, Malformed),
    /// To be [closed](Streams::close), unless the machine needs it.
    Quiet,
    Closed,
}

/// The way to a peer.
#[derive(Debug)]
pub(super) struct Way {
    id: u64,
    /// Gone once no more is to be sent: what waits still goes out.
    queue: Option<mpsc::UnboundedSender<Bytes>>,
    /// Bytes that the peer has not taken yet, and those of its own that wait for the loop.
    waiting: Arc<AtomicUsize>,
    cut: Option<oneshot::Sender<()>>,
}

/// The other end of a way: what its connection needs.
#[derive(Debug)]
pub(super) struct WayEnds {
    pub(super) queue: mpsc::UnboundedReceiver<Bytes>,
    /// For answers that the loop need not see.
    pub(super) back: mpsc::WeakUnboundedSender<Bytes>,
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) cut: oneshot::Receiver<()>,
}

/// A connection to be made.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) name: Name,
    pub(super) ends: WayEnds,
}

/// More waits for a peer than may: its connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct TooMany;

impl Way {
    pub(super) fn new(id: u64) -> (Self, WayEnds) {
        let (sender, queue) = mpsc::unbounded_channel();
        let (cutter, cut) = oneshot::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let back = sender.downgrade();
        let ends = WayEnds { queue, back, waiting: Arc::clone(&waiting), cut };
        (Self { id, queue: Some(sender), waiting, cut: Some(cutter) }, ends)
    }

    fn put(&mut self, message: &[u8], is_too_much: impl FnOnce(usize) -> bool) -> Result<(), TooMany> {
        let Some(queue) = &self.queue else { return Err(TooMany) };
        if is_too_much(self.waiting.fetch_add(message.len(), Ordering::Relaxed) + message.len()) {
            self.cut();
            return Err(TooMany);
        }
        // A connection that has just ended says so itself.
        let _ = queue.send(Bytes::copy_from_slice(message));
        Ok(())
    }

    /// Ends it now, whatever waits.
    fn cut(&mut self) {
        if let Some(cut) = self.cut.take() {
            let _ = cut.send(());
        }
        self.queue = None;
    }
}

/// All ways.
#[derive(Debug)]
pub struct Streams {
    ways: HashMap<(Flow, SocketAddr), Way>,
    errands: mpsc::UnboundedSender<Errand>,
    ids: Arc<AtomicU64>,
    tally: Arc<Tally>,
    most: usize,
    most_for_trunk: usize,
}

impl Streams {
    pub(super) fn new(
        errands: mpsc::UnboundedSender<Errand>,
        ids: Arc<AtomicU64>,
        tally: Arc<Tally>,
        patience: &Patience,
    ) -> Self {
        let Patience { queue_bytes: most, trunk_queue_bytes: most_for_trunk, .. } = *patience;
        Self { ways: HashMap::new(), errands, ids, tally, most, most_for_trunk }
    }

    /// Sends a message by the connection to this peer, or by a new one. Whether it is a trunk is only asked when that counts.
    ///
    /// # Errors
    /// The peer has not taken what was sent before.
    pub(in crate::net) fn send(
        &mut self,
        flow: Flow,
        peer: SocketAddr,
        message: &[u8],
        is_trunk: impl FnOnce() -> bool,
    ) -> Result<(), TooMany> {
        let way = self.ways.entry((flow, peer)).or_insert_with(|| {
            let id = self.ids.fetch_add(1, Ordering::Relaxed);
            let (way, ends) = Way::new(id);
            // Without anybody to run it the server is going down.
            let _ = self.errands.send(Errand { name: Name { flow, peer, id }, ends });
            way
        });
        let (most, most_for_trunk) = (self.most, self.most_for_trunk);
        way.put(message, |waiting| waiting > most && (waiting > most_for_trunk || !is_trunk()))
    }

    /// Takes what a connection tells. With each piece of news comes the connection's name for the engine.
    pub(in crate::net) fn hear(&mut self, told: FromStream, mut each: impl FnMut(&mut Self, Flow, SocketAddr, News)) {
        let FromStream { name: Name { flow, peer, id }, what, _place } = told;
        let current = self.ways.get(&(flow, peer)).map(|way| way.id);
        let news = match what {
            What::Opened(way) => {
                // The two ends have met before, and only one of them knows that it is over.
                if let Some(mut before) = self.ways.insert((flow, peer), way) {
                    before.cut();
                    each(self, flow, peer, News::Closed);
                }
                return;
            }
            // From a connection that another has taken the place of.
            _ if current != Some(id) => return,
            What::Message(bytes) => {
                if let Some(way) = self.ways.get(&(flow, peer)) {
                    way.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
                }
                News::Message(bytes)
            }
            What::Garbled(bytes, mistake) => News::Garbled(bytes, mistake),
            What::Quiet => News::Quiet,
            What::Closed => {
                self.ways.remove(&(flow, peer));
                News::Closed
            }
        };
        each(self, flow, peer, news);
    }

    /// Closes a connection when what waits has gone out.
    pub(in crate::net) fn close(&mut self, flow: Flow, peer: SocketAddr) {
        if let Some(way) = self.ways.get_mut(&(flow, peer)) {
            way.queue = None;
        }
    }

    /// Connections that there are.
    pub(in crate::net) fn open(&self) -> usize {
        self.tally.open()
    }

    /// Why connections ended.
    pub(in crate::net) fn ends(&self) -> Table<End> {
        self.tally.ends()
    }
}

impl FromStream {
    /// Whether this is the last that its connection tells.
    pub(in crate::net) const fn is_last(&self) -> bool {
        matches!(self.what, What::Closed)
    }

    pub(super) fn new(name: Name, what: What, place: OwnedSemaphorePermit) -> Self {
        Self { name, what, _place: place }
    }
}
