//! The siege: torture messages, scanners, guessers, floods. Whatever they try, whom the server knows is served.
mod phone;
mod stranger;
mod torture;
