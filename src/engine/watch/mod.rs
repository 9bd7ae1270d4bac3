//! Watchers: subscriptions to what goes on here, with us as their notifier (RFC 6665).
//!
//! ```text
//!   SUBSCRIBE ─► due ──looked at, and nothing new──────────────────► quiet ──changed──► due
//!                 │ ╲─ a NOTIFY is unanswered, or the second of the last one is not over ─► changed, and due when that is over
//!                 ╰─► NOTIFY ─┬─ answered, refused, unanswered ─► quiet (or due, if it has changed meanwhile)
//!                             ╰─ 404, 481 … ─► gone
//!   unsubscribed, expired, or nothing to see any more ─► due ─► the last NOTIFY ─► gone
//! ```
//! What is to be seen is looked at when it is written and never before: so the last state wins, and whatever was told is true.
//! Many that are due at once are told in turns, so that calls come in between.
//!
//! Knows: SUBSCRIBE, NOTIFY, the documents. Never: what lines and orbits do; the floors above say so.
mod call_completion;
mod dialog_info;
mod message_summary;
mod notify;
#[cfg(any(test, feature = "simulator"))]
mod peek;
mod presence;
mod resource_list;
mod sight;
mod subscribe;
mod xml;

pub(crate) use notify::{End, View};
pub(crate) use sight::{Callback, Shown, Side, Sight, Stage, Subject, Who};
pub(crate) use subscribe::{Ask, Refusal, bad_event};

use crate::base::{Alarm, Arena, Handle, Kept, Room, Table, Time, TimerId};
use crate::counters::{Gauges, NotifyResult, Package};
use crate::dialog::Dialog;
use crate::ground::Ground;
use crate::settings::{LampSettings, LineNo, Settings};
use crate::transaction::{ClientId, Owner, Tag, Transactions};
use crate::wire::Message;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::time::Duration;

pub(crate) type SubscriptionId = Handle<Subscription>;

/// At most one NOTIFY in so long (RFC 4235 §3.10).
const PACE: Duration = Duration::from_secs(1);
/// Subscriptions looked at in one turn, and how long until the next.
const AT_ONCE: usize = 100;
const TURN: Duration = Duration::from_millis(2);
/// A tag of a subscription's, beside those of legs: this bit of the slot is set.
const WATCH_TAG: u32 = 1 << 31;
/// The same of the owner of a NOTIFY.
const WATCH_OWNER: u64 = 1 << 63;
/// It was the last one, and nothing is left of its subscription but the package.
const LAST: u64 = 1 << 62;

/// The reasons of our timers.
const EXPIRED: u8 = 0;
const PACED: u8 = 1;
const NEXT_TURN: u8 = 2;

/// One watcher of one subject.
#[derive(Debug)]
pub(crate) struct Subscription {
    subject: Subject,
    package: Package,
    /// The line whose phone watches.
    watcher: LineNo,
    /// It takes lists (RFC 4662).
    list: bool,
    dialog: Dialog,
    /// The parameters of its Event: whoever has them hears them again.
    event_params: Kept,
    until: Time,
    expiry: TimerId,
    /// No NOTIFY before this, and who wakes it then.
    rests: Time,
    pace: TimerId,
    /// The NOTIFY that is not answered.
    open: ClientId,
    /// The number of the next document.
    version: u32,
    /// What the watcher was told last, hashed; none if it may not know.
    told: Option<u64>,
    /// The call that was shown last.
    last: Option<u128>,
    /// Since when there may be something to tell.
    changed: Option<Time>,
    /// It stands among those that are due.
    due: bool,
    ending: Option<End>,
}

