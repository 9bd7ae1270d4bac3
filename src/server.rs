//! A running server: its sockets, its threads, its signals.
//!
//! ```text
//! loop thread    sockets ⇄ engine            ─ orders ─►  media thread, relay thread, store thread
//!                   ▲ one bounded queue      ◄─ failures ─┘
//!                   ├─ connections ─ streams thread
//!                   └─ reports, commands ─ main thread: HTTP and signals
//! ```
use crate::api::{Histograms, MediaSeries, Metrics, Names, Reloads, serve, tick};
use crate::config::{self, Config, Problem, Severity};
use crate::media::{self, Orders, Passed, Prompts, Quality, Tune};
use crate::net::{self, Ask, Clock, Exchange, Handle, Outlets, Port, Reactor};
use crate::report::Played;
use crate::store::{Keeper, Store};
use crate::{music, prompts};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use switchyard_engine::keep::{Kept, Restored};
use switchyard_engine::session::News;
use switchyard_engine::settings::{Settings, Transport};
use switchyard_engine::wire::media::{MediaEvent, MediaOrder};
use switchyard_engine::{Command, Engine, Flow};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// A server whose sockets are bound, but which does nothing yet.
pub struct Server {
    /// The configuration, with the ports that were really bound.
    pub config: Config,
    path: PathBuf,
    ports: Vec<Port>,
    listeners: Vec<(Flow, TcpListener)>,
    http: TcpListener,
}

impl Server {
    /// Binds every socket of a configuration.
    ///
    /// # Errors
    /// A socket that cannot be bound.
    pub fn bind(mut config: Config, path: PathBuf) -> Result<Self, String> {
        net::spread(&mut config.settings.listeners).map_err(|error| format!("this machine's addresses: {error}"))?;
        let (mut ports, mut listeners) = (Vec::new(), Vec::new());
        // Where any free port will do, another transport's on the same address is the best one.
        let mut bound: Vec<SocketAddr> = Vec::new();
        for (listener, flow) in config.settings.listeners.iter_mut().zip(0..) {
            let wrong = |error| format!("{} {}: {error}", listener.transport.as_str(), listener.address);
            let any_port = listener.address.port() == 0;
            let beside = |same: &&SocketAddr| same.ip() == listener.address.ip() || listener.prefix.is_some();
            let same = bound.iter().rev().find(beside).filter(|_| any_port);
            let same = same.map(|same| SocketAddr::new(listener.address.ip(), same.port()));
            listener.address = match listener.transport {
                Transport::Udp => {
                    let socket = same.and_then(|same| net::Pair::bind(same).ok());
                    let socket = socket.map_or_else(|| net::Pair::bind(listener.address), Ok);
                    let socket = socket.map_err(wrong)?;
                    let address = socket.local_addr().map_err(wrong)?;
                    ports.push(Port::Datagrams(socket));
                    address
                }
                Transport::Tcp => {
                    let socket =
                        same.and_then(|same| net::listen(same).ok()).map_or_else(|| net::listen(listener.address), Ok);
                    let socket = socket.map_err(wrong)?;
                    let address = socket.local_addr().map_err(wrong)?;
                    listeners.push((Flow(flow), socket));
                    ports.push(Port::Streams);
                    address
                }
            };
            bound.push(listener.address);
        }
        let wrong = |error| format!("http {}: {error}", config.http);
        let http = TcpListener::bind(config.http).map_err(wrong)?;
        http.set_nonblocking(true).map_err(wrong)?;
        config.http = http.local_addr().map_err(wrong)?;
        Ok(Self { config, path, ports, listeners, http })
    }

