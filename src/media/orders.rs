//! Where the loop puts its orders for a media thread, and how it wakes that.
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use switchyard_engine::wire::media::MediaOrder;

/// Where orders are put. Dropping it ends the thread.
///
/// The queue is unbounded because the engine bounds it: a port is ordered open, redirected and closed by one call, and
/// there are no more ports than configured.
#[derive(Debug)]
pub struct Orders {
    queue: Option<Sender<MediaOrder>>,
    wake: Arc<EventFd>,
}

impl Orders {
    /// A queue of orders, where they come out, and what tells that there are any.
    pub(super) fn queue() -> io::Result<(Self, Receiver<MediaOrder>, Arc<EventFd>)> {
        let wake = Arc::new(EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
        let (sender, orders) = channel();
        Ok((Self { queue: Some(sender), wake: Arc::clone(&wake) }, orders, wake))
    }

    /// Puts an order; never blocks.
    pub fn put(&self, order: MediaOrder) {
        // The thread only ends before the loop when the server stops.
        if self.queue.as_ref().is_some_and(|queue| queue.send(order).is_ok()) {
            let _ = self.wake.write(1);
        }
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.queue = None;
        let _ = self.wake.write(1);
    }
}
