//! Who may come in: how many connections there are in all, from one source, and without a message yet.
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use switchyard_engine::base::{Label, Table, limits};
use switchyard_engine::labels;
use tokio::sync::oneshot;

labels! {
    /// Why a connection ended, or never began.
    pub enum End {
        /// The far side closed it.
        Peer = "peer",
        /// We did: it was not needed any more.
        Done = "done",
        /// No whole message came in time.
        Late = "late",
        /// What came was no message.
        Garbage = "garbage",
        /// The far side does not take what we send.
        SlowReader = "slow_reader",
        /// It could not be made.
        Refused = "refused",
        /// There were too many.
        Limit = "limit",
        /// There were too many from one source.
        SourceLimit = "source_limit",
        /// There were too many without a message.
        HalfOpen = "half_open",
    }
}

/// How much and how long streams are borne with.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Connections in all.
    pub connections: usize,
    /// From one source: an IPv4 address, or a /64 of IPv6.
    pub of_one_source: usize,
    /// Without a whole message yet; over it the oldest of them goes.
    pub half_open: usize,
    /// Bytes that wait for one peer.
    pub queue_bytes: usize,
    /// The same if it is a trunk.
    pub trunk_queue_bytes: usize,
    /// Until a connection is made.
    pub connect: Duration,
    /// From the beginning of a connection to its first whole message, and of any message to its end.
    pub message: Duration,
    /// Without a byte, unless somebody is registered over it.
    pub quiet: Duration,
    /// For a write to make way.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS,
            of_one_source: limits::CONNECTIONS_OF_ONE_SOURCE,
            half_open: limits::HALF_OPEN_CONNECTIONS,
            queue_bytes: limits::CONNECTION_QUEUE_BYTES,
            trunk_queue_bytes: limits::TRUNK_QUEUE_BYTES,
            connect: Duration::from_secs(5),
            message: Duration::from_secs(10),
            quiet: Duration::from_secs(600),
            write: Duration::from_secs(15),
        }
    }
}

/// What the door has counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    open: AtomicUsize,
    ends: [AtomicU64; End::ALL.len()],
}

impl Tally {
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn ends(&self) -> Table<End> {
        let mut table = Table::default();
        for (end, count) in End::ALL.iter().zip(&self.ends) {
            table.add(*end, (), count.load(Ordering::Relaxed));
        }
        table
    }

    fn count(&self, end: End) {
        if let Some(count) = self.ends.get(end.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The door.
#[derive(Debug)]
pub(super) struct Door {
    book: Arc<Mutex<Book>>,
    tally: Arc<Tally>,
    most: usize,
    of_one_source: usize,
    half_open: usize,
}

#[derive(Debug, Default)]
struct Book {
    by_source: HashMap<IpAddr, usize>,
    /// Who has said nothing whole yet, the oldest first; taking one's line out of the book sends it away.
    silent: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place of a connection, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    book: Arc<Mutex<Book>>,
    tally: Arc<Tally>,
    source: IpAddr,
    end: Option<End>,
    /// Becomes ready when somebody else needs the place more; gone once a message has come.
    pub(super) silence: Option<(u64, oneshot::Receiver<()>)>,
}

impl Door {
    pub(super) fn new(patience: &Patience) -> Self {
        let Patience { connections, of_one_source, half_open, .. } = *patience;
        Self { book: Arc::default(), tally: Arc::default(), most: connections, of_one_source, half_open }
    }

    pub(super) fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    pub(super) fn open(&self) -> usize {
        self.tally.open()
    }

    /// Somebody wants to come in.
    pub(super) fn enter(&self, id: u64, source: IpAddr) -> Option<Pass> {
        let mut pass = self.leave(source)?;
        let (sender, receiver) = oneshot::channel();
        let mut book = lock(&self.book);
        book.silent.insert(id, sender);
        if book.silent.len() > self.half_open {
            book.silent.pop_first();
        }
        pass.silence = Some((id, receiver));
        Some(pass)
    }

    /// We want to go out.
    pub(super) fn leave(&self, peer: IpAddr) -> Option<Pass> {
        let source = network(peer);
        let mut book = lock(&self.book);
        if self.tally.open() >= self.most {
            self.tally.count(End::Limit);
            return None;
        }
        let count = book.by_source.entry(source).or_default();
        if *count >= self.of_one_source {
            self.tally.count(End::SourceLimit);
            return None;
        }
        *count += 1;
        self.tally.open.fetch_add(1, Ordering::Relaxed);
        let (book, tally) = (Arc::clone(&self.book), Arc::clone(&self.tally));
        Some(Pass { book, tally, source, end: None, silence: None })
    }
}

impl Pass {
    /// A whole message came: nobody is sent away any more for being silent.
    pub(super) fn has_spoken(&mut self) {
        if let Some((id, _)) = self.silence.take() {
            lock(&self.book).silent.remove(&id);
        }
    }

    /// Why it ends.
    pub(super) fn ends(mut self, end: End) {
        self.end = Some(end);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.has_spoken();
        let mut book = lock(&self.book);
        if let Some(count) = book.by_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                book.by_source.remove(&self.source);
            }
        }
        self.tally.open.fetch_sub(1, Ordering::Relaxed);
        self.tally.count(self.end.unwrap_or(End::Done));
    }
}

fn lock(book: &Mutex<Book>) -> std::sync::MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One subscriber's addresses: with IPv6 everybody has a /64 at least.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & u128::MAX << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(connections: usize, of_one_source: usize, half_open: usize) -> Door {
        Door::new(&Patience { connections, of_one_source, half_open, ..Patience::default() })
    }

    fn source(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn so_many_in_all_and_no_more() {
        let door = door(2, 9, 9);
        let first = door.enter(1, source(1));
        let _second = door.leave(source(2)).expect("ways out count as well");
        assert!(door.enter(3, source(3)).is_none());
        assert_eq!(door.tally().ends().count(End::Limit, ()), 1);
        drop(first);
        assert!(door.enter(4, source(3)).is_some(), "a place was free again");
    }

    #[test]
    fn so_many_from_one_source_and_no_more() {
        let door = door(99, 2, 99);
        let (first, _second) = (door.enter(1, source(1)), door.enter(2, source(1)));
        assert!(door.enter(3, source(1)).is_none());
        assert_eq!(door.tally().ends().count(End::SourceLimit, ()), 1);
        assert!(door.enter(4, source(2)).is_some(), "others do not suffer for it");
        drop(first);
        assert!(door.enter(5, source(1)).is_some());
        // Everybody has a whole /64 of IPv6, so that is one source.
        let v6 = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
        let _both = (door.enter(6, v6(1)), door.enter(7, v6(2)));
        assert!(door.enter(8, v6(3)).is_none());
    }

    #[test]
    fn of_too_many_that_say_nothing_the_oldest_goes() {
        let door = door(99, 99, 2);
        let mut passes: Vec<Pass> = (1..=3).map(|id| door.enter(id, source(id as u8)).expect("a place")).collect();
        let is_sent_away = |pass: &mut Pass| {
            let (_, sent_away) = pass.silence.as_mut().expect("it has said nothing");
            !matches!(sent_away.try_recv(), Err(oneshot::error::TryRecvError::Empty))
        };
        assert_eq!(passes.iter_mut().map(is_sent_away).collect::<Vec<_>>(), [true, false, false]);
        passes[1].has_spoken();
        let mut fourth = door.enter(4, source(4)).expect("a place");
        assert!(!is_sent_away(&mut passes[2]) && !is_sent_away(&mut fourth), "who has spoken makes room");
    }
}
