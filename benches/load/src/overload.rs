//! Past capacity: how much is still done when more and more is asked for, and whether those who talk notice.
//!
//! ```text
//!   established and parked calls ─► a ramp: the peak ─► 1×, 1.5×, 2×, 3× of it, while some of those end or are retrieved
//!                                                        ╰── several times in turn: of each level the median ──╯
//! ```
//! The server has a share of a core only, or whoever loads it would be at its own end before the server is at three times
//! its own.
use crate::arguments::Arguments;
use crate::cap::Throttled;
use crate::drive::Outcome;
use crate::plan::Pace;
use crate::profile::overload::{Begins, Meanwhile, Overload};
use crate::ramp::Ramp;
use crate::report::{Phase, Report};
use crate::stage::Stage;
use crate::tally::{Cause, Tally};
use serde::Serialize;
use std::error::Error;
use std::fmt::Write as _;

/// Unless somebody says how much of a core the server has.
pub(crate) const SHARE: f64 = 1.0 / 3.0;
/// Established calls, unless somebody says how many.
const ESTABLISHED: u64 = 500;
/// Of those this share is hung up, in all levels together.
const HUNG_UP: f64 = 0.8;
/// They come up gently.
const GENTLE: u64 = 200;
/// Calls that are parked, each to be retrieved.
pub(crate) const PARKED: u32 = 40;
/// Of the peak, in tenths: what is offered.
const LEVELS: [u64; 4] = [10, 15, 20, 30];
/// What is left of the peak at every level past capacity, at the least.
const KEPT: f64 = 0.9;
/// Of its share, what a server must have had under load for the figures to mean something.
const LITTLE: f64 = 0.95;
const RAMP: Ramp = Ramp { start: 2_000, percent: 20, seconds: 3 };

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// Of a core.
    share: f64,
    /// Calls per second: the highest that the ramp held, or that was done later.
    peak: f64,
    held: u64,
    levels: Vec<Level>,
}

/// One level.
#[derive(Debug, Serialize)]
struct Level {
    /// Times the rate that held.
    times: f64,
    offered_per_second: f64,
    /// New calls completed per second while they were offered: the median.
    goodput: f64,
    /// Of every round, from the least to the most.
    goodputs: Vec<f64>,
    /// How much of a core the server had meanwhile: less than its share, and something else had the core.
    had: f64,
    /// 503.
    refused: u64,
    /// Nothing came before the caller gave up.
    unanswered: u64,
    other_failures: u64,
    /// Of those that were completed, early or late: median and 99 %.
    setup_ms: [f64; 2],
    throttled: Throttled,
    hang_ups: Beside,
    retrievals: Beside,
}

/// What became of calls that were up.
#[derive(Debug, Serialize)]
struct Beside {
    begun: u64,
    well: u64,
    failures: Vec<String>,
    /// Median, 99 %, and the longest; of several rounds those of the worst.
    ms: [f64; 3],
}

impl Level {
    /// The one with the median goodput, with what became of the calls beside it in all of them.
    fn median(mut all: Vec<Self>) -> Option<Self> {
        all.sort_by(|one, other| one.goodput.total_cmp(&other.goodput));
        let hang_ups = Beside::sum(all.iter().map(|level| &level.hang_ups));
        let retrievals = Beside::sum(all.iter().map(|level| &level.retrievals));
        let goodputs = all.iter().map(|level| level.goodput).collect();
        let median = all.len() / 2;
        let level = all.into_iter().nth(median)?;
        Some(Self { hang_ups, retrievals, goodputs, ..level })
    }
}

impl Beside {
    /// All of them: the sums, and the worst times.
    fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let none = Self { begun: 0, well: 0, failures: Vec::new(), ms: [0.0; 3] };
        all.fold(none, |sum, one| Self {
            begun: sum.begun + one.begun,
            well: sum.well + one.well,
            failures: sum.failures.into_iter().chain(one.failures.iter().cloned()).collect(),
            ms: std::array::from_fn(|at| sum.ms[at].max(one.ms[at])),
        })
    }

    fn new(tally: &Tally) -> Self {
        let millis = |micros: u64| micros as f64 / 1e3;
        Self {
            begun: tally.offered,
            well: tally.completed,
            failures: tally.causes.iter().map(|(cause, count)| format!("{cause}: {count}")).collect(),
            ms: [
                millis(tally.setup.value_at_quantile(0.5)),
                millis(tally.setup.value_at_quantile(0.99)),
                millis(tally.setup.max()),
            ],
        }
    }
}

