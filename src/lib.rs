//! Switchyard: a SIP B2BUA and PBX feature server.
//!
//! The house, from its roof. A room may use lower floors only; rooms of one floor do not know each other.
//!
//! ```text
//!  9  main  server  banner  music  prompts        the front door: command line, threads, signals
//!  8  net  api  media  config  store              side effects: sockets, clock, HTTP, files
//!     report                                      what the loop and the media thread tell the others of themselves
//! ─────────────────────────────────────────────── below: the crate `switchyard_engine`, in `src/engine/`
//!  7  …  0                                        no clock, no socket, no task, no lock, no global
//! ```
//!
//! One plain thread, [`net::Reactor`], owns the engine and its UDP sockets: it waits, takes datagrams by the batch,
//! hands each to `Engine::handle` and sends what comes of it by the batch. Whoever else wants something of the engine
//! puts it into one bounded queue ([`net::Handle`]). [`media::Worker`] is a thread that binds the RTP ports which the
//! engine chose and plays music and prompts from them, [`media::Relay`] one that passes on what parties send each other through us;
//! another ([`net::Exchange`]) takes and makes TCP connections, cuts their messages apart and puts those into
//! that queue. The main thread serves HTTP ([`api`]) and signals ([`server`]) on a tokio runtime of its own.
#![forbid(unsafe_code)]

pub mod api;
pub mod banner;
pub mod config;
pub mod media;
pub mod music;
pub mod net;
pub mod prompts;
pub mod report;
pub mod server;
pub mod store;
