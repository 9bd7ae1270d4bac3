//! Streams: connections that come in, connections that go out, and the messages on them.
//!
//! ```text
//!   listener ─► door ─► connection (reader, writer) ─ one bounded queue ─►  the loop ─► engine
//!   errand of the loop ─► connect ──▲   ▲                                      │
//!                                       └────────── bytes for one connection ──┘
//! ```
//! A task each, on a thread of their own. Whoever is slow or hostile holds up nobody but themselves: a reader waits for
//! its place in the loop's queue, a writer has so many bytes and no more, and every wait has an end.
//!
//! Knows: sockets, where messages end. Never: what is in them.
mod connection;
mod door;
mod ways;

pub use door::{End, Patience};
pub(super) use ways::News;
pub use ways::{FromStream, Streams};

use super::inbox::{Handle, Unheard};
use connection::Ends;
use door::{Door, Pass};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use switchyard_engine::Flow;
use switchyard_engine::base::limits;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use ways::{Errand, Name, Way, What};

/// Connections that the kernel keeps until they are taken.
const BACKLOG: i32 = 1024;
/// After an accept that failed, most often for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);
/// How long the last words of a server that stops may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A listening socket on `address`.
///
/// # Errors
/// The address is taken, not ours, or not allowed.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Connections of a server before this one may still be closing.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What all tasks share.
#[derive(Debug)]
struct Office {
    handle: Handle,
    /// Places in the loop's queue that streams may take; whoever waits for one reads nothing meanwhile.
    places: Arc<Semaphore>,
    door: Door,
    patience: Patience,
    ids: Arc<AtomicU64>,
}

/// The streams' end of it all, to be [run](Self::run) on a thread of its own.
pub struct Exchange {
    office: Arc<Office>,
    listeners: Vec<(Flow, TcpListener)>,
    errands: mpsc::UnboundedReceiver<Errand>,
}

/// Both ends: the loop's, and that of the streams.
pub fn streams(handle: Handle, listeners: Vec<(Flow, TcpListener)>, patience: Patience) -> (Streams, Exchange) {
    let (orders, errands) = mpsc::unbounded_channel();
    let (door, ids) = (Door::new(&patience), Arc::new(AtomicU64::new(1)));
    let streams = Streams::new(orders, Arc::clone(&ids), door.tally(), &patience);
    let places = Arc::new(Semaphore::new(limits::LOOP_QUEUE / 2));
    let office = Arc::new(Office { handle, places, door, patience, ids });
    (streams, Exchange { office, listeners, errands })
}

impl Exchange {
    /// Takes and makes connections until the loop is gone.
    ///
    /// # Errors
    /// The system refuses a runtime, or to wait on a listener.
    pub fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(mut self) -> io::Result<()> {
        let mut sources = Vec::new();
        for (flow, listener) in self.listeners {
            sources.push((flow, listener.local_addr()?.ip()));
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(accept(Arc::clone(&self.office), flow, listener));
        }
        while let Some(errand) = self.errands.recv().await {
            let source = sources.iter().find(|(flow, _)| *flow == errand.name.flow).map(|(_, source)| *source);
            tokio::spawn(go_out(Arc::clone(&self.office), errand, source));
        }
        let rest = async {
            while self.office.door.open() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // Whoever does not take its last words in time does not get them.
        let _ = tokio::time::timeout(LAST_WORDS, rest).await;
        Ok(())
    }
}

/// Takes connections for ever.
async fn accept(office: Arc<Office>, flow: Flow, listener: tokio::net::TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let id = office.ids.fetch_add(1, Ordering::Relaxed);
                if let Some(pass) = office.door.enter(id, peer.ip()) {
                    tokio::spawn(take_in(Arc::clone(&office), Name { flow, peer, id }, stream, pass));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn take_in(office: Arc<Office>, name: Name, stream: TcpStream, pass: Pass) {
    let (way, ends) = Way::new(name.id);
    if office.tell(name, What::Opened(way)).await.is_ok() {
        connection::run(&office, name, stream, ends, pass).await;
    }
}

/// Makes a connection that the loop has something to send over.
async fn go_out(office: Arc<Office>, errand: Errand, source: Option<IpAddr>) {
    let Errand { name, mut ends } = errand;
    let Some(pass) = office.door.leave(name.peer.ip()) else {
        return drop(office.tell(name, What::Closed).await);
    };
    let dialled = tokio::select! {
        () = Ends::cut(&mut ends.cut) => None,
        dialled = tokio::time::timeout(office.patience.connect, dial(source, name.peer)) => Some(dialled),
    };
    match dialled {
        Some(Ok(Ok(stream))) => connection::run(&office, name, stream, ends, pass).await,
        other => {
            if let Some(Ok(Err(error))) = other {
                tracing::debug!(%error, peer = %name.peer, "no connection");
            }
            pass.ends(End::Refused);
            drop(office.tell(name, What::Closed).await);
        }
    }
}

/// From the listener's own address, so that the peer sees whom it knows.
async fn dial(source: Option<IpAddr>, peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source.filter(|source| !source.is_unspecified() && source.is_ipv4() == peer.is_ipv4()) {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(peer).await
}

/// Small messages at once, and peers that vanished found out.
fn tune(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    let socket = SockRef::from(stream);
    // Without these it works as well, only slower.
    let _ = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_keepalive(&keepalive.with_retries(4)));
}

/// The loop is gone.
struct Gone;

impl Office {
    /// Tells the loop, when there is room.
    async fn tell(&self, name: Name, what: What) -> Result<(), Gone> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Gone)?;
        let mut ask = super::Ask::Stream(FromStream::new(name, what, place));
        loop {
            match self.handle.offer(ask) {
                Ok(()) => return Ok(()),
                Err(Unheard::Gone) => return Err(Gone),
                // Others have filled the queue.
                Err(Unheard::Full(back)) => ask = *back,
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
