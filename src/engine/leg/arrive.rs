//! A call arrives: its leg, and what was dialled, in words that the floors above understand.
use super::timer::refuse_interval;
use super::{Cause, Leg, LegEvent, LegId, Legs, Peer, SessionTimer, State};
use crate::base::limits;
use crate::base::text::{Number, unhex8};
use crate::counters::{Excess, LegDirection, Shed};
use crate::dialog::{Descriptions, Dialog};
use crate::settings::LineNo;
use crate::transaction::{Arrival, Owner, Tag};
use crate::wire::{Message, Name, NameAddr, Status, Uri, bare, text};

/// What was dialled, whatever dialect it was said in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialled {
    /// The number or name.
    pub(crate) number: Number,
    /// "This very stay in the orbit": `701;pid=…`.
    pub(crate) park_id: Option<u128>,
    /// It was said with a word that means parking (`park+701`, `callpark;orbit=701`), so it can only mean an orbit or a lot.
    pub(crate) park: bool,
}

/// Header fields that go from the calling to the called side as they are.
const LUGGAGE: [Name; 8] = [
    Name::AlertInfo,
    Name::Subject,
    Name::Priority,
    Name::UserToUser,
    Name::CallInfo,
    Name::Diversion,
    Name::HistoryInfo,
    Name::Organization,
];

impl Legs {
    /// An INVITE that nobody objects to: its leg. Answered 100 at once.
    pub(crate) fn arrive(&mut self, invite: &Message<'_>, arrival: Arrival, line: Option<LineNo>) -> Option<LegId> {
        if self.legs.len() >= self.ground().limits.legs {
            self.ground().counters.shed.up(Shed::Legs);
            self.transactions.reply(arrival, invite, Status::SERVICE_UNAVAILABLE, None, |mut response| {
                response.number(Name::RetryAfter, limits::RETRY_AFTER_SECONDS.into());
                response.end()
            });
            return None;
        }
        if refuse_interval(&mut self.transactions, invite, arrival) {
            return None;
        }
        let id = self.legs.upcoming();
        let ground = &mut self.transactions.ground;
        let tag = Tag { slot: id.slot(), secret: ground.rng.bits() };
        let Some(dialog) = Dialog::called(&mut ground.shelf, invite, tag, arrival.hop, line) else {
            ground.counters.excess.up(Excess::Routes);
            let reason = Some("Route Set Or Addresses Too Long");
            self.transactions.reply(arrival, invite, Status::BAD_REQUEST, reason, bare);
            return None;
        };
        let mut descriptions = Descriptions::default();
        if !invite.body().is_empty() {
            descriptions.heard(&mut ground.shelf, invite.body());
        }
        let luggage = pack(invite, &mut self.text);
        let luggage = ground.shelf.keep(luggage);
        let server = self.transactions.open(arrival, invite, Owner(id.pack()), tag);
        self.transactions.respond(server, Status::TRYING, None, bare);
        let hops = invite.max_forwards().ok().flatten().unwrap_or(70).saturating_sub(1);
        let hops = u8::try_from(hops).unwrap_or(u8::MAX);
        let (state, peer) = (State::Arrived(server), Peer::of(invite, line.is_some()));
        let leg = Leg::new(LegDirection::In, dialog, state, peer, hops);
        let session_timer = SessionTimer::asked(invite, self.session_expires);
        let invite_number = invite.cseq().map_or(0, |cseq| cseq.number);
        Some(self.legs.insert(Leg { descriptions, luggage, session_timer, invite_number, ..leg }))
    }

    /// The INVITE that this leg arrived with was cancelled: it is over.
    pub(crate) fn cancelled(&mut self, owner: Owner) -> Option<(Owner, LegEvent)> {
        let id = LegId::unpack(owner.0);
        let leg = self.legs.get(id)?;
        if let State::Arrived(server) = leg.state {
            let owner = leg.owner;
            self.transactions.respond(server, Status::REQUEST_TERMINATED, None, bare);
            self.close(id);
            return Some((owner, LegEvent::Cancelled));
        }
        // A re-INVITE was cancelled: it alone is over (RFC 3261 §9.2).
        let owner = leg.owner;
        self.disagree(id, Cause::Cancelled);
        Some((owner, LegEvent::Settled))
    }
}

