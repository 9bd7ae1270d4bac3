//! A run: the ends are bound, the server is found or started, the profile is played, the figures are put together.
use crate::arguments::{Arguments, ProfileName};
use crate::cap::{Cap, Throttled};
use crate::config::{self, Wanted, config};
use crate::drive::{Outcome, Run};
use crate::ends::{Batch, Ends, Side};
use crate::plan::Pace;
use crate::processes;
use crate::profile::Ground;
use crate::profile::call::{Calls, Manner, Mode};
use crate::profile::mixed::Mixed;
use crate::profile::park::{self, Parks};
use crate::profile::register::Registrations;
use crate::progress::Progress;
use crate::report::{Held, Phase, Report};
use crate::server::Server;
use crate::{against, floor, overload};
use std::error::Error;
use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Calls, unless somebody says how many.
pub(crate) const CALLS: u64 = 10_000;
/// Seconds until calls are reminded of that are to stay parked.
const NO_REMINDER: u64 = 3_600;
/// Lines that only register so that they can call do it no faster than this.
const GENTLE: u64 = 2_000;

/// Milliseconds that the generator may be late and its figures still mean something.
const LATE: f64 = 100.0;

/// Everything is set up.
pub(crate) struct Stage<'a> {
    arguments: &'a Arguments,
    pub(crate) ground: Ground,
    pub(crate) run: Run,
    pub(crate) report: Report,
    /// Takes the sound that the server plays, so that it does not hear of a closed port; ends the server with it.
    _kept: (UdpSocket, Option<Server>),
    /// Outlives the server.
    cap: Option<Cap>,
}

/// Plays the profile.
pub(crate) fn run(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    match arguments.profile {
        ProfileName::Floor => return floor::measure(arguments),
        ProfileName::Overload => return overload::measure(arguments),
        ProfileName::Call | ProfileName::Hold | ProfileName::Register | ProfileName::Park | ProfileName::Mixed => {}
    }
    if let (ProfileName::Hold, Some(few)) = (arguments.profile, arguments.against) {
        return against::measure(arguments, few);
    }
    let mut stage = Stage::set(arguments)?;
    match arguments.profile {
        ProfileName::Call => stage.call()?,
        ProfileName::Hold => stage.hold()?,
        ProfileName::Register => stage.register()?,
        ProfileName::Park => stage.park()?,
        ProfileName::Mixed => stage.mixed()?,
        ProfileName::Floor | ProfileName::Overload => {}
    }
    Ok(stage.report)
}

/// An address as it stands in a URI.
fn host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// Lines: those that register, and two for each orbit behind them.
const fn lines(arguments: &Arguments) -> u32 {
    match arguments.profile {
        ProfileName::Call | ProfileName::Hold | ProfileName::Register | ProfileName::Floor => arguments.lines,
        ProfileName::Park => 2 * arguments.orbits,
        ProfileName::Overload => 2 * overload::PARKED,
        ProfileName::Mixed => arguments.lines.next_multiple_of(2) + 2 * arguments.orbits,
    }
}

/// Microseconds that what begins takes by itself.
fn lasts(arguments: &Arguments) -> u64 {
    let waits = match arguments.profile {
        ProfileName::Call | ProfileName::Hold | ProfileName::Register | ProfileName::Floor | ProfileName::Overload => 0,
        ProfileName::Park => arguments.reminder * 1_000,
        ProfileName::Mixed => arguments.reminder.max(arguments.hold) * 1_000,
    };
    (2 * (arguments.ring + arguments.talk) + waits) * 1_000
}

/// Gives the server that was started its core, and its share of one, and us ours.
fn confine(arguments: &Arguments, started: Option<&Server>) -> Result<Option<Cap>, Box<dyn Error>> {
    let usual = (arguments.profile == ProfileName::Overload).then_some(overload::SHARE);
    let mut cap = None;
    if let Some(process) = started.map(|server| nix::unistd::Pid::from_raw(server.pid())) {
        if let Some(core) = arguments.server_core {
            processes::pin(process, core)?;
        }
        if let Some(share) = arguments.server_share.or(usual) {
            cap.insert(Cap::new(share)?).take(process)?;
        }
    }
    if let Some(core) = arguments.core {
        processes::pin_self(core)?;
    }
    Ok(cap)
}

impl<'a> Stage<'a> {
    pub(crate) fn set(arguments: &'a Arguments) -> Result<Self, Box<dyn Error>> {
        Self::set_with(arguments, |wanted| Server::start(&arguments.start, &config(wanted)))
    }

