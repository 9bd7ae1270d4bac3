//! What the media thread tells on each beat. Its handles are made once: a record is an atomic write.
use super::{counter, histogram};
use crate::report::{Played, Traffic};
use metrics::{Counter, Histogram, Recorder};

/// The handles.
pub struct MediaSeries {
    sent: Series,
    received: Series,
    late: Histogram,
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
        Self { sent: series("out"), received: series("in"), late }
    }

    /// A beat is over.
    pub fn played(&self, played: &Played) {
        self.sent.add(played.sent);
        self.received.add(played.received);
        self.late.record(played.late.as_secs_f64());
    }
}

impl Series {
    fn add(&self, traffic: Traffic) {
        self.packets.increment(traffic.packets);
        self.bytes.increment(traffic.bytes);
    }
}
