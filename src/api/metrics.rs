//! `/metrics`: counters and gauges out of a report at scrape time, histograms fed by news.
//!
//! Every series whose labels are known beforehand is there from the start, with 0. No label holds a call, a user, a
//! number, an address or an orbit.
mod engine;
mod family;
mod media;
mod news;
mod process;
#[cfg(test)]
mod tests;

pub use media::MediaSeries;
pub use news::Histograms;

use crate::report::Report;
use family::FAMILIES;
#[cfg(test)]
use family::Kind;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use switchyard_engine::settings::Settings;

/// The names that stand for places in the settings.
#[derive(Clone, Debug)]
pub struct Names {
    /// Trunks, and at the end `none` for calls without one.
    pub trunks: Vec<String>,
    /// Lots.
    pub lots: Vec<String>,
    /// Codes; several may share a name.
    pub codes: Vec<String>,
}

impl From<&Settings> for Names {
    fn from(settings: &Settings) -> Self {
        let trunks = settings.trunks.iter().map(|trunk| trunk.name.clone());
        Self {
            trunks: trunks.chain(["none".to_owned()]).collect(),
            lots: settings.lots.iter().map(|lot| lot.name.clone()).collect(),
            codes: settings.codes.iter().map(|code| code.name.clone()).collect(),
        }
    }
}

/// All series of this process.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// Renewed when the configuration is read again.
    names: RwLock<Arc<Names>>,
    /// Inodes of the UDP sockets, for what the kernel dropped.
    inodes: Vec<u64>,
    started: Duration,
    runtime_lag: Histogram,
}

/// Counts configurations read again.
#[derive(Clone)]
pub struct Reloads {
    ok: Counter,
    rejected: Counter,
    last: Gauge,
}

impl Reloads {
    /// A configuration was read again.
    pub fn count(&self, valid: bool) {
        if valid {
            self.ok.increment(1);
            self.last.set(since_epoch().as_secs_f64());
        } else {
            self.rejected.increment(1);
        }
    }
}

impl Metrics {
    /// The series of a process that starts now.
    ///
    /// # Panics
    /// Never: the buckets are constants, and not empty.
    #[must_use]
    pub fn new(names: Names, inodes: Vec<u64>) -> Self {
        let mut builder = PrometheusBuilder::new();
        for family in FAMILIES.iter().filter(|family| !family.buckets.is_empty()) {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(family.name.to_owned()), family.buckets)
                .expect("the buckets are not empty");
        }
        let recorder = builder.build_recorder();
        for family in FAMILIES {
            family.describe(&recorder);
        }
        let runtime_lag = histogram(&recorder, "pbx_event_loop_lag_seconds", &[("runtime", "http")]);
        let metrics = Self {
            handle: recorder.handle(),
            recorder,
            names: RwLock::new(Arc::new(names)),
            inodes,
            started: since_epoch(),
            runtime_lag,
        };
        metrics.gauge("pbx_build_info", &[("version", env!("CARGO_PKG_VERSION")), ("commit", commit())], 1.0);
        metrics.gauge("pbx_start_time_seconds", &[], metrics.started.as_secs_f64());
        metrics.gauge("pbx_config_last_reload_timestamp_seconds", &[], metrics.started.as_secs_f64());
        metrics
    }

    /// Handles for the loop.
    pub fn histograms(&self) -> Histograms {
        Histograms::new(&self.recorder, &self.names())
    }

    /// Handles for the media thread.
    pub fn media(&self) -> MediaSeries {
        MediaSeries::new(&self.recorder)
    }

    /// Other names from now on, and handles for the loop that know them.
    pub fn rename(&self, names: Names) -> Histograms {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
        self.histograms()
    }

    fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Handles for whoever reads configurations again.
    pub fn reloads(&self) -> Reloads {
        let result = |result| counter(&self.recorder, "pbx_config_reload_total", &[("result", result)]);
        let last = gauge(&self.recorder, "pbx_config_last_reload_timestamp_seconds", &[]);
        Reloads { ok: result("ok"), rejected: result("rejected"), last }
    }

    /// Counts what the store could not write.
    pub fn store_errors(&self) -> Counter {
        counter(&self.recorder, "pbx_store_errors_total", &[])
    }

    /// Empties the histograms into their buckets.
    pub(super) fn upkeep(&self, late: Duration) {
        self.runtime_lag.record(late.as_secs_f64());
        self.handle.run_upkeep();
    }

    /// Everything in the text format.
    pub(super) fn render(&self, report: &Report) -> String {
        engine::write(self, report);
        let dropped = process::kernel_drops(&self.inodes);
        self.counter("pbx_udp_receive_dropped_total", &[("transport", "udp")], dropped);
        let mut text = self.handle.render();
        text.push_str(&process::exposition(self.started));
        text
    }

    /// Sets a counter to what its owner counted.
    fn counter(&self, name: &'static str, labels: &[(&'static str, &str)], value: u64) {
        counter(&self.recorder, name, labels).absolute(value);
    }

    fn gauge(&self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        gauge(&self.recorder, name, labels).set(value);
    }
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> = labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(name, labels)
}

fn counter(recorder: &impl Recorder, name: &'static str, labels: &[(&'static str, &str)]) -> Counter {
    recorder.register_counter(&key(name, labels), &METADATA)
}

fn gauge(recorder: &impl Recorder, name: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
    recorder.register_gauge(&key(name, labels), &METADATA)
}

fn histogram(recorder: &impl Recorder, name: &'static str, labels: &[(&'static str, &str)]) -> Histogram {
    recorder.register_histogram(&key(name, labels), &METADATA)
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The commit that was built, if whoever built it said so.
fn commit() -> &'static str {
    option_env!("SWITCHYARD_COMMIT").unwrap_or("unknown")
}
