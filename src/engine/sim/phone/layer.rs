//! The phone's own transaction layer (RFC 3261 §17, RFC 6026), written without a look at the engine's.
use crate::base::Time;
use std::time::Duration;

pub(super) const T1: Duration = Duration::from_millis(500);
pub(super) const T2: Duration = Duration::from_secs(4);
/// 64 times T1.
pub(super) const LONG: Duration = Duration::from_secs(32);

/// What a request is for, when its answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Register,
    Call(u32),
    /// A re-INVITE or UPDATE.
    Change(u32),
    Refer(u32),
    Pass(u32),
    Leave(u32),
    Cancel,
    /// A SUBSCRIBE.
    Watch(u32),
    /// A PUBLISH.
    Publish,
}

/// A request of ours.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) branch: String,
    pub(super) method: String,
    pub(super) cseq: u32,
    pub(super) wish: Wish,
    text: Vec<u8>,
    /// The ACK of a refusal, to be said again.
    pub(super) ack: Vec<u8>,
    pub(super) answered: bool,
    again: Option<Time>,
    pause: Duration,
    pub(super) until: Time,
}

/// What became of a request when the clock struck.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Struck {
    Nothing,
    Again(Vec<u8>),
    TimedOut,
}

impl Client {
    pub(super) fn new(now: Time, branch: &str, method: &str, cseq: u32, wish: Wish, text: &[u8], stream: bool) -> Self {
        Self {
            branch: branch.into(),
            method: method.into(),
            cseq,
            wish,
            text: text.to_vec(),
            ack: Vec::new(),
            answered: false,
            // Over a stream nothing is lost.
            again: (!stream).then(|| now + T1),
            pause: T1,
            until: now + LONG,
        }
    }

    /// A provisional response stops an INVITE's repetitions, and slows down those of others.
    pub(super) fn progress(&mut self, now: Time) {
        if self.method == "INVITE" {
            self.again = None;
            self.until = now + Duration::from_secs(3600);
        } else {
            self.pause = T2;
        }
    }

    pub(super) fn finish(&mut self, now: Time) {
        self.answered = true;
        self.again = None;
        self.until = now + LONG;
    }

    pub(super) fn next(&self) -> Time {
        self.again.map_or(self.until, |again| again.min(self.until))
    }

    pub(super) fn strike(&mut self, now: Time) -> Struck {
        if now >= self.until {
            return if self.answered { Struck::Nothing } else { Struck::TimedOut };
        }
        match self.again {
            Some(again) if again <= now => {
                let doubled = self.pause * 2;
                self.pause = if self.method == "INVITE" { doubled } else { doubled.min(T2) };
                self.again = Some(now + self.pause);
                Struck::Again(self.text.clone())
            }
            Some(_) | None => Struck::Nothing,
        }
    }
}

/// A request of the other side's.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) branch: String,
    pub(super) method: String,
    pub(super) cseq: u32,
    pub(super) call: u32,
    /// The last response.
    pub(super) last: Vec<u8>,
    /// A final response to an INVITE, and its ACK is not here.
    pub(super) unacknowledged: bool,
    pub(super) accepted: bool,
    /// The request came over a connection.
    pub(super) stream: bool,
    again: Option<Time>,
    pause: Duration,
    pub(super) until: Time,
}

impl Server {
    pub(super) fn new(now: Time, branch: &str, method: &str, cseq: u32, call: u32, stream: bool) -> Self {
        Self {
            branch: branch.into(),
            method: method.into(),
            cseq,
            call,
            last: Vec::new(),
            unacknowledged: false,
            accepted: false,
            stream,
            again: None,
            pause: T1,
            until: now + Duration::from_secs(3600),
        }
    }

    pub(super) fn respond(&mut self, now: Time, status: u16, text: &[u8]) {
        self.last = text.to_vec();
        if status < 200 {
            return;
        }
        self.until = now + LONG;
        if self.method == "INVITE" {
            self.unacknowledged = true;
            self.accepted = status < 300;
            self.again = (!self.stream || self.accepted).then(|| now + T1);
        }
    }

    /// A reliable provisional response: said again until its PRACK comes.
    pub(super) fn insist(&mut self, now: Time) {
        self.again = Some(now + T1);
    }

    /// Its PRACK is here.
    pub(super) fn pracked(&mut self) {
        (self.again, self.pause) = (None, T1);
    }

    pub(super) fn acknowledge(&mut self, now: Time) {
        self.unacknowledged = false;
        self.again = None;
        self.until = now + LONG;
    }

    pub(super) fn next(&self) -> Time {
        self.again.map_or(self.until, |again| again.min(self.until))
    }

    pub(super) fn strike(&mut self, now: Time) -> Struck {
        if now >= self.until {
            return if self.unacknowledged && self.accepted { Struck::TimedOut } else { Struck::Nothing };
        }
        match self.again {
            Some(again) if again <= now => {
                self.pause = (self.pause * 2).min(T2);
                self.again = Some(now + self.pause);
                Struck::Again(self.last.clone())
            }
            Some(_) | None => Struck::Nothing,
        }
    }
}
