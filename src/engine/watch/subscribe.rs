//! SUBSCRIBE: what one asks for, and what it is told (RFC 6665 §4.2.1).
//!
//! ```text
//!   489 no such package ─► (who is it, what is that?) ─► 404 nothing there · 403 not for this watcher ·
//!   400 no Contact · 406 none of our bodies · 423 too short ─► 480, 503 too many ─► 200, and a NOTIFY at once
//! ```
use super::{
    EXPIRED, End, Subject, Subscription, SubscriptionId, WATCH_TAG, Watch, call_completion, dialog_info,
    message_summary, presence, resource_list,
};
use crate::base::{Alarm, Room, Time, TimerId, limits};
use crate::counters::{Excess, Package, Shed};
use crate::dialog::{ALLOW_EVENTS, Dialog, write_contact};
use crate::settings::LineNo;
use crate::transaction::{Arrival, ClientId, Owner, ServerId, Tag, Transactions};
use crate::wire::{Message, Name, Status, header, text};
use std::time::Duration;

/// How long a subscription lasts whose SUBSCRIBE does not say (RFC 4235 §3.4, RFC 3842 §4.4, RFC 3856 §6.4).
const DEFAULT_EXPIRES: u32 = 3600;

/// What a SUBSCRIBE asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask<'a> {
    pub(crate) package: Package,
    /// What stands behind the event's name, its `id` among it.
    params: &'a [u8],
}

/// Why there is no subscription, or no longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is nothing of that name to be watched.
    NotFound,
    /// Not for this watcher.
    Forbidden,
    /// No Contact, or a dialog of more than we keep.
    Dialog,
    /// The event's parameters are longer than we keep.
    EventParams,
    /// None of the bodies that we have.
    NotAcceptable,
    /// Shorter than so many seconds.
    TooBrief(u32),
    /// This line has as many as a line may have.
    TooManyOfLine,
    /// There are as many as there may be.
    TooMany,
    /// A callback is not to be had there.
    NoCallback,
    /// Too many wait for one.
    QueueFull,
    /// The same has come on another way.
    Merged,
    /// The CSeq does not rise.
    OutOfOrder,
    /// Another event than the dialog's.
    OtherEvent,
}

impl<'a> Ask<'a> {
    /// Reads the Event; nothing if it is none of ours (§8.2.1).
    pub(crate) fn read(request: &Message<'a>) -> Option<Self> {
        let mut events = request.fields(Name::Event);
        let (event, None) = (events.next()?, events.next()) else { return None };
        let (name, params) = text::cut(event, b';');
        let package = match text::trim(name) {
            b"dialog" => Package::Dialog,
            b"message-summary" => Package::MessageSummary,
            b"presence" => Package::Presence,
            b"call-completion" => Package::CallCompletion,
            _ => return None,
        };
        Some(Self { package, params: params.map(text::trim).unwrap_or_default() })
    }
}

impl Watch {
    /// A SUBSCRIBE of a line that may watch the subject, which may be told as a list.
    pub(crate) fn subscribe(
        &mut self,
        transactions: &mut Transactions,
        request: &Message<'_>,
        arrival: Arrival,
        ask: Ask<'_>,
        ((subject, watcher), list): ((Subject, LineNo), bool),
        at_most: Option<Duration>,
    ) -> Result<(), Refusal> {
        let list = list && takes_lists(request);
        if !accepts(request, body_type(ask.package)) {
            return Err(Refusal::NotAcceptable);
        }
        if ask.params.len() > limits::NUMBER_BYTES {
            return Err(Refusal::EventParams);
        }
        let seconds = at_most.map_or_else(|| self.granted(request), |most| Ok(asked_within(request, most)))?;
        if self.by_line.get(&watcher).is_some_and(|count| *count >= limits::SUBSCRIPTIONS_OF_ONE_LINE) {
            return Err(Refusal::TooManyOfLine);
        }
        if self.subscriptions.len() >= transactions.ground.limits.subscriptions {
            return Err(Refusal::TooMany);
        }
        let upcoming = self.subscriptions.upcoming();
        let ground = &mut transactions.ground;
        let tag = Tag { slot: upcoming.slot() | WATCH_TAG, secret: ground.rng.bits() };
        let dialog = Dialog::called(&mut ground.shelf, request, tag, arrival.hop, Some(watcher));
        let dialog = dialog.ok_or(Refusal::Dialog)?;
        let event_params = ground.shelf.keep(ask.params);
        let server = transactions.open(arrival, request, Owner::NOBODY, tag);
        let id = self.subscriptions.insert(Subscription {
            subject,
            package: ask.package,
            watcher,
            list,
            dialog,
            event_params,
            until: Time::ZERO,
            expiry: TimerId::NONE,
            rests: Time::ZERO,
            pace: TimerId::NONE,
            open: ClientId::NONE,
            version: 0,
            told: None,
            last: None,
            changed: None,
            due: false,
            ending: None,
        });
        *self.by_line.entry(watcher).or_insert(0) += 1;
        self.by_subject.entry(subject).or_default().push(id);
        self.grant(transactions, id, server, seconds);
        Ok(())
    }

