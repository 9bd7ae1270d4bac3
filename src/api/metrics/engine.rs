//! A report, as series.
use super::Metrics;
use crate::report::Report;
use std::collections::BTreeMap;
use switchyard_engine::base::{Label, Table};
use switchyard_engine::counters::{ByTransport, CodeResult, CompletionVia, Counters, Direction, Gauges};
use switchyard_engine::settings::Transport;
use switchyard_engine::wire::{Method, Status};

/// There is one tenant.
const TENANT: (&str, &str) = ("tenant", "default");
const UDP: (&str, &str) = ("transport", "udp");

/// What is counted for each transport, with its label.
fn by_transport<T>(counts: &ByTransport<T>) -> impl Iterator<Item = ((&'static str, &'static str), &T)> {
    let labels = Transport::ALL.iter().map(|transport| ("transport", transport.as_str()));
    labels.zip(counts)
}

/// Statuses of which every method has a series from the start. The others get theirs with the first response: all
/// methods times all statuses would be thousands of zeros.
const COMMON: &[&str] = &["200", "401", "403", "404", "408", "481", "486", "500", "503", "other"];
/// The same for INVITE alone.
const COMMON_INVITE: &[&str] = &["100", "180", "183", "407", "480", "487", "488", "600", "603"];

pub(super) fn write(metrics: &Metrics, report: &Report) {
    let (counters, gauges) = (&report.snapshot.counters, &report.snapshot.gauges);
    process(metrics, report);
    sip(metrics, counters, gauges);
    responses(metrics, &counters.responses_in, Direction::In);
    responses(metrics, &counters.responses_out, Direction::Out);
    registrar(metrics, counters, gauges);
    calls(metrics, counters, gauges);
    table(metrics, "pbx_transfers_total", &counters.transfers, ["kind", "result"], &[]);
    table(metrics, "pbx_pickups_total", &counters.pickups, ["kind", "result"], &[]);
    table(metrics, "pbx_forwards_total", &counters.forwards, ["kind", "result"], &[]);
    table(metrics, "pbx_handoffs_total", &counters.handoffs, ["kind", "result"], &[]);
    table(metrics, "pbx_redirects_total", &counters.redirects, ["kind", "result"], &[]);
    table(metrics, "pbx_transfer_recalls_total", &counters.recalls, ["result", ""], &[]);
    callbacks(metrics, counters, gauges);
    park_counters(metrics, counters);
    park_gauges(metrics, gauges);
    codes(metrics, counters);
    states(metrics, "pbx_subscriptions", &gauges.subscriptions, ["package", ""], &[]);
    table(metrics, "pbx_notify_total", &counters.notifies, ["package", "result"], &[]);
    not_built(metrics);
}

