//! The figures: a table for people, JSON for machines.
use crate::drive::Outcome;
use crate::ramp::Step;
use crate::tally::Retransmissions;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) command: Vec<String>,
    pub(crate) profile: &'static str,
    pub(crate) transport: crate::ends::Transport,
    pub(crate) passed: bool,
    pub(crate) phases: Vec<Phase>,
    /// Bytes of the server for each call, of those that were held.
    pub(crate) held: Option<Held>,
    /// What the kernel alone costs.
    pub(crate) floor: Option<Floor>,
    /// A server with few calls and one with many.
    pub(crate) against: Option<crate::against::Against>,
    /// What happens past capacity.
    pub(crate) overload: Option<crate::overload::Told>,
    /// What whoever reads the figures should know.
    pub(crate) notes: Vec<String>,
}

/// What passing the same messages on costs, and nothing else.
#[derive(Debug, Serialize)]
pub(crate) struct Floor {
    pub(crate) rate: u64,
    pub(crate) unit: &'static str,
    /// In each rhythm, microseconds for each.
    pub(crate) rhythms: Vec<(&'static str, f64)>,
}

/// What held calls cost.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    pub(crate) calls: u64,
    pub(crate) resident_before: u64,
    pub(crate) resident: u64,
    pub(crate) bytes_per_call: f64,
    /// Of the server, per second, while nothing happened.
    pub(crate) idle_cpu_us_per_second: f64,
}

/// One part of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// What is counted: calls, registrations.
    pub(crate) unit: &'static str,
    pub(crate) seconds: f64,
    pub(crate) offered: u64,
    pub(crate) offered_per_second: f64,
    pub(crate) completed: u64,
    pub(crate) completed_per_second: f64,
    pub(crate) failed: u64,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) retransmissions: Retransmissions,
    pub(crate) setup_ms: Setup,
    pub(crate) server_cpu_us: Cpu,
    pub(crate) server_memory: Memory,
    pub(crate) generator: Generator,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) challenged: u64,
    pub(crate) steps: Vec<Step>,
    /// Of a ramp: the highest rate that held.
    pub(crate) highest_rate: Option<u64>,
}

/// Times from request to 200, the ringing taken off.
#[derive(Debug, Serialize)]
pub(crate) struct Setup {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) max: f64,
}

/// Microseconds for each that was completed.
#[derive(Debug, Serialize)]
pub(crate) struct Cpu {
    pub(crate) each: f64,
    pub(crate) user: f64,
    pub(crate) system: f64,
    /// Of one core.
    pub(crate) percent: f64,
}

/// Bytes resident.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) before: u64,
    pub(crate) at_most: u64,
    /// Calls up then.
    pub(crate) up: u64,
    pub(crate) per_call_up: f64,
}

/// What we needed ourselves.
#[derive(Debug, Serialize)]
pub(crate) struct Generator {
    pub(crate) cpu_us_each: f64,
    /// Of one core.
    pub(crate) percent: f64,
    /// How much later than it should have been the loop came around, at worst.
    pub(crate) late_ms: f64,
    /// Messages to and from the server, for each that was completed.
    pub(crate) sent_each: f64,
    pub(crate) heard_each: f64,
    /// Messages that the socket did not take.
    pub(crate) unsent: u64,
    /// Connections that the server closed.
    pub(crate) connections_lost: u64,
    /// Messages that could not be read, or were for nobody.
    pub(crate) unread: u64,
}

