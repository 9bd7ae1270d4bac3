//! What happens in the office, one theme a file.
mod announce;
mod attended;
mod calls;
mod changes;
mod codecs;
mod corners;
mod early;
mod errors;
mod expiry;
mod forks;
mod held;
mod hot_path;
mod keys;
mod limits;
mod lossy;
mod meetings;
mod networks;
mod panics;
mod park;
mod relay;
mod reload;
mod remind;
mod replaces;
mod retrieve;
mod soak;
mod streams;

use super::{ladder, network, office, phone, sip, studio, world};