/// All subscriptions.
#[derive(Debug)]
pub(crate) struct Watch {
    subscriptions: Arena<Subscription>,
    by_subject: HashMap<Subject, Vec<SubscriptionId>, ahash::RandomState>,
    /// How many a line has.
    by_line: HashMap<LineNo, usize, ahash::RandomState>,
    due: VecDeque<SubscriptionId>,
    turn: TimerId,
    /// Subjects that were watched, and are not any more.
    deserted: Vec<Subject>,
    domain: String,
    settings: LampSettings,
    notifies: Table<Package, NotifyResult>,
    /// The document at hand, and whose it is.
    body: Vec<u8>,
    at_work: SubscriptionId,
}

impl Watch {
    pub(crate) fn new(settings: &Settings, ground: &Ground, engine: u8) -> Self {
        let hasher = &ground.hasher;
        Self {
            subscriptions: Arena::new(engine),
            by_subject: HashMap::with_hasher(hasher.clone()),
            by_line: HashMap::with_hasher(hasher.clone()),
            due: VecDeque::new(),
            turn: TimerId::NONE,
            deserted: Vec::new(),
            domain: settings.domain.clone(),
            settings: settings.lamps.clone(),
            notifies: Table::default(),
            body: Vec::new(),
            at_work: SubscriptionId::NONE,
        }
    }

    /// Other settings from now on: all is looked at anew, and whoever sees nothing new is told nothing.
    pub(crate) fn reload(&mut self, settings: &Settings, now: Time) {
        self.settings = settings.lamps.clone();
        let all: Vec<_> = self.subscriptions.iter().map(|(id, _)| id).collect();
        all.into_iter().for_each(|id| self.touch(id, now));
    }

    /// The server goes down: everybody is to come back soon.
    pub(crate) fn stop(&mut self) {
        let all: Vec<_> = self.subscriptions.iter().map(|(id, _)| id).collect();
        all.into_iter().for_each(|id| self.end(id, End::Probation));
    }

    /// Nobody watches anything, nor has until a moment ago.
    pub(crate) fn is_quiet(&self) -> bool {
        self.subscriptions.is_empty() && self.deserted.is_empty()
    }

    /// Whether everybody who was to be told something has been.
    pub(crate) fn has_told(&self) -> bool {
        self.due.is_empty()
    }

