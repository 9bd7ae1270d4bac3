use super::*;
use crate::media::{Discard, Discards, Losses, Passed, Quality};
use crate::report::{Played, Traffic};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use switchyard_engine::counters::{CallDirection, ParkEnd, ParkWay};
use switchyard_engine::session::News;
use switchyard_engine::wire::{Method, Status};
use switchyard_engine::{Engine, Time};

/// One sample line.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What a scrape says, read as strictly as Prometheus reads it.
#[derive(Debug, Default)]
struct Scrape {
    types: BTreeMap<String, String>,
    helps: BTreeSet<String>,
    samples: Vec<Sample>,
}

impl Scrape {
    fn read(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(!help.is_empty() && scrape.helps.insert(name.to_owned()), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(scrape.types.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            } else {
                scrape.samples.push(sample(line));
            }
        }
        scrape
    }

    /// The family that a sample belongs to.
    fn family<'a>(&self, name: &'a str) -> &'a str {
        let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        parts.filter(|family| self.types.get(*family).is_some_and(|kind| kind == "histogram")).unwrap_or(name)
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: BTreeMap<String, String> = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        self.samples.iter().find(|sample| sample.name == name && sample.labels == labels).map(|sample| sample.value)
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').unwrap().split_terminator(',').map(|label| {
        let (name, value) = label.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    });
    Sample { name: name.to_owned(), labels: labels.collect(), value: value.parse().unwrap() }
}

fn settings() -> Settings {
    crate::config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/pbx.toml")).unwrap().settings
}

fn started() -> (Metrics, Histograms, Report) {
    let settings = settings();
    let metrics = Metrics::new(Names::from(&settings), Vec::new());
    let (histograms, ..) = (metrics.histograms(), metrics.reloads(), metrics.media(), metrics.store_errors());
    let report = Report { snapshot: Engine::new(settings).snapshot(Time::ZERO), ..Report::default() };
    (metrics, histograms, report)
}

#[test]
fn every_family_is_there_from_the_start_explained_and_zero() {
    let (metrics, _histograms, report) = started();
    let scrape = Scrape::read(&metrics.render(&report));
    for family in FAMILIES {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        assert_eq!(scrape.types.get(family.name).map(String::as_str), Some(kind), "{}", family.name);
        assert!(scrape.helps.contains(family.name), "{}", family.name);
        let samples: Vec<&Sample> =
            scrape.samples.iter().filter(|sample| scrape.family(&sample.name) == family.name).collect();
        assert!(!samples.is_empty(), "{}", family.name);
        if family.kind != Kind::Gauge {
            assert!(samples.iter().all(|sample| sample.value == 0.0), "{samples:?}");
        }
    }
    let zeros: &[(&str, &[(&str, &str)])] = &[
        ("pbx_sip_messages_total", &[("direction", "in"), ("transport", "udp"), ("kind", "request")]),
        ("pbx_sip_responses_total", &[("direction", "out"), ("method", "INVITE"), ("status", "180")]),
        ("pbx_register_requests_total", &[("result", "challenge")]),
        ("pbx_calls_ended_total", &[("direction", "internal"), ("trunk", "none"), ("cause", "no_answer")]),
        ("pbx_call_setup_seconds_count", &[("direction", "internal"), ("trunk", "none")]),
        ("pbx_park_duration_seconds_count", &[("lot", "main"), ("result", "retrieved")]),
        ("pbx_parked_calls", &[("lot", "main"), ("tenant", "default"), ("state", "reminding")]),
        ("pbx_park_reminders_total", &[("lot", "main"), ("target", "device"), ("result", "declined")]),
        ("pbx_feature_code_total", &[("code_name", "conference_room"), ("result", "not_built")]),
        ("pbx_config_reload_total", &[("result", "rejected")]),
        ("pbx_subscriptions", &[("package", "conference")]),
        ("pbx_notify_total", &[("package", "message_summary"), ("result", "timeout")]),
        ("pbx_notify_latency_seconds_count", &[("package", "dialog")]),
        ("pbx_rtp_packets_total", &[("direction", "in")]),
        ("pbx_rtp_bytes_total", &[("direction", "out")]),
        ("pbx_media_tick_late_seconds_count", &[]),
    ];
    for (name, labels) in zeros {
        assert_eq!(scrape.value(name, labels), Some(0.0), "{name} {labels:?}");
    }
}

#[test]
fn names_and_labels_keep_the_rules() {
    let (metrics, _histograms, report) = started();
    let scrape = Scrape::read(&metrics.render(&report));
    let allowed: BTreeSet<&str> = [
        "algorithm",
        "cause",
        "code_name",
        "codec",
        "commit",
        "direction",
        "kind",
        "le",
        "lot",
        "method",
        "package",
        "queue",
        "reason",
        "result",
        "runtime",
        "scope",
        "side",
        "state",
        "status",
        "target",
        "tenant",
        "timer",
        "transport",
        "trunk",
        "type",
        "version",
        "via",
        "way",
    ]
    .into();
    let mut seen = BTreeSet::new();
    for sample in &scrape.samples {
        let family = scrape.family(&sample.name);
        assert!(family.starts_with("pbx_") || family.starts_with("process_"), "{family}");
        let kind = scrape.types.get(family).unwrap_or_else(|| panic!("{family} has no type"));
        assert_eq!(kind == "counter", family.ends_with("_total"), "{family}");
        assert!(sample.labels.keys().all(|label| allowed.contains(label.as_str())), "{sample:?}");
        let series = format!("{}{:?}", sample.name, sample.labels);
        assert!(seen.insert(series), "twice: {sample:?}");
    }
}