impl Phase {
    pub(crate) fn new(name: &'static str, unit: &'static str, outcome: &Outcome) -> Self {
        let Outcome { tally, took, server, .. } = outcome;
        let seconds = took.as_secs_f64();
        let each = |micros: u64| micros as f64 / tally.completed.max(1) as f64;
        let percent = |micros: u64| micros as f64 / 1e4 / seconds.max(1e-9);
        let millis = |quantile: f64| tally.setup.value_at_quantile(quantile) as f64 / 1e3;
        let held = tally.steps.iter().take(outcome.broke.unwrap_or(tally.steps.len()));
        Self {
            name,
            unit,
            seconds,
            offered: tally.offered,
            offered_per_second: tally.offered as f64 / outcome.offering.as_secs_f64().max(1e-3),
            completed: tally.completed,
            completed_per_second: tally.completed as f64 / seconds.max(1e-9),
            failed: tally.failed,
            failures: tally.causes.iter().map(|(cause, count)| (cause.to_string(), *count)).collect(),
            retransmissions: tally.again,
            setup_ms: Setup {
                p50: millis(0.5),
                p90: millis(0.9),
                p99: millis(0.99),
                p99_9: millis(0.999),
                max: tally.setup.max() as f64 / 1e3,
            },
            server_cpu_us: Cpu {
                each: each(server.user + server.system),
                user: each(server.user),
                system: each(server.system),
                percent: percent(server.user + server.system),
            },
            server_memory: Memory {
                before: outcome.before,
                at_most: outcome.resident,
                up: outcome.most as u64,
                per_call_up: outcome.resident.saturating_sub(outcome.before) as f64 / outcome.most.max(1) as f64,
            },
            generator: Generator {
                cpu_us_each: each(outcome.own),
                percent: percent(outcome.own),
                late_ms: outcome.late as f64 / 1e3,
                sent_each: each(outcome.sent),
                heard_each: each(outcome.heard),
                unsent: outcome.unsent,
                connections_lost: outcome.lost,
                unread: tally.unread,
            },
            counts: tally.counts.clone(),
            challenged: tally.challenged,
            highest_rate: held.map(|step| step.rate).next_back().filter(|_| !tally.steps.is_empty()),
            steps: tally.steps.clone(),
        }
    }

    fn write(&self, out: &mut String) {
        let unit = self.unit;
        let mut line = |name: &str, text: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {name:<16}{text}");
        };
        line("offered", format!("{} {unit}, {:.0}/s, in {:.1} s", self.offered, self.offered_per_second, self.seconds));
        line("completed", format!("{}, {:.0}/s", self.completed, self.completed_per_second));
        let causes: Vec<String> = self.failures.iter().map(|(cause, count)| format!("{cause}: {count}")).collect();
        let percent = self.failed as f64 * 100.0 / self.offered.max(1) as f64;
        line("failed", format!("{} ({percent:.3} %) {}", self.failed, causes.join(", ")));
        let Retransmissions { our_requests, our_responses, its_requests, its_responses } = self.retransmissions;
        line(
            "retransmitted",
            format!(
                "{our_requests} requests and {our_responses} 200s by us, {its_requests} requests and {its_responses} responses by the server"
            ),
        );
        if self.challenged > 0 {
            line("challenged", format!("{}", self.challenged));
        }
        for (what, count) in &self.counts {
            line("counted", format!("{count} {what}"));
        }
        let Setup { p50, p90, p99, p99_9, max } = self.setup_ms;
        line("setup, ms", format!("{p50:.2} median, {p90:.2} p90, {p99:.2} p99, {p99_9:.2} p99.9, {max:.2} at most"));
        let Cpu { each, user, system, percent } = self.server_cpu_us;
        line(
            "server CPU, µs",
            format!("{each:.1} each ({user:.1} user, {system:.1} system), {percent:.0} % of a core"),
        );
        let Memory { before, at_most, up, per_call_up } = self.server_memory;
        line(
            "server memory",
            format!("{} KB before, {} KB with {up} up: {:.0} bytes each", before / 1024, at_most / 1024, per_call_up),
        );
        let Generator { cpu_us_each, percent, late_ms, sent_each, heard_each, unsent, connections_lost, unread } =
            self.generator;
        line("messages", format!("{sent_each:.1} sent and {heard_each:.1} heard each"));
        line(
            "generator",
            format!(
                "{cpu_us_each:.1} µs each, {percent:.0} % of a core, {late_ms:.1} ms late at most, {unsent} unsent, {unread} unread"
            ),
        );
        if connections_lost > 0 {
            line("connections", format!("{connections_lost} closed by the server"));
        }
        for step in &self.steps {
            let verdict = if step.held() { "held" } else { "not held" };
            let cpu = step.server_cpu as f64 / step.offered.max(1) as f64;
            line(
                "step",
                format!(
                    "{:>7}/s: {} offered, {} completed, {} failed, {} repeated, {cpu:.1} µs each: {verdict}",
                    step.rate, step.offered, step.completed, step.failed, step.repeated
                ),
            );
        }
        if !self.steps.is_empty() {
            let told = self.highest_rate.map_or("none".to_owned(), |rate| format!("{rate}/s"));
            line("highest rate", told);
        }
    }
}

