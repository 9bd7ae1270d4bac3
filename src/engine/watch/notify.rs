//! NOTIFY: who is told what, and what comes of that (RFC 6665 §4.2.2).
use super::dialog_info::About;
use super::{
    AT_ONCE, LAST, PACE, PACED, Sight, Subject, SubscriptionId, WATCH_OWNER, Watch, call_completion, dialog_info,
    message_summary, presence, resource_list,
};
use crate::base::{Alarm, Room, TimerId, limits};
use crate::counters::{NotifyResult, Package};
use crate::dialog::{Names, write_contact};
use crate::settings::LineNo;
use crate::transaction::{ClientId, Owner, Transactions};
use crate::wire::{Compose, Method, Name, Status};
use std::time::Duration;

/// Why a subscription ends (§4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has had its time, or the watcher wants no more.
    Timeout,
    /// What was watched is gone.
    NoResource,
    /// The watcher may not see it any more.
    Rejected,
    /// The server goes down, and will be back.
    Probation,
}

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) subject: Subject,
    pub(crate) package: Package,
    pub(crate) watcher: LineNo,
    /// A lot is to be told orbit by orbit.
    pub(crate) list: bool,
}

impl Watch {
    /// The subscription with this view is over when the watcher has been told so.
    pub(crate) fn end(&mut self, id: SubscriptionId, end: End) {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        subscription.ending.get_or_insert(end);
        self.make_due(id);
    }

    /// Those that are due in this turn; the rest have to wait for the next.
    pub(crate) fn take_due(&mut self, transactions: &mut Transactions) -> Vec<SubscriptionId> {
        let mut turn = Vec::new();
        if self.turn != TimerId::NONE {
            return turn;
        }
        while turn.len() < AT_ONCE {
            let Some(id) = self.due.pop_front() else { break };
            if self.is_ready(transactions, id) {
                turn.push(id);
            }
        }
        self.next_turn(&mut transactions.ground);
        turn
    }

    /// Whether it can be told something now; if not, what it waits for will make it due again.
    fn is_ready(&mut self, transactions: &mut Transactions, id: SubscriptionId) -> bool {
        let ground = &mut transactions.ground;
        let Some(subscription) = self.subscriptions.get_mut(id) else { return false };
        subscription.due = false;
        // Nobody waits for an answer when the server goes down.
        if subscription.open != ClientId::NONE && subscription.ending != Some(End::Probation) {
            return false;
        }
        if ground.now < subscription.rests && subscription.ending.is_none() {
            ground.timers.stop(subscription.pace);
            let alarm = Alarm { room: Room::Watch, reason: PACED, whom: id.pack() };
            subscription.pace = ground.timers.start(ground.now, subscription.rests.since(ground.now), alarm);
            return false;
        }
        true
    }

    /// What it is about, for who looks at that now. [`Self::done`] or [`Self::send`] follows.
    pub(crate) fn view(&mut self, id: SubscriptionId) -> Option<View> {
        self.at_work = id;
        let subscription = self.subscriptions.get(id)?;
        let (subject, package) = (subscription.subject, subscription.package);
        Some(View { subject, package, watcher: subscription.watcher, list: subscription.list })
    }

