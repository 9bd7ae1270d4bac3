//! Who watches: a SUBSCRIBE's way up, and at the end of each turn what has changed for whom.
//!
//! ```text
//!   SUBSCRIBE ─► known package? ─► who is it? ─► Features::subject ─► Watch: 200, and due
//!   … whatever the turn was about …
//!   sessions, locations, orbits: changed ─► Watch: due ─► Features::look ─► Watch: NOTIFY, unless nothing is new
//! ```
use super::Engine;
use crate::leg::Dialled;
use crate::line::Caller;
use crate::session::{Exchange, News, SessionId};
use crate::settings::Settings;
use crate::transaction::{Arrival, ClientId, Owner};
use crate::watch::{Ask, Refusal, Subject, SubscriptionId, bad_event};
use crate::wire::{Message, Method, Status};

impl Engine {
    /// Somebody wants to watch something.
    pub(super) fn subscribe(&mut self, request: &Message<'_>, arrival: Arrival) {
        let transactions = &mut self.exchange.legs.transactions;
        if !crate::door::is_here(transactions, &self.exchange.lines.directory, request, arrival) {
            return;
        }
        let Some(ask) = Ask::read(request) else { return bad_event(transactions, request, arrival) };
        // Watching is second to calling.
        if self.overloaded {
            return crate::door::overloaded(transactions, request, arrival);
        }
        let Some(caller) = self.exchange.lines.admit(transactions, request, arrival) else { return };
        if self.draining {
            return crate::door::draining(&mut self.exchange.legs.transactions, request, arrival);
        }
        let watcher = match caller {
            Caller::Line(line) => Ok(line),
            // Nobody's colleague, and in no group.
            Caller::Trunk(_) => Err(Refusal::Forbidden),
        };
        let dialled = request.request_uri().ok().and_then(|uri| Dialled::read(&uri, b"")).ok_or(Refusal::NotFound);
        let found = watcher.and_then(|watcher| {
            let subject = self.features.subject(&dialled?, ask.package, watcher, &self.exchange)?;
            Ok((subject, watcher))
        });
        let list = found.is_ok_and(|(subject, _)| self.features.is_list(subject));
        let transactions = &mut self.exchange.legs.transactions;
        let done = found.and_then(|found| self.watch.subscribe(transactions, request, arrival, ask, (found, list)));
        match (done, found) {
            (Ok(()), Ok((subject, _))) => self.watch_subject(subject, true),
            (Err(refusal), _) => refusal.tell(transactions, request, arrival),
            (Ok(()), Err(_)) => {}
        }
    }

    /// A request inside a dialog that is no call's: a subscription's, or none.
    pub(super) fn outside_calls(&mut self, request: &Message<'_>, arrival: Arrival) {
        let transactions = &mut self.exchange.legs.transactions;
        let subscription = self.watch.dialog_of(request).filter(|_| request.method() == Some(Method::Subscribe));
        let Some(id) = subscription else { return crate::door::no_dialog(transactions, request, arrival) };
        if let Err(refusal) = self.watch.refresh(transactions, id, request, arrival) {
            refusal.tell(transactions, request, arrival);
        }
    }

    /// The watcher's response to a NOTIFY, or that there was none.
    pub(super) fn notified(&mut self, owner: Owner, client: ClientId, status: Option<Status>) {
        let transactions = &mut self.exchange.legs.transactions;
        match status {
            Some(status) => self.watch.answered(transactions, owner, client, status),
            None => self.watch.unanswered(transactions, owner, client),
        }
    }

    /// Other settings: everything that is watched is looked at anew.
    pub(super) fn reload_watch(&mut self, settings: &Settings) {
        let now = self.exchange.legs.ground().now;
        self.watch.reload(settings, now);
        for subject in self.watch.subjects() {
            // There may be orbits that were not there before.
            self.watch_subject(subject, true);
        }
    }

    /// The end of the turn: who watches something that has changed is told, as far as it may be now.
    pub(super) fn show(&mut self) {
        if self.watch.is_quiet() {
            return;
        }
        let now = self.exchange.legs.ground().now;
        let Exchange { sessions, lines, .. } = &mut self.exchange;
        for line in sessions.changed().chain(lines.locations.changed()) {
            self.watch.changed(Subject::Line(line), now);
        }
        while let Some((orbit, lot)) = self.features.next_changed() {
            self.watch.changed(Subject::Orbit(orbit), now);
            self.watch.changed(Subject::Lot(lot), now);
        }
        for id in self.watch.take_due(&mut self.exchange.legs.transactions) {
            self.show_to(id);
        }
        while let Some(subject) = self.watch.next_deserted() {
            self.watch_subject(subject, false);
        }
    }

    /// Tells one watcher what there is to be seen now.
    fn show_to(&mut self, id: SubscriptionId) {
        let Some(view) = self.watch.view(id) else { return };
        let mut sight = std::mem::take(&mut self.sight);
        let seen = self.features.look(view, &self.exchange, &mut sight);
        let legs = &self.exchange.legs;
        let is_new = match seen {
            Ok(()) => {
                let names = |who| legs.names(self.exchange.leg_of(SessionId::unpack(who)));
                self.watch.write(&legs.transactions, id, &sight, &names)
            }
            Err(end) => {
                self.watch.write_nothing(id, end);
                true
            }
        };
        self.sight = sight;
        if !is_new {
            return self.watch.done();
        }
        if let Some((package, after)) = self.watch.send(&mut self.exchange.legs.transactions, id) {
            self.exchange.news.push(News::Notified { package, after });
        }
    }

    fn watch_subject(&mut self, subject: Subject, watched: bool) {
        if let Subject::Line(line) = subject {
            self.exchange.sessions.watch(line, watched);
            self.exchange.lines.locations.watch(line, watched);
        }
        self.features.watch(subject, watched);
    }
}
