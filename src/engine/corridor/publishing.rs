//! PUBLISH: a telephone that watches a callback says that its user is away, or back (RFC 6910 §§6.5, 6.6; RFC 3903). Whatever else
//! phones say of themselves, we go by what we know.
//!
//! ```text
//!   PUBLISH ─► to a place in a queue? ─► who is it? ─► 404 none of its own · 412 another state ─► 200: suspended, or resumed
//! ```
use super::Engine;
use crate::base::text::Number;
use crate::feature::CallbackState;
use crate::leg::Dialled;
use crate::line::Caller;
use crate::transaction::Arrival;
use crate::watch::bad_event;
use crate::wire::{Compose, Message, Name, Status, bare, text};
use std::ops::Range;
use std::time::Duration;

/// How long a state lasts whose PUBLISH does not say (RFC 3856 §6.4).
const DEFAULT_EXPIRES: u32 = 3600;

impl Engine {
    /// A phone says something of its user.
    pub(super) fn publish(&mut self, request: &Message<'_>, arrival: Arrival) {
        let dialled = request.request_uri().ok().and_then(|uri| Dialled::read(&uri, b""));
        let place = dialled.map(|dialled| dialled.number).filter(|number| number.starts_with("cc-"));
        let transactions = &mut self.exchange.legs.transactions;
        let Some(place) = place.filter(|_| request.header(Name::Event).map(text::trim) == Some(b"presence")) else {
            return bad_event(transactions, request, arrival);
        };
        let Some(caller) = self.exchange.lines.admit(transactions, request, arrival) else { return };
        let status = match caller {
            Caller::Line(line) => match self.features.callback_named(&place, line, self.exchange.legs.ground().now) {
                Some(state) => return self.publish_of(state, request, arrival),
                None => Status::NOT_FOUND,
            },
            Caller::Trunk(_) => Status::FORBIDDEN,
        };
        self.exchange.legs.transactions.reply(arrival, request, status, None, bare);
    }

    fn publish_of(&mut self, state: CallbackState, request: &Message<'_>, arrival: Arrival) {
        let tag: Number = state.tag();
        let transactions = &mut self.exchange.legs.transactions;
        if request.header(Name::SipIfMatch).is_some_and(|known| text::trim(known) != tag.as_bytes()) {
            return transactions.reply(arrival, request, Status::CONDITIONAL_REQUEST_FAILED, None, bare);
        }
        let asked = Duration::from_secs(request.expires().unwrap_or(DEFAULT_EXPIRES).into());
        let lasts = asked.min(state.left);
        match request.body() {
            // What it has said before holds on, or not.
            b"" if asked.is_zero() => self.features.resume_callback(state, &mut self.exchange),
            b"" => {}
            pidf if is_closed(pidf) && !asked.is_zero() => {
                self.features.suspend_callback(state, lasts, &mut self.exchange);
            }
            _ => self.features.resume_callback(state, &mut self.exchange),
        }
        self.climb();
        let transactions = &mut self.exchange.legs.transactions;
        transactions.reply(arrival, request, Status::OK, None, |response| published(response, &tag, lasts));
    }
}

/// Whether a PIDF document says that somebody is not there (RFC 3863 §4.1.4).
fn is_closed(pidf: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(pidf, b"basic>") else { return false };
    text::trim(&pidf[at + b"basic>".len()..]).starts_with(b"closed")
}

/// The state is known by this tag, and lasts so long (RFC 3903 §6).
fn published(mut response: Compose<'_>, tag: &str, lasts: Duration) -> Range<usize> {
    response.field(Name::SipETag, tag.as_bytes());
    response.number(Name::Expires, lasts.as_secs());
    response.end()
}

#[cfg(test)]
mod tests {
    use super::is_closed;

    #[test]
    fn who_is_closed_is_not_there() {
        let table: [(&str, bool); 6] = [
            ("<tuple><status><basic>closed</basic></status></tuple>", true),
            ("<p:status><p:basic>\r\n closed </p:basic>", true),
            ("<status><basic>open</basic></status>", false),
            ("<note>closed</note>", false),
            ("<basic>", false),
            ("", false),
        ];
        for (pidf, closed) in table {
            assert_eq!(is_closed(pidf.as_bytes()), closed, "{pidf}");
        }
    }
}