/// A table as counters: its rows and columns under these label names, the rest as given.
fn table<R: Label, C: Label>(
    metrics: &Metrics,
    name: &'static str,
    table: &Table<R, C>,
    names: [&'static str; 2],
    rest: &[(&'static str, &str)],
) {
    for_each(table, names, rest, |labels, count| metrics.counter(name, labels, count));
}

/// The same as gauges.
fn states<R: Label, C: Label>(
    metrics: &Metrics,
    name: &'static str,
    table: &Table<R, C>,
    names: [&'static str; 2],
    rest: &[(&'static str, &str)],
) {
    for_each(table, names, rest, |labels, count| metrics.gauge(name, labels, count as f64));
}

/// Every count of a table with its labels; a label without a name is left out.
fn for_each<R: Label, C: Label>(
    table: &Table<R, C>,
    [row, column]: [&'static str; 2],
    rest: &[(&'static str, &str)],
    mut set: impl FnMut(&[(&'static str, &str)], u64),
) {
    for (row_value, column_value, count) in table.iter() {
        let pair = [(row, row_value), (column, column_value)];
        let named = pair.into_iter().filter(|(label, _)| !label.is_empty());
        let labels: Vec<_> = named.chain(rest.iter().copied()).collect();
        set(&labels, count);
    }
}

fn process(metrics: &Metrics, report: &Report) {
    let (counters, gauges) = (&report.snapshot.counters, &report.snapshot.gauges);
    metrics.gauge("pbx_draining", &[], f64::from(u8::from(gauges.draining)));
    metrics.gauge("pbx_queue_depth", &[("queue", "loop")], report.queued as f64);
    table(metrics, "pbx_shed_total", &counters.shed, ["reason", ""], &[]);
    table(metrics, "pbx_excess_total", &counters.excess, ["reason", ""], &[]);
    metrics.counter("pbx_panics_total", &[], counters.panics);
    metrics.counter("pbx_loop_wakeups_total", &[], report.net.wakeups);
    metrics.counter("pbx_loop_batches_total", &[], report.net.batches);
    metrics.counter("pbx_loop_overloads_total", &[], report.net.strains);
    metrics.gauge("pbx_timers", &[], gauges.timers as f64);
    metrics.counter("pbx_udp_receive_errors_total", &[UDP], report.net.receive_errors);
    table(metrics, "pbx_udp_send_errors_total", &report.net.send_errors, ["reason", ""], &[UDP]);
    let tcp = ("transport", Transport::Tcp.as_str());
    metrics.gauge("pbx_sip_connections", &[tcp], report.net.connections as f64);
    table(metrics, "pbx_sip_connections_ended_total", &report.net.connection_ends, ["reason", ""], &[tcp]);
    table(metrics, "pbx_dtmf_events_total", &counters.keys, ["method", ""], &[]);
    states(metrics, "pbx_rtp_sessions", &gauges.rtp_sessions, ["kind", ""], &[]);
    states(metrics, "pbx_codec_sessions", &gauges.codecs, ["codec", ""], &[]);
    metrics.gauge("pbx_rtp_ports_in_use", &[], gauges.rtp_ports as f64);
    metrics.gauge("pbx_rtp_ports_max", &[], gauges.rtp_ports_max as f64);
}

fn sip(metrics: &Metrics, counters: &Counters, gauges: &Gauges) {
    for (transport, messages) in by_transport(&counters.messages) {
        table(metrics, "pbx_sip_messages_total", messages, ["direction", "kind"], &[transport]);
    }
    table(metrics, "pbx_sip_requests_total", &counters.requests, ["method", "direction"], &[]);
    for (transport, mistakes) in by_transport(&counters.parse_errors) {
        table(metrics, "pbx_sip_parse_errors_total", mistakes, ["reason", ""], &[transport]);
    }
    states(metrics, "pbx_sip_transactions", &gauges.transactions, ["kind", "side"], &[]);
    metrics.gauge("pbx_sip_transactions_finished", &[], gauges.tombstones as f64);
    table(metrics, "pbx_sip_transaction_timeouts_total", &counters.timeouts, ["method", "timer"], &[]);
    table(metrics, "pbx_sip_retransmits_total", &counters.retransmits, ["method", "direction"], &[]);
}

fn responses(metrics: &Metrics, table: &Table<Method, Status>, direction: Direction) {
    for (method, status, count) in table.iter() {
        let common = COMMON.contains(&status) || method == "INVITE" && COMMON_INVITE.contains(&status);
        if count > 0 || common {
            let labels = [("method", method), ("status", status), ("direction", direction.as_str())];
            metrics.counter("pbx_sip_responses_total", &labels, count);
        }
    }
}

fn registrar(metrics: &Metrics, counters: &Counters, gauges: &Gauges) {
    for (transport, registrations) in by_transport(&gauges.registrations) {
        metrics.gauge("pbx_registrations", &[TENANT, transport], *registrations as f64);
    }
    metrics.gauge("pbx_registered_users", &[TENANT], gauges.registered_users as f64);
    table(metrics, "pbx_register_requests_total", &counters.register, ["result", ""], &[]);
    table(metrics, "pbx_registration_expired_total", &counters.registrations_ended, ["reason", ""], &[]);
    let judged = ["algorithm", "result"];
    table(metrics, "pbx_auth_total", &counters.auth_register, judged, &[("method", "REGISTER")]);
    table(metrics, "pbx_auth_total", &counters.auth_call, judged, &[("method", "other")]);
    metrics.gauge("pbx_banned_sources", &[], gauges.penalties as f64);
    metrics.counter("pbx_bans_total", &[("reason", "authentication")], counters.bans);
    table(metrics, "pbx_rate_limited_total", &counters.rate_limited, ["method", ""], &[]);
}

fn calls(metrics: &Metrics, counters: &Counters, gauges: &Gauges) {
    let names = metrics.names();
    states(metrics, "pbx_calls", &gauges.calls, ["state", ""], &[]);
    states(metrics, "pbx_call_legs", &gauges.legs, ["direction", ""], &[]);
    for (trunk, calls) in names.trunks.iter().zip(&counters.calls) {
        let trunk = [("trunk", trunk.as_str())];
        table(metrics, "pbx_call_attempts_total", &calls.attempts, ["direction", ""], &trunk);
        table(metrics, "pbx_calls_answered_total", &calls.answered, ["direction", ""], &trunk);
        table(metrics, "pbx_calls_ended_total", &calls.ended, ["direction", "cause"], &trunk);
    }
}

fn park_counters(metrics: &Metrics, counters: &Counters) {
    let names = metrics.names();
    for (lot, park) in names.lots.iter().zip(&counters.park) {
        let lot = [("lot", lot.as_str())];
        table(metrics, "pbx_park_total", &park.parked, ["way", ""], &lot);
        table(metrics, "pbx_park_rejected_total", &park.rejected, ["reason", ""], &lot);
        table(metrics, "pbx_park_end_total", &park.ended, ["result", ""], &lot);
        table(metrics, "pbx_park_reminders_total", &park.reminders, ["target", "result"], &lot);
        table(metrics, "pbx_park_retrieve_attempts_total", &park.retrieves, ["result", ""], &lot);
    }
}

fn callbacks(metrics: &Metrics, counters: &Counters, gauges: &Gauges) {
    let completion = &counters.completion;
    states(metrics, "pbx_callback_requests", &gauges.completions, ["type", "state"], &[]);
    for (via, asked) in CompletionVia::ALL.iter().zip(&completion.asked) {
        table(metrics, "pbx_callback_requests_total", asked, ["type", "result"], &[("via", via.as_str())]);
    }
    table(metrics, "pbx_callback_recalls_total", &completion.recalls, ["type", "result"], &[]);
    table(metrics, "pbx_callback_end_total", &completion.ended, ["type", "result"], &[]);
}

fn park_gauges(metrics: &Metrics, gauges: &Gauges) {
    let names = metrics.names();
    for (name, lot) in names.lots.iter().zip(&gauges.lots) {
        let label = ("lot", name.as_str());
        metrics.gauge("pbx_parked_calls", &[label, TENANT, ("state", "parked")], lot.parked as f64);
        metrics.gauge("pbx_parked_calls", &[label, TENANT, ("state", "reminding")], lot.reminding as f64);
        states(metrics, "pbx_park_orbits", &lot.orbits, ["state", ""], &[label]);
        metrics.gauge("pbx_park_oldest_seconds", &[label], lot.oldest_seconds);
    }
}

/// Codes that share a name, such as ten conference rooms, are one series.
fn codes(metrics: &Metrics, counters: &Counters) {
    let names = metrics.names();
    let mut sums: BTreeMap<&str, Table<CodeResult>> = BTreeMap::new();
    for (name, results) in names.codes.iter().zip(&counters.codes) {
        let sum = sums.entry(name).or_default();
        CodeResult::ALL.iter().for_each(|&result| sum.add(result, (), results.count(result, ())));
    }
    for (name, sum) in &sums {
        table(metrics, "pbx_feature_code_total", sum, ["result", ""], &[("code_name", name)]);
    }
}

/// What has a place on dashboards already, but nothing yet that could count it.
fn not_built(metrics: &Metrics) {
    for transport in ["tls", "ws", "wss"] {
        metrics.gauge("pbx_sip_connections", &[("transport", transport)], 0.0);
    }
    metrics.counter("pbx_sip_tls_handshake_failures_total", &[("reason", "other")], 0);
    for package in ["call_completion", "reg", "conference"] {
        metrics.gauge("pbx_subscriptions", &[("package", package)], 0.0);
    }
    for scope in ["line", "trunk"] {
        metrics.counter("pbx_concurrent_call_limit_rejections_total", &[("scope", scope)], 0);
    }
    metrics.counter("pbx_park_journal_errors_total", &[], 0);
    for result in ["ok", "failed"] {
        metrics.counter("pbx_park_resumed_total", &[("result", result)], 0);
    }
}
