//! Keys pressed in a call, as INFO tells of them, or the media.
//!
//! There is no standard for it: phones send `application/dtmf-relay`, with `Signal=5` and `Duration=160` on lines of their
//! own, or `application/dtmf`, whose whole body is the key.
use super::{Message, Method, Name};

/// How long a key is said to have been pressed where nobody says so.
const USUAL: u16 = 160;
/// The longest that is believed.
const LONGEST: u16 = 8_000;

/// How a key was told, and is told on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/dtmf-relay`.
    Relay,
    /// `application/dtmf`.
    Plain,
    /// As an event in the media (RFC 4733): not by INFO at all.
    Event,
}

impl Form {
    /// The media type.
    pub const fn content_type(self) -> &'static [u8] {
        match self {
            Self::Relay | Self::Event => b"application/dtmf-relay",
            Self::Plain => b"application/dtmf",
        }
    }
}

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// `0` to `9`, `*`, `#`, `A` to `D`.
    pub key: u8,
    /// For how many milliseconds.
    pub millis: u16,
    /// How it was told.
    pub form: Form,
}

impl Press {
    /// A key that came as an event; 0 milliseconds if it is not known for how long it was pressed.
    pub const fn event(key: u8, millis: u16) -> Self {
        let millis = match millis {
            0 => USUAL,
            1..LONGEST => millis,
            LONGEST.. => LONGEST,
        };
        Self { key, millis, form: Form::Event }
    }

    /// Whether who told of it waits for an answer.
    pub fn wants_answer(self) -> bool {
        self.form != Form::Event
    }

    /// The key that an INFO tells of; nothing if it is about something else.
    pub fn read(info: &Message<'_>) -> Option<Self> {
        if info.method() != Some(Method::Info) {
            return None;
        }
        let kind = info.header(Name::ContentType)?;
        let kind = kind.split(|&byte| byte == b';').next().unwrap_or(kind).trim_ascii();
        let form =
            [Form::Relay, Form::Plain].into_iter().find(|form| kind.eq_ignore_ascii_case(form.content_type()))?;
        match form {
            Form::Plain => Some(Self { key: key(info.body())?, millis: USUAL, form }),
            Form::Relay | Form::Event => {
                let (mut pressed, mut millis) = (None, USUAL);
                for line in info.body().split(|&byte| matches!(byte, b'\r' | b'\n')) {
                    let Some(at) = line.iter().position(|&byte| byte == b'=') else { continue };
                    let (name, value) = (line[..at].trim_ascii(), line[at + 1..].trim_ascii());
                    if name.eq_ignore_ascii_case(b"Signal") {
                        pressed = key(value);
                    } else if name.eq_ignore_ascii_case(b"Duration") {
                        let said = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u32>().ok());
                        millis = said.map_or(USUAL, |said| said.min(LONGEST.into()) as u16);
                    }
                }
                Some(Self { key: pressed?, millis, form })
            }
        }
    }

    /// The body that tells of it.
    pub fn body(self) -> Vec<u8> {
        match self.form {
            Form::Plain => vec![self.key],
            Form::Relay | Form::Event => {
                format!("Signal={}\r\nDuration={}\r\n", char::from(self.key), self.millis).into_bytes()
            }
        }
    }
}

/// A key by its sign, or by the number that RFC 4733 §3.2 gives it, as some phones write it.
fn key(text: &[u8]) -> Option<u8> {
    match text.trim_ascii() {
        &[sign @ (b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D')] => Some(sign),
        &[sign @ b'a'..=b'd'] => Some(sign.to_ascii_uppercase()),
        b"10" => Some(b'*'),
        b"11" => Some(b'#'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &str) -> Option<Press> {
        let text = format!(
            "INFO sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:b@h>;tag=1\r\nTo: <sip:a@h>;tag=2\r\n\
             Call-ID: c\r\nCSeq: 2 INFO\r\nMax-Forwards: 70\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Press::read(&Message::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn keys_are_read_however_phones_write_them() {
        let relay = |key, millis| Some(Press { key, millis, form: Form::Relay });
        let kind = "application/dtmf-relay";
        assert_eq!(read(kind, "Signal=5\r\nDuration=100\r\n"), relay(b'5', 100));
        assert_eq!(read("Application/DTMF-Relay; charset=x", "Signal= #\nDuration= 250"), relay(b'#', 250));
        assert_eq!(read(kind, "duration=x\r\nsignal=d\r\n"), relay(b'D', USUAL));
        assert_eq!(read(kind, "Signal=10\r\nDuration=4000000000\r\n"), relay(b'*', LONGEST));
        assert_eq!(read("application/dtmf", "11"), Some(Press { key: b'#', millis: USUAL, form: Form::Plain }));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for (kind, body) in [
            ("application/dtmf-relay", "Signal=hf\r\n"),
            ("application/dtmf-relay", "Signal=\r\nDuration=1"),
            ("application/dtmf-relay", ""),
            ("application/dtmf", "12"),
            ("application/dtmf", ""),
            ("application/sdp", "5"),
            ("text/plain", "Signal=5"),
        ] {
            assert_eq!(read(kind, body), None, "{kind} {body}");
        }
    }

    #[test]
    fn what_is_told_on_is_what_was_told() {
        for (kind, body) in [("application/dtmf-relay", "Signal=7\r\nDuration=90\r\n"), ("application/dtmf", "*")] {
            let press = read(kind, body).unwrap();
            assert_eq!((press.form.content_type(), press.body()), (kind.as_bytes(), body.as_bytes().to_vec()));
        }
    }
}