#[test]
fn what_the_media_thread_tells_is_shown() {
    let (metrics, _histograms, report) = started();
    let series = metrics.media();
    let (sent, received) = (Traffic { packets: 3, bytes: 516 }, Traffic { packets: 1, bytes: 172 });
    for late in [400, 3_000] {
        let late = Duration::from_micros(late);
        series.played(&Played { sent, received, late, ..Played::default() });
    }
    let scrape = Scrape::read(&metrics.render(&report));
    for (name, direction, value) in [
        ("pbx_rtp_packets_total", "out", 6.0),
        ("pbx_rtp_packets_total", "in", 2.0),
        ("pbx_rtp_bytes_total", "out", 1_032.0),
        ("pbx_rtp_bytes_total", "in", 344.0),
    ] {
        assert_eq!(scrape.value(name, &[("direction", direction)]), Some(value), "{name} {direction}");
    }
    assert_eq!(scrape.value("pbx_media_tick_late_seconds_bucket", &[("le", "0.0005")]), Some(1.0));
    assert_eq!(scrape.value("pbx_media_tick_late_seconds_count", &[]), Some(2.0));
}

#[test]
fn what_the_engine_and_the_news_say_is_shown() {
    let (metrics, histograms, mut report) = started();
    let counters = &mut report.snapshot.counters;
    counters.responses_out.add(Method::Register, Status::new(606).unwrap(), 3);
    counters.park[0].parked.add(ParkWay::ReferBlind, (), 2);
    report.snapshot.gauges.lots[0].parked = 2;
    report.queued = 5;
    let direction = CallDirection::Internal;
    histograms.news(&News::CallProgressed { direction, trunk: None, setup: Duration::from_millis(200) });
    histograms.news(&News::RequestAnswered { method: Method::Bye, took: Duration::from_millis(20) });
    let orbit = "701".to_owned();
    let (result, stayed) = (ParkEnd::Retrieved, Duration::from_secs(20));
    histograms.news(&News::ParkEnded { lot: 0, orbit, park_id: 1, result, stayed });
    metrics.reloads().count(false);
    let scrape = Scrape::read(&metrics.render(&report));
    type Expected = (&'static str, &'static [(&'static str, &'static str)], f64);
    let expected: &[Expected] = &[
        ("pbx_sip_responses_total", &[("direction", "out"), ("method", "REGISTER"), ("status", "606")], 3.0),
        ("pbx_park_total", &[("lot", "main"), ("way", "refer_blind")], 2.0),
        ("pbx_parked_calls", &[("lot", "main"), ("tenant", "default"), ("state", "parked")], 2.0),
        ("pbx_queue_depth", &[("queue", "loop")], 5.0),
        ("pbx_call_setup_seconds_bucket", &[("direction", "internal"), ("trunk", "none"), ("le", "0.1")], 0.0),
        ("pbx_call_setup_seconds_bucket", &[("direction", "internal"), ("trunk", "none"), ("le", "0.25")], 1.0),
        ("pbx_sip_response_time_seconds_bucket", &[("method", "BYE"), ("le", "0.01")], 0.0),
        ("pbx_sip_response_time_seconds_bucket", &[("method", "BYE"), ("le", "0.025")], 1.0),
        ("pbx_sip_response_time_seconds_count", &[("method", "NOTIFY")], 0.0),
        ("pbx_park_duration_seconds_sum", &[("lot", "main"), ("result", "retrieved")], 20.0),
        ("pbx_config_reload_total", &[("result", "rejected")], 1.0),
    ];
    for (name, labels, value) in expected {
        assert_eq!(scrape.value(name, labels), Some(*value), "{name} {labels:?}");
    }
}

#[test]
fn what_goes_through_is_counted_with_what_does_not() {
    let (metrics, histograms, report) = started();
    let series = metrics.media();
    let mut discarded = Discards::default();
    discarded.count(Discard::Stranger);
    let traffic = |packets| Traffic { packets, bytes: packets * 172 };
    let losses = Losses { lost: 4, late: 2, duplicate: 1 };
    series.passed(&Passed { received: traffic(3), sent: traffic(2), discarded, losses });
    let round_trip = Some(Duration::from_millis(80));
    let (remote_loss, remote_jitter) = (Some(0), Some(Duration::from_millis(3)));
    series.reported(&Quality { round_trip, remote_loss, remote_jitter, ..Quality::default() });
    histograms.news(&News::HeardOneWay { direction: CallDirection::Internal, trunk: None });
    histograms.news(&News::NothingHeard { direction: CallDirection::Internal, trunk: None });
    let scrape = Scrape::read(&metrics.render(&report));
    let call = [("direction", "internal"), ("trunk", "none")];
    for (name, labels, value) in [
        ("pbx_rtp_packets_total", &[("direction", "in")][..], 3.0),
        ("pbx_rtp_bytes_total", &[("direction", "out")], 344.0),
        ("pbx_rtp_discarded_packets_total", &[("reason", "strange_source")], 1.0),
        ("pbx_rtp_round_trip_seconds_count", &[], 1.0),
        ("pbx_call_mos_count", &[("direction", "out")], 1.0),
        ("pbx_one_way_audio_total", &call, 1.0),
        ("pbx_zero_rtp_calls_total", &call, 1.0),
        ("pbx_rtp_sessions", &[("kind", "relay")], 0.0),
        ("pbx_codec_sessions", &[("codec", "g722")], 0.0),
    ] {
        assert_eq!(scrape.value(name, labels), Some(value), "{name}");
    }
}
