//! Fuzz targets, each a plain function of bytes that panics where a promise is broken: what is accepted can be written
//! and read again, slices lie where they should, an edit touches nothing else, a slow and simple reference agrees.
//!
//! libFuzzer drives them through `targets/`; the ordinary test run replays the seeds through the same functions.
#![forbid(unsafe_code)]
mod header;
mod message;
mod numbers;
mod sdp;
mod stream;
mod uri;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub use header::header;
pub use message::message;
pub use numbers::numbers;
pub use sdp::sdp;
pub use stream::stream;
pub use uri::uri;

/// Steps of phones against the whole engine, with a model of calls and orbits beside it.
pub fn engine(bytes: &[u8]) {
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let more = switchyard_engine::sim::play(bytes);
    let steps = STEPS.fetch_add(more, Relaxed) + more;
    if steps / 100_000 > (steps - more) / 100_000 {
        eprintln!("the engine has taken {steps} steps");
    }
}

/// What tries one input.
pub type Target = fn(&[u8]);

/// All of them, by name; `seeds/<name>` is what they begin with.
pub const TARGETS: [(&str, Target); 7] = [
    ("message", message),
    ("stream", stream),
    ("sdp", sdp),
    ("uri", uri),
    ("header", header),
    ("numbers", numbers),
    ("engine", engine),
];

/// Asserts that `part` is cut out of `whole`, and where: from the first to behind the last byte.
fn place(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    // Text that is absent is an empty slice of nowhere.
    if part.is_empty() {
        return 0..0;
    }
    let inside = whole.as_ptr_range();
    let cut = part.as_ptr_range();
    assert!(inside.start <= cut.start && cut.end <= inside.end, "{part:?} is not a part of the whole");
    let begin = cut.start.addr() - inside.start.addr();
    begin..begin + part.len()
}
