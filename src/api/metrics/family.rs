//! Every family of series: its name, its kind, what it means.
use metrics::{KeyName, Recorder, SharedString};

/// What the values of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only rises.
    Counter,
    /// True now.
    Gauge,
    /// Sorted into buckets.
    Histogram,
}

/// Series of one name.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    help: &'static str,
    pub(super) buckets: &'static [f64],
}

impl Family {
    pub(super) fn describe(&self, recorder: &impl Recorder) {
        let (name, help) = (KeyName::from(self.name), SharedString::const_str(self.help));
        match self.kind {
            Kind::Counter => recorder.describe_counter(name, None, help),
            Kind::Gauge => recorder.describe_gauge(name, None, help),
            Kind::Histogram => recorder.describe_histogram(name, None, help),
        }
    }
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, help, buckets: &[] }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, help, buckets: &[] }
}

const fn histogram(name: &'static str, help: &'static str, buckets: &'static [f64]) -> Family {
    Family { name, kind: Kind::Histogram, help, buckets }
}

const LAG: &[f64] = &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0];
const JITTER: &[f64] = &[0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2];
const MOS: &[f64] = &[1.0, 2.0, 2.5, 3.0, 3.3, 3.6, 3.8, 4.0, 4.2, 4.5];
const ANSWER: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const TALK: &[f64] = &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];
const SETUP: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0];
const RING: &[f64] = &[1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0];
const STAY: &[f64] = &[5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0];
const NOTIFY: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0];
const WAIT: &[f64] = &[10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0];
const FETCH: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 1.0, 2.5, 5.0];

