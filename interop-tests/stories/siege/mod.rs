//! The siege: torture messages, scanners, guessers, floods. Whatever they try, whom the server knows is served.
mod floods;
pub(crate) mod phone;
mod scanners;
mod stranger;
mod torture;

use crate::peers::Pbx;
use phone::Phone;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Calls before, and at least so many while it lasts.
const CALLS: usize = 9;
/// A set-up time that nobody notices, on a machine that does other things as well.
const UNNOTICED: Duration = Duration::from_millis(250);

/// Lets something go on while known phones call each other: it may take them twice as long, and no longer.
/// What goes on is told whether its witnesses still watch.
fn besieged<T: Send>(pbx: &Pbx, siege: impl FnOnce(&dyn Fn() -> bool) -> T + Send) -> T {
    // A flood may well be more than the machine can answer: that is what it is told of.
    pbx.may_complain("more comes in than can be answered");
    let (mut alice, bob) = (Phone::new(pbx, "1001"), Phone::new(pbx, "1002"));
    let in_peace = median((0..CALLS).map(|_| alice.calls(&bob)).collect());
    let watched = AtomicBool::new(true);
    thread::scope(|scope| {
        let besieger = scope.spawn(|| siege(&|| watched.load(Relaxed)));
        let mut took = Vec::new();
        while took.len() < CALLS || !besieger.is_finished() && took.len() < 100 * CALLS {
            took.push(alice.calls(&bob));
        }
        watched.store(false, Relaxed);
        let besieged = median(took);
        assert!(besieged <= (in_peace * 2).max(UNNOTICED), "{in_peace:?} became {besieged:?}");
        besieger.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}
