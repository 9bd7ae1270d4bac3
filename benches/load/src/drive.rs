//! The loop: what is due is begun, what comes in is heard, what goes out goes out by the batch.
use crate::agenda::Micros;
use crate::ends::{Batch, Ends, Side};
use crate::glance::Glance;
use crate::plan::{Due, Pace};
use crate::processes;
use crate::profile::{Profile, Room};
use crate::progress::Progress;
use crate::server::{self, Usage};
use crate::tally::Tally;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::error::Error;
use std::time::{Duration, Instant};

/// How often memory is looked at and progress shown.
const GLIMPSE: Micros = 250_000;
/// How long what has begun may take to end, once nothing begins any more: everything that can time out has by then.
const DRAIN: Micros = 70_000_000;
/// The same after a ramp that has found its end.
const SHORT_DRAIN: Micros = 3_000_000;
/// Batches taken from one end before the others have their turn.
const TURN: usize = 4;
/// Steps of a ramp; with one percent each that is twelvefold.
const STEPS: usize = 250;

/// Sockets, clock, and the server's processes.
pub(crate) struct Run {
    pub(crate) began: Instant,
    pub(crate) ends: Ends,
    pub(crate) batch: Batch,
    pub(crate) pids: Vec<i32>,
    pub(crate) progress: Progress,
    /// Calls begin and clocks are looked at in this rhythm.
    pub(crate) tick: Micros,
    /// The time that a call takes by itself, and a second: then a step of a ramp is judged.
    pub(crate) settle: Micros,
}

/// What a pace came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) took: Duration,
    /// For how long something began.
    pub(crate) offering: Duration,
    /// What the server used, and its memory before.
    pub(crate) server: Usage,
    pub(crate) before: u64,
    /// The most calls up, and the server's resident bytes then.
    pub(crate) most: usize,
    pub(crate) resident: u64,
    /// Microseconds of CPU that we used.
    pub(crate) own: u64,
    /// How much later than it should have been the loop came around.
    pub(crate) late: Micros,
    pub(crate) unsent: u64,
    /// Messages that we sent and heard.
    pub(crate) sent: u64,
    pub(crate) heard: u64,
    /// Connections that ended.
    pub(crate) lost: u64,
    /// The step of a ramp that was too much.
    pub(crate) broke: Option<usize>,
}

/// Microseconds of CPU that this process has used.
fn own_cpu() -> u64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0 };
    u64::try_from(usage.user_time().num_microseconds() + usage.system_time().num_microseconds()).unwrap_or(0)
}

impl Run {
    pub(crate) fn now(&self) -> Micros {
        self.began.elapsed().as_micros() as u64
    }

    /// Goes through with a pace.
    pub(crate) fn drive(
        &mut self,
        profile: &mut dyn Profile,
        pace: Pace,
        title: &str,
    ) -> Result<Outcome, Box<dyn Error>> {
        let before = server::usage(&self.pids);
        let (own, unsent, lost, start) = (own_cpu(), self.ends.unsent, self.ends.lost(), self.now());
        let (sent, heard) = (self.ends.sent, self.ends.heard);
        let mut trip = Trip {
            tally: Tally::new()?,
            start,
            begun: 0,
            due: pace.due(0),
            most: 0,
            resident: before.resident,
            late: 0,
            glimpsed: start,
            spent: before.user + before.system,
            repeated: 0,
            judged: 0,
            broke: None,
            stopped: None,
        };
        if matches!(pace, Pace::Ramp(_)) {
            trip.tally.step(trip.due.rate);
        }
        self.progress.begin(title, &pace);
        self.travel(profile, pace, &mut trip)?;
        self.progress.end();
        let after = server::usage(&self.pids);
        Ok(Outcome {
            took: Duration::from_micros(self.now() - start),
            offering: Duration::from_micros(trip.stopped.unwrap_or(start) - start),
            server: Usage {
                user: after.user.saturating_sub(before.user),
                system: after.system.saturating_sub(before.system),
                resident: after.resident,
            },
            before: before.resident,
            most: trip.most,
            resident: trip.resident,
            own: own_cpu() - own,
            late: trip.late,
            unsent: self.ends.unsent - unsent,
            sent: self.ends.sent - sent,
            heard: self.ends.heard - heard,
            lost: self.ends.lost() - lost,
            broke: trip.broke,
            tally: trip.tally,
        })
    }

