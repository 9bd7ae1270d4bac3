//! One connection: its reader, its writer, and how it ends.
use super::door::{End, Pass};
use super::ways::{Name, WayEnds, What};
use super::{Gone, Office};
use bytes::Bytes;
use socket2::SockRef;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use switchyard_engine::base::limits;
use switchyard_engine::wire::stream::{Chunk, Framing};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// Taken from the socket at once.
const PIECE: usize = 16 * 1024;
/// Messages written at once.
const BATCH: usize = 64;
/// How long the far side has to take our last words before the connection goes.
const LINGER: Duration = Duration::from_millis(500);
/// How often a reader looks whether its peer has taken what was sent.
const GLANCE: Duration = Duration::from_millis(5);
const PING: usize = 4;
const PONG: &[u8] = b"\r\n";

pub(super) type Ends = WayEnds;

impl Ends {
    /// Waits until the loop cuts the connection; a loop that only stops sending does not.
    pub(super) async fn cut(cut: &mut oneshot::Receiver<()>) {
        if cut.await.is_err() {
            std::future::pending().await
        }
    }
}

/// Runs a connection to its end, and tells the loop of that.
pub(super) async fn run(office: &Office, name: Name, mut stream: TcpStream, mut ends: Ends, mut pass: Pass) {
    super::tune(&stream);
    let garbled = AtomicBool::new(false);
    let (read_half, mut write_half) = stream.split();
    let end = {
        let (pong, waiting) = (ends.back, &*ends.waiting);
        let reader = Reader { office, name, pong, waiting, garbled: &garbled, half: read_half };
        tokio::select! {
            biased;
            () = Ends::cut(&mut ends.cut) => End::SlowReader,
            end = reader.run(&mut pass) => end,
            end = write(&mut write_half, &mut ends.queue, waiting, office.patience.write) => end,
        }
    };
    // The loop cuts a connection and closes its queue: the writer may see that first.
    let end = if end == End::Done && ends.cut.try_recv().is_ok() { End::SlowReader } else { end };
    let end = if garbled.load(Ordering::Relaxed) { End::Garbage } else { end };
    match end {
        // Whoever takes nothing is not waited for, and what the kernel still holds for them goes too.
        End::SlowReader => drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO))),
        End::Peer | End::Done | End::Garbage => {
            let _ = timeout(LINGER, take_leave(&mut stream, &mut ends.queue)).await;
        }
        End::Late | End::Refused | End::Limit | End::SourceLimit | End::HalfOpen => {}
    }
    drop(stream);
    tracing::debug!(peer = %name.peer, end = end.as_str(), "a connection ended");
    pass.ends(end);
    drop(office.tell(name, What::Closed).await);
}

