//! What the engine wants done.
use crate::input::Flow;
use crate::session::News;
use crate::wire::media::MediaOrder;
use std::net::SocketAddr;
use std::ops::Range;

/// What came of one input, or of several: the owner sends it, clears it and hands it in again.
#[derive(Debug, Default)]
pub struct Output {
    /// The bytes of all messages, one after the other.
    pub bytes: Vec<u8>,
    /// The messages, in order.
    pub datagrams: Vec<Outgoing>,
    /// Orders to the media threads.
    pub media: Vec<MediaOrder>,
    /// What happened, for events, records and histograms.
    pub news: Vec<News>,
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// From which listener.
    pub flow: Flow,
    /// Where to.
    pub to: SocketAddr,
    /// Where in [`Output::bytes`] it is.
    pub range: Range<usize>,
}

impl Output {
    /// The bytes of a message.
    pub fn message(&self, outgoing: &Outgoing) -> &[u8] {
        self.bytes.get(outgoing.range.clone()).unwrap_or(&[])
    }

    /// Empties it; its memory is kept for the next inputs.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
        self.media.clear();
        self.news.clear();
    }
}
