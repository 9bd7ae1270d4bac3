//! All that the engine knows of media: what it orders, what it is told.
use crate::base::text::Number;
use crate::settings::{Codec, MusicNo};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// An order to the media threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaOrder {
    /// Bind `port` (and the next one for RTCP) and keep `peer` alive from there, with the first music.
    Open {
        /// The local address.
        at: IpAddr,
        /// The local RTP port, even.
        port: u16,
        /// Where the peer says it receives; it may send from elsewhere.
        peer: Option<SocketAddr>,
        /// What it is to hear.
        voice: Voice,
        /// That of the peer's keys, as events (RFC 4733); none if it sends none.
        events: Option<u8>,
    },
    /// The peer's address changed.
    Redirect {
        /// The local RTP port.
        port: u16,
        /// Where the peer receives now.
        peer: Option<SocketAddr>,
        /// What it is to hear.
        voice: Voice,
        /// That of the peer's keys, as events (RFC 4733); none if it sends none.
        events: Option<u8>,
    },
    /// The peer receives reports there; at the port after that of its sound, if nothing else is said (RFC 3605).
    Reports {
        /// The local RTP port.
        port: u16,
        /// Where, if it says so.
        at: Option<SocketAddr>,
    },
    /// Something else from now on. What was being said there is not said to its end.
    Play {
        /// The local RTP port.
        port: u16,
        /// What.
        sound: Sound,
    },
    /// Say something there, and tell when it was said to its end: [`MediaEvent::Played`].
    Say {
        /// The local RTP port.
        port: u16,
        /// Comes back with the event.
        ticket: Ticket,
        /// What.
        announcement: Announcement,
        /// What is heard after it.
        then: Sound,
    },
    /// Tell when nothing has come to the port for so long; once.
    Watch {
        /// The local RTP port.
        port: u16,
        /// How long.
        silence: Duration,
    },
    /// Close the port.
    Close {
        /// The local RTP port.
        port: u16,
    },
    /// Bind `port` (and the next one for RTCP) to pass on what a party sends there; or, if it is bound already, learn where
    /// that party receives now.
    Relay {
        /// The local address.
        at: IpAddr,
        /// The local RTP port, even.
        port: u16,
        /// Where the party says it receives; it may send from elsewhere.
        peer: Option<Far>,
        /// What may pass.
        form: Form,
    },
    /// What comes in at one relayed port goes out at the other, byte for byte, and the other way round. Whatever either
    /// was linked with before is linked with nothing.
    Link {
        /// One RTP port.
        one: u16,
        /// The other.
        other: u16,
    },
    /// How the party that sends to a relayed port tells its keys to the one that it is linked with: where either is to be
    /// done something with. Nothing is done where this is not ordered.
    Keys {
        /// The local RTP port.
        port: u16,
        /// The payload type of its keys as events (RFC 4733); none if nothing is to be done any more.
        events: Option<u8>,
        /// They are told ([`MediaEvent::Pressed`]), and do not pass.
        kept: bool,
    },
    /// The party that sends to a relayed port pressed a key: whom it is linked with hears it as an event, behind those that it
    /// has not heard to their end yet.
    Press {
        /// The local RTP port, of which [`Self::Keys`] was told.
        port: u16,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        key: u8,
        /// For how many milliseconds.
        millis: u16,
    },
    /// Close a relayed port.
    EndRelay {
        /// The local RTP port.
        port: u16,
    },
}

/// What goes to a peer: a codec, and the number that the peer has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// The codec.
    pub codec: Codec,
    /// The RTP payload type.
    pub payload_type: u8,
}

impl Voice {
    /// A codec by its usual number.
    pub const fn of(codec: Codec) -> Self {
        Self { codec, payload_type: codec.payload_type() }
    }
}

impl Default for Voice {
    /// What every phone understands.
    fn default() -> Self {
        Self::of(Codec::Pcmu)
    }
}

/// Where a party receives one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Far {
    /// RTP, or whatever the stream consists of.
    pub rtp: SocketAddr,
    /// RTCP: the next port, unless it says otherwise (RFC 3605).
    pub rtcp: SocketAddr,
}

/// What a stream consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// RTP and RTCP.
    #[default]
    Rtp,
    /// The same, and the handshakes of its keys (RFC 5764).
    Dtls,
    /// Something else: a fax, most of the time.
    Other,
}

