//! Where every line is now: its bindings (RFC 3261 §10.3), each with the address it was heard from.
//!
//! A line costs nothing until it registers; then a slot, one box with the texts of each contact, and one timer for all.
//!
//! Knows: contacts and how long they last. Never: passwords, calls.
mod connections;
mod register;

use super::{Device, Phone};
use crate::base::{Alarm, Arena, Flow, Handle, Index, Kept, Room, Time, TimerId};
use crate::counters::{ByTransport, RegistrationEnd};
use crate::ground::{Ground, Hop};
use crate::registrar::Listed;
use crate::settings::{LineNo, Ranges, Settings, Transport};
use crate::wire::header::param;
use crate::wire::{NameAddr, Uri};
use connections::Lost;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Keep-alives that nobody answers before a phone is taken for gone.
const MISSES: u8 = 3;

/// Where a call to a device goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contact<'d> {
    /// The Request-URI.
    pub(crate) uri: &'d [u8],
    pub(crate) hop: Hop,
    /// The contact names another address than it was heard from (a NAT, or a host name): everything goes to the hop.
    pub(crate) pinned: bool,
}

/// Where all lines are.
#[derive(Debug)]
pub(crate) struct Locations {
    rolls: Arena<Roll>,
    by_line: Index,
    /// Lines that do not register, in their order.
    fixed: Vec<Fixed>,
    /// Lines with a contact that was heard over a connection, by its name.
    over: BTreeSet<(Hop, LineNo)>,
    /// Contacts whose connection ended: who comes back with one of them is known again.
    lost: BTreeMap<LineNo, SmallVec<[Lost; 1]>>,
    contacts: ByTransport<usize>,
    /// Lines that somebody watches, and those of them that have come or gone in this turn.
    watched: BTreeSet<LineNo>,
    changed: Vec<LineNo>,
    /// How many contacts were ever heard: says which was heard last.
    heard: u64,
    /// How many of them were looked through for those behind a NAT.
    told: u64,
    /// A contact's parameters on their way into its box.
    scratch: Vec<u8>,
}

/// A line's bindings: by q, then the newest first.
#[derive(Debug)]
struct Roll {
    line: LineNo,
    timer: TimerId,
    bindings: SmallVec<[Binding; 1]>,
}

#[derive(Debug)]
struct Binding {
    /// The URI, then the parameters.
    text: Kept,
    uri_length: u16,
    /// In thousandths.
    q: u16,
    flow: Flow,
    /// Calls go there, at the address the contact was heard from; if pinned it is the port it was heard from.
    port: u16,
    pinned: bool,
    /// Its connection has ended; perhaps its phone still listens.
    adrift: bool,
    /// Keep-alives in a row that nobody answered.
    missed: u8,
    cseq: u32,
    /// The Call-ID, hashed: it is only ever compared.
    call_id: u64,
    source: SocketAddr,
    until: Time,
    heard: u64,
}

/// A line that does not register.
#[derive(Debug)]
struct Fixed {
    line: LineNo,
    uri: Box<[u8]>,
    hop: Hop,
}

// A million lines with a contact each: with the box of its texts (128 or 192 bytes), the timer and the index below 400 MB.
const _: () = assert!(size_of::<Roll>() <= 128);

impl Locations {
    pub(super) fn new(settings: &Settings, ground: &Ground) -> Self {
        Self {
            fixed: fixed(settings, ground),
            rolls: Arena::new(0),
            by_line: Index::default(),
            over: BTreeSet::new(),
            lost: BTreeMap::new(),
            contacts: Default::default(),
            watched: BTreeSet::new(),
            changed: Vec::new(),
            heard: 0,
            told: 0,
            scratch: Vec::new(),
        }
    }

    /// Other settings from now on: lines that are gone take their contacts with them.
    pub(super) fn reload(&mut self, settings: &Settings, ground: &mut Ground) {
        self.fixed = fixed(settings, ground);
        let ranges = Ranges::new(settings);
        let retired = &settings.retired;
        let is_gone = |line: LineNo| match ranges.of(line) {
            Some(range) => retired.line_ranges.contains(&range),
            None => retired.lines.contains(&(line.0 as usize)),
        };
        let gone: Vec<LineNo> = self.rolls.iter().map(|(_, roll)| roll.line).filter(|&line| is_gone(line)).collect();
        for line in gone {
            self.remove(ground, line, RegistrationEnd::Evicted, |_| true);
            self.settle(ground, line);
        }
    }

    /// The line's phones, one for each contact: by q, then the newest first.
    pub(crate) fn phones(&self, line: LineNo) -> impl Iterator<Item = Phone> {
        let fixed = self.fixed(line).map(|fixed| Phone { device: Device(fixed.hop), contact: 0 });
        // Whoever does not answer when asked would not ring either.
        let registered = self.bindings(line).iter().filter(|binding| binding.missed < MISSES);
        let phone = |binding: &Binding| Phone { device: Device(binding.heard_at()), contact: binding.heard };
        fixed.into_iter().chain(registered.map(phone))
    }

