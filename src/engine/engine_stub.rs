//! TEMPORARY stand-in for the engine and for three label sets of `wire`, so that the outer floors compile; deleted at merge.
use crate::counters::{CallCounters, Counters, Gauges, LotGauges, ParkCounters, Snapshot};
use crate::labels;
use crate::settings::Settings;
use crate::{Input, Output, Time};

labels! {
    /// Stand-in.
    pub enum Method {
        /// INVITE.
        Invite = "INVITE",
        /// ACK.
        Ack = "ACK",
        /// BYE.
        Bye = "BYE",
        /// REGISTER.
        Register = "REGISTER",
        /// OPTIONS.
        Options = "OPTIONS",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// Stand-in.
    pub enum Status {
        /// 100.
        S100 = "100",
        /// 180.
        S180 = "180",
        /// 200.
        S200 = "200",
        /// 401.
        S401 = "401",
        /// 503.
        S503 = "503",
        /// 606.
        S606 = "606",
        /// Anything else.
        Other = "other",
    }
}

impl Status {
    /// Stand-in.
    pub const fn new(code: u16) -> Option<Self> {
        if code == 606 { Some(Self::S606) } else { None }
    }
}

labels! {
    /// Stand-in.
    pub enum Malformed {
        /// Not SIP at all.
        Syntax = "syntax",
    }
}

/// Stand-in: counts datagrams and answers none.
#[derive(Debug)]
pub struct Engine {
    counters: Counters,
    lots: usize,
    draining: bool,
}

impl Engine {
    /// A new engine.
    pub fn new(settings: Settings) -> Self {
        let counters = Counters {
            calls: vec![CallCounters::default(); settings.trunks.len() + 1],
            park: vec![ParkCounters::default(); settings.lots.len()],
            codes: vec![crate::base::Table::default(); settings.codes.len()],
            ..Counters::default()
        };
        Self { counters, lots: settings.lots.len(), draining: false }
    }

    /// Takes one input.
    pub fn handle(&mut self, _now: Time, input: Input<'_>, _out: &mut Output) {
        match input {
            Input::Datagram { .. } => {
                self.counters.messages.add(crate::counters::Direction::In, crate::counters::Kind::Request, 1)
            }
            Input::Command(_) => self.draining = true,
            Input::Panicked => self.counters.panics += 1,
            Input::Expired | Input::Media(_) => {}
        }
    }

    /// When to call again.
    pub fn deadline(&self) -> Option<Time> {
        None
    }

    /// Counters and gauges.
    pub fn snapshot(&self, _now: Time) -> Snapshot {
        let gauges =
            Gauges { lots: vec![LotGauges::default(); self.lots], draining: self.draining, ..Gauges::default() };
        Snapshot { counters: self.counters.clone(), gauges }
    }

    /// No call is up.
    pub fn is_idle(&self) -> bool {
        true
    }
}
