//! The command line.
use crate::ends::Transport;
use crate::profile::mixed::Shares;
use crate::ramp::Ramp;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Loads a SIP server with calls, registrations and parked calls, and measures what they cost it.
#[derive(Debug, Parser)]
#[command(name = "switchyard-load", version)]
pub(crate) struct Arguments {
    /// What is done to the server.
    #[arg(value_enum, default_value = "call")]
    pub(crate) profile: ProfileName,
    /// Calls in all, 10000 unless said; for `hold` how many are held.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) calls: Option<u64>,
    /// Seconds instead of a number of calls; for `register` how long the lines refresh when all are registered.
    #[arg(long, conflicts_with_all = ["calls", "ramp"], value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: Option<u64>,
    /// Calls (or registrations) begun per second.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) rate: u64,
    /// `register`: refreshes per second; as many as registrations unless said.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) refresh_rate: Option<u64>,
    /// Begin at START per second and raise by PERCENT every SECONDS, until the server fails.
    #[arg(long, value_name = "START:PERCENT:SECONDS")]
    pub(crate) ramp: Option<Ramp>,
    /// Microseconds between two looks at the clock: what is due begins then, all at once.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub(crate) tick: u64,
    /// Milliseconds that the callee rings.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(0..=20_000))]
    pub(crate) ring: u64,
    /// Milliseconds that a call lasts after the answer.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(0..=3_600_000))]
    pub(crate) talk: u64,
    /// How messages go.
    #[arg(long, value_enum, default_value = "udp")]
    pub(crate) transport: Transport,
    /// The callee says 100 Trying before anything else.
    #[arg(long)]
    pub(crate) trying: bool,
    /// `floor`: of what.
    #[arg(long, value_enum, default_value = "call")]
    pub(crate) of: Work,
    /// The callers are phones of registered lines, and prove it when they are challenged.
    #[arg(long)]
    pub(crate) digest: bool,
    /// Lines that register; for calls with --digest, those that call. They are named r0000000, r0000001 and so on.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=9_900_000))]
    pub(crate) lines: u32,
    /// The password of all lines.
    #[arg(long, default_value = "load")]
    pub(crate) password: String,
    /// `mixed`: of how many what is begun.
    #[arg(long, value_name = "CALL:REGISTER:HOLD:PARK", default_value = "70:20:5:5")]
    pub(crate) mix: Shares,
    /// `hold`: seconds that the calls are held; `mixed`: how long the long calls are.
    #[arg(long, default_value_t = 10)]
    pub(crate) hold: u64,
    /// `hold`: calls per second that are made beside those held; none if 0.
    #[arg(long, default_value_t = 0)]
    pub(crate) probe_rate: u64,
    /// `hold`: for so many seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) probe_seconds: u64,
    /// `hold`: a second server holds so many, and both are probed in turn.
    #[arg(long, requires = "probe_rate", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) against: Option<u64>,
    /// `hold` with --against: how often each is probed. `overload`: how often all levels are gone through.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) rounds: u64,
    /// `park`: calls parked at once at most, each in an orbit of its own, with two lines.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) orbits: u32,
    /// `park`: seconds after which the server reminds.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) reminder: u64,
    /// The server to start: it gets a configuration of ours.
    #[arg(long, default_value = "target/release/switchyard", conflicts_with = "server")]
    pub(crate) start: PathBuf,
    /// A server that runs already; it must send calls to `u…` on to the callee.
    #[arg(long, requires = "pid")]
    pub(crate) server: Option<SocketAddr>,
    /// The running server's processes, each with an option of its own.
    #[arg(long)]
    pub(crate) pid: Vec<i32>,
    /// The host in addresses: the domain that a running server is responsible for, if that is not its address.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Where the calling end binds.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) caller: Option<SocketAddr>,
    /// Where the called end binds.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) callee: Option<SocketAddr>,
    /// Sockets of phones: a server takes each for one device, and may remind one device of one call at a time only. 1
    /// unless said, 64 for `park` and `mixed`.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=250))]
    pub(crate) desks: Option<u8>,
    /// Where the phones of lines bind: the first socket; the others at the ports behind it.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) phones: Option<SocketAddr>,
    /// Runs on this core alone.
    #[arg(long)]
    pub(crate) core: Option<usize>,
    /// The server that is started runs on this core alone.
    #[arg(long, conflicts_with = "server")]
    pub(crate) server_core: Option<usize>,
    /// The server that is started has so much of a core and no more, such as 0.33; a third for `overload`. Needs the right to
    /// make a control group.
    #[arg(long, conflicts_with = "server", value_parser = share)]
    pub(crate) server_share: Option<f64>,
    /// `overload`: seconds that each level lasts.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(3..=3_600))]
    pub(crate) level_seconds: u64,
    /// Writes every figure there as JSON; - is the standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What the floor is measured of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Calls as in `call`.
    Call,
    /// Registrations as in `register`, each challenged.
    Register,
}