    /// How to reach a line's phone; nothing if it is not registered any more.
    pub(crate) fn contact(&self, line: LineNo, phone: Phone) -> Option<Contact<'_>> {
        if let Some(binding) = self.bindings(line).iter().find(|binding| binding.heard == phone.contact) {
            return Some(binding.contact());
        }
        let fixed = self.fixed(line).filter(|_| phone.contact == 0)?;
        Some(Contact { uri: &fixed.uri, hop: fixed.hop, pinned: false })
    }

    /// What stays the same of a phone's contact however often it is refreshed: its instance (RFC 5626 §4.1), else its URI.
    pub(crate) fn lasting(&self, line: LineNo, phone: Phone) -> &[u8] {
        if let Some(binding) = self.bindings(line).iter().find(|binding| binding.heard == phone.contact) {
            return binding.instance().map_or(binding.uri(), |(instance, _)| instance);
        }
        self.fixed(line).filter(|_| phone.contact == 0).map_or(&[], |fixed| &fixed.uri)
    }

    /// A contact of the line, by its number.
    pub(super) fn numbered(&self, line: LineNo, contact: u64) -> Option<Contact<'_>> {
        self.bindings(line).iter().find(|binding| binding.heard == contact).map(Binding::contact)
    }

    /// Contacts behind a NAT that the line's last REGISTER brought.
    pub(super) fn newly_behind_nat(&mut self, line: LineNo) -> SmallVec<[u64; 2]> {
        let before = std::mem::replace(&mut self.told, self.heard);
        let new = |binding: &&Binding| binding.pinned && binding.heard > before;
        self.bindings(line).iter().filter(new).map(|binding| binding.heard).collect()
    }

    /// A contact has answered a keep-alive, or has not. Whether it is still there.
    pub(super) fn answered(&mut self, line: LineNo, contact: u64, answered: bool) -> bool {
        let bindings = self.roll_mut(line).map(|roll| &mut roll.bindings);
        let Some(binding) = bindings.and_then(|all| all.iter_mut().find(|binding| binding.heard == contact)) else {
            return false;
        };
        binding.missed = if answered { 0 } else { binding.missed.saturating_add(1) };
        self.touch(line);
        true
    }

    /// From now on somebody is told whether a line can be reached, or nobody any more.
    pub(crate) fn watch(&mut self, line: LineNo, watched: bool) {
        if watched {
            self.watched.insert(line);
        } else {
            self.watched.remove(&line);
        }
    }

    /// The watched lines that may have come or gone since the last time.
    pub(crate) fn changed(&mut self) -> impl Iterator<Item = LineNo> + '_ {
        self.changed.drain(..)
    }

    fn touch(&mut self, line: LineNo) {
        if !self.watched.is_empty() && self.watched.contains(&line) {
            self.changed.push(line);
        }
    }

    /// What is registered.
    pub(super) fn list(&self, line: LineNo, now: Time) -> impl Iterator<Item = Listed<'_>> {
        self.bindings(line).iter().map(move |binding| binding.listed(now))
    }

    /// Contacts registered, by transport.
    pub(super) const fn contacts(&self) -> ByTransport<usize> {
        self.contacts
    }

    /// Lines with a contact at least.
    pub(super) fn lines(&self) -> usize {
        self.rolls.len()
    }

    /// A line's earliest binding has had its time; it may have been refreshed in this very millisecond.
    pub(super) fn expired(&mut self, ground: &mut Ground, alarm: Alarm) {
        let Ok(line) = u32::try_from(alarm.whom).map(LineNo) else { return };
        let now = ground.now;
        self.remove(ground, line, RegistrationEnd::Timeout, |binding| binding.until <= now);
        self.settle(ground, line);
    }

    /// An alarm was lost: the line's next one is set anew.
    pub(super) fn rearm(&mut self, ground: &mut Ground, alarm: Alarm) {
        if let Ok(line) = u32::try_from(alarm.whom) {
            self.settle(ground, LineNo(line));
        }
    }

    /// Takes bindings away. [`Self::settle`] must follow.
    fn remove(&mut self, ground: &mut Ground, line: LineNo, end: RegistrationEnd, goes: impl Fn(&Binding) -> bool) {
        let Some(id) = self.find(line) else { return };
        let Some(roll) = self.rolls.get_mut(id) else { return };
        let contacts = &mut self.contacts;
        let before = roll.bindings.len();
        roll.bindings.retain(|binding| {
            let goes = goes(binding);
            if goes {
                contacts[ground.transport(binding.flow) as usize] -= 1;
                ground.shelf.put_back(std::mem::take(&mut binding.text));
            }
            !goes
        });
        let gone = before - roll.bindings.len();
        ground.counters.registrations_ended.add(end, (), gone as u64);
    }

    /// After every change: the timer fits the earliest binding, and an empty roll is gone.
    fn settle(&mut self, ground: &mut Ground, line: LineNo) {
        self.touch(line);
        let Some(id) = self.find(line) else { return };
        let Some(roll) = self.rolls.get_mut(id) else { return };
        ground.timers.stop(roll.timer);
        if let Some(earliest) = roll.bindings.iter().map(|binding| binding.until).min() {
            let alarm = Alarm { room: Room::Line, reason: 0, whom: line.0.into() };
            roll.timer = ground.timers.start(ground.now, earliest.since(ground.now), alarm);
            return;
        }
        self.rolls.remove(id);
        self.by_line.remove(spread(line), id.slot());
    }

    fn bindings(&self, line: LineNo) -> &[Binding] {
        self.find(line).and_then(|id| self.rolls.get(id)).map_or(&[], |roll| &roll.bindings)
    }

    fn fixed(&self, line: LineNo) -> Option<&Fixed> {
        self.fixed.binary_search_by_key(&line, |fixed| fixed.line).ok().and_then(|at| self.fixed.get(at))
    }

    fn find(&self, line: LineNo) -> Option<Handle<Roll>> {
        let same = |slot| self.rolls.at(slot).is_some_and(|(_, roll)| roll.line == line);
        self.rolls.at(self.by_line.find(spread(line), same)?).map(|(id, _)| id)
    }

    fn open(&mut self, line: LineNo) -> Handle<Roll> {
        let id = self.rolls.insert(Roll { line, timer: TimerId::NONE, bindings: SmallVec::new() });
        self.by_line.insert(spread(line), id.slot());
        id
    }

    fn roll_mut(&mut self, line: LineNo) -> Option<&mut Roll> {
        self.find(line).and_then(|id| self.rolls.get_mut(id))
    }
}