impl Dialled {
    /// What a Request-URI or a Refer-To says. `after` are the parameters that stand behind its brackets: some phones
    /// put `;orbit=` there.
    pub(crate) fn read(uri: &Uri<'_>, after: &[u8]) -> Option<Self> {
        let (user, user_params) = uri.user_params();
        let mut number = Number::new();
        for byte in text::unescaped(user) {
            if !byte.is_ascii_graphic() {
                return None;
            }
            number.try_push(char::from(byte)).ok()?;
        }
        let param = |name: &str| {
            uri.param(name)
                .or_else(|| crate::wire::header::param(user_params, name))
                .or_else(|| crate::wire::header::param(after, name))
        };
        let park_id = param("pid").and_then(read_park_id);
        let plain = Self { number, park_id, park: false };
        let mut word = number;
        word.make_ascii_lowercase();
        match (&*word, param("orbit")) {
            ("park" | "callpark" | "pickup", Some(orbit)) => {
                Some(Self { number: crate::base::text::number(orbit)?, park: true, ..plain })
            }
            ("park" | "callpark", None) => Some(Self { number: Number::new(), park: true, ..plain }),
            (_, Some(orbit)) => Some(Self { number: crate::base::text::number(orbit)?, park: true, ..plain }),
            (word, None) => match word.strip_prefix("park+") {
                Some(orbit) => Some(Self { number: crate::base::text::number(orbit.as_bytes())?, park: true, ..plain }),
                None => Some(plain),
            },
        }
    }

    /// What a Refer-To value says.
    pub(crate) fn refer_to(value: &[u8]) -> Option<Self> {
        let address = NameAddr::parse(value).ok()?;
        Self::read(&address.uri().ok()?, address.params)
    }
}

/// `7f3c…`: 32 hexadecimal digits, with or without hyphens.
fn read_park_id(text: &[u8]) -> Option<u128> {
    let mut digits = [0; 32];
    let mut count = 0;
    for byte in text.iter().filter(|&&byte| byte != b'-') {
        *digits.get_mut(count)? = byte.to_ascii_lowercase();
        count += 1;
    }
    if count != 32 {
        return None;
    }
    digits.chunks(8).try_fold(0, |value: u128, eight| Some(value << 32 | u128::from(unhex8(eight)?)))
}

/// Copies what goes on to the other side.
fn pack<'t>(invite: &Message<'_>, lines: &'t mut Vec<u8>) -> &'t [u8] {
    lines.clear();
    for field in invite.all() {
        let extension =
            field.name == Name::Other && field.text.len() > 2 && field.text[..2].eq_ignore_ascii_case(b"x-");
        if extension || LUGGAGE.contains(&field.name) {
            let name = if extension { field.text } else { field.name.as_str().as_bytes() };
            lines.extend_from_slice(name);
            lines.extend_from_slice(b": ");
            lines.extend(field.value.iter().map(|&byte| if byte < b' ' { b' ' } else { byte }));
            lines.extend_from_slice(b"\r\n");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str, after: &str) -> Option<(String, bool)> {
        let uri = Uri::parse(uri.as_bytes()).unwrap();
        Dialled::read(&uri, after.as_bytes()).map(|d| (d.number.to_string(), d.park))
    }

    #[test]
    fn every_dialect_names_the_orbit() {
        for (uri, after, number, park) in [
            ("sip:701@pbx.test", "", "701", false),
            ("sip:park+701@pbx.test", "", "701", true),
            ("sip:PARK+701@pbx.test", "", "701", true),
            ("sip:park@pbx.test;orbit=701", "", "701", true),
            ("sip:callpark@pbx.test;orbit=701", "", "701", true),
            ("sip:callpark@pbx.test", "orbit=701", "701", true),
            ("sip:pickup@pbx.test;orbit=701", "", "701", true),
            ("sip:park@pbx.test", "", "", true),
            ("sip:%2A68701@pbx.test", "", "*68701", false),
            ("sip:*88@pbx.test;user=phone", "", "*88", false),
        ] {
            assert_eq!(read(uri, after), Some((number.to_owned(), park)), "{uri} {after}");
        }
        assert_eq!(read("sip:7%0001@pbx.test", ""), None, "a control character is no number");
    }

    #[test]
    fn the_stay_can_be_named() {
        let uri = Uri::parse(b"sip:701;pid=00000000-0000-0000-0000-0000000000ff@pbx.test").unwrap();
        assert_eq!(Dialled::read(&uri, b"").unwrap().park_id, Some(0xff));
        let uri = Uri::parse(b"sip:701@pbx.test;pid=000000000000000000000000000000ff").unwrap();
        assert_eq!(Dialled::read(&uri, b"").unwrap().park_id, Some(0xff));
    }
}
