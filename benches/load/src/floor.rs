//! What the kernel alone costs: the same calls and registrations, through a forwarder in the server's place.
use crate::arguments::{Arguments, Work};
use crate::ends::{Side, Transport};
use crate::profile::register::Registrations;
use crate::report::{Floor, Report};
use crate::server::Server;
use crate::stage::Stage;
use std::error::Error;

/// How the forwarder waits, and for how many microseconds datagrams gather. The beat is the server's own
/// (`src/net/beat.rs`). In ten of them so much gathers that whole batches are taken and hardly ever anything is waited for: so
/// it is when there is always more to do.
const RHYTHMS: [(&str, u32); 3] = [("woken by each", 0), ("on the beat", 800), ("whole batches", 10_000)];

/// Measures it in all rhythms, one after the other.
pub(crate) fn measure(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    if arguments.server.is_some() || arguments.transport != Transport::Udp {
        return Err("the floor is that of datagrams through a forwarder that is started here".into());
    }
    let mut whole: Option<Report> = None;
    for (rhythm, gather) in RHYTHMS {
        let mut stage = Stage::set_with(arguments, |wanted| {
            let binary = std::env::current_exe()?.with_file_name("switchyard-forward");
            let address = |side: Side| wanted.addresses[side.place()].to_string();
            let options = [
                ("--caller", address(Side::Caller)),
                ("--callee", address(Side::Callee)),
                ("--gather", gather.to_string()),
            ];
            let options: Vec<_> = options.into_iter().flat_map(|(name, value)| [name.into(), value.into()]).collect();
            Server::run(&binary, &options)
        })?;
        let (each, unit) = stage.measure(arguments.of, rhythm)?;
        let report = whole.get_or_insert_with(|| Report::new(stage.report.profile, stage.report.transport));
        report.passed &= stage.report.passed;
        report.phases.append(&mut stage.report.phases);
        report.notes.append(&mut stage.report.notes);
        let floor = report.floor.get_or_insert_with(|| Floor { rate: arguments.rate, unit, rhythms: Vec::new() });
        floor.rhythms.push((rhythm, each));
    }
    whole.ok_or_else(|| "no rhythm".into())
}

impl Stage<'_> {
    /// Microseconds for each, and what that is.
    fn measure(&mut self, work: Work, rhythm: &'static str) -> Result<(f64, &'static str), Box<dyn Error>> {
        let pace = self.pace();
        let (outcome, unit) = match work {
            Work::Call => {
                // Requests inside the call come by the forwarder as well: it passes for the callee.
                self.ground.addresses[Side::Callee.place()] = self.ground.server;
                let mut calls = self.calls()?;
                (self.run.drive(&mut calls, pace, rhythm)?, "calls")
            }
            Work::Register => {
                // Enough of them that none has its turn again before it is done.
                self.ground.lines = u32::try_from(2 * self.rate()).unwrap_or(u32::MAX);
                let mut lines = Registrations::new(&self.ground, &mut self.run.ends)?;
                (self.run.drive(&mut lines, pace, rhythm)?, "registrations")
            }
        };
        self.note(rhythm, unit, &outcome);
        Ok((self.report.phases.last().map_or(0.0, |phase| phase.server_cpu_us.each), unit))
    }
}
