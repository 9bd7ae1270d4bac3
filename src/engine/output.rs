//! What the engine wants done.
pub use crate::base::Outgoing;
use crate::keep::Kept;
use crate::session::News;
use crate::wire::media::MediaOrder;

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
    /// What must outlive the process.
    pub kept: Vec<Kept>,
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
        self.kept.clear();
    }
}