/// Plays it all.
pub(crate) fn measure(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let mut stage = Stage::set(arguments)?;
    let mut load = stage.bring_up(arguments)?;
    let ramp = arguments.ramp.unwrap_or(RAMP);
    load.load(Meanwhile::default())?;
    let outcome = stage.run.drive(&mut load, Pace::Ramp(ramp), "the peak")?;
    stage.note("the peak", "calls", &outcome);
    let Some(held) = stage.report.phases.last().and_then(|phase| phase.highest_rate) else { return Ok(stage.report) };
    let mut told = Told { share: stage.share().unwrap_or(1.0), peak: held as f64, held, levels: Vec::new() };
    let mut all: [Vec<Level>; LEVELS.len()] = Default::default();
    for _ in 0..arguments.rounds {
        for (tenths, levels) in LEVELS.into_iter().zip(&mut all) {
            let level = stage.level(&mut load, held * tenths / 10, arguments)?;
            levels.push(Level { times: tenths as f64 / 10.0, ..level });
        }
    }
    told.levels = all.into_iter().filter_map(Level::median).collect();
    told.peak = told.levels.iter().map(|level| level.goodput).fold(told.peak, f64::max);
    stage.report.passed &= told.passed();
    if told.levels.last().is_some_and(|level| level.throttled.throttled == 0) {
        stage.report.passed = false;
        stage
            .report
            .notes
            .push("the cap does not hold: the server was never stopped; these figures say nothing".into());
    }
    if told.levels.last().is_some_and(|level| level.had < LITTLE * told.share) {
        stage
            .report
            .notes
            .push("something else had the server's core: it did not even get its share; do it again".into());
    }
    stage.report.overload = Some(told);
    Ok(stage.report)
}

impl Stage<'_> {
    /// The established and the parked calls.
    fn bring_up(&mut self, arguments: &Arguments) -> Result<Overload, Box<dyn Error>> {
        let (manner, parked) = (self.manner(), self.park_manner(0));
        self.register_gently()?;
        let mut load = Overload::new(&self.ground, manner, parked, &self.run.pids, &mut self.run.ends)?;
        let total = arguments.calls.unwrap_or(ESTABLISHED);
        self.run.drive(&mut load, Pace::Steady { rate: GENTLE, total }, "established")?;
        load.begins = Begins::Parked;
        let pace = Pace::Steady { rate: GENTLE / 10, total: PARKED.into() };
        self.run.drive(&mut load, pace, "parked")?;
        for (tally, what) in [(&load.established.tally, "established"), (&load.parks.tally, "parked")] {
            if tally.failed > 0 {
                return Err(format!("{} of {} calls were not {what}", tally.failed, tally.offered).into());
            }
        }
        Ok(load)
    }

    fn level(&mut self, load: &mut Overload, rate: u64, arguments: &Arguments) -> Result<Level, Box<dyn Error>> {
        let seconds = arguments.level_seconds;
        let established = arguments.calls.unwrap_or(ESTABLISHED);
        load.load(Meanwhile {
            from: self.run.now(),
            lasts: seconds * 1_000_000,
            hang_ups: (established as f64 * HUNG_UP) as u64 / (LEVELS.len() as u64 * arguments.rounds),
            retrievals: u64::from(PARKED) / (LEVELS.len() as u64 * arguments.rounds),
        })?;
        let before = self.throttled();
        let outcome = self.run.drive(load, Pace::Steady { rate, total: rate * seconds }, "load")?;
        let after = self.throttled();
        let Outcome { tally, .. } = &outcome;
        let phase = Phase::new("load", "calls", &outcome);
        let count = |wanted: &dyn Fn(Cause) -> bool| -> u64 {
            tally.causes.iter().filter(|(cause, _)| wanted(**cause)).map(|(_, count)| count).sum()
        };
        let refused = count(&|cause| matches!(cause, Cause::Shed | Cause::Refused("INVITE", 503)));
        let unanswered = count(&|cause| matches!(cause, Cause::Unanswered("INVITE")));
        let (goodput, had) = load.goodput(self.run.settle, seconds * 1_000_000);
        let level = Level {
            times: 1.0,
            offered_per_second: phase.offered_per_second,
            goodput,
            goodputs: Vec::new(),
            had,
            refused,
            unanswered,
            other_failures: tally.failed - refused - unanswered,
            setup_ms: [phase.setup_ms.p50, phase.setup_ms.p99],
            throttled: Throttled {
                periods: after.periods - before.periods,
                throttled: after.throttled - before.throttled,
            },
            hang_ups: Beside::new(&load.established.tally),
            retrievals: Beside::new(&load.parks.tally),
        };
        self.keep(phase);
        Ok(level)
    }
}

