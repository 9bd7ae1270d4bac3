//! How other threads reach the loop: one bounded queue, and an eventfd that wakes it.
use super::tcp::FromStream;
use crate::report::Report;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use switchyard_engine::Command;
use switchyard_engine::base::limits::LOOP_QUEUE;
use switchyard_engine::settings::Settings;
use switchyard_engine::wire::media::MediaEvent;
use tokio::sync::oneshot;

/// What other threads want of the loop.
#[derive(Debug)]
pub enum Ask {
    /// Hand this to the engine.
    Command(Command),
    /// And this.
    Media(MediaEvent),
    /// Go by these settings from now on, and say when that is so.
    Reload(Box<Settings>, oneshot::Sender<()>),
    /// A connection has something to tell.
    Stream(FromStream),
    /// Say how things stand.
    Report(oneshot::Sender<Report>),
}

/// The queue is full, or the loop is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Why something offered was not taken.
#[derive(Debug)]
pub(super) enum Unheard {
    /// The queue is full: here it is back.
    Full(Box<Ask>),
    /// The loop is gone.
    Gone,
}

/// The loop, as other threads see it.
#[derive(Clone, Debug)]
pub struct Handle {
    queue: SyncSender<Ask>,
    depth: Arc<AtomicUsize>,
    refused: Arc<AtomicU64>,
    wake: Arc<EventFd>,
}

impl Handle {
    /// Queues something for the loop and wakes it.
    ///
    /// # Errors
    /// The queue is full, or the loop has ended.
    pub fn ask(&self, ask: Ask) -> Result<(), Full> {
        self.offer(ask).map_err(|unheard| match unheard {
            Unheard::Full(_) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Full
            }
            Unheard::Gone => Full,
        })
    }

    /// The same for somebody who can wait and try again.
    pub(super) fn offer(&self, ask: Ask) -> Result<(), Unheard> {
        // Counted before it is there, so that the loop never counts below zero.
        self.depth.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.queue.try_send(ask) {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            return Err(match error {
                TrySendError::Full(ask) => Unheard::Full(Box::new(ask)),
                TrySendError::Disconnected(_) => Unheard::Gone,
            });
        }
        // Fails only when the counter is full, and then the loop is awake.
        let _ = self.wake.write(1);
        Ok(())
    }
}

/// The loop's end of the queue.
#[derive(Debug)]
pub struct Inbox {
    queue: Receiver<Ask>,
    depth: Arc<AtomicUsize>,
    refused: Arc<AtomicU64>,
    wake: Arc<EventFd>,
}

impl Inbox {
    /// The next thing asked for.
    pub(super) fn take(&self) -> Option<Ask> {
        let ask = self.queue.try_recv().ok()?;
        self.depth.fetch_sub(1, Ordering::Relaxed);
        Some(ask)
    }

    /// There is more than was taken this time: the loop shall wake again.
    pub(super) fn again(&self) {
        let _ = self.wake.write(1);
    }

    /// How much waits.
    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// How often somebody found it full who does not try again.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Becomes readable when something waits.
    pub(super) fn wake(&self) -> Arc<EventFd> {
        Arc::clone(&self.wake)
    }

    /// Before taking what waits: the next thing asked for shall wake the loop again.
    pub(super) fn rearm(&self) {
        // Fails when nobody has written, and then there is nothing to undo.
        let _ = self.wake.read();
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Both ends of a new queue.
///
/// # Errors
/// The system has no eventfd left.
pub fn inbox() -> std::io::Result<(Handle, Inbox)> {
    let wake = Arc::new(EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
    let (sender, queue) = sync_channel(LOOP_QUEUE);
    let (depth, refused) = (Arc::default(), Arc::default());
    let inbox = Inbox { queue, depth: Arc::clone(&depth), refused: Arc::clone(&refused), wake: Arc::clone(&wake) };
    Ok((Handle { queue: sender, depth, refused, wake }, inbox))
}