/// What waits still goes out; then the far side is heard to its end, since closing over unread bytes would take back what
/// was said last.
async fn take_leave(stream: &mut TcpStream, queue: &mut mpsc::UnboundedReceiver<Bytes>) -> io::Result<()> {
    while let Ok(message) = queue.try_recv() {
        stream.write_all(&message).await?;
    }
    stream.shutdown().await?;
    let mut rest = 0;
    while rest < limits::MESSAGE_BYTES {
        stream.readable().await?;
        match stream.try_read(&mut [0; 1024]) {
            Ok(0) => break,
            Ok(length) => rest += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Reader<'a> {
    office: &'a Office,
    name: Name,
    pong: mpsc::WeakUnboundedSender<Bytes>,
    waiting: &'a AtomicUsize,
    garbled: &'a AtomicBool,
    half: ReadHalf<'a>,
}

impl Reader<'_> {
    /// Reads until the connection is of no more use.
    async fn run(self, pass: &mut Pass) -> End {
        let patience = &self.office.patience;
        // Nothing is kept for a connection on which nothing is half said.
        let mut buffer = Vec::new();
        let (mut framing, mut blanks) = (Framing::default(), 0);
        let mut by = Instant::now() + patience.message;
        loop {
            let was_empty = buffer.is_empty();
            let read = match &mut pass.silence {
                Some((_, sent_away)) => tokio::select! {
                    biased;
                    _ = sent_away => return End::HalfOpen,
                    read = timeout_at(by, self.read(&mut buffer)) => read,
                },
                None => timeout_at(by, self.read(&mut buffer)).await,
            };
            match read {
                Ok(Ok(0) | Err(_)) => return End::Peer,
                Ok(Ok(_)) => {}
                Err(_) if pass.silence.is_none() && buffer.is_empty() => {
                    if self.office.tell(self.name, What::Quiet).await.is_err() {
                        return End::Done;
                    }
                }
                Err(_) => return End::Late,
            }
            let before = buffer.len();
            match self.cut(&mut buffer, &mut framing, &mut blanks, pass).await {
                Ok(true) => {}
                Ok(false) => return std::future::pending().await,
                Err(Gone) => return End::Done,
            }
            // A message has to be whole in time, however many bytes of it come; and so has the first.
            if pass.silence.is_none() {
                if buffer.is_empty() {
                    by = Instant::now() + patience.quiet;
                    buffer = Vec::new();
                } else if was_empty || buffer.len() < before {
                    by = Instant::now() + patience.message;
                }
            }
        }
    }

    /// What there is, added to the buffer.
    async fn read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            self.half.readable().await?;
            match self.take(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// On the stack, so that waiting costs no memory.
    fn take(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        let length = self.half.try_read(&mut piece)?;
        buffer.extend_from_slice(piece.get(..length).unwrap_or_default());
        Ok(length)
    }

    /// Cuts all whole messages off the buffer. False: nothing more can be read here, the loop closes the connection.
    async fn cut(
        &self,
        buffer: &mut Vec<u8>,
        framing: &mut Framing,
        blanks: &mut usize,
        pass: &mut Pass,
    ) -> Result<bool, Gone> {
        let mut at = 0;
        let whole = loop {
            let rest = buffer.get(at..).unwrap_or_default();
            match framing.next_chunk(rest, limits::MESSAGE_BYTES) {
                Chunk::Incomplete => break true,
                Chunk::KeepAlive(length) => {
                    at += length;
                    *blanks += length;
                    while *blanks >= PING {
                        *blanks -= PING;
                        self.answer_ping();
                    }
                }
                Chunk::Message(length) => {
                    let message = Bytes::copy_from_slice(rest.get(..length).unwrap_or_default());
                    at += length;
                    *blanks = 0;
                    pass.has_spoken();
                    self.room().await;
                    self.waiting.fetch_add(length, Ordering::Relaxed);
                    self.office.tell(self.name, What::Message(message)).await?;
                }
                Chunk::Broken(mistake) => {
                    self.garbled.store(true, Ordering::Relaxed);
                    self.office.tell(self.name, What::Garbled(Bytes::copy_from_slice(rest), mistake)).await?;
                    break false;
                }
            }
        };
        buffer.drain(..at);
        Ok(whole)
    }

    /// Nothing more is taken from a peer for whom much waits, or of whom much waits in the loop's queue: what it asks for
    /// is bounded by what it takes.
    async fn room(&self) {
        while self.waiting.load(Ordering::Relaxed) > self.office.patience.queue_bytes / 4 {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// RFC 5626 §3.5.1. To a peer that takes no answers the loop's own will be too many soon.
    fn answer_ping(&self) {
        let has_room = self.waiting.load(Ordering::Relaxed) < self.office.patience.queue_bytes;
        if let Some(queue) = self.pong.upgrade().filter(|_| has_room) {
            self.waiting.fetch_add(PONG.len(), Ordering::Relaxed);
            let _ = queue.send(Bytes::from_static(PONG));
        }
    }
}

/// Writes what comes, many messages at once when they wait; ends when the loop has no more to send.
async fn write(
    half: &mut WriteHalf<'_>,
    queue: &mut mpsc::UnboundedReceiver<Bytes>,
    waiting: &AtomicUsize,
    patience: Duration,
) -> End {
    loop {
        let mut batch = Vec::new();
        if queue.recv_many(&mut batch, BATCH).await == 0 {
            return End::Done;
        }
        let bytes = match &mut batch[..] {
            [one] => std::mem::take(one),
            many => many.concat().into(),
        };
        match timeout(patience, half.write_all(&bytes)).await {
            Ok(Ok(())) => waiting.fetch_sub(bytes.len(), Ordering::Relaxed),
            Ok(Err(_)) => return End::Peer,
            Err(_) => return End::SlowReader,
        };
    }
}
