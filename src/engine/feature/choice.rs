//! What people choose by dialling a code: where their calls go, and whether anybody may disturb them.
//!
//! It is confirmed by two tones and on the display, holds at once, and is kept until it is dialled away.
//!
//! Knows: sessions, lines, numbers. Never: SIP, SDP, sockets, the clock.
use super::Features;
use super::announce::confirm;
use super::call::words;
use super::forward::Unreached;
use super::numbers::Target;
use super::refusal::Words;
use crate::leg::Cause;
use crate::session::{SessionId, Switch};
use crate::settings::{ForwardKind, LineNo, Operation};

/// What a line's owner wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Calls go to the number that was dialled behind the code.
    Forward(ForwardKind),
    /// They come to the line again.
    NoForward(ForwardKind),
    /// Nobody is to disturb, or everybody may; nothing: the other of the two.
    DoNotDisturb(Option<bool>),
    /// Nobody else gets through while the next call lasts.
    NoCallWaiting,
}

/// The codes that choose something.
const CHOICES: [(Operation, Choice); 12] = [
    (Operation::ForwardAll, Choice::Forward(ForwardKind::All)),
    (Operation::ForwardAllOff, Choice::NoForward(ForwardKind::All)),
    (Operation::ForwardBusy, Choice::Forward(ForwardKind::Busy)),
    (Operation::ForwardBusyOff, Choice::NoForward(ForwardKind::Busy)),
    (Operation::ForwardNoAnswer, Choice::Forward(ForwardKind::NoAnswer)),
    (Operation::ForwardNoAnswerOff, Choice::NoForward(ForwardKind::NoAnswer)),
    (Operation::ForwardUnregistered, Choice::Forward(ForwardKind::Unregistered)),
    (Operation::ForwardUnregisteredOff, Choice::NoForward(ForwardKind::Unregistered)),
    (Operation::DoNotDisturbOn, Choice::DoNotDisturb(Some(true))),
    (Operation::DoNotDisturbOff, Choice::DoNotDisturb(Some(false))),
    (Operation::DoNotDisturbToggle, Choice::DoNotDisturb(None)),
    (Operation::NoCallWaiting, Choice::NoCallWaiting),
];

impl Choice {
    /// What a code chooses, if it chooses anything.
    pub(super) fn by(operation: Operation) -> Option<Self> {
        CHOICES.iter().find(|(code, _)| *code == operation).map(|&(_, choice)| choice)
    }
}

impl Features {
    /// Chooses; whether that could be done.
    pub(super) fn choose(&mut self, who: SessionId, choice: Choice, number: &str, pbx: &mut dyn Switch) -> bool {
        let chosen = match pbx.party(who).place.line() {
            Some(line) => self.chosen(line, choice, number, pbx),
            None => Err(Unreached::new(Cause::Forbidden, format_args!("Only lines have that"))),
        };
        match chosen {
            Ok(words) => confirm(who, &words, pbx),
            Err(Unreached { cause, words }) => {
                pbx.drop(who, cause, &words);
                return false;
            }
        }
        true
    }

    fn chosen(&mut self, line: LineNo, choice: Choice, number: &str, pbx: &mut dyn Switch) -> Result<Words, Unreached> {
        let profiles = &mut self.calls.profiles;
        Ok(match choice {
            Choice::Forward(kind) => {
                self.may_forward(line, number)?;
                self.calls.profiles.set_forward(line, kind, number, pbx);
                words(format_args!("Forward {} to {number}", case(kind)))
            }
            Choice::NoForward(kind) => {
                profiles.set_forward(line, kind, "", pbx);
                words(format_args!("No forward {}", case(kind)))
            }
            Choice::DoNotDisturb(wanted) => {
                let on = profiles.set_do_not_disturb(line, wanted, pbx);
                let quiet = profiles.quiet_but_for(line);
                self.calls.completions.hush_line(line, quiet, pbx);
                words(format_args!("Do not disturb {}", if on { "on" } else { "off" }))
            }
            Choice::NoCallWaiting => {
                self.calls.completions.undisturbed_calls.arm(line);
                words(format_args!("No call waiting"))
            }
        })
    }

    /// A line may send its calls to lines; and over trunks, where that is allowed.
    fn may_forward(&self, line: LineNo, number: &str) -> Result<(), Unreached> {
        let external = self.calls.profiles.settings.external;
        match self.plan.resolve(number) {
            Target::Line(other) if other == line => {
                Err(Unreached::new(Cause::Forbidden, format_args!("A line does not forward to itself")))
            }
            Target::Line(_) => Ok(()),
            Target::Trunk { .. } if external => Ok(()),
            Target::Nothing => Err(Unreached::new(Cause::NotFound, format_args!("{number} does not exist"))),
            Target::Trunk { .. } | Target::Emergency { .. } | Target::Lot(_) | Target::Orbit { .. } => {
                Err(Unreached::new(Cause::Forbidden, format_args!("Calls are not forwarded to {number}")))
            }
            Target::Code { .. } => {
                Err(Unreached::new(Cause::Forbidden, format_args!("Calls are not forwarded to {number}")))
            }
        }
    }
}

const fn case(kind: ForwardKind) -> &'static str {
    match kind {
        ForwardKind::All => "all",
        ForwardKind::Busy => "busy",
        ForwardKind::NoAnswer => "no answer",
        ForwardKind::Unregistered => "not registered",
    }
}
