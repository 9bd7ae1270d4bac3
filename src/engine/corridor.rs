//! The corridor: one input in, whatever comes of it out. The only place that carries events up the stairs.
//!
//! ```text
//!   datagram ─► Message ─► Transactions ─► who is asking? ─► Legs ─► Exchange ─► Features
//!                              │                │              ╰── LegEvent ──► SessionEvent ──► orders ──╮
//!                              ╰─ retransmissions end here     ▲                                          │
//!                                               ╰─ challenged, refused      ╰─────────────────────────────╯
//! ```
mod publishing;
mod unanswered;
mod watching;

use crate::base::{Alarm, Room, Time};
use crate::counters::{KeyMethod, Snapshot};
use crate::feature::{Features, Naming};
use crate::ground::{Ground, Hop};
use crate::input::{Command, Flow, Input};
use crate::leg::{Cause, Dialled, LegEvent, LegId, Legs, Named};
use crate::line::{Caller, Lines};
use crate::output::Output;
use crate::session::{Duty, Exchange, News, SessionEvent, SessionId, Wake};
use crate::settings::Settings;
use crate::transaction::{Arrival, Owner, TransactionEvent, Transactions};
use crate::watch::{Sight, Watch};
use crate::wire::dtmf::Press;
use crate::wire::media::MediaEvent;
use crate::wire::{Message, Method, Name, Status, bare};
use std::net::SocketAddr;

/// The engine: a whole PBX under one owner.
#[derive(Debug)]
pub struct Engine {
    pub(crate) exchange: Exchange,
    pub(crate) features: Features,
    pub(crate) watch: Watch,
    /// What a watcher sees, while it is written down.
    sight: Sight,
    /// The leg that the input under way is about.
    current: LegId,
    /// The deadline under way.
    alarm: Option<Alarm>,
    /// The simulator's: the next deadline of this room panics, before or after it was handled.
    #[cfg(any(test, feature = "simulator"))]
    pub(crate) trap: Option<(Room, Moment)>,
    panics: u64,
    /// The owner's buffers are in here; still so after a panic.
    at_work: bool,
    pub(crate) draining: bool,
    /// The input at hand is in excess of what there is time for.
    overloaded: bool,
}

/// When, in the handling of a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

impl Engine {
    /// A PBX with these settings.
    pub fn new(settings: Settings) -> Self {
        Self::numbered(settings, 0)
    }

    /// One of several that share nothing: its handles carry its number.
    pub fn numbered(settings: Settings, engine: u8) -> Self {
        let mut ground = Ground::new(&settings);
        let lines = Lines::new(&settings, &mut ground);
        let watch = Watch::new(&settings, &ground, engine);
        let legs = Legs::new(Transactions::new(ground, engine), &settings, engine);
        let exchange = Exchange::new(legs, lines, &settings, engine);
        let features = Features::new(&settings, engine);
        Self {
            exchange,
            features,
            watch,
            sight: Sight::default(),
            current: LegId::NONE,
            alarm: None,
            #[cfg(any(test, feature = "simulator"))]
            trap: None,
            panics: 0,
            at_work: false,
            draining: false,
            overloaded: false,
        }
    }