    /// Everything that is watched.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let mut all: Vec<_> = self.by_subject.keys().copied().collect();
        all.sort_unstable();
        all
    }

    /// Whether somebody watches this.
    pub(crate) fn is_watched(&self, subject: Subject) -> bool {
        self.by_subject.contains_key(&subject)
    }

    /// Whether a SUBSCRIBE has come before, on another way (RFC 6910 §9.7): who forks does not ask twice.
    pub(crate) fn has_forked(&self, subject: Subject, request: &Message<'_>) -> bool {
        let watchers = self.by_subject.get(&subject).map(Vec::as_slice).unwrap_or_default();
        let is_of = |id: &SubscriptionId| self.subscriptions.get(*id).is_some_and(|it| it.dialog.has_call_id(request));
        watchers.iter().any(is_of)
    }

    /// Of several who watch the same only the last goes on (RFC 6910 §7.2).
    pub(crate) fn keep_last(&mut self, subject: Subject) {
        let watchers = self.by_subject.get(&subject).cloned().unwrap_or_default();
        let Some((_, before)) = watchers.split_last() else { return };
        before.iter().for_each(|&id| self.end(id, End::Timeout));
    }

    /// A subject that nobody watches any more.
    pub(crate) fn next_deserted(&mut self) -> Option<Subject> {
        while let Some(subject) = self.deserted.pop() {
            // Somebody may have come back to it.
            if !self.by_subject.contains_key(&subject) {
                return Some(subject);
            }
        }
        None
    }

    /// There may be something new to be seen there.
    pub(crate) fn changed(&mut self, subject: Subject, now: Time) {
        let Some(watchers) = self.by_subject.get(&subject) else { return };
        for &id in watchers {
            let Some(subscription) = self.subscriptions.get_mut(id) else { continue };
            subscription.changed.get_or_insert(now);
            if !std::mem::replace(&mut subscription.due, true) {
                self.due.push_back(id);
            }
        }
    }

    /// The subscription whose dialog a request belongs to: found by our own tag, proved by the rest (RFC 3261 §12.2.2).
    pub(crate) fn dialog_of(&self, request: &Message<'_>) -> Option<SubscriptionId> {
        let tag = Tag::read(request.to_tag()?).filter(|tag| tag.slot & WATCH_TAG != 0)?;
        let (id, subscription) = self.subscriptions.at(tag.slot & !WATCH_TAG)?;
        let is_it = subscription.dialog.tag == tag && subscription.dialog.owns(request);
        (is_it && subscription.ending.is_none()).then_some(id)
    }

    /// Whether a request of ours is a subscription's.
    pub(crate) fn owns(owner: Owner) -> bool {
        owner != Owner::NOBODY && owner.0 & WATCH_OWNER != 0
    }

    /// A timer of ours.
    pub(crate) fn expired(&mut self, alarm: Alarm) {
        let id = SubscriptionId::unpack(alarm.whom);
        match alarm.reason {
            EXPIRED => self.end(id, End::Timeout),
            PACED => self.make_due(id),
            _ => self.turn = TimerId::NONE,
        }
    }

    /// The subscription, if any, that was being told when something panicked is over without a word: whatever is wrong with it,
    /// it is not tried again. Those that were to be told in the same turn are due again.
    pub(crate) fn recover(&mut self, transactions: &mut Transactions) {
        let id = std::mem::replace(&mut self.at_work, SubscriptionId::NONE);
        self.remove(id, transactions);
        let waits = |it: &Subscription| it.changed.is_some() || it.ending.is_some();
        let left: Vec<_> = self.subscriptions.iter().filter(|(_, it)| waits(it)).map(|(id, _)| id).collect();
        left.into_iter().for_each(|id| self.make_due(id));
    }

    /// An alarm was lost.
    pub(crate) fn rearm(&mut self, alarm: Alarm) {
        self.expired(alarm);
    }

    pub(crate) fn gauge(&self, gauges: &mut Gauges) {
        for (_, subscription) in self.subscriptions.iter() {
            gauges.subscriptions.up(subscription.package);
        }
    }

    pub(crate) fn count(&self, notifies: &mut Table<Package, NotifyResult>) {
        notifies.clone_from(&self.notifies);
    }

    fn touch(&mut self, id: SubscriptionId, now: Time) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.changed.get_or_insert(now);
            self.make_due(id);
        }
    }

    fn make_due(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        if !std::mem::replace(&mut subscription.due, true) {
            self.due.push_back(id);
        }
    }

    /// It is gone, and its memory with it.
    fn remove(&mut self, id: SubscriptionId, transactions: &mut Transactions) {
        let Some(subscription) = self.subscriptions.remove(id) else { return };
        let ground = &mut transactions.ground;
        ground.timers.stop(subscription.expiry);
        ground.timers.stop(subscription.pace);
        subscription.dialog.put_back(&mut ground.shelf);
        ground.shelf.put_back(subscription.event_params);
        transactions.disown(subscription.open);
        if let Some(count) = self.by_line.get_mut(&subscription.watcher) {
            *count -= 1;
            if *count == 0 {
                self.by_line.remove(&subscription.watcher);
            }
        }
        let Some(watchers) = self.by_subject.get_mut(&subscription.subject) else { return };
        watchers.retain(|&watcher| watcher != id);
        if watchers.is_empty() {
            self.by_subject.remove(&subscription.subject);
            self.deserted.push(subscription.subject);
        }
    }

    /// The rest is for the next turn, if there is any.
    fn next_turn(&mut self, ground: &mut Ground) {
        if !self.due.is_empty() && self.turn == TimerId::NONE {
            let alarm = Alarm { room: Room::Watch, reason: NEXT_TURN, whom: 0 };
            self.turn = ground.timers.start(ground.now, TURN, alarm);
        }
    }
}
