//! What the media threads tell. Its handles are made once: a record is an atomic write.
use super::{counter, histogram};
use crate::media::{Discard, Discards, Losses, Passed, Quality, score};
use crate::report::{Played, Traffic};
use metrics::{Counter, Histogram, Recorder};

/// The handles.
pub struct MediaSeries {
    sent: Series,
    received: Series,
    late: Histogram,
    /// By why.
    discarded: Vec<Counter>,
    lost: Counter,
    after_others: Counter,
    duplicate: Counter,
    remote_lost: Counter,
    jitter: Histogram,
    remote_jitter: Histogram,
    round_trip: Histogram,
    /// What we hear, and what is heard of us.
    scores: [Histogram; 2],
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
        let count = |name| counter(recorder, name, &[]);
        let jitter = |side| histogram(recorder, "pbx_rtp_jitter_seconds", &[("side", side)]);
        Self {
            sent: series("out"),
            received: series("in"),
            late,
            discarded,
            lost: count("pbx_rtp_lost_packets_total"),
            after_others: count("pbx_rtp_late_packets_total"),
            duplicate: count("pbx_rtp_duplicate_packets_total"),
            remote_lost: count("pbx_rtp_remote_lost_packets_total"),
            jitter: jitter("local"),
            remote_jitter: jitter("remote"),
            round_trip: histogram(recorder, "pbx_rtp_round_trip_seconds", &[]),
            scores: ["in", "out"].map(|way| histogram(recorder, "pbx_call_mos", &[("direction", way)])),
        }
    }

    /// A beat is over.
    pub fn played(&self, played: &Played) {
        self.sent.add(played.sent);
        self.received.add(played.received);
        self.late.record(played.late.as_secs_f64());
        self.discarded(&played.discarded);
        self.lost(played.losses);
        self.remote_lost.increment(played.remote_lost);
    }

    /// A report told of the way between a port and its peer.
    pub fn reported(&self, quality: &Quality) {
        let spans = [
            (quality.jitter, &self.jitter),
            (quality.remote_jitter, &self.remote_jitter),
            (quality.round_trip, &self.round_trip),
        ];
        for (span, histogram) in spans {
            if let Some(span) = span {
                histogram.record(span.as_secs_f64());
            }
        }
        self.rated(quality);
    }

    fn rated(&self, quality: &Quality) {
        let round_trip = quality.round_trip.unwrap_or_default();
        let ways = [(quality.loss, quality.jitter), (quality.remote_loss, quality.remote_jitter)];
        for ((loss, jitter), scores) in ways.into_iter().zip(&self.scores) {
            if let (Some(loss), Some(jitter)) = (loss, jitter) {
                scores.record(score(loss, jitter, round_trip));
            }
        }
    }

    /// Media of others was passed on for a second.
    pub fn passed(&self, passed: &Passed) {
        self.sent.add(passed.sent);
        self.received.add(passed.received);
        self.discarded(&passed.discarded);
        self.lost(passed.losses);
    }

    fn lost(&self, losses: Losses) {
        self.lost.increment(losses.lost);
        self.after_others.increment(losses.late);
        self.duplicate.increment(losses.duplicate);
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