    /// A SUBSCRIBE inside the dialog of a subscription: it is refreshed, or ended.
    pub(crate) fn refresh(
        &mut self,
        transactions: &mut Transactions,
        id: SubscriptionId,
        request: &Message<'_>,
        arrival: Arrival,
    ) -> Result<(), Refusal> {
        let now = transactions.ground.now;
        // Who waits to call waits no longer for asking again (RFC 6910 §9.7).
        let fixed = self.subscriptions.get(id).filter(|it| it.package == Package::CallCompletion);
        let seconds = match fixed.map(|subscription| subscription.until.since(now)) {
            Some(left) => asked_within(request, left),
            None => self.granted(request)?,
        };
        let ask = Ask::read(request);
        let subscription = self.subscriptions.get_mut(id).ok_or(Refusal::OtherEvent)?;
        let dialog = &mut subscription.dialog;
        dialog.sequence(request).map_err(|_| Refusal::OutOfOrder)?;
        // One dialog, one subscription (§4.5.2 would be more).
        if ask.is_none_or(|ask| {
            ask.package != subscription.package || event_id(ask.params) != event_id(&subscription.event_params)
        }) {
            return Err(Refusal::OtherEvent);
        }
        dialog.refresh(&mut transactions.ground.shelf, request, Some(arrival.hop));
        let tag = dialog.tag;
        let server = transactions.open(arrival, request, Owner::NOBODY, tag);
        self.grant(transactions, id, server, seconds);
        Ok(())
    }

    /// 200, and soon a NOTIFY; whatever the watcher knows, it is told again (§4.2.1.2).
    fn grant(&mut self, transactions: &mut Transactions, id: SubscriptionId, server: ServerId, seconds: u32) {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        let ground = &mut transactions.ground;
        let lasts = Duration::from_secs(seconds.into());
        ground.timers.stop(subscription.expiry);
        subscription.until = ground.now + lasts;
        if seconds > 0 {
            let alarm = Alarm { room: Room::Watch, reason: EXPIRED, whom: id.pack() };
            subscription.expiry = ground.timers.start(ground.now, lasts, alarm);
        }
        (subscription.told, subscription.rests) = (None, Time::ZERO);
        let (told, list) = (ground.contact_copy(subscription.dialog.hop.flow), subscription.list);
        let now = ground.now;
        transactions.respond(server, Status::OK, None, |mut response| {
            write_contact(&mut response, &told);
            response.number(Name::Expires, seconds.into());
            if list {
                // The NOTIFYs will be lists (RFC 4662 §4.1).
                response.field(Name::Require, b"eventlist");
            }
            response.end()
        });
        self.touch(id, now);
        if seconds == 0 {
            self.end(id, End::Timeout);
        }
    }

    /// For how long (§4.2.1.1).
    fn granted(&self, request: &Message<'_>) -> Result<u32, Refusal> {
        let seconds = |limit: Duration| u32::try_from(limit.as_secs()).unwrap_or(u32::MAX);
        let (shortest, longest) = (seconds(self.settings.min_expires), seconds(self.settings.max_expires));
        let asked = request.expires().unwrap_or(DEFAULT_EXPIRES);
        // An hour is never too brief.
        if asked > 0 && asked < shortest.min(3600) {
            return Err(Refusal::TooBrief(shortest));
        }
        Ok(asked.min(longest))
    }
}