/// What the media threads report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// The port could not be bound.
    Failed {
        /// The local RTP port.
        port: u16,
    },
    /// Something came in at a relayed port, the first since it was linked.
    Heard {
        /// The local RTP port.
        port: u16,
    },
    /// Nothing has come in at a relayed port since it was linked, or no more for long, though the other party sends.
    OneWay {
        /// The local RTP port.
        port: u16,
    },
    /// Nothing has come to a port that is [watched](MediaOrder::Watch) for so long.
    Silent {
        /// The local RTP port.
        port: u16,
    },
    /// The peer of a port pressed a key (RFC 4733).
    Pressed {
        /// The local RTP port.
        port: u16,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        key: u8,
        /// For how many milliseconds; 0 where it still lasts.
        millis: u16,
    },
    /// What was to be said was said to its end, whether anybody heard it or not.
    Played {
        /// The local RTP port.
        port: u16,
        /// That of the order.
        ticket: Ticket,
    },
}

/// Tells an order to say something from every other one, so that a late report is not taken for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// To whom it was said; the engine's own affair.
    pub whom: u64,
    /// Which order it was.
    pub number: u32,
}

/// What goes on for as long as nothing else is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// This music, at the place where all hear it.
    Music(MusicNo),
    /// Nothing, in packets.
    Silence,
    /// What the peer itself says.
    Echo,
}

/// Something to be said: a phrase, and perhaps a number behind it, sign by sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// What comes first.
    pub phrase: Phrase,
    /// What is spelt behind it; what has no sound is left out.
    pub number: Number,
    /// How often all of it is said, two seconds apart.
    pub times: u8,
}

impl Announcement {
    /// The phrase, once.
    pub fn of(phrase: Phrase) -> Self {
        Self { phrase, number: Number::new(), times: 1 }
    }

    /// The phrase and a number, once.
    pub const fn with(phrase: Phrase, number: Number) -> Self {
        Self { phrase, number, times: 1 }
    }

    /// The same, twice.
    #[must_use]
    pub const fn twice(self) -> Self {
        Self { times: 2, ..self }
    }
}

crate::labels! {
    /// What can be said; the word is the name of its file.
    pub enum Phrase {
        /// Two short tones: done.
        Confirmation = "confirmation",
        /// Where the call waits, before the orbit.
        ParkedOn = "parked-on",
        /// Before the party's own number.
        YourNumberIs = "your-number-is",
        /// What will come back, before it does.
        EchoTest = "echo-test",
        /// The party holds no call.
        NoCallToPark = "no-call-to-park",
        /// It should have been, and was not.
        NotParked = "not-parked",
        /// Somebody else waits there.
        OrbitTaken = "orbit-taken",
        /// There is no room in the lot.
        AllOrbitsTaken = "all-orbits-taken",
        /// The party has no right to it.
        NotAllowed = "not-allowed",
        /// Nobody waits there.
        NothingParkedThere = "nothing-parked-there",
        /// Nobody waits anywhere.
        NoParkedCalls = "no-parked-calls",
        /// Nothing has that number.
        NoSuchNumber = "no-such-number",
        /// Who waits is not forgotten.
        Comfort = "comfort",
        /// The server goes down.
        ParkNotAvailable = "park-not-available",
        /// A parked call comes back to somebody outside, who takes it by a key.
        PressOne = "press-one",
        /// The line is busy, and a key brings a callback.
        BusyPressFive = "busy-press-five",
        /// The same where nobody answers.
        NoReplyPressFive = "no-reply-press-five",
        /// The same where no phone is registered.
        AwayPressFive = "away-press-five",
        /// The line is busy: the caller may wait for it, or be called back.
        BusyStay = "busy-stay",
        /// A callback was asked for; before the place in the queue.
        WillCallBack = "will-call-back",
        /// It was taken back.
        CallbackCancelled = "callback-cancelled",
        /// There was none.
        NoCallback = "no-callback",
        /// No call has failed for which there could be one.
        NoCallToReturn = "no-call-to-return",
        /// There are none for that number.
        NoCallbackPossible = "no-callback-possible",
        /// There is no room for another.
        TooManyCallbacks = "too-many-callbacks",
        /// Before the number that is called now, to who was called back.
        Calling = "calling",
        /// It is busy, and the callback stands.
        BusyAgain = "busy-again",
        /// And there the matter ends.
        NobodyAnswers = "nobody-answers",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_has_a_name_that_can_be_a_file_s() {
        for phrase in Phrase::ALL {
            assert!(phrase.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{phrase:?}");
        }
    }
}
