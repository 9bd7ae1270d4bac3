//! One timer wheel for the whole engine: start and stop cost the same at a thousand and at a million.
//!
//! Six levels of 64 slots, a millisecond each at the lowest; timers move down as their time comes near.
//! A timer never fires early; it fires at most a millisecond late, plus what the caller takes to call.
use super::Time;
use std::time::Duration;

const LEVELS: usize = 6;
const SLOTS: u64 = 64;
const NOWHERE: u32 = u32::MAX;
/// Timers per chunk.
const CHUNK: usize = 1024;

/// Which room a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// A client transaction.
    Client,
    /// A server transaction.
    Server,
    /// A leg.
    Leg,
    /// A line's registrations.
    Line,
    /// A subscription.
    Watch,
    /// A session.
    Session,
    /// A feature.
    Feature,
}

/// What a timer says when it fires: whose deadline, and why it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The room.
    pub room: Room,
    /// The room's own name for the reason.
    pub reason: u8,
    /// The room's own name for whom; often a packed handle.
    pub whom: u64,
}

/// Names a timer that was started. Stopping one that has fired does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId {
    node: u32,
    round: u32,
}

impl TimerId {
    /// No timer.
    pub const NONE: Self = Self { node: NOWHERE, round: 0 };
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// In milliseconds.
    when: u64,
    next: u32,
    prev: u32,
    round: u32,
    /// Level and slot while armed; [`DUE`] when it waits to be told, [`SPARE`] when it is not in use.
    level: u8,
    slot: u8,
    alarm: Alarm,
}

const DUE: u8 = 254;
const SPARE: u8 = 255;

/// The wheel.
#[derive(Debug)]
pub struct Timers {
    nodes: Vec<Vec<Node>>,
    spare: u32,
    armed: usize,
    /// Milliseconds up to which everything has fired.
    elapsed: u64,
    /// No slot is to be emptied before this millisecond.
    next: u64,
    occupied: [u64; LEVELS],
    heads: [[u32; SLOTS as usize]; LEVELS],
    due_head: u32,
    due_tail: u32,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            spare: NOWHERE,
            armed: 0,
            elapsed: 0,
            next: 0,
            occupied: [0; LEVELS],
            heads: [[NOWHERE; SLOTS as usize]; LEVELS],
            due_head: NOWHERE,
            due_tail: NOWHERE,
        }
    }
}

impl Timers {
    /// How many are armed.
    pub fn armed(&self) -> usize {
        self.armed
    }

    /// Every alarm that will fire.
    #[cfg(any(test, feature = "simulator"))]
    pub(crate) fn alarms(&self) -> impl Iterator<Item = Alarm> {
        self.nodes.iter().flatten().filter(|node| node.level != SPARE).map(|node| node.alarm)
    }

    /// Whether this one will fire.
    #[cfg(any(test, feature = "simulator"))]
    pub(crate) fn is_armed(&self, id: TimerId) -> bool {
        self.node(id.node).is_some_and(|node| node.round == id.round && node.level != SPARE)
    }

    /// Starts a timer.
    pub fn start(&mut self, now: Time, after: Duration, alarm: Alarm) -> TimerId {
        // Rounded up: never early.
        let when = (now + after).micros().div_ceil(1000).max(self.elapsed + 1);
        let node = self.take_spare();
        if let Some(place) = self.node_mut(node) {
            place.when = when;
            place.alarm = alarm;
        }
        self.armed += 1;
        self.link(node, when);
        TimerId { node, round: self.node(node).map_or(0, |n| n.round) }
    }

    /// Stops a timer; whether it was still to fire.
    pub fn stop(&mut self, id: TimerId) -> bool {
        let Some(node) = self.node(id.node).filter(|n| n.round == id.round && n.level != SPARE) else {
            return false;
        };
        self.unlink(id.node, node);
        self.retire(id.node);
        true
    }

    /// When to call [`Self::expire`] next.
    pub fn deadline(&self) -> Option<Time> {
        if self.due_head != NOWHERE {
            return Some(Time::from_micros(self.elapsed * 1000));
        }
        self.next_slot().map(|(.., at)| Time::from_micros(at * 1000))
    }