/// The kinds of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// Calls from trunk to trunk: INVITE, 180, 200, ACK, BYE.
    Call,
    /// Calls that stay up, and what they cost while they do.
    Hold,
    /// Lines that register, each in its turn, and then refresh.
    Register,
    /// Calls that are parked by transfer, reminded of, and retrieved from another line.
    Park,
    /// All of these at once, in shares.
    Mixed,
    /// No server: what the kernel alone costs for the same messages.
    Floor,
    /// New calls up to three times the server's capacity, while others are up.
    Overload,
}

impl ProfileName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Hold => "hold",
            Self::Register => "register",
            Self::Park => "park",
            Self::Mixed => "mixed",
            Self::Floor => "floor",
            Self::Overload => "overload",
        }
    }
}

/// A share of a core.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.01..=1.0).contains(share));
    share.ok_or_else(|| "expected a share of a core, 0.01 to 1".into())
}

impl Arguments {
    /// The command line; what would be ignored ends the program with a word on it.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse();
        if let Err(why) = arguments.check() {
            Self::command().error(ErrorKind::ArgumentConflict, why).exit();
        }
        arguments
    }

    /// A ramp ends by itself: how many calls that are can't be said before.
    fn check(&self) -> Result<(), &'static str> {
        match (self.profile, self.ramp, self.calls) {
            (ProfileName::Hold, Some(_), _) => Err("`hold` brings calls up at --rate, not by --ramp"),
            // There they are the calls that are up already.
            (ProfileName::Overload, ..) | (_, None, _) | (_, _, None) => Ok(()),
            (_, Some(_), Some(_)) => Err("--ramp goes on until the server fails, not for so many --calls"),
        }
    }

    /// Where the ends bind: over streams, where a port says nothing, each has an address of its own.
    pub(crate) fn ends(&self) -> Vec<SocketAddr> {
        let own = |last| match self.transport {
            Transport::Udp => SocketAddr::from(([127, 0, 0, 1], 0)),
            Transport::Tcp => SocketAddr::from(([127, 0, 0, last], 0)),
        };
        let first = self.phones.unwrap_or(own(4));
        let usual = match self.profile {
            ProfileName::Call | ProfileName::Hold | ProfileName::Register | ProfileName::Floor => 1,
            ProfileName::Park | ProfileName::Mixed | ProfileName::Overload => 64,
        };
        let desks = u16::from(self.desks.unwrap_or(usual));
        let desk = |desk: u16| match first.port() {
            0 => first,
            port => SocketAddr::new(first.ip(), port.saturating_add(desk)),
        };
        let trunks = [self.caller.unwrap_or(own(2)), self.callee.unwrap_or(own(3))];
        trunks.into_iter().chain((0..desks).map(desk)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        let old = Arguments::parse_from(["switchyard-load", "--calls", "60000", "--rate", "1000"]);
        assert_eq!((old.profile, old.calls, old.rate, old.seconds), (ProfileName::Call, Some(60_000), 1_000, None));
        assert!(Arguments::try_parse_from(["switchyard-load", "call", "--rate", "0"]).is_err());
        let capped = Arguments::parse_from(["switchyard-load", "overload", "--server-share", "0.25"]);
        assert_eq!((capped.profile, capped.server_share), (ProfileName::Overload, Some(0.25)));
        assert!(Arguments::try_parse_from(["switchyard-load", "--server-share", "3"]).is_err());
        assert!(Arguments::try_parse_from(["switchyard-load", "--server", "127.0.0.1:5060"]).is_err(), "whose CPU?");
    }

    #[test]
    fn nothing_that_is_asked_for_is_ignored() {
        let check = |line: &str| Arguments::parse_from(line.split(' ')).check().is_ok();
        assert!(check("load call --ramp 100:10:2") && check("load call --calls 5") && check("load hold --calls 5"));
        assert!(check("load overload --ramp 100:10:2 --calls 5"));
        assert!(!check("load call --ramp 100:10:2 --calls 5") && !check("load register --ramp 100:10:2 --calls 5"));
        assert!(!check("load hold --ramp 100:10:2"));
    }
}
