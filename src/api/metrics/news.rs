//! Histograms, fed by the loop as things happen. Their handles are made once: a record is an atomic write.
use super::{Names, counter, histogram};
use metrics::{Counter, Histogram, Recorder};
use std::time::Duration;
use switchyard_engine::base::Label;
use switchyard_engine::counters::{CallDirection, CompletionEnd, CompletionKind, Package, ParkEnd};
use switchyard_engine::session::News;
use switchyard_engine::wire::Method;

/// The handles.
pub struct Histograms {
    lag: Histogram,
    /// By method.
    response: Vec<Histogram>,
    /// By direction, then trunk.
    setup: Vec<Vec<Histogram>>,
    talk: Vec<Vec<Histogram>>,
    ring: Vec<Histogram>,
    round_trip: Histogram,
    hold: Histogram,
    /// By package.
    notify: Vec<Histogram>,
    /// By lot, then result.
    stay: Vec<Vec<Histogram>>,
    fetch: Histogram,
    /// By why the call had failed.
    callback: Vec<Histogram>,
    /// By direction, then trunk.
    nothing_heard: Vec<Vec<Counter>>,
    one_way: Vec<Vec<Counter>>,
}

impl Histograms {
    pub(super) fn new(recorder: &impl Recorder, names: &Names) -> Self {
        let by_trunk = |name: &'static str| handles(names, |labels| histogram(recorder, name, labels));
        let count_by_trunk = |name: &'static str| handles(names, |labels| counter(recorder, name, labels));
        let ring = |direction: &CallDirection| {
            histogram(recorder, "pbx_call_ring_seconds", &[("direction", direction.as_str())])
        };
        let stays = |lot: &String| {
            let labels = |result: &ParkEnd| [("lot", lot.as_str()), ("result", result.as_str())];
            ParkEnd::ALL
                .iter()
                .map(|result| histogram(recorder, "pbx_park_duration_seconds", &labels(result)))
                .collect()
        };
        let notify =
            |package: &Package| histogram(recorder, "pbx_notify_latency_seconds", &[("package", package.as_str())]);
        let response = |method: &Method| match method {
            // How long people take is another question.
            Method::Invite | Method::Ack => Histogram::noop(),
            Method::Bye
            | Method::Cancel
            | Method::Options
            | Method::Register
            | Method::Prack
            | Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Info
            | Method::Refer
            | Method::Message
            | Method::Update
            | Method::Other => {
                histogram(recorder, "pbx_sip_response_time_seconds", &[("method", Method::NAMES[method.index()])])
            }
        };
        let callback =
            |kind: &CompletionKind| histogram(recorder, "pbx_callback_wait_seconds", &[("type", kind.as_str())]);
        Self {
            callback: CompletionKind::ALL.iter().map(callback).collect(),
            response: Method::ALL.iter().map(response).collect(),
            lag: histogram(recorder, "pbx_event_loop_lag_seconds", &[("runtime", "loop")]),
            setup: by_trunk("pbx_call_setup_seconds"),
            talk: by_trunk("pbx_call_duration_seconds"),
            ring: CallDirection::ALL.iter().map(ring).collect(),
            round_trip: histogram(recorder, "pbx_registration_rtt_seconds", &[]),
            hold: histogram(recorder, "pbx_call_hold_seconds", &[]),
            notify: Package::ALL.iter().map(notify).collect(),
            stay: names.lots.iter().map(stays).collect(),
            fetch: histogram(recorder, "pbx_park_retrieve_seconds", &[]),
            nothing_heard: count_by_trunk("pbx_zero_rtp_calls_total"),
            one_way: count_by_trunk("pbx_one_way_audio_total"),
        }
    }

    /// Takes down what happened, if it took time.
    pub fn news(&self, news: &News) {
        match news {
            News::CallProgressed { direction, trunk, setup } => {
                record(by_trunk(&self.setup, *direction, *trunk), *setup);
            }
            News::RequestAnswered { method, took } => record(self.response.get(method.index()), *took),
            News::CallAnswered { direction, ring } => record(self.ring.get(direction.index()), *ring),
            News::CallEnded { direction, trunk, talked: Some(talked), .. } => {
                record(by_trunk(&self.talk, *direction, *trunk), *talked);
            }
            News::PhoneAnswered { took } => record(Some(&self.round_trip), *took),
            News::Notified { package, after } => record(self.notify.get(package.index()), *after),
            News::HoldEnded { held } => record(Some(&self.hold), *held),
            News::RetrieveConnected { after } => record(Some(&self.fetch), *after),
            News::ParkEnded { lot, result, stayed, .. } => {
                record(self.stay.get(*lot).and_then(|results| results.get(result.index())), *stayed);
            }
            News::CompletionEnded { kind, result: CompletionEnd::Done, waited, .. } => {
                record(self.callback.get(kind.index()), *waited);
            }
            News::NothingHeard { direction, trunk } => {
                if let Some(counter) = by_trunk(&self.nothing_heard, *direction, *trunk) {
                    counter.increment(1);
                }
            }
            News::HeardOneWay { direction, trunk } => {
                if let Some(counter) = by_trunk(&self.one_way, *direction, *trunk) {
                    counter.increment(1);
                }
            }
            News::CallEnded { talked: None, .. }
            | News::CompletionRequested { .. }
            | News::CompletionRecalled { .. }
            | News::CompletionEnded { .. }
            | News::Parked { .. }
            | News::ReminderStarted { .. }
            | News::ReminderEnded { .. }
            | News::ParkReturned { .. } => {}
        }
    }

    /// The loop met a deadline this late.
    pub fn lag(&self, late: Duration) {
        record(Some(&self.lag), late);
    }
}

/// A handle for each direction and trunk.
fn handles<T>(names: &Names, make: impl Fn(&[(&'static str, &str)]) -> T) -> Vec<Vec<T>> {
    let trunks = |direction: &CallDirection| {
        let handle = |trunk: &String| make(&[("direction", direction.as_str()), ("trunk", trunk)]);
        names.trunks.iter().map(handle).collect()
    };
    CallDirection::ALL.iter().map(trunks).collect()
}

/// Calls without a trunk stand at the end.
fn by_trunk<T>(handles: &[Vec<T>], direction: CallDirection, trunk: Option<usize>) -> Option<&T> {
    let trunks = handles.get(direction.index())?;
    trunk.map_or(trunks.last(), |trunk| trunks.get(trunk))
}

fn record(histogram: Option<&Histogram>, duration: Duration) {
    if let Some(histogram) = histogram {
        histogram.record(duration.as_secs_f64());
    }
}
