//! Keys pressed in a call: some of them mean something.
//!
//! ```text
//!   press ─► may the line? ─no─► the other party
//!               │yes
//!               ▼
//!             held ──── a code, and none longer ────► what it does
//!               │  ╲
//!               │   ╰── nothing begins so, or the next key takes too long ──► loose ── one by one ──► the other party
//!               ╰────── more to come
//! ```
//! What has begun like a code is not heard by the other party until it is known to be none; then it comes unchanged and in
//! its order, and behind it what was pressed meanwhile.
//!
//! Knows: sessions, timers (through [`Switch`]). Never: what an operation does, how keys travel.
use crate::base::TimerId;
use crate::session::{Delivery, Duty, SessionId, State, Switch, Wake};
use crate::settings::{KeyOperation, KeySettings, Settings};
use crate::wire::dtmf::Press;
use arrayvec::ArrayVec;
use hashbrown::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

/// Keys that wait for the other party at most: whoever types faster than it listens has typed enough.
const LOOSE: usize = 32;
/// Keys of a code at most.
pub const CODE: usize = 8;
/// How long a key on its way to the other party is waited for: by then its transaction has ended (RFC 3261 §17.1.2.2).
const ON_ITS_WAY: Duration = Duration::from_secs(33);

/// What people have begun to type.
#[derive(Debug)]
pub(super) struct Keys {
    codes: Vec<KeySettings>,
    timeout: Duration,
    typing: HashMap<SessionId, Typing, BuildHasherDefault<ahash::AHasher>>,
    /// Keys that nobody heard.
    pub(super) lost: u64,
}

#[derive(Debug)]
struct Typing {
    /// Pressed, and perhaps a code.
    held: ArrayVec<Press, CODE>,
    /// Pressed, and no code.
    loose: ArrayVec<Press, LOOSE>,
    /// To whom one is on its way.
    to: SessionId,
    timer: TimerId,
}

impl Typing {
    fn new() -> Self {
        Self { held: ArrayVec::new(), loose: ArrayVec::new(), to: SessionId::NONE, timer: TimerId::NONE }
    }
}

/// What a press came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// It is the other party's.
    Passes,
    /// It is kept from it, for now at least.
    Kept,
    /// It was the last of a code.
    Means(KeyOperation),
}

/// What keys are so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Nothing,
    /// A code's beginning; perhaps a whole code, too.
    Beginning(Option<KeyOperation>),
    Code(KeyOperation),
}