    fn travel(&mut self, profile: &mut dyn Profile, pace: Pace, trip: &mut Trip) -> Result<(), Box<dyn Error>> {
        let mut next = self.now();
        let mut ready = vec![true; self.ends.addresses().len()];
        loop {
            let now = self.now();
            if now >= next {
                trip.late = trip.late.max(now - next);
                next = now - now % self.tick + self.tick;
                let mut room = trip.room(now, &mut self.ends);
                profile.tick(&mut room);
                self.begin_due(profile, pace, trip, now);
                if now - trip.glimpsed >= GLIMPSE {
                    self.glimpse(profile, trip, now)?;
                }
                self.ends.flush();
                if self.is_over(profile, trip, now) {
                    return Ok(());
                }
            }
            let mut more = false;
            for side in (0..ready.len()).filter(|&place| ready[place]).map(Side::at) {
                let mut turns = 0;
                while self.ends.receive(side, &mut self.batch)? {
                    self.hear(profile, trip, side);
                    turns += 1;
                    if turns == TURN {
                        break;
                    }
                }
                if turns == TURN {
                    more = true;
                } else {
                    self.hear(profile, trip, side);
                }
            }
            if more {
                ready.fill(true);
                continue;
            }
            let left = next.saturating_sub(self.now());
            self.ends.wait(Duration::from_micros(left), &mut ready)?;
        }
    }

    /// Hears what is in the batch.
    fn hear(&mut self, profile: &mut dyn Profile, trip: &mut Trip, side: Side) {
        let now = self.now();
        for (peer, bytes) in self.batch.iter() {
            match Glance::read(bytes) {
                Some(message) => profile.hear(&mut trip.room(now, &mut self.ends), side, peer, &message),
                None => trip.tally.unread += 1,
            }
        }
        self.ends.flush();
    }

    fn begin_due(&mut self, profile: &mut dyn Profile, pace: Pace, trip: &mut Trip, now: Micros) {
        if trip.stopped.is_some() {
            return;
        }
        let due = pace.due(now - trip.start);
        if due.step != trip.due.step {
            trip.charge(&self.pids);
            trip.tally.step(due.rate);
        }
        trip.due = due;
        while trip.begun < due.calls {
            trip.begun += 1;
            profile.begin(&mut trip.room(now, &mut self.ends));
        }
        if let Pace::Ramp(ramp) = pace {
            let end = trip.start + (trip.judged as u64 + 1) * ramp.seconds * 1_000_000;
            if now >= end + self.settle && trip.judged < trip.due.step {
                if trip.tally.steps.get(trip.judged).is_some_and(|step| !step.held()) {
                    trip.broke = Some(trip.judged);
                }
                trip.judged += 1;
            }
            if trip.broke.is_some() || trip.due.step == STEPS {
                trip.charge(&self.pids);
                trip.stopped = Some(now);
            }
        } else if due.done {
            trip.stopped = Some(now);
        }
    }

    fn glimpse(&mut self, profile: &dyn Profile, trip: &mut Trip, now: Micros) -> Result<(), Box<dyn Error>> {
        trip.glimpsed = now;
        if let Some(pid) = self.pids.iter().find(|pid| !processes::is_running(**pid)) {
            return Err(format!("process {pid} of the server has ended").into());
        }
        if profile.up() >= trip.most {
            (trip.most, trip.resident) = (profile.up(), server::usage(&self.pids).resident);
        }
        self.progress.show(&trip.tally, &trip.due, profile.up(), now - trip.start);
        Ok(())
    }

    /// Whether all is over, or nothing more can be waited for.
    fn is_over(&mut self, profile: &mut dyn Profile, trip: &mut Trip, now: Micros) -> bool {
        let Some(stopped) = trip.stopped else { return false };
        if profile.pending() == 0 {
            return true;
        }
        let patience = if trip.broke.is_some() { SHORT_DRAIN } else { DRAIN + self.settle };
        if now < stopped + patience {
            return false;
        }
        profile.abandon(&mut trip.room(now, &mut self.ends));
        true
    }
}

/// How far a pace has come.
struct Trip {
    tally: Tally,
    start: Micros,
    begun: u64,
    due: Due,
    most: usize,
    resident: u64,
    late: Micros,
    glimpsed: Micros,
    /// The server's CPU when the step began.
    spent: u64,
    /// Messages repeated until then.
    repeated: u64,
    /// Steps that are judged.
    judged: usize,
    broke: Option<usize>,
    /// Since when nothing begins any more.
    stopped: Option<Micros>,
}

impl Trip {
    fn room<'r>(&'r mut self, now: Micros, ends: &'r mut Ends) -> Room<'r> {
        Room { now, step: u8::try_from(self.due.step).unwrap_or(u8::MAX), ends, tally: &mut self.tally }
    }

    /// Writes down what the server used in the step that ends, and what was repeated.
    fn charge(&mut self, pids: &[i32]) {
        let usage = server::usage(pids);
        let (spent, repeated) = (usage.user + usage.system, self.tally.again.all());
        if let Some(step) = self.tally.steps.last_mut() {
            step.server_cpu = spent.saturating_sub(self.spent);
            step.repeated = repeated - self.repeated;
        }
        (self.spent, self.repeated) = (spent, repeated);
    }
}