impl Told {
    /// Most of the peak is left at every level past capacity, and nobody who was up noticed.
    fn passed(&self) -> bool {
        let mut past = self.levels.iter().filter(|level| level.times > 1.0);
        let kept = past.all(|level| level.goodput >= KEPT * self.peak);
        let unnoticed = |beside: &Beside| beside.well == beside.begun;
        kept && self.levels.iter().all(|level| unnoticed(&level.hang_ups) && unnoticed(&level.retrievals))
    }

    pub(crate) fn write(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let Self { share, held, peak, .. } = self;
        let _ = writeln!(out, "past capacity: {share:.2} of a core, {held}/s held, {peak:.0}/s at the most");
        let _ = writeln!(
            out,
            "{:>7} {:>9} {:>9} {:>13} {:>7} {:>8} {:>7} {:>10} {:>6} {:>15} {:>9}  {:<27}  retrieved, ms",
            "times",
            "offered/s",
            "goodput/s",
            "(least, most)",
            "of peak",
            "had CPU",
            "503",
            "unanswered",
            "other",
            "setup, ms (99 %)",
            "throttled",
            "BYEs, ms (99 %, longest)"
        );
        for level in &self.levels {
            let Level { times, offered_per_second, goodput, goodputs, had, .. } = level;
            let Level { refused, unanswered, other_failures, .. } = level;
            let beside = |Beside { begun, well, ms: [median, most_do, most], .. }: &Beside| {
                format!("{well} of {begun}, {median:.1} ({most_do:.1}, {most:.1})")
            };
            let throttled = level.throttled.throttled * 100 / level.throttled.periods.max(1);
            let of_peak = goodput * 100.0 / peak.max(1.0);
            let setup = format!("{:.0} ({:.0})", level.setup_ms[0], level.setup_ms[1]);
            let between = match goodputs.as_slice() {
                [least, .., most] => format!("({least:.0}, {most:.0})"),
                _ => String::new(),
            };
            let (hang_ups, retrievals) = (beside(&level.hang_ups), beside(&level.retrievals));
            let _ = writeln!(
                out,
                "{times:>7.1} {offered_per_second:>9.0} {goodput:>9.0} {between:>13} {of_peak:>5.0} % {had:>8.3} {refused:>7} {unanswered:>10} \
                 {other_failures:>6} {setup:>16} {throttled:>7} %  {hang_ups:<27}  {retrievals}"
            );
            for failure in level.hang_ups.failures.iter().chain(&level.retrievals.failures) {
                let _ = writeln!(out, "        {failure}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(goodput: f64, well: u64) -> Level {
        let beside = |well| Beside { begun: 10, well, failures: Vec::new(), ms: [1.0, 2.0, 3.0] };
        Level {
            times: 3.0,
            offered_per_second: 3000.0,
            goodput,
            goodputs: Vec::new(),
            had: 0.33,
            refused: 5,
            unanswered: 1995,
            other_failures: 0,
            setup_ms: [1.0, 2.0],
            throttled: Throttled { periods: 100, throttled: 90 },
            hang_ups: beside(well),
            retrievals: beside(10),
        }
    }

    #[test]
    fn of_several_rounds_the_median_counts_and_every_call_beside() {
        let median = Level::median(vec![level(700.0, 10), level(950.0, 9), level(900.0, 10)]).unwrap();
        assert_eq!((median.goodput, median.goodputs), (900.0, vec![700.0, 900.0, 950.0]));
        assert_eq!((median.hang_ups.begun, median.hang_ups.well, median.retrievals.well), (30, 29, 30));
    }

    #[test]
    fn it_passes_if_most_is_done_and_nobody_who_talks_notices() {
        let told = |levels| Told { share: 0.33, peak: 1000.0, held: 1000, levels };
        let at_capacity = Level { times: 1.0, ..level(400.0, 10) };
        assert!(told(vec![at_capacity, level(900.0, 10)]).passed());
        assert!(!told(vec![level(899.0, 10), level(900.0, 10)]).passed(), "too little is left in between");
        assert!(!told(vec![level(899.0, 10)]).passed(), "too little is left");
        assert!(!told(vec![level(1000.0, 9), level(1000.0, 10)]).passed(), "a BYE went unanswered");
        let mut table = String::new();
        told(vec![level(950.0, 10)]).write(&mut table);
        assert!(
            table.contains("95 %") && table.contains("90 %") && table.contains("10 of 10, 1.0 (2.0, 3.0)"),
            "{table}"
        );
    }
}
