//! What the media threads tell. Its handles are made once: a record is an atomic write.
use super::{counter, histogram};
use crate::media::{Discard, Discards, Passed};
use crate::report::{Played, Traffic};
use metrics::{Counter, Histogram, Recorder};

/// The handles.
pub struct MediaSeries {
    sent: Series,
    received: Series,
    late: Histogram,
    /// By why.
    discarded: Vec<Counter>,
}

/// Of one direction.
struct Series {
    packets: Counter,
    bytes: Counter,
}

impl MediaSeries {
    pub(super) fn new(recorder: &impl Recorder) -> Self {
        let series = |direction| Series {
            packets: counter(recorder, "pbx_rtp_packets_total", &[("direction", direction)]),
            bytes: counter(recorder, "pbx_rtp_bytes_total", &[("direction", direction)]),
        };
        let late = histogram(recorder, "pbx_media_tick_late_seconds", &[]);
        let discard = |why: &Discard| counter(recorder, "pbx_rtp_discarded_packets_total", &[("reason", why.as_str())]);
        let discarded = Discard::ALL.iter().map(discard).collect();
        Self { sent: series("out"), received: series("in"), late, discarded }
    }

    /// A beat is over.
    pub fn played(&self, played: &Played) {
        self.sent.add(played.sent);
        self.received.add(played.received);
        self.late.record(played.late.as_secs_f64());
        self.discarded(&played.discarded);
    }

    /// Media of others was passed on for a second.
    pub fn passed(&self, passed: &Passed) {
        self.sent.add(passed.sent);
        self.received.add(passed.received);
        self.discarded(&passed.discarded);
    }

    fn discarded(&self, discards: &Discards) {
        for (&why, counter) in Discard::ALL.iter().zip(&self.discarded) {
            counter.increment(discards.of(why));
        }
    }
}

impl Series {
    fn add(&self, traffic: Traffic) {
        self.packets.increment(traffic.packets);
        self.bytes.increment(traffic.bytes);
    }
}