impl Report {
    /// Without figures yet.
    pub(crate) fn new(profile: &'static str, transport: crate::ends::Transport) -> Self {
        Self {
            command: std::env::args().collect(),
            profile,
            transport,
            passed: true,
            phases: Vec::new(),
            held: None,
            floor: None,
            against: None,
            overload: None,
            notes: Vec::new(),
        }
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut out = format!("{} over {}\n", self.profile, self.transport.name());
        for phase in &self.phases {
            let _ = writeln!(out, "{}", phase.name);
            phase.write(&mut out);
        }
        if let Some(held) = &self.held {
            let _ = writeln!(
                out,
                "held calls\n  {:<16}{}\n  {:<16}{} KB before, {} KB with them: {:.0} bytes each\n  {:<16}{:.0} µs per second",
                "calls",
                held.calls,
                "server memory",
                held.resident_before / 1024,
                held.resident / 1024,
                held.bytes_per_call,
                "idle CPU",
                held.idle_cpu_us_per_second
            );
        }
        if let Some(Floor { rate, unit, rhythms }) = &self.floor {
            let _ = writeln!(out, "the floor, µs of CPU each, at {rate} {unit}/s");
            for (rhythm, each) in rhythms {
                let _ = writeln!(out, "  {rhythm:<16}{each:.1}");
            }
        }
        if let Some(against) = &self.against {
            out.push_str("few calls held and many\n");
            against.write(&mut out);
        }
        if let Some(told) = &self.overload {
            told.write(&mut out);
        }
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out.push_str(if self.passed { "passed\n" } else { "failed\n" });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Usage;
    use crate::tally::{Cause, Tally};
    use std::time::Duration;

    fn outcome() -> Outcome {
        let mut tally = Tally::new().unwrap();
        for (rate, fails) in [(100, false), (200, false), (300, true)] {
            tally.step(rate);
            let step = tally.steps.len() as u8 - 1;
            for call in 0..100 {
                tally.offer(step);
                if fails && call == 0 {
                    tally.fail(step, Cause::Refused("INVITE", 503));
                } else {
                    tally.complete(step);
                    tally.set_up(2_000);
                }
            }
        }
        Outcome {
            tally,
            took: Duration::from_secs(3),
            offering: Duration::from_secs(3),
            server: Usage { user: 2990, system: 5980, resident: 3 << 20 },
            before: 1 << 20,
            most: 10,
            resident: 2 << 20,
            own: 299,
            late: 1500,
            unsent: 0,
            sent: 299 * 6,
            heard: 299 * 7,
            lost: 0,
            broke: Some(2),
        }
    }

    #[test]
    fn the_figures_are_what_they_say() {
        let phase = Phase::new("calls", "calls", &outcome());
        assert_eq!((phase.offered, phase.completed, phase.failed, phase.highest_rate), (300, 299, 1, Some(200)));
        assert!((phase.server_cpu_us.each - 30.0).abs() < 1e-9 && (phase.generator.cpu_us_each - 1.0).abs() < 1e-9);
        assert!((phase.setup_ms.p50 - 2.0).abs() < 0.01);
        let report = Report {
            command: vec!["switchyard-load".into()],
            profile: "call",
            transport: crate::ends::Transport::Udp,
            passed: false,
            phases: vec![phase],
            held: None,
            floor: Some(Floor { rate: 100, unit: "calls", rhythms: vec![("on the beat", 23.04)] }),
            against: None,
            overload: None,
            notes: vec!["so it is".into()],
        };
        let table = report.table();
        for part in [
            "300 calls, 100/s",
            "INVITE 503: 1",
            "30.0 each",
            "highest rate    200/s",
            "on the beat     23.0",
            "7.0 heard",
            "note: so it is",
            "failed\n",
        ] {
            assert!(table.contains(part), "{part} in {table}");
        }
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["phases"][0]["failures"]["INVITE 503"], 1);
        assert_eq!(json["phases"][0]["steps"][1]["rate"], 200);
        assert_eq!(json["transport"], "udp");
    }

    #[test]
    fn a_ramp_that_never_held_has_no_highest_rate() {
        let phase = Phase::new("calls", "calls", &Outcome { broke: Some(0), ..outcome() });
        assert_eq!(phase.highest_rate, None);
    }
}
