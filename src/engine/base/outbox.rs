//! The outbox: messages that leave at the end of the turn.
use std::net::SocketAddr;
use std::ops::Range;

/// Where a message came in, or leaves: the number of a listener in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow(pub u16);

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// From which listener.
    pub flow: Flow,
    /// Where to.
    pub to: SocketAddr,
    /// Where in the outbox's bytes it is.
    pub range: Range<usize>,
}

/// Messages composed one after the other into one buffer.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) bytes: Vec<u8>,
    pub(crate) messages: Vec<Outgoing>,
    /// The simulator's: sending so many more messages panics.
    #[cfg(any(test, feature = "simulator"))]
    pub(crate) fuse: Option<u32>,
}

impl Outbox {
    /// Sends what was composed into this range.
    pub(crate) fn send(&mut self, flow: Flow, to: SocketAddr, range: Range<usize>) {
        #[cfg(any(test, feature = "simulator"))]
        self.burn();
        self.messages.push(Outgoing { flow, to, range });
    }

    /// After a panic the bytes may be gone: so are the messages that were in them.
    pub(crate) fn salvage(&mut self) {
        let there = self.bytes.len();
        self.messages.retain(|message| message.range.end <= there);
    }

    #[cfg(any(test, feature = "simulator"))]
    fn burn(&mut self) {
        if let Some(left) = &mut self.fuse {
            *left -= 1;
            if *left == 0 {
                self.fuse = None;
                // As a panic, but without its words on the terminal.
                std::panic::resume_unwind(Box::new("the simulator's panic"));
            }
        }
    }

    /// Sends a copy of these bytes.
    pub(crate) fn repeat(&mut self, flow: Flow, to: SocketAddr, message: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.send(flow, to, start..self.bytes.len());
    }
}