impl Refusal {
    /// Tells the watcher.
    pub(crate) fn tell(self, transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival) {
        let (status, reason) = match self {
            Self::NotFound => (Status::NOT_FOUND, Some("There Is Nothing To Be Watched")),
            Self::Forbidden => (Status::FORBIDDEN, Some("You May Not Watch This")),
            Self::Dialog => {
                transactions.ground.counters.excess.up(Excess::Routes);
                (Status::BAD_REQUEST, Some("No Contact, Or A Route Set Too Long"))
            }
            Self::EventParams => (Status::BAD_REQUEST, Some("Event Parameters Too Long")),
            Self::NotAcceptable => (Status::NOT_ACCEPTABLE, None),
            Self::TooBrief(_) => (Status::INTERVAL_TOO_BRIEF, None),
            Self::TooManyOfLine => (Status::TEMPORARILY_UNAVAILABLE, Some("Too Many Subscriptions Of This Line")),
            Self::TooMany => (Status::SERVICE_UNAVAILABLE, None),
            Self::NoCallback => (Status::FORBIDDEN, Some("Nobody Is Called Back There")),
            Self::QueueFull => (Status::TEMPORARILY_UNAVAILABLE, Some("Too Many Wait Already")),
            Self::Merged => (Status::LOOP_DETECTED, Some("Merged Request")),
            Self::OutOfOrder => (Status::SERVER_INTERNAL_ERROR, Some("CSeq Out Of Order")),
            Self::OtherEvent => (Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, Some("No Such Subscription")),
        };
        let sheds = matches!(self, Self::TooManyOfLine | Self::TooMany | Self::QueueFull);
        if sheds {
            transactions.ground.counters.shed.up(Shed::Subscriptions);
        }
        transactions.reply(arrival, request, status, reason, |mut response| {
            if let Self::TooBrief(shortest) = self {
                response.number(Name::MinExpires, shortest.into());
            }
            if sheds {
                response.number(Name::RetryAfter, limits::RETRY_AFTER_SECONDS.into());
            }
            response.end()
        });
    }
}

/// What tells several subscriptions of one dialog apart (§8.4).
fn event_id(params: &[u8]) -> &[u8] {
    header::param(params, "id").unwrap_or_default()
}

/// What was asked for, but no longer than this.
fn asked_within(request: &Message<'_>, most: Duration) -> u32 {
    let most = u32::try_from(most.as_secs()).unwrap_or(u32::MAX);
    request.expires().unwrap_or(DEFAULT_EXPIRES).min(most)
}

/// 489: nothing is remembered of it, since some phones repeat it without a pause.
pub(crate) fn bad_event(transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival) {
    transactions.reply_stateless(request, arrival.hop, Status::BAD_EVENT, None, |mut refusal| {
        refusal.fixed(Name::AllowEvents, ALLOW_EVENTS);
        refusal.end()
    });
}

const fn body_type(package: Package) -> &'static [u8] {
    match package {
        Package::Dialog => dialog_info::TYPE,
        Package::MessageSummary => message_summary::TYPE,
        Package::Presence => presence::TYPE,
        Package::CallCompletion => call_completion::TYPE,
    }
}

/// Whether the watcher takes lists (RFC 4662 §§4.1, 4.3).
fn takes_lists(request: &Message<'_>) -> bool {
    let says = [Name::Supported, Name::Require].into_iter().any(|name| request.has_option(name, "eventlist"));
    says && accepts(request, b"multipart/related") && accepts(request, resource_list::TYPE)
}

/// Whether Accept lets a body of this type through; without one everything of the package goes (§3.1.3).
fn accepts(request: &Message<'_>, kind: &[u8]) -> bool {
    if !request.has(Name::Accept) {
        return true;
    }
    let class = text::split_once(kind, b'/').map_or(kind, |(class, _)| class);
    request.values(Name::Accept).any(|range| {
        let range = text::trim(text::cut(range, b';').0);
        let any_of_class = range.strip_suffix(b"/*").is_some_and(|one| one.eq_ignore_ascii_case(class));
        range == b"*/*" || any_of_class || range.eq_ignore_ascii_case(kind)
    })
}