    /// The next alarm whose time has come. Call until there is none.
    pub fn expire(&mut self, now: Time) -> Option<Alarm> {
        let now = now.millis();
        while self.due_head == NOWHERE {
            if now < self.next {
                self.elapsed = self.elapsed.max(now);
                return None;
            }
            match self.next_slot() {
                Some((level, slot, at)) if at <= now => {
                    self.elapsed = at;
                    self.empty(level, slot);
                }
                next => {
                    self.elapsed = self.elapsed.max(now);
                    self.next = next.map_or(u64::MAX, |(.., at)| at);
                    return None;
                }
            }
        }
        let id = self.due_head;
        let node = self.node(id)?;
        self.unlink(id, node);
        self.retire(id);
        Some(node.alarm)
    }

    /// The slot that comes next, and its time.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        self.occupied
            .iter()
            .enumerate()
            .filter(|&(_, &bits)| bits != 0)
            .map(|(level, &bits)| {
                let here = (self.elapsed / SLOTS.pow(level as u32)) % SLOTS;
                let ahead = u64::from(bits.rotate_right(here as u32).trailing_zeros());
                let slot = (here + ahead) % SLOTS;
                (level, slot as usize, self.slot_time(level, slot))
            })
            .min_by_key(|&(.., at)| at)
    }

    /// When a slot is emptied next.
    const fn slot_time(&self, level: usize, slot: u64) -> u64 {
        let span = SLOTS.pow(level as u32);
        let turn = span * SLOTS;
        let at = self.elapsed - self.elapsed % turn + slot * span;
        if at <= self.elapsed { at + turn } else { at }
    }

    /// Its time has come: what is due becomes due, the rest moves down.
    fn empty(&mut self, level: usize, slot: usize) {
        loop {
            let Some(&head) = self.heads.get(level).and_then(|l| l.get(slot)) else { return };
            let Some(node) = self.node(head) else { return };
            self.unlink(head, node);
            if node.when <= self.elapsed { self.push_due(head) } else { self.link(head, node.when) }
        }
    }

    fn link(&mut self, id: u32, when: u64) {
        let differing = (self.elapsed ^ when) | (SLOTS - 1);
        let level = ((63 - differing.leading_zeros() as usize) / 6).min(LEVELS - 1);
        let slot = ((when >> (6 * level)) % SLOTS) as usize;
        let head = self.heads[level][slot];
        if let Some(node) = self.node_mut(id) {
            (node.level, node.slot, node.prev, node.next) = (level as u8, slot as u8, NOWHERE, head);
        }
        if let Some(next) = self.node_mut(head) {
            next.prev = id;
        }
        self.heads[level][slot] = id;
        self.occupied[level] |= 1 << slot;
        self.next = self.next.min(self.slot_time(level, slot as u64));
    }

    fn push_due(&mut self, id: u32) {
        let tail = self.due_tail;
        if let Some(node) = self.node_mut(id) {
            (node.level, node.prev, node.next) = (DUE, tail, NOWHERE);
        }
        match self.node_mut(tail) {
            Some(last) => last.next = id,
            None => self.due_head = id,
        }
        self.due_tail = id;
    }

    fn unlink(&mut self, id: u32, node: Node) {
        if let Some(prev) = self.node_mut(node.prev) {
            prev.next = node.next;
        }
        if let Some(next) = self.node_mut(node.next) {
            next.prev = node.prev;
        }
        if node.level == DUE {
            if self.due_head == id {
                self.due_head = node.next;
            }
            if self.due_tail == id {
                self.due_tail = node.prev;
            }
        } else {
            let (level, slot) = (usize::from(node.level), usize::from(node.slot));
            if self.heads[level][slot] == id {
                self.heads[level][slot] = node.next;
                if node.next == NOWHERE {
                    self.occupied[level] &= !(1 << slot);
                }
            }
        }
    }

    fn take_spare(&mut self) -> u32 {
        if self.spare == NOWHERE {
            let first = (self.nodes.len() * CHUNK) as u32;
            let alarm = Alarm { room: Room::Leg, reason: 0, whom: 0 };
            let node = Node { when: 0, next: NOWHERE, prev: NOWHERE, round: 0, level: SPARE, slot: 0, alarm };
            let chunk = (first..first + CHUNK as u32)
                .map(|n| Node { next: if n + 1 < first + CHUNK as u32 { n + 1 } else { NOWHERE }, ..node })
                .collect();
            self.nodes.push(chunk);
            self.spare = first;
        }
        let id = self.spare;
        self.spare = self.node(id).map_or(NOWHERE, |n| n.next);
        id
    }

    fn retire(&mut self, id: u32) {
        let spare = self.spare;
        if let Some(node) = self.node_mut(id) {
            node.round = node.round.wrapping_add(1);
            (node.level, node.next, node.prev) = (SPARE, spare, NOWHERE);
        }
        self.spare = id;
        self.armed -= 1;
    }

    fn node(&self, id: u32) -> Option<Node> {
        self.nodes.get(id as usize / CHUNK)?.get(id as usize % CHUNK).copied()
    }

    fn node_mut(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize / CHUNK)?.get_mut(id as usize % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(whom: u64) -> Alarm {
        Alarm { room: Room::Feature, reason: 1, whom }
    }

    fn at(millis: u64) -> Time {
        Time::from_micros(millis * 1000)
    }

    #[test]
    fn timers_fire_in_order_and_never_early() {
        let mut timers = Timers::default();
        let mut seed = 7_u64;
        let mut wanted = Vec::new();
        for n in 0..5000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let after = (seed >> 33) % 10_000_000;
            timers.start(Time::ZERO, Duration::from_millis(after), alarm(n));
            wanted.push((after.max(1), n));
        }
        wanted.sort_unstable();
        let mut fired = Vec::new();
        while let Some(next) = timers.deadline() {
            while let Some(alarm) = timers.expire(next) {
                fired.push((next.millis(), alarm.whom));
            }
        }
        fired.sort_unstable();
        assert_eq!(fired, wanted);
        assert_eq!(timers.armed(), 0);
    }

    #[test]
    fn a_stopped_timer_is_silent_and_its_id_is_never_anothers() {
        let mut timers = Timers::default();
        let first = timers.start(at(0), Duration::from_millis(50), alarm(1));
        assert!(timers.stop(first));
        let second = timers.start(at(0), Duration::from_millis(60), alarm(2));
        assert!(!timers.stop(first), "stopped already");
        assert_eq!(timers.expire(at(59)), None);
        assert_eq!(timers.expire(at(60)), Some(alarm(2)));
        assert_eq!(timers.expire(at(1000)), None);
        assert!(!timers.stop(second), "fired already");
    }

    #[test]
    fn one_started_late_in_the_turn_still_fires() {
        let mut timers = Timers::default();
        assert_eq!(timers.expire(at(1_000_000)), None);
        timers.start(at(999_000), Duration::from_millis(1), alarm(1));
        assert_eq!(timers.expire(at(1_000_001)), Some(alarm(1)));
    }

    /// Whatever is started and stopped in between, and however seldom it is asked: told in time, and no deadline is idle.
    #[test]
    fn a_wheel_that_is_asked_late_tells_what_a_list_tells() {
        let mut rng = crate::base::Rng::new([5; 32]);
        let (mut timers, mut list, mut now) = (Timers::default(), Vec::new(), 0_u64);
        for whom in 0..20_000 {
            let magnitude = rng.below(31);
            let after = 1 + u64::from(rng.below(1 << magnitude));
            assert_eq!(timers.expire(at(now)), None);
            list.push((now + after, whom, timers.start(at(now), Duration::from_millis(after), alarm(whom))));
            assert!(timers.deadline().is_some_and(|next| next.millis() > now), "nothing is due that was not told");
            if rng.below(2) == 0 {
                let (.., id) = list.swap_remove(rng.below(list.len() as u32) as usize);
                assert!(timers.stop(id));
            }
            let deadline = timers.deadline().map_or(u64::MAX, Time::millis);
            now =
                if rng.below(3) == 0 { deadline } else { now + u64::from(rng.below(200)) }.clamp(now, now + 1_000_000);
            let mut told: Vec<_> = std::iter::from_fn(|| timers.expire(at(now))).map(|alarm| alarm.whom).collect();
            let (due, waits): (Vec<_>, _) = list.into_iter().partition(|(when, ..)| *when <= now);
            list = waits;
            let mut due: Vec<_> = due.into_iter().map(|(_, whom, _)| whom).collect();
            due.sort_unstable();
            told.sort_unstable();
            assert_eq!(told, due);
            assert!(timers.deadline().is_none_or(|next| next.millis() > now), "the loop would not sleep");
        }
    }

    #[test]
    fn due_ones_can_be_stopped_before_they_are_told() {
        let mut timers = Timers::default();
        let ids: Vec<_> = (0..3).map(|n| timers.start(at(0), Duration::from_millis(5), alarm(n))).collect();
        let first = timers.expire(at(5)).unwrap();
        let others: Vec<_> = (0..3).filter(|&n| n != first.whom).collect();
        assert!(timers.stop(ids[others[0] as usize]));
        assert_eq!(timers.expire(at(5)), Some(alarm(others[1])));
        assert_eq!(timers.expire(at(5)), None);
    }
}
