//! All of it at once, in shares.
use super::call::{self, Calls, Mode};
use super::park::{FETCHER, PHONE, Parks, REMINDED, TRUNK};
use super::register::Registrations;
use super::{Ground, Profile, Room};
use crate::ends::{Peer, Side};
use crate::glance::{Glance, Method};

/// Of how many what is begun: `CALL:REGISTER:HOLD:PARK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares([u32; 4]);

impl std::str::FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u32>, _> = text.split(':').map(str::parse).collect();
        let shares = numbers.ok().and_then(|numbers| <[u32; 4]>::try_from(numbers).ok());
        let sound = |shares: &[u32; 4]| shares.iter().all(|&share| share <= 10_000) && shares.iter().sum::<u32>() > 0;
        let shares = shares.filter(sound).ok_or("expected CALL:REGISTER:HOLD:PARK, such as 70:20:5:5")?;
        Ok(Self(shares))
    }
}

/// Whose turn it is, so that all are spread evenly.
#[derive(Debug)]
struct Turns {
    shares: [u32; 4],
    waited: [i64; 4],
}

impl Turns {
    fn next(&mut self) -> usize {
        for (waited, share) in self.waited.iter_mut().zip(self.shares) {
            *waited += i64::from(share);
        }
        let place = (0..4).max_by_key(|&place| self.waited[place]).unwrap_or(0);
        self.waited[place] -= i64::from(self.shares.iter().sum::<u32>());
        place
    }
}

/// The load of everything.
#[derive(Debug)]
pub(crate) struct Mixed {
    ground: Ground,
    turns: Turns,
    calls: Calls,
    lines: Registrations,
    parks: Parks,
}

impl Mixed {
    pub(crate) fn new(ground: &Ground, shares: Shares, calls: Calls, lines: Registrations, parks: Parks) -> Self {
        let turns = Turns { shares: shares.0, waited: [0; 4] };
        Self { ground: ground.clone(), turns, calls, lines, parks }
    }

    /// Whom a message is for.
    fn owner(&mut self, side: Side, message: &Glance<'_>) -> &mut dyn Profile {
        let of_response = || self.ground.key(message.call_id).or_else(|| self.ground.key(message.senders_tag()));
        let key = if message.status == 0 { self.ground.key(message.to_tag()) } else { of_response() };
        match (key.map(|(kind, _)| kind), side, message.method) {
            (Some(call::KIND), ..) => &mut self.calls,
            (Some(TRUNK | PHONE | REMINDED | FETCHER), ..) => &mut self.parks,
            (None, Side::Callee, _) => &mut self.calls,
            (None, Side::Desk(_), Method::Invite | Method::Cancel) => &mut self.parks,
            (Some(_) | None, ..) => &mut self.lines,
        }
    }
}

impl Profile for Mixed {
    fn begin(&mut self, room: &mut Room<'_>) {
        match self.turns.next() {
            0 => {
                room.tally.count("calls begun");
                self.calls.mode = Mode::Brief;
                self.calls.begin(room);
            }
            1 => {
                room.tally.count("registrations begun");
                self.lines.begin(room);
            }
            2 => {
                room.tally.count("long calls begun");
                self.calls.mode = Mode::Long;
                self.calls.begin(room);
            }
            _ => {
                room.tally.count("parks begun");
                self.parks.begin(room);
            }
        }
    }

    fn hear(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        self.owner(side, message).hear(room, side, peer, message);
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        self.calls.tick(room);
        self.lines.tick(room);
        self.parks.tick(room);
    }

    fn pending(&self) -> usize {
        self.calls.pending() + self.lines.pending() + self.parks.pending()
    }

    fn up(&self) -> usize {
        self.calls.up() + self.parks.up()
    }

    fn abandon(&mut self, room: &mut Room<'_>) {
        self.calls.abandon(room);
        self.lines.abandon(room);
        self.parks.abandon(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_their_share() {
        let Shares(shares) = "70:20:5:5".parse().unwrap();
        let mut turns = Turns { shares, waited: [0; 4] };
        let mut had = [0; 4];
        for turn in 1..=100 {
            had[turns.next()] += 1;
            assert!(had[0] * 10 + 10 >= turn * 6, "calls are spread evenly: {had:?}");
        }
        assert_eq!(had, [70, 20, 5, 5]);
        for wrong in ["", "1:2:3", "1:2:3:4:5", "0:0:0:0", "a:1:1:1", "99999:1:1:1"] {
            assert!(wrong.parse::<Shares>().is_err(), "{wrong}");
        }
    }
}
