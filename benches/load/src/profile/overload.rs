//! New calls, more than the server can take, while others are up: some of those end, and some that are parked are retrieved.
//!
//! Each kind has a tally of its own: what becomes of the new calls is one thing, what becomes of the others another.
use super::call::{Calls, Manner, Mode};
use super::park::{self, Parks};
use super::{Ground, Profile, Room};
use crate::agenda::Micros;
use crate::ends::{Ends, Peer, Side};
use crate::glance::Glance;
use crate::server;
use crate::tally::Tally;
use std::error::Error;

/// How often the completed calls are written down.
const MARK: Micros = 100_000;
/// Before anything that is up ends or is retrieved the new calls have a while to pile up.
const LEAD: Micros = 1_000_000;

/// What begins when something begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// A call that stays up.
    Established,
    /// A call that is parked.
    Parked,
    /// A new one, as many come while the server is loaded.
    New,
}

/// What happens beside the new calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meanwhile {
    /// Since when, and for how long.
    pub(crate) from: Micros,
    pub(crate) lasts: Micros,
    /// Established calls that are hung up, and parked ones that are retrieved.
    pub(crate) hang_ups: u64,
    pub(crate) retrievals: u64,
}

impl Meanwhile {
    /// How many of so many should have begun by now.
    fn due(&self, now: Micros, of: u64) -> u64 {
        let elapsed = now.saturating_sub(self.from + LEAD);
        let lasts = self.lasts.saturating_sub(LEAD).max(1);
        (of * elapsed / lasts).min(of)
    }
}

/// How far it had come.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Micros,
    /// New calls.
    completed: u64,
    /// Microseconds of CPU that the server had had.
    cpu: u64,
}

/// A kind with its own tally.
#[derive(Debug)]
pub(crate) struct Beside<P> {
    profile: P,
    pub(crate) tally: Tally,
}

impl<P: Profile> Beside<P> {
    fn with(&mut self, room: &mut Room<'_>, act: impl FnOnce(&mut P, &mut Room<'_>)) {
        let mut own = Room { now: room.now, step: 0, ends: &mut *room.ends, tally: &mut self.tally };
        act(&mut self.profile, &mut own);
    }
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    New,
    Established,
    Parks,
}

/// The load.
#[derive(Debug)]
pub(crate) struct Overload {
    pub(crate) begins: Begins,
    ground: Ground,
    /// The same but for the run: so the established calls are known from the new ones.
    established_ground: Ground,
    new: Calls,
    pub(crate) established: Beside<Calls>,
    pub(crate) parks: Beside<Parks>,
    meanwhile: Meanwhile,
    hung_up: u64,
    retrieved: u64,
    /// The server's processes.
    pids: Vec<i32>,
    marks: Vec<Mark>,
}

impl Overload {
    pub(crate) fn new(
        ground: &Ground,
        manner: Manner,
        parked: park::Manner,
        pids: &[i32],
        ends: &mut Ends,
    ) -> Result<Self, Box<dyn Error>> {
        let run = u32::from_str_radix(&ground.run, 16)? ^ 1 << 31;
        let established_ground = Ground { run: format!("{run:08x}"), ..ground.clone() };
        let mut established = Calls::new(&established_ground, manner, ends)?;
        established.mode = Mode::Held;
        Ok(Self {
            begins: Begins::Established,
            ground: ground.clone(),
            established_ground,
            new: Calls::new(ground, manner, ends)?,
            established: Beside { profile: established, tally: Tally::new()? },
            parks: Beside { profile: Parks::new(ground, parked, ends)?, tally: Tally::new()? },
            meanwhile: Meanwhile::default(),
            hung_up: 0,
            retrieved: 0,
            pids: pids.to_vec(),
            marks: Vec::new(),
        })
    }

    /// New calls begin, and this happens meanwhile; all is counted anew.
    pub(crate) fn load(&mut self, meanwhile: Meanwhile) -> Result<(), Box<dyn Error>> {
        self.begins = Begins::New;
        self.established.profile.mode = Mode::HangUp;
        (self.established.tally, self.parks.tally) = (Tally::new()?, Tally::new()?);
        (self.meanwhile, self.hung_up, self.retrieved) = (meanwhile, 0, 0);
        self.marks.clear();
        Ok(())
    }

