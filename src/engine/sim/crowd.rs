//! A crowd of phones without a world: whoever drives it has the clock and the sockets.
//!
//! ```text
//!   each call:  dial ─► the other answers after a while ─► talk ─┬─► hang up
//!                 │                                              ├─► hold, resume ─► hang up
//!                 ╰─► give up                                    ├─► park ─► a third fetches it ─► hang up
//!                                                                ├─► park ─► nobody fetches it: the parker is reminded
//!                                                                ╰─► the phone loses power, and comes back
//! ```
use super::network::Dice;
use super::phone::{Answer, Dial, HoldStyle, Phone, Reliable, Stage};
use crate::base::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::Duration;

/// Where a phone of the crowd stands.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The line's number.
    pub number: String,
    /// Its own address.
    pub address: SocketAddr,
    /// Where it calls.
    pub server: SocketAddr,
    /// It speaks TCP.
    pub stream: bool,
}

/// What the crowd did, and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls begun, by what they were to become.
    pub begun: BTreeMap<&'static str, u64>,
    /// How the calls that somebody made ended.
    pub ended: BTreeMap<String, u64>,
    /// Calls that were parked.
    pub parked: u64,
    /// Parked calls that a third party got.
    pub fetched: u64,
    /// What the phones found wrong in what they were told.
    pub complaints: Vec<String>,
}

/// What a call is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Talk,
    Hold,
    Fetch,
    Remind,
    GiveUp,
    Crash,
}

/// What is to be done with a call next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    GiveUp,
    /// They have talked: what the call was for.
    Act(Fate),
    Resume,
    HangUp,
    /// It was parked: where?
    Fetch,
    /// The phone has power again.
    Boot,
}

/// How long a call may last before its phone hangs up, whatever it is.
const LONGEST: Duration = Duration::from_secs(25);
/// The lot that calls are parked in.
const LOT: &str = "<sip:6999@pbx.test>";

/// The phones.
#[derive(Debug)]
pub struct Crowd {
    phones: Vec<Phone>,
    agenda: BinaryHeap<Reverse<(Time, usize, u32, Step)>>,
    dice: Dice,
    /// Nobody calls any more.
    closing: bool,
    swept: Time,
    /// Calls that somebody made, until they are over.
    made: Vec<(usize, u32)>,
    /// What became of it all.
    pub tally: Tally,
}

impl Crowd {
    /// Phones at these desks, all with this password.
    pub fn new(desks: &[Desk], password: &str, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let phone = |desk: &Desk| {
            let mut phone = Phone::new(&desk.number, "", desk.address, desk.server);
            phone.password = Some(password.to_owned());
            (phone.stream, phone.forgetful) = (desk.stream, true);
            let manners = &mut phone.manners;
            let pause = Duration::from_millis(200 + dice.below(1800));
            manners.answers = if dice.hits(30) { Answer::Refuse(486) } else { Answer::After(pause) };
            manners.early_media = dice.hits(300);
            manners.from_change = dice.hits(300);
            manners.update = dice.hits(700);
            manners.reliable = dice.hits(300).then_some(Reliable::Supported);
            phone
        };
        let phones = desks.iter().map(phone).collect();
        let (agenda, tally) = (BinaryHeap::new(), Tally::default());
        Self { phones, agenda, dice, closing: false, swept: Time::ZERO, made: Vec::new(), tally }
    }

    /// A phone registers.
    pub fn register(&mut self, phone: usize, now: Time) {
        self.with(phone, now, Phone::register);
    }

    /// How many are registered.
    pub fn registered(&self) -> usize {
        self.phones.iter().filter(|phone| phone.registered).count()
    }

    /// Somebody calls somebody.
    pub fn call(&mut self, now: Time) {
        let (from, to) = (self.anybody(), self.anybody());
        if self.closing || from == to || self.phones[from].crashed {
            return;
        }
        let fate = match self.dice.below(1000) {
            0..600 => Fate::Talk,
            600..750 => Fate::Hold,
            750..880 => Fate::Fetch,
            880..930 => Fate::Remind,
            930..998 => Fate::GiveUp,
            _ => Fate::Crash,
        };
        *self.tally.begun.entry(fate.name()).or_default() += 1;
        let number = self.phones[to].number.clone();
        let dial = Dial { late_offer: self.dice.hits(50), ..Dial::default() };
        let no = self.with(from, now, |phone| phone.dial(&number, &dial));
        self.made.push((from, no));
        let (pause, step) = match fate {
            Fate::GiveUp => (100 + self.dice.below(300), Step::GiveUp),
            Fate::Talk | Fate::Hold | Fate::Fetch | Fate::Remind | Fate::Crash => {
                (3000 + self.dice.below(5000), Step::Act(fate))
            }
        };
        self.plan(now, pause, from, no, step);
    }

    /// Nobody calls any more; who talks hangs up soon.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Every phone takes its contact back.
    pub fn leave(&mut self, now: Time) {
        for phone in 0..self.phones.len() {
            self.with(phone, now, Phone::unregister);
        }
    }

    /// A phone was sent this message.
    pub fn receive(&mut self, phone: usize, bytes: &[u8], now: Time) {
        self.with(phone, now, |phone| phone.receive(bytes));
    }

