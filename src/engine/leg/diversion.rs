//! The way that a call has taken before it rings somewhere: Diversion (RFC 5806) and History-Info (RFC 7044), both.
use super::Identity;
use super::identity::write_number;
use crate::wire::uri::write_user;
use crate::wire::{Compose, Name};

crate::labels! {
    /// Why a call was sent on, as Diversion has it (RFC 5806 §4).
    pub enum DiversionReason {
        /// The line sends all its calls on.
        Unconditional = "unconditional",
        /// It was busy.
        UserBusy = "user-busy",
        /// Nobody answered.
        NoAnswer = "no-answer",
        /// None of its phones could be reached.
        Unavailable = "unavailable",
        /// A phone did it, by itself or because its user wished so.
        Deflection = "deflection",
    }
}

impl DiversionReason {
    /// The `cause` of a URI that a call was sent on to (RFC 4458 §2.2, 3GPP TS 24.604 for who is not registered).
    const fn cause(self) -> u64 {
        match self {
            Self::Unconditional => 302,
            Self::UserBusy => 486,
            Self::NoAnswer => 408,
            Self::Unavailable => 404,
            Self::Deflection => 487,
        }
    }
}

/// One line that sent a call on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// Which.
    pub by: Identity,
    /// Why.
    pub reason: DiversionReason,
}

/// Writes who sent the call on, the last first.
pub(super) fn write_diversions(invite: &mut Compose<'_>, path: &[Diversion], domain: &str, to_phone: bool) {
    for Diversion { by, reason } in path.iter().rev() {
        let lines = invite.open(Name::Diversion).lines_buffer();
        if to_phone {
            by.write(lines, domain)
        } else {
            by.write_asserted(lines, domain)
        }
        invite.text(b";reason=").text(reason.as_str().as_bytes()).text(b";counter=1");
        if by.private {
            invite.text(b";privacy=full");
        }
        invite.close();
    }
}

/// Writes where the call was meant to go, and where it went instead; behind what whoever sent it to us said of that.
pub(super) fn write_history(invite: &mut Compose<'_>, path: &[Diversion], to: &str, domain: &str, before: &[u8]) {
    let Some(first) = path.first() else { return };
    let mut index = match last_index(before) {
        Some(index) => index.to_vec(),
        None => {
            write_entry(invite, &first.by, domain, None, b"1");
            invite.close();
            b"1".to_vec()
        }
    };
    for (place, Diversion { reason, .. }) in path.iter().enumerate() {
        let mapped = index.clone();
        index.extend_from_slice(b".1");
        let next = path.get(place + 1).map_or_else(|| Identity::new(to, ""), |next| next.by);
        write_entry(invite, &next, domain, Some(*reason), &index);
        invite.text(b";mp=").text(&mapped).close();
    }
}

fn write_entry(invite: &mut Compose<'_>, who: &Identity, domain: &str, reason: Option<DiversionReason>, index: &[u8]) {
    let out = invite.open(Name::HistoryInfo).lines_buffer();
    match reason {
        None if !who.private => write_number(&who.number, domain, out),
        _ => {
            out.extend_from_slice(b"<sip:");
            write_user(if who.private { "anonymous" } else { &who.number }, out);
            out.push(b'@');
            out.extend_from_slice(if who.private { b"anonymous.invalid" } else { domain.as_bytes() });
            if let Some(reason) = reason {
                out.extend_from_slice(b";cause=");
                out.extend_from_slice(&crate::wire::decimal_text(reason.cause()));
            }
            out.push(b'>');
        }
    }
    invite.text(b";index=").text(index);
}

/// The index of the last entry that came with the call (RFC 7044 §5.1).
fn last_index(lines: &[u8]) -> Option<&[u8]> {
    let history = lines.split(|&byte| byte == b'\n').rfind(|line| {
        let name = Name::HistoryInfo.as_str().as_bytes();
        line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    })?;
    let at = memchr::memmem::rfind(history, b";index=")? + b";index=".len();
    let digits = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let length = history[at..].iter().take_while(|byte| digits(byte)).count();
    // Whoever sends more than anybody reads has it left out.
    (1..=64).contains(&length).then(|| &history[at..at + length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Method;

    fn written(path: &[Diversion], to: &str, before: &str, to_phone: bool) -> String {
        let mut out = Vec::new();
        let mut invite = Compose::request(&mut out, Method::Invite, b"sip:x@pbx.test");
        write_diversions(&mut invite, path, "pbx.test", to_phone);
        invite.lines(before.as_bytes());
        write_history(&mut invite, path, to, "pbx.test", before.as_bytes());
        let range = invite.end();
        let text = String::from_utf8(out[range].to_vec()).unwrap();
        let fields = |line: &&str| !line.is_empty() && !line.starts_with("Content-Length");
        text.lines().skip(1).filter(fields).collect::<Vec<_>>().join("\n")
    }

    fn by(number: &str, reason: DiversionReason) -> Diversion {
        Diversion { by: Identity::new(number, ""), reason }
    }

    #[test]
    fn the_last_diversion_stands_first_and_history_goes_forward() {
        let path = [by("1002", DiversionReason::UserBusy), by("1003", DiversionReason::NoAnswer)];
        assert_eq!(
            written(&path, "1004", "", true),
            "Diversion: <sip:1003@pbx.test>;reason=no-answer;counter=1\n\
             Diversion: <sip:1002@pbx.test>;reason=user-busy;counter=1\n\
             History-Info: <sip:1002@pbx.test>;index=1\n\
             History-Info: <sip:1003@pbx.test;cause=486>;index=1.1;mp=1\n\
             History-Info: <sip:1004@pbx.test;cause=408>;index=1.1.1;mp=1.1"
        );
    }

    #[test]
    fn what_came_with_the_call_is_gone_on_with() {
        let before = "History-Info: <sip:4711@carrier.test>;index=1, <sip:1002@pbx.test>;index=1.2\r\n\
                      Diversion: <sip:4711@carrier.test>;reason=unknown\r\n";
        assert_eq!(
            written(&[by("1002", DiversionReason::Unconditional)], "1004", before, true),
            "Diversion: <sip:1002@pbx.test>;reason=unconditional;counter=1\n\
             History-Info: <sip:4711@carrier.test>;index=1, <sip:1002@pbx.test>;index=1.2\n\
             Diversion: <sip:4711@carrier.test>;reason=unknown\n\
             History-Info: <sip:1004@pbx.test;cause=302>;index=1.2.1;mp=1.2"
        );
    }

    #[test]
    fn who_hides_is_shown_to_carriers_only() {
        let hidden = Diversion {
            by: Identity { private: true, ..Identity::new("1002", "Bob") },
            reason: DiversionReason::Deflection,
        };
        let (phone, trunk) = (written(&[hidden], "1004", "", true), written(&[hidden], "1004", "", false));
        assert!(!phone.contains("1002") && !trunk.contains("History-Info: <sip:1002"), "{phone}\n{trunk}");
        assert!(trunk.contains("Diversion: \"Bob\" <sip:1002@pbx.test>;reason=deflection;counter=1;privacy=full"));
    }
}