    /// Writes what is to be seen; false if the watcher knows it already. [`Self::send`] follows.
    pub(crate) fn write<'n>(
        &mut self,
        transactions: &Transactions,
        id: SubscriptionId,
        sight: &'n Sight,
        names: &impl Fn(u64) -> Option<Names<'n>>,
    ) -> bool {
        let ground = &transactions.ground;
        let Some(subscription) = self.subscriptions.get_mut(id) else { return false };
        let named: smallvec::SmallVec<[_; 4]> = sight.calls.iter().map(|call| names(call.whose)).collect();
        let seen = Some(ground.hasher.hash_one((sight, named)));
        if seen == subscription.told && subscription.ending.is_none() {
            subscription.changed = None;
            return false;
        }
        subscription.told = seen;
        let (domain, version, last) = (self.domain.as_str(), subscription.version, subscription.last);
        let about = About { domain, version, now: ground.now, last };
        self.body.clear();
        match subscription.package {
            Package::Dialog if subscription.list => resource_list::write(&mut self.body, about, sight, names),
            Package::Dialog => dialog_info::write(&mut self.body, about, &sight.number, sight.calls.iter(), names),
            Package::Presence => presence::write(&mut self.body, domain, sight),
            Package::MessageSummary => message_summary::write(&mut self.body, domain, &sight.number),
            Package::CallCompletion => {
                sight.callback.iter().for_each(|callback| call_completion::write(&mut self.body, domain, callback));
            }
        }
        if let Some(shown) = sight.calls.last() {
            subscription.last = Some(shown.id);
        }
        true
    }

    /// Nothing is to be seen any more: the subscription is over, if it was not already.
    pub(crate) fn write_nothing(&mut self, id: SubscriptionId, end: End) {
        self.body.clear();
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.ending.get_or_insert(end);
        }
    }

    /// Sends what was written. How long ago that changed, and of which package it is.
    pub(crate) fn send(&mut self, transactions: &mut Transactions, id: SubscriptionId) -> Option<(Package, Duration)> {
        let subscription = self.subscriptions.get_mut(id)?;
        let number = subscription.dialog.next_number();
        subscription.dialog.follow(&transactions.ground);
        let dialog = &subscription.dialog;
        let hop = dialog.next_hop(&transactions.ground);
        let (told, now) = (transactions.ground.contact_copy(hop.flow), transactions.ground.now);
        let owner = match subscription.ending {
            Some(_) => Owner(subscription.package as u64 | WATCH_OWNER | LAST),
            None => Owner(id.pack() | WATCH_OWNER),
        };
        let (ending, event_params, list) = (subscription.ending, &subscription.event_params, subscription.list);
        let (package, left) = (subscription.package, subscription.until.since(now));
        let body = &self.body;
        let sent = transactions.request(hop, owner, Method::Notify, dialog.request_uri(), 70, |mut notify| {
            dialog.write(&mut notify, Method::Notify, number);
            write_contact(&mut notify, &told);
            notify.open(Name::Event).word(event_name(package));
            if !event_params.is_empty() {
                notify.word(b";").text(event_params);
            }
            notify.close();
            write_state(&mut notify, ending, left);
            if list {
                notify.field(Name::Require, b"eventlist");
            }
            if body.is_empty() { notify.end() } else { notify.body(content_type(package, list), body) }
        });
        let changed = subscription.changed.take().unwrap_or(now);
        let Some(client) = sent else {
            // There are too many transactions: after a while there may be fewer.
            (subscription.told, subscription.changed) = (None, Some(changed));
            subscription.rests = now + PACE;
            self.put_off(transactions, id);
            return None;
        };
        subscription.version = subscription.version.wrapping_add(u32::from(!body.is_empty()));
        subscription.rests = now + PACE;
        self.at_work = SubscriptionId::NONE;
        if ending.is_some() {
            // What comes back for the last one is counted, and nothing more.
            self.remove(id, transactions);
        } else {
            subscription.open = client;
        }
        Some((package, now.since(changed)))
    }

    /// Nothing was new.
    pub(crate) const fn done(&mut self) {
        self.at_work = SubscriptionId::NONE;
    }

    /// One that could not be told, and may not be left without a timer.
    fn put_off(&mut self, transactions: &mut Transactions, id: SubscriptionId) {
        self.at_work = SubscriptionId::NONE;
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        if subscription.ending.is_some() {
            // It is over with or without a word.
            return self.remove(id, transactions);
        }
        let ground = &mut transactions.ground;
        ground.timers.stop(subscription.pace);
        let alarm = Alarm { room: Room::Watch, reason: PACED, whom: id.pack() };
        subscription.pace = ground.timers.start(ground.now, PACE, alarm);
    }

    /// The watcher's response to a NOTIFY.
    pub(crate) fn answered(&mut self, transactions: &mut Transactions, owner: Owner, client: ClientId, status: Status) {
        if status.is_provisional() {
            return;
        }
        let result = match status.code() {
            200..300 => NotifyResult::Ok,
            // The MUST of §4.2.2.
            404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604 => NotifyResult::Ended,
            _ => NotifyResult::Refused,
        };
        self.settled(transactions, owner, client, result);
    }

    /// The watcher did not answer a NOTIFY. That does not end the subscription, as §4.2.2 would have it: one lost NOTIFY must
    /// not put out a lamp for an hour. It is told the next state; when it is gone for good, its time will be over some day.
    pub(crate) fn unanswered(&mut self, transactions: &mut Transactions, owner: Owner, client: ClientId) {
        self.settled(transactions, owner, client, NotifyResult::Timeout);
    }

    fn settled(&mut self, transactions: &mut Transactions, owner: Owner, client: ClientId, result: NotifyResult) {
        if owner.0 & LAST != 0 {
            let package = Package::ALL.iter().find(|package| **package as u64 == owner.0 & !(WATCH_OWNER | LAST));
            package.into_iter().for_each(|&package| self.notifies.add(package, result, 1));
            return;
        }
        let id = SubscriptionId::unpack(owner.0 & !WATCH_OWNER);
        let Some(subscription) = self.subscriptions.get_mut(id).filter(|it| it.open == client) else { return };
        subscription.open = ClientId::NONE;
        self.notifies.add(subscription.package, result, 1);
        match result {
            NotifyResult::Ok => {}
            NotifyResult::Ended => return self.remove(id, transactions),
            // Who knows what it knows.
            NotifyResult::Refused | NotifyResult::Timeout => subscription.told = None,
        }
        if subscription.changed.is_some() || subscription.ending.is_some() {
            self.make_due(id);
        }
    }
}

/// Subscription-State (§8.2.3).
fn write_state(notify: &mut Compose<'_>, ending: Option<End>, left: Duration) {
    let state = notify.open(Name::SubscriptionState);
    match ending {
        None => state.word(b"active;expires=").decimal(left.as_secs()),
        Some(End::Timeout) => state.word(b"terminated;reason=timeout"),
        Some(End::NoResource) => state.word(b"terminated;reason=noresource"),
        Some(End::Rejected) => state.word(b"terminated;reason=rejected"),
        Some(End::Probation) => {
            state.word(b"terminated;reason=probation;retry-after=").decimal(limits::RETRY_AFTER_SECONDS.into())
        }
    };
    notify.close();
}

const fn event_name(package: Package) -> &'static [u8] {
    match package {
        Package::Dialog => b"dialog",
        Package::MessageSummary => b"message-summary",
        Package::Presence => b"presence",
        Package::CallCompletion => b"call-completion",
    }
}

const fn content_type(package: Package, list: bool) -> &'static [u8] {
    match package {
        Package::Dialog if list => resource_list::MULTIPART,
        Package::Dialog => dialog_info::TYPE,
        Package::MessageSummary => message_summary::TYPE,
        Package::Presence => presence::TYPE,
        Package::CallCompletion => call_completion::TYPE,
    }
}