    /// New calls completed per second, and how much of a core the server had, in the time between these two, counted from
    /// the beginning of the load.
    pub(crate) fn goodput(&self, after: Micros, before: Micros) -> (f64, f64) {
        let at = |micros: Micros| self.marks.iter().rfind(|mark| mark.at <= self.meanwhile.from + micros);
        let (Some(first), Some(last)) = (at(after), at(before)) else { return (0.0, 0.0) };
        let took = (last.at - first.at).max(1) as f64;
        ((last.completed - first.completed) as f64 * 1e6 / took, (last.cpu - first.cpu) as f64 / took)
    }

    fn owner(&self, side: Side, message: &Glance<'_>) -> Owner {
        let is_request = message.status == 0;
        let ours = if is_request { message.to_tag() } else { message.call_id };
        if self.established_ground.key(ours).is_some() {
            return Owner::Established;
        }
        let key = self.ground.key(ours).or_else(|| self.ground.key(message.senders_tag()).filter(|_| !is_request));
        match (key.map(|(kind, _)| kind), side) {
            (Some(super::call::KIND), _) => Owner::New,
            // Whom it calls says a number only, and new calls begin when all others are up.
            (None, Side::Callee) if self.begins == Begins::Established => Owner::Established,
            (None, Side::Callee) => Owner::New,
            (Some(_), _) | (None, Side::Caller | Side::Desk(_)) => Owner::Parks,
        }
    }
}

impl Profile for Overload {
    fn begin(&mut self, room: &mut Room<'_>) {
        match self.begins {
            Begins::Established => self.established.with(room, |calls, room| calls.begin(room)),
            Begins::Parked => self.parks.with(room, |parks, room| parks.begin(room)),
            Begins::New => self.new.begin(room),
        }
    }

    fn hear(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        match self.owner(side, message) {
            Owner::New => self.new.hear(room, side, peer, message),
            Owner::Established => self.established.with(room, |calls, room| calls.hear(room, side, peer, message)),
            Owner::Parks => self.parks.with(room, |parks, room| parks.hear(room, side, peer, message)),
        }
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        self.new.tick(room);
        self.established.with(room, |calls, room| calls.tick(room));
        self.parks.with(room, |parks, room| parks.tick(room));
        if self.begins != Begins::New {
            return;
        }
        if self.marks.last().is_none_or(|mark| room.now >= mark.at + MARK) {
            let usage = server::usage(&self.pids);
            self.marks.push(Mark { at: room.now, completed: room.tally.completed, cpu: usage.user + usage.system });
        }
        while self.hung_up < self.meanwhile.due(room.now, self.meanwhile.hang_ups) {
            self.hung_up += 1;
            self.established.with(room, |calls, room| calls.begin(room));
        }
        while self.retrieved < self.meanwhile.due(room.now, self.meanwhile.retrievals) {
            self.retrieved += 1;
            self.parks.with(room, |parks, room| parks.fetch_next(room));
        }
    }

    fn pending(&self) -> usize {
        self.new.pending() + self.established.profile.pending() + self.parks.profile.pending()
    }

    fn up(&self) -> usize {
        self.new.up() + self.established.profile.up() + self.parks.profile.up()
    }

    fn abandon(&mut self, room: &mut Room<'_>) {
        self.new.abandon(room);
        self.established.with(room, |calls, room| calls.abandon(room));
        self.parks.with(room, |parks, room| parks.abandon(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_meanwhile_is_spread_over_the_time_after_a_while() {
        let meanwhile = Meanwhile { from: 5_000_000, lasts: 11_000_000, hang_ups: 100, retrievals: 10 };
        let due = |at| (meanwhile.due(at, meanwhile.hang_ups), meanwhile.due(at, meanwhile.retrievals));
        assert_eq!((due(0), due(6_000_000), due(11_000_000)), ((0, 0), (0, 0), (50, 5)));
        assert_eq!((due(16_000_000), due(99_000_000)), ((100, 10), (100, 10)));
    }
}