    /// Runs until a signal ends it; calls `ready` when everything does its work.
    ///
    /// # Errors
    /// What the system refused, or a thread that ended by itself.
    pub fn run(self, ready: impl FnOnce(&Config)) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the HTTP runtime: {error}"))?;
        runtime.block_on(self.start_and_wait(ready))
    }

    async fn start_and_wait(self, ready: impl FnOnce(&Config)) -> Result<(), String> {
        let mut settings = self.config.settings.clone();
        settings.media.codecs = media::codec::spoken();
        getrandom::fill(&mut settings.seed).map_err(|error| format!("no randomness: {error}"))?;
        let pairs = self.ports.iter().filter_map(|port| match port {
            Port::Datagrams(pair) => Some(pair),
            Port::Streams => None,
        });
        let inodes = pairs.flat_map(net::Pair::inodes).collect();
        let metrics = Arc::new(Metrics::new(Names::from(&settings), inodes));
        let mut signals = Signals::listen().map_err(|error| format!("signals: {error}"))?;
        let (handle, inbox) = net::inbox().map_err(|error| format!("the loop's queue: {error}"))?;

        let (store, restored) = self.open_store(&metrics)?;
        let (tunes, unplayable) = music::load(&self.config.music);
        tell(&unplayable);
        let (prompts, problems) = prompts::load(&self.config.language);
        tell(&problems);
        let room = MediaRoom { handle: handle.clone(), series: metrics.media() };
        let (orders, media) = start_media(tunes, prompts, room)?;
        let room = MediaRoom { handle: handle.clone(), series: metrics.media() };
        let (relay, relaying) = start_relay(room)?;
        let (histograms, keeper) = (metrics.histograms(), store.keeper());
        let rooms = Rooms { orders, relay, histograms, keeper, metrics: Arc::clone(&metrics) };
        let mut current = settings.clone();
        let ports = self.ports;
        let (streams, exchange) = net::streams(handle.clone(), self.listeners, Default::default());
        let connections = start_streams(exchange)?;
        let (ended, end) = oneshot::channel();
        let reactor = start("loop", move || {
            let favoured = net::Favoured::of(&settings);
            let reactor = Reactor::new(Engine::new(settings), rooms, Clock::start(), inbox, streams);
            // Whoever waits for the end has it from the closed channel if this panics.
            let _ = ended.send(reactor.favouring(favoured).restoring(restored).run(&ports));
        })?;

        let reloads = metrics.reloads();
        let asked = handle.clone();
        let ask = Box::new(move |reply| asked.ask(Ask::Report(reply)).is_ok());
        tokio::spawn(tick(Arc::clone(&metrics)));
        let http = tokio::spawn(serve(self.http, metrics, ask));
        ready(&self.config);
        let result = signals
            .until_end(end, &handle, &Reading { path: &self.path, config: &self.config, reloads }, &mut current)
            .await;
        http.abort();
        let joined = reactor.join().is_ok() && connections.join().is_ok() && media.join().is_ok();
        let joined = relaying.join().is_ok() && joined;
        let joined = store.close() && joined;
        if joined { result } else { Err("a thread panicked".into()) }
    }
}

impl Server {
    /// What lasts, in the directory that the configuration names from where it is.
    fn open_store(&self, metrics: &Metrics) -> Result<(Store, Vec<Restored>), String> {
        if self.config.data.is_empty() {
            return Ok((Store::in_memory(), Vec::new()));
        }
        let errors = metrics.store_errors();
        let directory = self.path.parent().unwrap_or(Path::new("")).join(&self.config.data);
        Store::open(&directory, move || errors.increment(1))
    }
}

/// Where the loop's media orders and news go.
struct Rooms {
    orders: Orders,
    relay: Orders,
    histograms: Histograms,
    keeper: Keeper,
    metrics: Arc<Metrics>,
}

impl Outlets for Rooms {
    fn media(&mut self, order: MediaOrder) {
        match order {
            MediaOrder::Open { .. }
            | MediaOrder::Redirect { .. }
            | MediaOrder::Reports { .. }
            | MediaOrder::Play { .. }
            | MediaOrder::Say { .. }
            | MediaOrder::Watch { .. }
            | MediaOrder::Close { .. } => self.orders.put(order),
            MediaOrder::Relay { .. }
            | MediaOrder::Link { .. }
            | MediaOrder::Keys { .. }
            | MediaOrder::Press { .. }
            | MediaOrder::EndRelay { .. } => self.relay.put(order),
        }
    }

    fn news(&mut self, news: &News) {
        self.histograms.news(news);
    }

    fn reloaded(&mut self, settings: &Settings) {
        self.histograms = self.metrics.rename(Names::from(settings));
    }

    fn keep(&mut self, kept: Kept) {
        self.keeper.keep(kept);
    }

    fn lag(&mut self, late: Duration) {
        self.histograms.lag(late);
    }
}

fn start_streams(exchange: Exchange) -> Result<JoinHandle<()>, String> {
    start("streams", move || {
        if let Err(error) = exchange.run() {
            tracing::error!(%error, "connections ended");
        }
    })
}

/// Where the media thread's events and figures go.
struct MediaRoom {
    handle: Handle,
    series: MediaSeries,
}