/// All families but those of the process itself.
pub(super) const FAMILIES: &[Family] = &[
    gauge("pbx_build_info", "Version and commit of this program; always 1."),
    gauge("pbx_start_time_seconds", "When the server started, in seconds since 1970."),
    gauge("pbx_config_last_reload_timestamp_seconds", "When a configuration was last accepted, in seconds since 1970."),
    counter("pbx_config_reload_total", "Configurations read again, by result."),
    counter(
        "pbx_store_errors_total",
        "Times that what must outlive the process could not be written; it is tried again.",
    ),
    gauge("pbx_draining", "1 while new work is refused before a stop."),
    histogram("pbx_event_loop_lag_seconds", "How late a thread met its deadlines.", LAG),
    gauge("pbx_queue_depth", "What waits in a queue."),
    counter("pbx_shed_total", "New work refused, by reason."),
    counter(
        "pbx_excess_total",
        "What was too long or too many: contacts, numbers, routes and dialogs not taken, and what full tables forgot early.",
    ),
    counter("pbx_panics_total", "Inputs whose handling panicked; each ended one call at most."),
    counter("pbx_loop_wakeups_total", "Times the loop was woken."),
    counter("pbx_loop_overloads_total", "Times that more came in than could be answered, so that new calls came last."),
    counter("pbx_loop_batches_total", "Batches of datagrams that the loop took."),
    gauge("pbx_timers", "Timers armed."),
    counter("pbx_udp_receive_dropped_total", "Datagrams that the kernel dropped because the receive buffer was full."),
    counter("pbx_udp_receive_errors_total", "Reads from a socket that failed."),
    counter("pbx_udp_send_errors_total", "Datagrams that could not be sent, by reason."),
    counter("pbx_sip_messages_total", "SIP messages."),
    counter("pbx_sip_requests_total", "SIP requests, by method."),
    counter("pbx_sip_responses_total", "SIP responses, by the method they answer and their status."),
    counter("pbx_sip_parse_errors_total", "Datagrams and messages that were not understood."),
    gauge("pbx_sip_transactions", "Transactions that are not finished."),
    gauge("pbx_sip_transactions_finished", "Finished transactions that still answer retransmissions."),
    counter("pbx_sip_transaction_timeouts_total", "Transactions that nobody answered, by the timer that ended them."),
    counter("pbx_sip_retransmits_total", "Retransmissions received and sent."),
    histogram("pbx_sip_response_time_seconds", "Request to final response, INVITE excepted.", ANSWER),
    gauge("pbx_sip_connections", "Connections open."),
    counter("pbx_sip_connections_ended_total", "Connections that ended or never began, by reason."),
    counter("pbx_sip_tls_handshake_failures_total", "TLS handshakes that failed."),
    gauge("pbx_registrations", "Contacts registered."),
    gauge("pbx_registered_users", "Lines with at least one contact."),
    counter("pbx_register_requests_total", "REGISTER requests, by result."),
    counter("pbx_registration_expired_total", "Contacts gone, by reason."),
    histogram("pbx_registration_rtt_seconds", "Round trip of the keep-alive to a contact.", ANSWER),
    counter("pbx_auth_total", "Credentials judged, by result."),
    gauge("pbx_banned_sources", "Sources and users that are answered late or not at all for wrong passwords."),
    counter("pbx_bans_total", "Sources banned, by reason."),
    counter("pbx_rate_limited_total", "Requests not answered, or answered late, for their sender's own behaviour."),
    gauge("pbx_calls", "Calls, by what they are doing."),
    gauge("pbx_call_legs", "Legs of calls."),
    counter("pbx_call_attempts_total", "Calls begun."),
    counter("pbx_calls_answered_total", "Calls answered."),
    counter("pbx_calls_ended_total", "Calls ended, by cause."),
    histogram("pbx_call_duration_seconds", "How long answered calls were answered.", TALK),
    histogram("pbx_call_setup_seconds", "INVITE to the first sign of life from the called side.", SETUP),
    histogram("pbx_call_ring_seconds", "First sign of life to answer.", RING),
    histogram("pbx_call_hold_seconds", "How long each hold was.", TALK),
    counter("pbx_concurrent_call_limit_rejections_total", "Calls refused because a limit of calls was reached."),
    gauge("pbx_parked_calls", "Calls parked."),
    gauge("pbx_park_orbits", "Orbits, by state."),
    counter("pbx_park_total", "Calls parked, by way."),
    counter("pbx_park_rejected_total", "Parks refused, by reason; the parker's call stayed as it was."),
    counter("pbx_park_end_total", "Stays in an orbit ended, by result."),
    histogram("pbx_park_duration_seconds", "How long calls were parked.", STAY),
    gauge("pbx_park_oldest_seconds", "Seconds since the longest parked call was parked; 0 if there is none."),
    counter("pbx_park_reminders_total", "Reminders, by whom they rang and what became of them."),
    counter("pbx_park_retrieve_attempts_total", "Attempts to fetch a parked call, by result."),
    histogram("pbx_park_retrieve_seconds", "Claim of a parked call to media.", FETCH),
    counter("pbx_park_journal_errors_total", "Parked calls that could not be written down."),
    counter("pbx_park_resumed_total", "Parked calls taken up after a restart."),
    counter("pbx_transfers_total", "Transfers, by how they came about and what became of them."),
    counter(
        "pbx_pickups_total",
        "Ringing calls that somebody else wanted to answer, by how they were found, and result.",
    ),
    counter("pbx_forwards_total", "Calls that a line has sent on, by when it does, and result."),
    counter("pbx_handoffs_total", "Calls that people moved between telephones, by how, and result."),
    counter("pbx_redirects_total", "Calls that a phone sent on by itself, by when it did, and what came of it."),
    counter("pbx_transfer_recalls_total", "Calls that came back to a transferor who had hung up, by how they ended."),
    gauge("pbx_callback_requests", "Requests for callbacks, by why the call failed and what they are doing."),
    counter("pbx_callback_requests_total", "Callbacks asked for, by how, and what came of it."),
    counter("pbx_callback_recalls_total", "Attempts to connect who asked for a callback, by result."),
    counter("pbx_callback_end_total", "Requests for callbacks that ended, by result."),
    histogram("pbx_callback_wait_seconds", "From the request for a callback to the connection.", WAIT),
    counter("pbx_feature_code_total", "Feature codes dialled, by name and result."),
    gauge("pbx_subscriptions", "Subscriptions, by event package."),
    counter("pbx_notify_total", "NOTIFYs to watchers, by event package and what became of them."),
    histogram(
        "pbx_notify_latency_seconds",
        "Change to NOTIFY: what waits for the second after the last one, or for its answer, is late.",
        NOTIFY,
    ),
    counter("pbx_dtmf_events_total", "Keys pressed in calls, by how they were told."),
    counter(
        "pbx_one_way_audio_total",
        "Relayed calls in which nothing was heard from one party for ten seconds, though the other sent and neither held.",
    ),
    counter(
        "pbx_zero_rtp_calls_total",
        "Relayed calls in which nothing was heard from either party, though neither held.",
    ),
    gauge("pbx_rtp_ports_in_use", "RTP ports in use."),
    gauge("pbx_rtp_ports_max", "RTP ports in all."),
    counter("pbx_rtp_packets_total", "RTP packets that the server sent and received, for itself and for others."),
    counter("pbx_rtp_bytes_total", "Bytes in those packets, RTP headers included."),
    counter(
        "pbx_rtp_lost_packets_total",
        "Packets that never came to the server, for itself or for others, as far as reported.",
    ),
    counter("pbx_rtp_late_packets_total", "Packets that came after one that was sent later."),
    counter("pbx_rtp_duplicate_packets_total", "Packets that came twice."),
    counter(
        "pbx_rtp_remote_lost_packets_total",
        "The server's own packets that did not come to their peers, as those report.",
    ),
    histogram(
        "pbx_rtp_jitter_seconds",
        "How unevenly packets came, at each report: here (local), and at the peers as those report (remote).",
        JITTER,
    ),
    histogram("pbx_rtp_round_trip_seconds", "The way to a peer and back, by its reports.", ANSWER),
    histogram("pbx_call_mos", "How good it sounds here (in) and there (out), 1 to 4.4, estimated at each report.", MOS),
    gauge("pbx_rtp_sessions", "Parties whose media comes here, by what is done with it."),
    gauge("pbx_codec_sessions", "Parties that hear the server itself, by what they hear it in."),
    counter("pbx_rtp_discarded_packets_total", "Packets at RTP ports that were not heard, by reason."),
    histogram("pbx_media_tick_late_seconds", "How late the media thread's beats of 20 ms began.", LAG),
];
