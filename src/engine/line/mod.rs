//! Lines: who can be reached, who asks, and where everybody is.
//!
//! The [`Directory`] says who exists, [`Locations`] where they are now; the registrar below says who proves to be whom.
//!
//! Knows: lines, trunks, contacts. Never: calls.
mod directory;
mod keep_alive;
mod location;
mod sources;
#[cfg(test)]
mod tests;

pub(crate) use directory::Directory;
pub(crate) use location::Locations;

use crate::base::{Alarm, Flow};
use crate::counters::{Counters, Gauges, RegisterResult};
use crate::ground::{Ground, Hop};
use crate::registrar::{self, Challenger, Denied};
use crate::settings::{LineNo, RegistrarSettings, Settings};
use crate::transaction::{Arrival, Owner, Transactions};
use crate::wire::{Message, Status, Uri, bare};
use keep_alive::KeepAlive;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

/// A phone: where its requests come from.
#[derive(Clone, Copy, Debug)]
pub struct Device(pub(crate) Hop);

impl Device {
    /// None.
    pub(crate) const NOWHERE: Self =
        Self(Hop { flow: Flow(0), address: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)) });

    /// The phone at this address.
    pub(crate) const fn at(address: SocketAddr) -> Self {
        Self(Hop { flow: Flow(0), address })
    }

    /// Its address.
    pub(crate) const fn address(self) -> SocketAddr {
        self.0.address
    }
}

/// Whichever listener of ours it speaks to, it is the same.
impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        self.0.address == other.0.address
    }
}

impl Eq for Device {}

/// One contact of a line, and the phone that it is on. A phone, or a proxy that several stand behind, may have many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Where its requests come from.
    pub device: Device,
    /// Which of the line's contacts; 0 for the configured one.
    pub contact: u64,
}

/// A phone as it is told from the others behind the same address, an SBC's or a NAT's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    /// Where its requests come from.
    pub device: Device,
    /// The hash of what stays the same of its contact.
    pub contact: u64,
}

/// Who asks for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A line of ours.
    Line(LineNo),
    /// A trunk, by its place in the settings.
    Trunk(usize),
}

/// All lines and trunks.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) directory: Directory,
    pub(crate) locations: Locations,
    keep_alive: KeepAlive,
    challenger: Challenger,
    limits: RegistrarSettings,
}

impl Lines {
    pub(crate) fn new(settings: &Settings, ground: &mut Ground) -> Self {
        Self {
            directory: Directory::new(settings, ground.hasher.clone()),
            locations: Locations::new(settings, ground),
            keep_alive: KeepAlive::new(settings.registrar.keep_alive),
            challenger: Challenger::new(&settings.domain, &mut ground.rng, ground.limits),
            limits: settings.registrar.clone(),
        }
    }

    /// Other settings from now on.
    pub(crate) fn reload(&mut self, settings: &Settings, ground: &mut Ground) {
        self.directory = Directory::new(settings, ground.hasher.clone());
        self.locations.reload(settings, ground);
        self.keep_alive.reload(settings.registrar.keep_alive);
        self.limits = settings.registrar.clone();
    }

    /// Who sends this request (INVITE, REFER out of dialog, …)? None: it was challenged, refused or ignored here.
    ///
    /// Whoever is not known by address is challenged, strangers with a foreign From as well: nobody learns who exists.
    pub(crate) fn admit(
        &mut self,
        transactions: &mut Transactions,
        request: &Message<'_>,
        arrival: Arrival,
    ) -> Option<Caller> {
        let transport = transactions.ground.transport(arrival.hop.flow);
        if let Some(caller) = self.directory.by_address(arrival.hop.address, transport) {
            return Some(caller);
        }
        let from = request.from().ok().and_then(|from| from.uri().ok());
        let named = from.and_then(|uri| self.directory.named(&uri, &transactions.ground));
        let line = self.prove(transactions, request, arrival, named).ok()?;
        // A line calls under its own number only (RFC 3261 §22.1 leaves that to us).
        if named != Some(line) {
            transactions.reply_stateless(request, arrival.hop, Status::FORBIDDEN, None, bare);
            return None;
        }
        Some(Caller::Line(line))
    }