    /// Time has passed. Phones that lost power or got it back are told to `power`: its connection goes, or another comes,
    /// and with it its address.
    pub fn tick(&mut self, now: Time, mut power: impl FnMut(usize, bool) -> Option<SocketAddr>) {
        for place in 0..self.phones.len() {
            if self.phones[place].due().is_some_and(|due| due <= now) {
                self.with(place, now, Phone::tick);
            }
        }
        while let Some(Reverse((_, place, no, step))) =
            self.agenda.peek().copied().filter(|Reverse((at, ..))| *at <= now)
        {
            self.agenda.pop();
            match step {
                Step::Act(Fate::Crash) => {
                    self.phones[place].crash();
                    power(place, false);
                    self.plan(now, 3000, place, no, Step::Boot);
                }
                Step::Boot => {
                    if let Some(address) = power(place, true) {
                        self.phones[place].address = address;
                    }
                    self.with(place, now, |phone| {
                        phone.boot();
                        phone.register();
                    });
                }
                Step::GiveUp | Step::Act(_) | Step::Resume | Step::HangUp | Step::Fetch => {
                    self.act(now, place, no, step)
                }
            }
        }
        if now - self.swept >= Duration::from_millis(500) {
            self.swept = now;
            self.sweep(now);
        }
    }

    /// What the phones have to send since the last time: which phone, and what.
    pub fn take(&mut self, mut send: impl FnMut(usize, Vec<u8>)) {
        for (place, phone) in self.phones.iter_mut().enumerate() {
            phone.outbox.drain(..).for_each(|bytes| send(place, bytes));
            self.tally.complaints.append(&mut phone.complaints);
        }
    }

    /// Calls that phones have now.
    pub fn calls(&self) -> usize {
        self.phones.iter().flat_map(|phone| phone.calls.values()).filter(|call| !call.is_over()).count()
    }

    fn act(&mut self, now: Time, place: usize, no: u32, step: Step) {
        let stage = self.phones[place].calls.get(&no).map(|call| call.stage);
        match (step, stage) {
            (Step::GiveUp, Some(Stage::Calling)) | (Step::HangUp, Some(Stage::Up)) => {
                self.with(place, now, |phone| phone.hang_up(no));
            }
            (Step::Act(Fate::Talk), Some(Stage::Up)) => self.plan(now, 1, place, no, Step::HangUp),
            (Step::Act(Fate::Hold), Some(Stage::Up)) => {
                self.with(place, now, |phone| phone.hold(no, Some(HoldStyle::SendOnly), "INVITE"));
                self.plan(now, 1000, place, no, Step::Resume);
            }
            (Step::Resume, Some(Stage::Up)) => {
                self.with(place, now, |phone| phone.hold(no, None, "INVITE"));
                self.plan(now, 1000, place, no, Step::HangUp);
            }
            (Step::Act(Fate::Fetch | Fate::Remind), Some(Stage::Up)) => {
                self.with(place, now, |phone| phone.refer(no, LOT));
                if step == Step::Act(Fate::Fetch) {
                    // By then it was told aloud where the call is.
                    self.plan(now, 4500, place, no, Step::Fetch);
                }
            }
            (Step::Fetch, Some(_)) => self.fetch(now, place, no),
            // It did not come that far.
            (Step::GiveUp | Step::Act(_) | Step::Resume | Step::HangUp | Step::Fetch | Step::Boot, _) => {}
        }
    }

    /// Somebody fetches what this call has parked.
    fn fetch(&mut self, now: Time, place: usize, no: u32) {
        let told = self.phones[place].calls.get(&no).and_then(|call| call.notified.last().cloned());
        let orbit = told.and_then(|told| Some(told.split_once("Contact: <sip:")?.1.split_once('@')?.0.to_owned()));
        let Some(orbit) = orbit else { return };
        self.tally.parked += 1;
        let by = self.anybody();
        if self.phones[by].crashed {
            return;
        }
        let no = self.with(by, now, |phone| phone.dial(&orbit, &Dial::default()));
        self.plan(now, 2000, by, no, Step::HangUp);
        self.made.push((by, no));
        self.tally.fetched += 1;
    }

    /// Hangs up what has lasted too long, and counts what is over.
    fn sweep(&mut self, now: Time) {
        let longest = if self.closing { Duration::from_secs(1) } else { LONGEST };
        for place in 0..self.phones.len() {
            let long = |call: &super::phone::Call| call.stage == Stage::Up && call.since + longest < now;
            let calls = &self.phones[place].calls;
            let long: Vec<u32> = calls.iter().filter(|(_, call)| long(call)).map(|(no, _)| *no).collect();
            for no in long {
                self.with(place, now, |phone| phone.hang_up(no));
            }
        }
        let (phones, tally) = (&self.phones, &mut self.tally);
        self.made.retain(|(place, no)| {
            let Some(call) = phones[*place].calls.get(no) else { return false };
            if call.is_over() {
                let how: String = call
                    .ended
                    .chars()
                    .enumerate()
                    .map(|(at, c)| if at > 3 && c.is_ascii_digit() { '#' } else { c })
                    .collect();
                let by = if phones[*place].stream { "tcp" } else { "udp" };
                *tally.ended.entry(format!("{how} ({by})")).or_default() += 1;
            }
            !call.is_over()
        });
    }

    fn with<R>(&mut self, place: usize, now: Time, act: impl FnOnce(&mut Phone) -> R) -> R {
        let phone = &mut self.phones[place];
        phone.now = now;
        let done = act(phone);
        phone.settle();
        done
    }

    fn plan(&mut self, now: Time, millis: u64, place: usize, no: u32, step: Step) {
        self.agenda.push(Reverse((now + Duration::from_millis(millis), place, no, step)));
    }

    fn anybody(&mut self) -> usize {
        self.dice.below(self.phones.len() as u64) as usize
    }
}

impl Fate {
    const fn name(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Hold => "hold",
            Self::Fetch => "park and fetch",
            Self::Remind => "park and be reminded",
            Self::GiveUp => "give up",
            Self::Crash => "crash",
        }
    }
}