    /// One input. What came of it is added to `out`; timers that are due fire first.
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Output) {
        if std::mem::replace(&mut self.at_work, true) {
            // A panic came between: what was being written is lost, what was written before it goes out.
            self.exchange.legs.ground().outbox.salvage();
        } else {
            self.swap(out);
        }
        let ground = self.exchange.legs.ground();
        ground.now = ground.now.max(now);
        self.overloaded = false;
        // Not before what panicked is put in order.
        if !matches!(input, Input::Panicked) {
            self.current = LegId::NONE;
            self.expire();
        }
        match input {
            Input::Datagram { flow, source, bytes } => self.datagram(Hop { flow, address: source }, bytes),
            Input::Excess { flow, source, bytes } => {
                self.overloaded = true;
                self.datagram(Hop { flow, address: source }, bytes);
            }
            Input::Garbled { flow, source, bytes, mistake } => {
                let transactions = &mut self.exchange.legs.transactions;
                crate::door::garbled(transactions, Hop { flow, address: source }, bytes, mistake);
            }
            Input::Closed { flow, peer } => self.connection_lost(Hop { flow, address: peer }),
            Input::Expired => {}
            Input::Media(event) => {
                let whom = match event {
                    MediaEvent::Played { ticket, .. } => Some(SessionId::unpack(ticket.whom)),
                    MediaEvent::Failed { port }
                    | MediaEvent::Heard { port }
                    | MediaEvent::OneWay { port }
                    | MediaEvent::Silent { port }
                    | MediaEvent::Pressed { port, .. } => self.exchange.at_port(port),
                };
                self.current = whom.map_or(LegId::NONE, |who| self.exchange.leg_of(who));
                if let (MediaEvent::Pressed { port, key, millis }, Some(who)) = (event, whom) {
                    self.exchange.legs.ground().counters.keys.up(KeyMethod::Rfc4733);
                    let press = Press::event(key, millis);
                    if !self.features.pressed(who, press, &mut self.exchange) {
                        self.exchange.pass_key(who, port, press);
                    }
                }
                self.exchange.media_event(event);
                self.climb();
            }
            Input::Command(command) => self.command(command),
            Input::Reload(settings) => self.reload(&settings),
            Input::Restored(records) => self.features.restore(&records, &mut self.exchange),
            Input::Panicked => self.recover(),
        }
        self.show();
        self.swap(out);
        self.at_work = false;
    }

    /// Whether a line is reached over this connection, or a response is to come, so that it must not be closed for being
    /// quiet.
    pub fn needs(&self, flow: Flow, peer: SocketAddr) -> bool {
        let hop = Hop { flow, address: peer };
        self.exchange.lines.is_over(hop) || self.exchange.legs.transactions.waits_on(hop)
    }

    /// Whether a trunk is at the far side.
    pub fn is_trunk(&self, flow: Flow, peer: SocketAddr) -> bool {
        let transport = self.exchange.legs.transactions.ground.transport(flow);
        matches!(self.exchange.lines.directory.by_address(peer, transport), Some(Caller::Trunk(_)))
    }

    /// When to hand in [`Input::Expired`].
    pub fn deadline(&self) -> Option<Time> {
        self.exchange.legs.transactions.ground.timers.deadline()
    }

    /// Everything counted, and what is true now.
    pub fn snapshot(&self, now: Time) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.counters.clone_from(&self.exchange.legs.transactions.ground.counters);
        snapshot.counters.panics = self.panics;
        self.exchange.lines.count(&mut snapshot.counters);
        self.features.count(&mut snapshot.counters);
        self.exchange.gauge(&mut snapshot.gauges);
        self.features.gauge(now, &mut snapshot.gauges);
        self.watch.count(&mut snapshot.counters.notifies);
        self.watch.gauge(&mut snapshot.gauges);
        snapshot
    }

    /// Whether no call is up, and every watcher knows: a drain is over.
    pub fn is_idle(&self) -> bool {
        self.exchange.is_idle() && self.watch.has_told()
    }

    /// Other settings. What is up goes on as it began; what comes next goes by the new ones.
    fn reload(&mut self, settings: &Settings) {
        let Exchange { lines, legs, .. } = &mut self.exchange;
        lines.reload(settings, legs.ground());
        self.exchange.reload(settings);
        self.features.reload(settings);
        self.features.rouse(&mut self.exchange);
        self.climb();
        self.reload_watch(settings);
    }

    /// The input before this one panicked: what it was about is ended, and nothing else.
    fn recover(&mut self) {
        self.panics += 1;
        let leg = std::mem::replace(&mut self.current, LegId::NONE);
        let alarm = self.alarm.take();
        if let Some(alarm) = alarm {
            self.rearm(alarm);
        }
        self.give_up(leg);
        if let Some(alarm) = alarm.filter(|alarm| alarm.room == Room::Feature) {
            for who in self.exchange.working_for(Wake::read(alarm)) {
                self.give_up(self.exchange.leg_of(who));
            }
        }
        self.watch.recover(&mut self.exchange.legs.transactions);
        self.exchange.legs.close_orphans();
        self.exchange.close_lost_faces();
        self.exchange.end_legless();
        self.climb();
        self.expire();
    }

    /// Ends a leg, and tells whoever has it.
    fn give_up(&mut self, leg: LegId) {
        let owner = self.exchange.legs.owner(leg);
        self.exchange.legs.abandon(leg);
        if owner != Owner::NOBODY {
            self.exchange.leg_event(owner, LegEvent::HungUp(Cause::Failure), None);
            self.climb();
        }
    }

    /// A deadline whose handling panicked had nothing set after it: what still waits, waits for a new one.
    fn rearm(&mut self, alarm: Alarm) {
        let Exchange { lines, legs, .. } = &mut self.exchange;
        match alarm.room {
            Room::Client | Room::Server => legs.transactions.rearm(alarm),
            Room::Leg => legs.rearm(LegId::unpack(alarm.whom)),
            Room::Line => lines.rearm(legs.ground(), alarm),
            Room::Watch => self.watch.rearm(alarm),
            Room::Feature => self.features.rearm(Wake::read(alarm), &mut self.exchange),
            // Its session is ended: it does not wait any more.
            Room::Session => {}
        }
    }

    /// The owner's buffers in, or out again.
    fn swap(&mut self, out: &mut Output) {
        let outbox = &mut self.exchange.legs.transactions.ground.outbox;
        std::mem::swap(&mut outbox.bytes, &mut out.bytes);
        std::mem::swap(&mut outbox.messages, &mut out.datagrams);
        std::mem::swap(&mut self.exchange.news, &mut out.news);
        std::mem::swap(&mut self.exchange.media, &mut out.media);
        std::mem::swap(&mut self.exchange.kept, &mut out.kept);
    }

    fn datagram(&mut self, hop: Hop, bytes: &[u8]) {
        if crate::door::is_keep_alive(bytes) {
            return;
        }
        // It is large: it stays where it is.
        let parsed = Message::parse(bytes);
        let Some(message) = crate::door::open(&mut self.exchange.legs.transactions, hop, &parsed) else { return };
        self.exchange.legs.ground().heard(hop);
        let event = self.exchange.legs.transactions.receive(message, hop);
        if let Some((method, took)) = self.exchange.legs.transactions.answered() {
            self.exchange.news.push(News::RequestAnswered { method, took });
        }
        match event {
            TransactionEvent::Absorbed => {}
            TransactionEvent::Request(arrival) => self.request(message, arrival),
            TransactionEvent::Ack => {
                self.current = self.exchange.legs.dialog_of(message).unwrap_or(LegId::NONE);
                let event = self.exchange.legs.acknowledged(message);
                self.rise(event, message);
            }
            TransactionEvent::Cancelled(owner) => {
                self.current = LegId::unpack(owner.0);
                let event = self.exchange.legs.cancelled(owner);
                self.rise(event, message);
            }
            TransactionEvent::Response { owner, method: Method::Options, .. } => {
                self.asked(owner, message.status().is_some_and(Status::is_final))
            }
            TransactionEvent::Response { owner, client, .. } if Watch::owns(owner) => {
                self.notified(owner, client, message.status());
            }
            TransactionEvent::Response { owner, client, method } => {
                self.current = LegId::unpack(owner.0);
                let event = self.exchange.legs.responded(owner, client, method, message);
                self.rise(event, message);
            }
        }
    }

    /// A new request: inside a dialog, or from outside.
    fn request(&mut self, request: &Message<'_>, arrival: Arrival) {
        let transactions = &mut self.exchange.legs.transactions;
        if crate::door::refuse(transactions, request, arrival) {
            return;
        }
        if request.to_tag().is_some() && request.method() != Some(Method::Register) {
            let Some(leg) = self.exchange.legs.dialog_of(request) else {
                return self.outside_calls(request, arrival);
            };
            self.current = leg;
            let owner = self.exchange.legs.owner(leg);
            let event = self.exchange.legs.requested(leg, request, arrival);
            return self.rise(event.map(|event| (owner, event)), request);
        }
        match request.method() {
            Some(Method::Invite) => self.invite(request, arrival),
            Some(Method::Subscribe) => self.subscribe(request, arrival),
            Some(Method::Publish) => self.publish(request, arrival),
            Some(Method::Register) => {
                let appeared = self.exchange.lines.register(&mut self.exchange.legs.transactions, request, arrival);
                if let Some(line) = appeared {
                    self.features.signed_in(line, &mut self.exchange);
                    self.climb();
                }
            }
            _ => crate::door::answer(&mut self.exchange.legs.transactions, request, arrival),
        }
    }

    /// Somebody calls.
    fn invite(&mut self, invite: &Message<'_>, arrival: Arrival) {
        let transactions = &mut self.exchange.legs.transactions;
        if !crate::door::is_for_us(transactions, &self.exchange.lines.directory, invite, arrival) {
            return;
        }
        // Before anything is spent on it. Who waits in an orbit can still be fetched.
        if self.overloaded && !self.is_fetching(invite) {
            return crate::door::overloaded(&mut self.exchange.legs.transactions, invite, arrival);
        }
        let transactions = &mut self.exchange.legs.transactions;
        let Some(caller) = self.exchange.lines.admit(transactions, invite, arrival) else { return };
        let Some((party, dialled)) =
            crate::door::who_and_whom(transactions, &self.exchange.lines, caller, invite, arrival)
        else {
            return;
        };
        // While the server goes down nobody new is called, but who waits in an orbit can still be fetched.
        if self.draining && !self.features.is_fetching(&dialled) {
            return crate::door::draining(&mut self.exchange.legs.transactions, invite, arrival);
        }
        let names = match self.exchange.legs.replaced_by(invite) {
            Ok(Some(replaced)) => Some(Naming::Replaces(self.session_of(replaced))),
            Ok(None) => self.exchange.legs.targeted_by(invite).map(|leg| Naming::Target(self.session_of(leg))),
            Err((status, reason)) => {
                return self.exchange.legs.transactions.reply(arrival, invite, status, Some(reason), bare);
            }
        };
        let line = match caller {
            Caller::Line(line) => Some(line),
            Caller::Trunk(_) => None,
        };
        let Some(leg) = self.exchange.legs.arrive(invite, arrival, line) else { return };
        self.current = leg;
        let who = self.exchange.arrived(leg, party, Duty::Code);
        self.features.dialled(who, dialled, names, &mut self.exchange);
        self.climb();
    }

    /// Whether somebody calls for the sake of a call that is there already.
    fn is_fetching(&self, invite: &Message<'_>) -> bool {
        if invite.has(Name::Replaces) || invite.has(Name::TargetDialog) {
            return true;
        }
        let dialled = invite.request_uri().ok().and_then(|uri| Dialled::read(&uri, b""));
        dialled.is_some_and(|dialled| self.features.is_fetching(&dialled))
    }

    /// An event goes up from a leg.
    fn rise(&mut self, event: Option<(Owner, LegEvent)>, message: &Message<'_>) {
        let Some((owner, event)) = event.filter(|(owner, _)| *owner != Owner::NOBODY) else { return };
        if let LegEvent::Referred(dialled, replaces) = event {
            self.referred(owner, dialled, replaces, message);
        } else if !(event == LegEvent::Passed && self.is_kept_key(owner, message)) {
            self.exchange.leg_event(owner, event, Some(message));
        }
        if let LegEvent::PassSettled(_) = event {
            self.features.key_taken(SessionId::unpack(owner.0), &mut self.exchange);
        }
        self.climb();
    }

    /// Whether an INFO tells of a key that is not for the other party, or not so.
    fn is_kept_key(&mut self, owner: Owner, info: &Message<'_>) -> bool {
        let Some(press) = Press::read(info) else { return false };
        self.exchange.legs.ground().counters.keys.up(KeyMethod::Info);
        let who = SessionId::unpack(owner.0);
        self.features.pressed(who, press, &mut self.exchange) || self.exchange.plays_key(who, press)
    }

    fn session_of(&self, leg: LegId) -> SessionId {
        SessionId::unpack(self.exchange.legs.owner(leg).0)
    }

    fn referred(&mut self, owner: Owner, dialled: Dialled, replaces: Named<LegId>, refer: &Message<'_>) {
        let who = SessionId::unpack(owner.0);
        let replaces = match replaces {
            Named::This(leg) => Named::This(self.session_of(leg)),
            Named::Unknown => Named::Unknown,
            Named::Nothing => Named::Nothing,
        };
        let Exchange { lines, legs, .. } = &mut self.exchange;
        if !crate::door::refers_here(&lines.directory, legs.ground(), refer) {
            return self.features.transferred_abroad(who, dialled, &mut self.exchange);
        }
        self.features.transferred(who, dialled, replaces, &mut self.exchange);
    }

    /// What happened to sessions goes on to the features, until nothing more comes of it.
    fn climb(&mut self) {
        while let Some(event) = self.exchange.next_event() {
            self.features.happened(event, &mut self.exchange);
            if let SessionEvent::Left(who, _) | SessionEvent::Failed(who, _) | SessionEvent::Redirected(who) = event {
                self.exchange.remove(who);
            }
        }
    }

    fn expire(&mut self) {
        loop {
            let ground = self.exchange.legs.ground();
            let Some(alarm) = ground.timers.expire(ground.now) else { return };
            self.alarm = Some(alarm);
            self.current = self.subject(alarm);
            self.spring(alarm, Moment::Before);
            self.alarm(alarm);
            self.climb();
            self.spring(alarm, Moment::After);
            (self.alarm, self.current) = (None, LegId::NONE);
        }
    }

    #[cfg(not(any(test, feature = "simulator")))]
    const fn spring(&self, _: Alarm, _: Moment) {}

    /// A panic, if the simulator has laid one.
    #[cfg(any(test, feature = "simulator"))]
    fn spring(&mut self, alarm: Alarm, moment: Moment) {
        if self.trap == Some((alarm.room, moment)) {
            self.trap = None;
            std::panic::resume_unwind(Box::new("the simulator's panic"));
        }
    }

    /// The leg that a deadline is about. A feature's may be about several: [`Self::recover`] finds them.
    fn subject(&self, alarm: Alarm) -> LegId {
        match alarm.room {
            Room::Client | Room::Server => LegId::unpack(self.exchange.legs.transactions.owner_of(alarm).0),
            Room::Leg => LegId::unpack(alarm.whom),
            Room::Session => self.exchange.leg_of(SessionId::unpack(alarm.whom)),
            Room::Watch | Room::Line | Room::Feature => LegId::NONE,
        }
    }

    fn alarm(&mut self, alarm: Alarm) {
        match alarm.room {
            Room::Client | Room::Server => {
                let Some(timeout) = self.exchange.legs.transactions.expired(alarm) else { return };
                self.timed_out(timeout);
            }
            Room::Leg => {
                if let Some((owner, event)) = self.exchange.legs.expired(alarm) {
                    self.exchange.leg_event(owner, event, None);
                }
            }
            Room::Line => {
                let Exchange { lines, legs, .. } = &mut self.exchange;
                lines.expired(&mut legs.transactions, alarm);
            }
            Room::Watch => self.watch.expired(alarm),
            Room::Session => self.exchange.expired(alarm),
            Room::Feature => self.features.woke(Wake::read(alarm), &mut self.exchange),
        }
    }

    fn command(&mut self, command: Command) {
        self.draining = true;
        self.features.drain();
        match command {
            Command::Drain => {}
            Command::Stop => {
                self.watch.stop();
                self.exchange.end_all(Cause::Unavailable, "The server is going down");
                self.climb();
            }
        }
    }
}