impl Binding {
    fn uri(&self) -> &[u8] {
        self.text.get(..self.uri_length.into()).unwrap_or_default()
    }

    /// Which phone it is, if it says so (RFC 5626 §4.1): its instance, and which of its ways to us.
    fn instance(&self) -> Option<(&[u8], &[u8])> {
        instance(self.text.get(self.uri_length.into()..).unwrap_or_default())
    }

    /// The port where its phone can be connected to: it says so, it is no other host than was heard, and the phone does not
    /// ask for its connection to be used alone (RFC 5626 §4.2).
    fn listens_at(&self) -> Option<u16> {
        let params = self.text.get(self.uri_length.into()..).unwrap_or_default();
        if self.pinned || param(params, "reg-id").is_some() {
            return None;
        }
        let port = Uri::parse(self.uri()).ok()?.port.unwrap_or(5060);
        // The connection's own end, at a port that was given to it: nobody listens there.
        let passing = port == self.source.port() && port >= connections::PASSING_PORTS;
        (!passing).then_some(port)
    }

    /// Where it was heard.
    const fn heard_at(&self) -> Hop {
        Hop { flow: self.flow, address: self.source }
    }

    fn contact(&self) -> Contact<'_> {
        let address = SocketAddr::new(self.source.ip(), self.port);
        Contact { uri: self.uri(), hop: Hop { flow: self.flow, address }, pinned: self.pinned }
    }

    fn listed(&self, now: Time) -> Listed<'_> {
        let params = self.text.get(self.uri_length.into()..).unwrap_or_default();
        // Rounded up: what is still there is never told as gone.
        let expires = self.until.since(now).as_micros().div_ceil(1_000_000) as u64;
        Listed { uri: self.uri(), params, expires }
    }
}

impl Fixed {
    /// The configuration lets only URIs with an address through.
    fn new(line: LineNo, contact: &str, ground: &Ground) -> Option<Self> {
        let contact = NameAddr::parse(contact.as_bytes()).ok()?;
        let uri = contact.uri().ok()?;
        let address = SocketAddr::new(uri.ip()?, uri.port.unwrap_or(5060));
        let transport = uri.param("transport").and_then(Transport::named).unwrap_or(Transport::Udp);
        Some(Self { line, uri: contact.uri.into(), hop: ground.hop_to(address, transport) })
    }
}

/// The lines that do not register, in their order.
fn fixed(settings: &Settings, ground: &Ground) -> Vec<Fixed> {
    let lines = settings.lines.iter().zip(0..);
    lines.filter_map(|(line, place)| Fixed::new(LineNo(place), line.contact.as_ref()?, ground)).collect()
}

/// What a contact's parameters say of the phone.
fn instance(params: &[u8]) -> Option<(&[u8], &[u8])> {
    let instance = param(params, "+sip.instance").filter(|instance| !instance.is_empty())?;
    Some((instance, param(params, "reg-id").unwrap_or_default()))
}

/// Lines in a row land far apart. Nobody else chooses their numbers, so this needs no key.
const fn spread(line: LineNo) -> u64 {
    let mixed = (line.0 as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 32
}
