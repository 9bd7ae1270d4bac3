//! Does a new call cost more where very many are up? Two servers at once, one with few calls and one with many, each probed in
//! its turn: so both see the same machine.
use crate::arguments::Arguments;
use crate::plan::Pace;
use crate::processes;
use crate::profile::call::{Calls, Mode};
use crate::report::{Held, Report};
use crate::stage::Stage;
use serde::Serialize;
use std::error::Error;
use std::fmt::Write as _;

/// What a held call may need, in bytes: a million in 6 GB.
const BYTES: f64 = 6_000.0;
/// What a new call may cost where many are up, of what it costs where few are.
const DEARER: f64 = 1.1;
/// In the end so many of the held calls are hung up, to see whether they were still there.
const SAMPLE: u64 = 1_000;

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Against {
    /// Where few are up, and where many are.
    held: [Held; 2],
    /// Microseconds of the server's CPU for each new call, in each round.
    rounds: Vec<[f64; 2]>,
    /// Of all rounds.
    medians: [f64; 2],
    ratio: f64,
    /// What a held call needs here.
    own_bytes_per_call: f64,
    /// Held calls that were gone, or did not end as they should.
    lost: u64,
}

/// One of the servers.
struct Place<'a> {
    stage: Stage<'a>,
    calls: Calls,
    held: Held,
}

/// Plays it all.
pub(crate) fn measure(arguments: &Arguments, few: u64) -> Result<Report, Box<dyn Error>> {
    if arguments.server.is_some() {
        return Err("two servers are started here: --against goes without --server".into());
    }
    let own = [std::process::id().cast_signed()];
    let mut places = Vec::new();
    let mut before = 0;
    for total in [few, arguments.calls.unwrap_or(crate::stage::CALLS)] {
        before = processes::memory(&own);
        let mut stage = Stage::set(arguments)?;
        let (calls, held) = stage.bring_up_held(Pace::Steady { rate: arguments.rate, total })?;
        places.push(Place { stage, calls, held });
    }
    let [mut few, mut many]: [Place<'_>; 2] = places.try_into().map_err(|_| "no two servers")?;
    let own_bytes = processes::memory(&own).saturating_sub(before) as f64 / many.held.calls.max(1) as f64;
    let mut rounds = Vec::new();
    for round in 0..arguments.rounds {
        // Who goes first changes: what the other leaves behind in the caches is then the same for both.
        let probe = |place: &mut Place<'_>| place.probe(arguments);
        let (a, b);
        if round % 2 == 0 {
            a = probe(&mut few)?;
            b = probe(&mut many)?;
        } else {
            b = probe(&mut many)?;
            a = probe(&mut few)?;
        }
        rounds.push([a, b]);
    }
    let lost = few.check(arguments)? + many.check(arguments)?;
    let medians = [0, 1].map(|place| median(rounds.iter().map(|round| round[place]).collect()));
    let mut report = Report::new(many.stage.report.profile, many.stage.report.transport);
    for place in [&mut few, &mut many] {
        report.passed &= place.stage.report.passed;
        report.phases.append(&mut place.stage.report.phases);
        report.notes.append(&mut place.stage.report.notes);
    }
    let against = Against {
        ratio: medians[1] / medians[0].max(1e-9),
        held: [few.held, many.held],
        rounds,
        medians,
        own_bytes_per_call: own_bytes,
        lost,
    };
    report.passed &= against.passed();
    report.against = Some(against);
    Ok(report)
}

impl Place<'_> {
    /// New calls: what each costs.
    fn probe(&mut self, arguments: &Arguments) -> Result<f64, Box<dyn Error>> {
        let rate = arguments.probe_rate.max(1);
        self.calls.mode = Mode::Brief;
        let pace = Pace::Steady { rate, total: rate * arguments.probe_seconds };
        let probe = self.stage.run.drive(&mut self.calls, pace, "beside them")?;
        self.stage.note("beside them", "calls", &probe);
        Ok((probe.server.user + probe.server.system) as f64 / probe.tally.completed.max(1) as f64)
    }

    /// Whether some that are held are still there: how many not.
    fn check(&mut self, arguments: &Arguments) -> Result<u64, Box<dyn Error>> {
        self.calls.mode = Mode::HangUp;
        let pace = Pace::Steady { rate: arguments.rate, total: SAMPLE.min(self.held.calls).max(1) };
        Ok(self.stage.run.drive(&mut self.calls, pace, "hang up")?.tally.failed)
    }
}

impl Against {
    fn passed(&self) -> bool {
        self.ratio <= DEARER && self.held[1].bytes_per_call <= BYTES && self.lost == 0
    }

    pub(crate) fn write(&self, out: &mut String) {
        let [few, many] = &self.held;
        // Writing to a String cannot fail.
        let mut line = |name: &str, text: String| {
            let _ = writeln!(out, "  {name:<16}{text}");
        };
        let megabytes =
            |held: &Held| format!("{} MB, {:.0} bytes each", held.resident / 1_000_000, held.bytes_per_call);
        line("held calls", format!("{} and {}", few.calls, many.calls));
        line("server memory", format!("{} and {}", megabytes(few), megabytes(many)));
        line("ours", format!("{:.0} bytes each", self.own_bytes_per_call));
        line(
            "idle CPU",
            format!("{:.0} and {:.0} µs per second", few.idle_cpu_us_per_second, many.idle_cpu_us_per_second),
        );
        for [a, b] in &self.rounds {
            line("a new call, µs", format!("{a:.1} and {b:.1}"));
        }
        let [a, b] = self.medians;
        line("medians", format!("{a:.1} and {b:.1}: {:.3}", self.ratio));
        line("lost", format!("{} held calls", self.lost));
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let upper = all.get(all.len() / 2).copied().unwrap_or(0.0);
    let lower = all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or(0.0);
    (upper + lower) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_dearer_is_allowed_and_no_more() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9 && (median(vec![4.0, 1.0]) - 2.5).abs() < 1e-9);
        let held = |calls, bytes_per_call| Held {
            calls,
            resident_before: 0,
            resident: 2_700_000_000,
            bytes_per_call,
            idle_cpu_us_per_second: 1.0,
        };
        let against = |ratio, bytes, lost| Against {
            held: [held(1_000, 2_700.0), held(1_000_000, bytes)],
            rounds: vec![[30.0, 31.5]],
            medians: [30.0, 30.0 * ratio],
            ratio,
            own_bytes_per_call: 60.0,
            lost,
        };
        assert!(against(1.05, 2_700.0, 0).passed());
        assert!(!against(1.11, 2_700.0, 0).passed() && !against(1.0, 6_001.0, 0).passed());
        assert!(!against(1.0, 2_700.0, 1).passed());
        let mut table = String::new();
        against(1.05, 2_700.0, 0).write(&mut table);
        for part in ["1000 and 1000000", "2700 MB, 2700 bytes each", "30.0 and 31.5: 1.050"] {
            assert!(table.contains(part), "{part} in {table}");
        }
    }
}
