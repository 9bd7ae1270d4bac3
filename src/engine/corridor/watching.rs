//! Who watches: a SUBSCRIBE's way up, and at the end of each turn what has changed for whom.
//!
//! ```text
//!   SUBSCRIBE ─► known package? ─► who is it? ─► Features::subject ─► Watch: 200, and due
//!   … whatever the turn was about …
//!   sessions, locations, orbits: changed ─► Watch: due ─► Features::look ─► Watch: NOTIFY, unless nothing is new
//! ```
use super::Engine;
use crate::counters::CompletionKind;
use crate::leg::Dialled;
use crate::line::Caller;
use crate::session::{Exchange, News, SessionId};
use crate::settings::Settings;
use crate::transaction::{Arrival, ClientId, Owner};
use crate::watch::{Ask, Refusal, Subject, SubscriptionId, bad_event};
use crate::wire::{Message, Method, Status};
use std::time::Duration;

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
        let at_most = found.and_then(|(subject, _)| self.asked_for(subject, request));
        let transactions = &mut self.exchange.legs.transactions;
        let done =
            found.and_then(|found| self.watch.subscribe(transactions, request, arrival, ask, (found, list), at_most?));
        match (done, found) {
            (Ok(()), Ok((subject, _))) => {
                if let Subject::Callback(..) = subject {
                    self.watch.keep_last(subject);
                }
                self.watch_subject(subject, true);
            }
            (Err(refusal), found) => {
                refusal.tell(transactions, request, arrival);
                // What was asked for with it is not to be waited for.
                if let Some((subject, _)) = found.ok().filter(|(subject, _)| !self.watch.is_watched(*subject)) {
                    self.watch_subject(subject, false);
                }
            }
            (Ok(()), Err(_)) => {}
        }
    }

    /// Who watches whether a line can be called wants to be called back (RFC 6910). For how long at most, if that is fixed.
    fn asked_for(&mut self, subject: Subject, request: &Message<'_>) -> Result<Option<Duration>, Refusal> {
        let Subject::Callback(target, by) = subject else { return Ok(None) };
        if self.watch.has_forked(subject, request) {
            return Err(Refusal::Merged);
        }
        // Who only looks asks for nothing.
        if request.expires() == Some(0) {
            return Ok(Some(Duration::ZERO));
        }
        let uri = request.request_uri().ok();
        let kind = match uri.as_ref().and_then(|uri| uri.param("m")) {
            Some(b"NR") => CompletionKind::NoReply,
            Some(b"NL") => CompletionKind::NotRegistered,
            // Unknown ones must be taken (§6.2), and most lines are busy.
            Some(_) | None => CompletionKind::Busy,
        };
        self.features.ask_by_watching((by, target), kind, &mut self.exchange).map(Some)
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
            return self.features.forget_changed();
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
        while let Some(subjects) = self.features.next_callback_changed() {
            subjects.into_iter().for_each(|subject| self.watch.changed(subject, now));
        }
        for id in self.watch.take_due(&mut self.exchange.legs.transactions) {
            self.show_to(id);
        }
        while let Some(subject) = self.watch.next_deserted() {
            self.watch_subject(subject, false);
            self.climb();
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
        self.features.watch(subject, watched, &mut self.exchange);
    }
}