    /// The whole of a REGISTER (RFC 3261 §10.3). The line, if it had no phone before.
    pub(crate) fn register(
        &mut self,
        transactions: &mut Transactions,
        request: &Message<'_>,
        arrival: Arrival,
    ) -> Option<LineNo> {
        let Some(to) = self.addressed(request, &transactions.ground) else {
            registrar::not_found(transactions, request, arrival);
            return None;
        };
        let named = self.directory.named(&to, &transactions.ground);
        let transport = transactions.ground.transport(arrival.hop.flow);
        let sender = match self.directory.by_address(arrival.hop.address, transport) {
            // A gateway's address stands for one line; it may register others only with their passwords.
            Some(Caller::Line(line)) if named == Some(line) => line,
            Some(Caller::Line(_) | Caller::Trunk(_)) | None => {
                match self.prove(transactions, request, arrival, named) {
                    Ok(line) => line,
                    Err(denied) => {
                        count_denied(transactions, denied);
                        return None;
                    }
                }
            }
        };
        if named != Some(sender) {
            registrar::forbid(transactions, request, arrival);
            return None;
        }
        let was_there = self.locations.phones(sender).next().is_some();
        let limit = self.directory.max_contacts(sender).unwrap_or(self.limits.max_contacts);
        let done = registrar::wanted(request, arrival.hop, &self.limits)
            .and_then(|asked| self.locations.register(&mut transactions.ground, sender, &asked, limit));
        match done {
            Ok(()) => {
                for contact in self.locations.newly_behind_nat(sender) {
                    self.keep_alive.heard(transactions, sender, contact);
                }
                let bindings = self.locations.list(sender, transactions.ground.now);
                registrar::list(transactions, request, arrival, bindings);
            }
            Err(refusal) => registrar::refuse(transactions, request, arrival, refusal),
        }
        (!was_there && self.locations.phones(sender).next().is_some()).then_some(sender)
    }

    /// A timer of [`Room::Line`](crate::base::Room::Line) fired.
    pub(crate) fn expired(&mut self, transactions: &mut Transactions, alarm: Alarm) {
        if alarm.reason == keep_alive::DUE {
            return self.keep_alive.ask(transactions, &self.locations, self.directory.domain());
        }
        self.locations.expired(&mut transactions.ground, alarm);
    }

    /// A phone that was asked whether it is there has answered, or has not: how long that took, if it has.
    pub(crate) fn settled(
        &mut self,
        transactions: &mut Transactions,
        asked: Owner,
        answered: bool,
    ) -> Option<Duration> {
        let (line, took) = self.keep_alive.settled(transactions.ground.now, asked.0)?;
        if self.locations.answered(line, asked.0, answered) {
            self.keep_alive.heard(transactions, line, asked.0);
        }
        answered.then_some(took)
    }

    /// A connection has ended.
    pub(crate) fn connection_lost(&mut self, ground: &mut Ground, hop: Hop) {
        self.locations.connection_lost(ground, hop);
    }

    /// Whether a line is reached over this connection.
    pub(crate) fn is_over(&self, hop: Hop) -> bool {
        self.locations.is_over(hop)
    }

    /// An alarm was lost.
    pub(crate) fn rearm(&mut self, ground: &mut Ground, alarm: Alarm) {
        if alarm.reason == keep_alive::DUE {
            return self.keep_alive.rearm(ground);
        }
        self.locations.rearm(ground, alarm);
    }

    /// Adds what is counted here.
    pub(crate) fn count(&self, counters: &mut Counters) {
        self.challenger.count(&mut counters.excess);
    }

    /// Fills in what there is now.
    pub(crate) fn gauge(&self, gauges: &mut Gauges) {
        gauges.registrations = self.locations.contacts().map(|contacts| contacts as u64);
        gauges.registered_users = self.locations.lines() as u64;
        gauges.penalties = self.challenger.late() as u64;
    }

    /// Who knows the password they should.
    fn prove(
        &mut self,
        transactions: &mut Transactions,
        request: &Message<'_>,
        arrival: Arrival,
        named: Option<LineNo>,
    ) -> Result<LineNo, Denied> {
        let directory = &self.directory;
        let offered = directory.algorithms(named);
        let account = |username: &[u8], ground: &Ground| directory.account(username, ground);
        self.challenger.prove(transactions, request, arrival, offered, account)
    }

    /// Whom a REGISTER is for, if it is for somebody of this domain (§10.3 steps 1 and 5).
    fn addressed<'a>(&self, request: &Message<'a>, ground: &Ground) -> Option<Uri<'a>> {
        let ours = |uri: &Uri<'_>| uri.is_sip() && self.directory.is_local_host(uri.host, ground);
        request.request_uri().ok().filter(ours)?;
        request.to().ok()?.uri().ok().filter(ours)
    }
}

fn count_denied(transactions: &mut Transactions, denied: Denied) {
    let result = match denied {
        Denied::Challenged => RegisterResult::Challenge,
        Denied::Forbidden => RegisterResult::Forbidden,
        Denied::Malformed => RegisterResult::Refused,
        // Counted as a penalty already, and nothing was answered.
        Denied::Ignored => return,
    };
    transactions.ground.counters.register.up(result);
}