    /// With a server that is started so, unless there is one.
    pub(crate) fn set_with(
        arguments: &'a Arguments,
        start: impl FnOnce(&Wanted<'_>) -> Result<Server, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        let ends = Ends::bind(arguments.transport, &arguments.ends()).map_err(|error| format!("the ends: {error}"))?;
        let addresses = ends.addresses();
        let lines = lines(arguments);
        let reminder = if arguments.profile == ProfileName::Overload { NO_REMINDER } else { arguments.reminder };
        let sound = UdpSocket::bind((addresses[Side::Callee.place()].ip(), 0))?;
        let started = match arguments.server {
            Some(_) => None,
            None => {
                let wanted = Wanted {
                    transport: arguments.transport,
                    addresses: &addresses,
                    password: &arguments.password,
                    lines,
                    orbits: arguments.orbits,
                    reminder,
                };
                Some(start(&wanted)?)
            }
        };
        let (server, pids) = match (&started, arguments.server) {
            (Some(server), _) => (server.address, vec![server.pid()]),
            (None, Some(address)) => (address, arguments.pid.clone()),
            (None, None) => return Err("no server".into()),
        };
        if let Some(pid) = pids.iter().find(|pid| !processes::is_running(**pid)) {
            return Err(format!("there is no process {pid}").into());
        }
        let cap = confine(arguments, started.as_ref())?;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as u32;
        let own_domain = started.as_ref().map(|_| config::DOMAIN.to_owned());
        let domain = arguments.domain.clone().or(own_domain).unwrap_or_else(|| host(server.ip()));
        let media = config::media(addresses[Side::Callee.place()], sound.local_addr()?.port());
        let ground = Ground {
            server,
            transport: arguments.transport,
            domain,
            run: format!("{:08x}", seconds ^ std::process::id() << 16),
            addresses,
            password: arguments.password.clone(),
            lines,
            listening: media.replace("sendrecv", "recvonly"),
            silent: media.replace("sendrecv", "inactive"),
            media,
        };
        Ok(Self {
            arguments,
            ground,
            run: Run {
                began: Instant::now(),
                ends,
                batch: Batch::new(),
                pids,
                progress: Progress::new(),
                tick: arguments.tick,
                settle: lasts(arguments) + 1_000_000,
            },
            report: Report::new(arguments.profile.name(), arguments.transport),
            _kept: (sound, started),
            cap,
        })
    }

    /// As many as the command line wants, as fast as it wants.
    pub(crate) fn pace(&self) -> Pace {
        let Arguments { rate, calls, .. } = *self.arguments;
        match (self.arguments.ramp, self.arguments.seconds) {
            (Some(ramp), _) => Pace::Ramp(ramp),
            (None, Some(seconds)) => Pace::Steady { rate, total: rate * seconds },
            (None, None) => Pace::Steady { rate, total: calls.unwrap_or(CALLS) },
        }
    }

    /// How much of a core the server has.
    pub(crate) fn share(&self) -> Option<f64> {
        self.cap.as_ref().map(|cap| cap.share)
    }

    /// How often the server was stopped because it had that.
    pub(crate) fn throttled(&self) -> Throttled {
        self.cap.as_ref().map(Cap::throttled).unwrap_or_default()
    }

    pub(crate) const fn rate(&self) -> u64 {
        self.arguments.rate
    }

    pub(crate) fn calls(&mut self) -> Result<Calls, Box<dyn Error>> {
        Calls::new(&self.ground, self.manner(), &mut self.run.ends)
    }

    pub(crate) const fn manner(&self) -> Manner {
        Manner {
            ring: Duration::from_millis(self.arguments.ring),
            talk: Duration::from_millis(self.arguments.talk),
            long: Duration::from_secs(self.arguments.hold),
            trying: self.arguments.trying,
            from_lines: self.arguments.digest,
        }
    }

    /// Notes what a phase came to. A ramp has passed if its first step held.
    pub(crate) fn note(&mut self, name: &'static str, unit: &'static str, outcome: &Outcome) {
        let phase = Phase::new(name, unit, outcome);
        let passed = if phase.steps.is_empty() { outcome.tally.passed() } else { phase.highest_rate.is_some() };
        self.report.passed &= passed;
        self.keep(phase);
    }

    /// Keeps a phase, and notes what makes its figures doubtful.
    pub(crate) fn keep(&mut self, phase: Phase) {
        let name = phase.name;
        if phase.generator.percent > 90.0 {
            self.report.notes.push(format!("{name}: the generator was at its limit; the server may hold more"));
        }
        if phase.generator.late_ms > LATE {
            let late = phase.generator.late_ms;
            self.report
                .notes
                .push(format!("{name}: the generator stood still for {late:.0} ms; something else has the core"));
        }
        self.report.phases.push(phase);
    }

    fn register(&mut self) -> Result<(), Box<dyn Error>> {
        let Arguments { rate, refresh_rate, seconds, ramp, digest, .. } = *self.arguments;
        let mut lines = Registrations::new(&self.ground, &mut self.run.ends)?;
        let total = self.ground.lines.into();
        let first = self.run.drive(&mut lines, Pace::Steady { rate, total }, "register")?;
        self.note("register", "registrations", &first);
        let rate = refresh_rate.unwrap_or(rate);
        let pace = match (ramp, seconds) {
            (Some(ramp), _) => Some(Pace::Ramp(ramp)),
            (None, Some(seconds)) => Some(Pace::Steady { rate, total: rate * seconds }),
            (None, None) => None,
        };
        let mut challenged = first.tally.challenged;
        if let Some(pace) = pace {
            let refresh = self.run.drive(&mut lines, pace, "refresh")?;
            self.note("refresh", "registrations", &refresh);
            challenged += refresh.tally.challenged;
        }
        match (digest, challenged) {
            (false, 1..) => self.report.notes.push(format!(
                "without --digest, but the server asked for a password {challenged} times: these are figures with digest"
            )),
            (true, 0) => self.report.notes.push("--digest, but the server asked nobody for a password".into()),
            (false, 0) | (true, 1..) => {}
        }
        Ok(())
    }

    /// All lines, so that they can call and be called.
    pub(crate) fn register_gently(&mut self) -> Result<Registrations, Box<dyn Error>> {
        let mut lines = Registrations::new(&self.ground, &mut self.run.ends)?;
        let pace = Pace::Steady { rate: GENTLE, total: self.ground.lines.into() };
        let registered = self.run.drive(&mut lines, pace, "register")?;
        self.note("register", "registrations", &registered);
        Ok(lines)
    }

    fn park(&mut self) -> Result<(), Box<dyn Error>> {
        self.register_gently()?;
        let mut parks = Parks::new(&self.ground, self.park_manner(0), &mut self.run.ends)?;
        let outcome = self.run.drive(&mut parks, self.pace(), "park")?;
        self.note("park", "parked calls", &outcome);
        self.report.notes.push("the time measured is from dialling the orbit to its 200".into());
        Ok(())
    }

    fn mixed(&mut self) -> Result<(), Box<dyn Error>> {
        let lines = self.register_gently()?;
        let calls = self.calls()?;
        let first_line = self.arguments.lines.next_multiple_of(2);
        let parks = Parks::new(&self.ground, self.park_manner(first_line), &mut self.run.ends)?;
        let mut mixed = Mixed::new(&self.ground, self.arguments.mix, calls, lines, parks);
        let outcome = self.run.drive(&mut mixed, self.pace(), "mixed")?;
        self.note("mixed", "of all kinds", &outcome);
        Ok(())
    }

    pub(crate) fn park_manner(&self, first_line: u32) -> park::Manner {
        let stays = self.arguments.profile == ProfileName::Overload;
        park::Manner {
            ring: Duration::from_millis(self.arguments.ring),
            talk: Duration::from_millis(self.arguments.talk),
            reminder: Duration::from_secs(if stays { NO_REMINDER } else { self.arguments.reminder }),
            stays,
            orbits: if stays { overload::PARKED } else { self.arguments.orbits },
            first_line,
        }
    }

    fn call(&mut self) -> Result<(), Box<dyn Error>> {
        if self.arguments.digest {
            self.register_gently()?;
        }
        let mut calls = self.calls()?;
        let outcome = self.run.drive(&mut calls, self.pace(), "calls")?;
        self.note("calls", "calls", &outcome);
        if self.arguments.digest && outcome.tally.challenged == 0 {
            self.report.notes.push("--digest, but the server asked no caller for a password".into());
        }
        Ok(())
    }

    /// Calls that stay up, and what they cost while nothing happens.
    pub(crate) fn bring_up_held(&mut self, pace: Pace) -> Result<(Calls, Held), Box<dyn Error>> {
        let mut calls = self.calls()?;
        calls.mode = Mode::Held;
        let resident_before = processes::memory(&self.run.pids);
        let outcome = self.run.drive(&mut calls, pace, "bring up")?;
        self.note("bring up", "calls", &outcome);
        let held = outcome.tally.completed;
        let idle = self.run.drive(&mut calls, Pace::Rest(self.arguments.hold * 1_000_000), "hold")?;
        let resident = processes::memory(&self.run.pids);
        if idle.tally.failed > 0 {
            self.report.passed = false;
            self.report.notes.push(format!("{} held calls were lost while nothing happened", idle.tally.failed));
        }
        let held = Held {
            calls: held,
            resident_before,
            resident,
            bytes_per_call: resident.saturating_sub(resident_before) as f64 / held.max(1) as f64,
            idle_cpu_us_per_second: (idle.server.user + idle.server.system) as f64 / idle.took.as_secs_f64().max(1e-9),
        };
        Ok((calls, held))
    }

    fn hold(&mut self) -> Result<(), Box<dyn Error>> {
        let Arguments { rate, probe_rate, probe_seconds, .. } = *self.arguments;
        let (mut calls, held) = self.bring_up_held(self.pace())?;
        self.report.held = Some(held);
        if probe_rate > 0 {
            calls.mode = Mode::Brief;
            let pace = Pace::Steady { rate: probe_rate, total: probe_rate * probe_seconds };
            let probe = self.run.drive(&mut calls, pace, "beside them")?;
            self.note("beside them", "calls", &probe);
        }

        calls.mode = Mode::HangUp;
        let total = crate::profile::Profile::up(&calls) as u64;
        if total > 0 {
            let down = self.run.drive(&mut calls, Pace::Steady { rate, total }, "hang up")?;
            self.note("hang up", "calls", &down);
        }
        Ok(())
    }
}