impl media::Listener for MediaRoom {
    fn event(&mut self, event: MediaEvent) {
        if self.handle.ask(Ask::Media(event)).is_err() {
            tracing::error!(?event, "the loop's queue is full: it does not learn of this");
        }
    }

    fn played(&mut self, played: &Played) {
        self.series.played(played);
    }

    fn reported(&mut self, quality: &Quality) {
        self.series.reported(quality);
    }
}

impl media::RelayListener for MediaRoom {
    fn event(&mut self, event: MediaEvent) {
        media::Listener::event(self, event);
    }

    fn passed(&mut self, passed: &Passed) {
        self.series.passed(passed);
    }

    fn reported(&mut self, quality: &Quality) {
        self.series.reported(quality);
    }
}

fn start_relay(room: MediaRoom) -> Result<(Orders, JoinHandle<()>), String> {
    let (orders, relay) = media::relay(room).map_err(|error| format!("the relay thread: {error}"))?;
    let thread = start("relay", move || {
        if let Err(error) = relay.run() {
            tracing::error!(%error, "relaying ended");
        }
    })?;
    Ok((orders, thread))
}

fn start_media(music: Vec<Tune>, prompts: Prompts, room: MediaRoom) -> Result<(Orders, JoinHandle<()>), String> {
    let (orders, worker) = media::worker(music, prompts, room).map_err(|error| format!("the media thread: {error}"))?;
    let thread = start("media", move || {
        if let Err(error) = worker.run() {
            tracing::error!(%error, "media ended");
        }
    })?;
    Ok((orders, thread))
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, String> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| format!("the {name} thread: {error}"))
}

/// What the operating system may ask for.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Serves signals until the loop has ended, as it was told or by itself.
    async fn until_end(
        &mut self,
        mut end: oneshot::Receiver<io::Result<()>>,
        handle: &Handle,
        reading: &Reading<'_>,
        current: &mut Settings,
    ) -> Result<(), String> {
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = &mut end => return match ended {
                    Ok(Ok(())) if stopping => Ok(()),
                    Ok(Ok(())) => Err("the loop ended by itself".into()),
                    Ok(Err(error)) => Err(format!("the loop: {error}")),
                    Err(_) => Err("the loop panicked".into()),
                },
                _ = self.interrupt.recv() => stopping |= stop(handle),
                _ = self.terminate.recv() => stopping |= stop(handle),
                _ = self.hangup.recv() => reading.again(handle, current).await,
            }
        }
    }
}

fn stop(handle: &Handle) -> bool {
    tracing::info!("stopping: calls are ended");
    let asked = handle.ask(Ask::Command(Command::Stop)).is_ok();
    if !asked {
        tracing::error!("the loop's queue is full: ask again");
    }
    asked
}

/// Says what is wrong with a configuration, and what may be.
fn tell(problems: &[Problem]) {
    for problem in problems {
        match problem.severity {
            Severity::Error => tracing::error!("{problem}"),
            Severity::Warning => tracing::warn!("{problem}"),
        }
    }
}

/// What is needed to read the configuration again.
struct Reading<'s> {
    path: &'s Path,
    /// What is played and spoken until the next start stands there.
    config: &'s Config,
    reloads: Reloads,
}

impl Reading<'_> {
    /// Reads the configuration again. A bad one changes nothing; a good one is in force when this returns.
    async fn again(&self, handle: &Handle, current: &mut Settings) {
        let path = self.path.display();
        let mut read = match config::load(self.path) {
            Ok(read) => read,
            Err(problems) => {
                tell(&problems);
                tracing::error!("{path}: refused; the configuration in force stays");
                return self.reloads.count(false);
            }
        };
        tell(&read.warnings);
        if let Err(error) = net::spread(&mut read.settings.listeners) {
            tracing::warn!(%error, "this machine's addresses are not known");
        }
        let sounds_as = read.renumber_music(&self.config.music) && read.language.name == self.config.language.name;
        if read.settings.needs_restart(current) || !sounds_as {
            tracing::warn!("{path}: the domain, what is listened on and media take effect at the next start");
        }
        let settings = read.settings.aligned(current);
        let (applied, done) = oneshot::channel();
        let asked = handle.ask(Ask::Reload(Box::new(settings.clone()), applied)).is_ok();
        if !asked || done.await.is_err() {
            tracing::error!("{path}: the loop did not take it; the configuration in force stays");
            return self.reloads.count(false);
        }
        *current = settings;
        self.reloads.count(true);
        tracing::info!("{path}: in force");
    }
}