impl Keys {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { codes: settings.keys.clone(), timeout: settings.key_timeout, typing: HashMap::default(), lost: 0 }
    }

    /// Other codes from now on.
    pub(super) fn reload(&mut self, settings: &Settings) {
        self.codes.clone_from(&settings.keys);
        self.timeout = settings.key_timeout;
    }

    /// A party in a call pressed a key.
    pub(super) fn pressed(&mut self, who: SessionId, press: Press, pbx: &mut dyn Switch) -> Pressed {
        let is_known = self.typing.contains_key(&who);
        let may = matches!(pbx.duty(who), Some(Duty::Call(_))) && pbx.may_use_keys(who);
        if !is_known && (!may || self.read(&[press]) == Reading::Nothing) {
            return Pressed::Passes;
        }
        self.drop_lost(who, pbx);
        let typing = self.typing.entry(who).or_insert_with(Typing::new);
        if typing.held.try_push(press).is_err() {
            // Cannot be: no code is longer, so what is held is shorter than a code.
            debug_assert!(false, "more keys than a code has");
        }
        let operation = self.settle(who);
        self.go_on(who, pbx);
        operation.map_or(Pressed::Kept, Pressed::Means)
    }

    /// The other party has had its key, or will not have it.
    pub(super) fn taken(&mut self, by: SessionId, pbx: &mut dyn Switch) {
        if self.typing.is_empty() {
            return;
        }
        let Some(who) = pbx.other(by) else { return };
        if let Some(typing) = self.typing.get_mut(&who).filter(|typing| typing.to == by) {
            typing.to = SessionId::NONE;
            self.go_on(who, pbx);
        }
    }

    /// Nobody will tell that a key was taken by a party that has been replaced. What was meant for it is for nobody else.
    fn drop_lost(&mut self, who: SessionId, pbx: &dyn Switch) {
        let Some(typing) = self.typing.get_mut(&who) else { return };
        if typing.to != SessionId::NONE && pbx.other(who) != Some(typing.to) {
            typing.to = SessionId::NONE;
            self.lost += typing.loose.drain(..).count() as u64;
        }
    }

    /// The next key took too long: a code that could have been longer is one now.
    pub(super) fn woke(&mut self, who: SessionId, pbx: &mut dyn Switch) -> Option<KeyOperation> {
        let typing = self.typing.get_mut(&who)?;
        typing.timer = TimerId::NONE;
        if pbx.state(who) == State::Disconnected {
            self.typing.remove(&who);
            return None;
        }
        self.drop_lost(who, pbx);
        let typing = self.typing.get_mut(&who)?;
        let waited = typing.held.is_empty();
        let held = typing.held.clone();
        let operation = match self.read(&held) {
            Reading::Beginning(operation) => operation,
            Reading::Nothing | Reading::Code(_) => None,
        };
        let typing = self.typing.get_mut(&who)?;
        typing.held.clear();
        if operation.is_none() {
            self.let_go(who, &held);
        }
        if waited && let Some(typing) = self.typing.get_mut(&who) {
            typing.to = SessionId::NONE;
        }
        self.go_on(who, pbx);
        operation
    }

    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn is_typing(&self, who: SessionId) -> bool {
        self.typing.contains_key(&who)
    }

    /// Lets go of what cannot be a code any more; the code, if there is one.
    fn settle(&mut self, who: SessionId) -> Option<KeyOperation> {
        loop {
            let typing = self.typing.get_mut(&who)?;
            let held = typing.held.clone();
            if held.is_empty() {
                return None;
            }
            match self.read(&held) {
                Reading::Beginning(_) => return None,
                Reading::Code(operation) => {
                    self.typing.get_mut(&who)?.held.clear();
                    return Some(operation);
                }
                Reading::Nothing => {
                    let first = self.typing.get_mut(&who)?.held.remove(0);
                    self.let_go(who, &[first]);
                }
            }
        }
    }

    fn let_go(&mut self, who: SessionId, presses: &[Press]) {
        let Some(typing) = self.typing.get_mut(&who) else { return };
        for &press in presses {
            self.lost += u64::from(typing.loose.try_push(press).is_err());
        }
    }

    /// Sends the next key to the other party, and sets the clock for what is still to come.
    fn go_on(&mut self, who: SessionId, pbx: &mut dyn Switch) {
        let Some(typing) = self.typing.get_mut(&who) else { return };
        while typing.to == SessionId::NONE && !typing.loose.is_empty() {
            let press = typing.loose.remove(0);
            let other = pbx.other(who).unwrap_or(SessionId::NONE);
            match pbx.press(other, press) {
                Delivery::OnItsWay => typing.to = other,
                Delivery::Done => {}
                Delivery::Nowhere => self.lost += 1,
            }
        }
        pbx.forget(std::mem::replace(&mut typing.timer, TimerId::NONE));
        if typing.held.is_empty() && typing.to == SessionId::NONE {
            self.typing.remove(&who);
            return;
        }
        let after = if typing.held.is_empty() { ON_ITS_WAY } else { self.timeout };
        typing.timer = pbx.wake(Wake::Keys(who), after);
    }

    fn read(&self, presses: &[Press]) -> Reading {
        let begins = |code: &&KeySettings| {
            code.keys.len() >= presses.len() && code.keys.bytes().zip(presses).all(|(key, press)| key == press.key)
        };
        let (mut whole, mut longer) = (None, false);
        for code in self.codes.iter().filter(begins) {
            if code.keys.len() == presses.len() {
                whole = whole.or(Some(code.operation));
            } else {
                longer = true;
            }
        }
        match (whole, longer) {
            (None, false) => Reading::Nothing,
            (Some(operation), false) => Reading::Code(operation),
            (operation, true) => Reading::Beginning(operation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorder::{Recorder, Told};
    use super::*;
    use crate::wire::dtmf::Form;

    const fn press(key: u8) -> Press {
        Press { key, millis: 100, form: Form::Relay }
    }

    fn keys(codes: &[(&str, KeyOperation)]) -> Keys {
        let code = |&(keys, operation): &(&str, KeyOperation)| KeySettings { keys: keys.into(), operation };
        Keys::new(&Settings { keys: codes.iter().map(code).collect(), ..Settings::new("pbx.test") })
    }

    /// Two who talk: one who presses keys, one who hears them.
    fn talk() -> (Recorder, SessionId, SessionId) {
        let mut pbx = Recorder::default();
        let (one, other) = (pbx.seat(1, "Alice", Duty::Call(1)), pbx.seat(2, "Bob", Duty::Call(1)));
        pbx.bridge(one, other);
        (pbx, one, other)
    }

    fn heard(pbx: &mut Recorder, by: SessionId) -> String {
        let told = pbx.take().into_iter();
        told.filter_map(
            |told| if let Told::Press(who, key) = told { (who == by).then(|| char::from(key)) } else { None },
        )
        .collect()
    }

    #[test]
    fn a_code_is_never_heard_by_the_other_party() {
        let (mut pbx, alice, bob) = talk();
        let mut keys = keys(&[("#72", KeyOperation::Park)]);
        assert_eq!(keys.pressed(alice, press(b'5'), &mut pbx), Pressed::Passes);
        for key in *b"#7" {
            assert_eq!(keys.pressed(alice, press(key), &mut pbx), Pressed::Kept);
        }
        assert_eq!(keys.pressed(alice, press(b'2'), &mut pbx), Pressed::Means(KeyOperation::Park));
        assert_eq!(heard(&mut pbx, bob), "");
        assert!(keys.typing.is_empty());
    }

    #[test]
    fn what_is_no_code_comes_unchanged_and_in_its_order() {
        let (mut pbx, alice, bob) = talk();
        let mut keys = keys(&[("#72", KeyOperation::Park)]);
        for key in *b"##74" {
            assert_eq!(keys.pressed(alice, press(key), &mut pbx), Pressed::Kept);
        }
        // One at a time, each when the one before was taken.
        let mut all = heard(&mut pbx, bob);
        assert_eq!(all, "#");
        for _ in 0..4 {
            keys.taken(bob, &mut pbx);
            all += &heard(&mut pbx, bob);
        }
        assert_eq!(all, "##74");
        assert!(keys.typing.is_empty());
        assert_eq!(keys.pressed(alice, press(b'4'), &mut pbx), Pressed::Passes);
    }

    #[test]
    fn who_hesitates_has_pressed_keys_for_the_other_party() {
        let (mut pbx, alice, bob) = talk();
        let mut keys = keys(&[("*0", KeyOperation::HangUp), ("*", KeyOperation::Park)]);
        keys.pressed(alice, press(b'*'), &mut pbx);
        // A whole code that could have been longer.
        assert_eq!(pbx.passes(Duration::from_secs(1)), Some(Wake::Keys(alice)));
        assert_eq!(keys.woke(alice, &mut pbx), Some(KeyOperation::Park));
        let mut keys = self::keys(&[("*0", KeyOperation::HangUp)]);
        keys.pressed(alice, press(b'*'), &mut pbx);
        assert_eq!(pbx.passes(Duration::from_secs(1)), Some(Wake::Keys(alice)));
        assert_eq!(keys.woke(alice, &mut pbx), None);
        assert_eq!(heard(&mut pbx, bob), "*");
        // Nobody says that it was taken: it is not waited for for ever.
        assert_eq!(pbx.passes(ON_ITS_WAY), Some(Wake::Keys(alice)));
        keys.woke(alice, &mut pbx);
        assert!(keys.typing.is_empty());
    }

    #[test]
    fn who_has_not_the_right_types_for_the_other_party_alone() {
        let mut pbx = Recorder::default();
        let (carrier, bob) = (pbx.seat(9, "Carrier", Duty::Call(1)), pbx.seat(2, "Bob", Duty::Parked(1)));
        pbx.may_not_use_keys(carrier);
        let mut keys = keys(&[("*", KeyOperation::HangUp)]);
        assert_eq!(keys.pressed(carrier, press(b'*'), &mut pbx), Pressed::Passes);
        assert_eq!(keys.pressed(bob, press(b'*'), &mut pbx), Pressed::Passes, "in no call");
    }

    #[test]
    fn who_types_faster_than_is_listened_loses_keys_and_they_are_counted() {
        let (mut pbx, alice, bob) = talk();
        let mut keys = keys(&[("*0", KeyOperation::HangUp)]);
        for _ in 0..LOOSE + 4 {
            keys.pressed(alice, press(b'*'), &mut pbx);
        }
        // One is on its way, one is held.
        assert_eq!(heard(&mut pbx, bob), "*");
        assert_eq!(keys.lost, 2);
    }
}
