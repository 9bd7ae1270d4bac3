//! What a phone watches: subscriptions, and what it is told (RFC 6665 §4.1).
use super::super::sip::{Sip, param, uri_of};
use super::super::xml::Lights;
use super::layer::Wish;
use super::{Manners, Phone};

/// A lamp of a phone's, or another subscription.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Lamp {
    pub(in crate::sim) call_id: String,
    number: String,
    tag: String,
    remote_tag: String,
    target: String,
    cseq: u32,
    remote_cseq: u32,
    ask: Subscribe,
    challenged: bool,
    /// What was answered to the last SUBSCRIBE.
    pub(in crate::sim) answered: Option<(u16, String)>,
    /// For how long it was granted.
    pub(in crate::sim) granted: Option<u32>,
    /// The NOTIFYs, the oldest first.
    pub(in crate::sim) told: Vec<Sip>,
    /// How it ended.
    pub(in crate::sim) over: Option<String>,
}

/// What to subscribe to.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Subscribe {
    pub(in crate::sim) event: String,
    pub(in crate::sim) expires: Option<u32>,
    /// Header lines besides, each with its end.
    pub(in crate::sim) lines: String,
}

impl Default for Subscribe {
    fn default() -> Self {
        Self { event: "dialog".into(), expires: Some(3600), lines: String::new() }
    }
}

impl Lamp {
    /// It is told, until further notice.
    pub(in crate::sim) fn is_on(&self) -> bool {
        self.over.is_none() && self.granted.is_some_and(|seconds| seconds > 0)
    }

    /// The last document.
    pub(in crate::sim) fn shows(&self) -> Lights {
        let last = self.told.last().expect("a NOTIFY");
        Lights::read(&last.body).unwrap_or_else(|what| panic!("{what}: {}", last.body))
    }

    /// Its dialog, for a request that somebody else makes of it.
    pub(in crate::sim) fn dialog(&self) -> [&str; 3] {
        [&self.call_id, &self.tag, &self.remote_tag]
    }
}

impl Phone {
    /// Watches a number.
    pub(in crate::sim) fn watch(&mut self, number: &str, ask: Subscribe) -> u32 {
        let id = self.id();
        let lamp = Lamp {
            call_id: format!("lamp-{id}"),
            number: number.into(),
            tag: format!("w{id}"),
            remote_tag: String::new(),
            target: format!("sip:{number}@pbx.test"),
            cseq: 0,
            remote_cseq: 0,
            ask,
            challenged: false,
            answered: None,
            granted: None,
            told: Vec::new(),
            over: None,
        };
        let no = self.ids;
        self.lamps.insert(no, lamp);
        self.send_subscribe(no, "");
        no
    }

    /// Goes on watching, or with 0 seconds no more.
    pub(in crate::sim) fn watch_on(&mut self, no: u32, expires: u32) {
        if let Some(lamp) = self.lamps.get_mut(&no) {
            (lamp.ask.expires, lamp.answered) = (Some(expires), None);
            self.send_subscribe(no, "");
        }
    }

    /// Says something of its user: to whom, with which header lines, in which words.
    pub(in crate::sim) fn publish(&mut self, to: &str, lines: &str, pidf: &str) {
        self.publication = Some((to.into(), lines.into(), pidf.into()));
        self.send_publish("");
    }

    fn send_publish(&mut self, credentials: &str) {
        let (branch, id) = (format!("z9hG4bK{}", self.id()), self.id());
        let Some((to, lines, pidf)) = self.publication.clone() else { return };
        let (own, target) = (&self.number, format!("sip:{to}@pbx.test"));
        let lines = format!(
            "From: <sip:{own}@pbx.test>;tag=p{id}\r\nTo: <{target}>\r\nCall-ID: publish-{id}\r\nCSeq: 1 PUBLISH\r\n\
             Event: presence\r\n{lines}{credentials}"
        );
        let text = self.write("PUBLISH", &target, &branch, &lines, &pidf);
        self.send(Wish::Publish, "PUBLISH", 1, &branch, text);
    }

    /// The answer to a PUBLISH.
    pub(super) fn published(&mut self, message: &Sip, status: u16) {
        let Some((to, ..)) = self.publication.clone().filter(|_| status == 401) else { return };
        if let Some(credentials) = self.credentials(message, "PUBLISH", &format!("sip:{to}@pbx.test")) {
            self.send_publish(&credentials);
        }
    }

    /// Asks for another event in the same dialog.
    pub(in crate::sim) fn watch_something_else(&mut self, no: u32, event: &str) {
        if let Some(lamp) = self.lamps.get_mut(&no) {
            lamp.ask.event = event.into();
            self.send_subscribe(no, "");
        }
    }

    fn send_subscribe(&mut self, no: u32, credentials: &str) {
        let branch = format!("z9hG4bK{}", self.id());
        let contact =
            format!("Contact: <sip:{}@{}{}>\r\n", self.number, self.inside.unwrap_or(self.address), self.transport());
        let own = self.number.clone();
        let Some(lamp) = self.lamps.get_mut(&no) else { return };
        lamp.cseq += 1;
        let to_tag = if lamp.remote_tag.is_empty() { String::new() } else { format!(";tag={}", lamp.remote_tag) };
        let expires = lamp.ask.expires.map_or(String::new(), |expires| format!("Expires: {expires}\r\n"));
        let lines = format!(
            "From: <sip:{own}@pbx.test>;tag={}\r\nTo: <sip:{}@pbx.test>{to_tag}\r\nCall-ID: {}\r\nCSeq: {} SUBSCRIBE\r\n\
             {contact}Event: {}\r\n{expires}{}{credentials}",
            lamp.tag, lamp.number, lamp.call_id, lamp.cseq, lamp.ask.event, lamp.ask.lines
        );
        let (target, cseq) = (lamp.target.clone(), lamp.cseq);
        let text = self.write("SUBSCRIBE", &target, &branch, &lines, "");
        self.send(Wish::Watch(no), "SUBSCRIBE", cseq, &branch, text);
    }

    /// The answer to a SUBSCRIBE.
    pub(super) fn watching(&mut self, no: u32, message: &Sip, status: u16) {
        let Some(lamp) = self.lamps.get_mut(&no) else { return };
        if status == 401 && !lamp.challenged {
            lamp.challenged = true;
            let uri = lamp.target.clone();
            if let Some(credentials) = self.credentials(message, "SUBSCRIBE", &uri) {
                return self.send_subscribe(no, &credentials);
            }
        }
        let Some(lamp) = self.lamps.get_mut(&no) else { return };
        lamp.answered = Some((status, message.phrase().to_owned()));
        if status / 100 != 2 {
            if status == 481 || lamp.remote_tag.is_empty() {
                lamp.over = Some(status.to_string());
            }
            return;
        }
        lamp.granted = message.field("Expires").parse().ok();
        let asked = lamp.ask.expires.unwrap_or(u32::MAX);
        // Another may have been asked for meanwhile.
        let latest = message.cseq().0 == lamp.cseq;
        if lamp.granted.is_none_or(|granted| latest && granted > asked) {
            return self.complain("a 200 to SUBSCRIBE with more than was asked for, or without Expires");
        }
        uri_of(message.field("Contact")).clone_into(&mut lamp.target);
        message.tag("To").clone_into(&mut lamp.remote_tag);
    }

    /// Nobody answered a SUBSCRIBE.
    pub(super) fn unwatched(&mut self, no: u32) {
        if let Some(lamp) = self.lamps.get_mut(&no) {
            lamp.answered = Some((408, "nobody answered".into()));
        }
    }

    /// Which lamp a NOTIFY is for: it may overtake the 200 to its SUBSCRIBE (§4.4.1).
    pub(super) fn lamp_of(&self, message: &Sip) -> Option<u32> {
        let mine = |lamp: &Lamp| {
            let known = lamp.remote_tag.is_empty() || lamp.remote_tag == message.tag("From");
            lamp.call_id == message.field("Call-ID") && lamp.tag == message.tag("To") && known && lamp.over.is_none()
        };
        if message.method() != Some("NOTIFY") {
            return None;
        }
        self.lamps.iter().find(|(_, lamp)| mine(lamp)).map(|(no, _)| *no)
    }

    /// A NOTIFY.
    pub(super) fn told(&mut self, no: u32, message: &Sip) {
        let Manners { answers_lamps: answer, .. } = self.manners;
        match answer {
            0 => {}
            200 => self.respond(message, 200, "OK", "", no),
            status => self.respond(message, status, "No", "", no),
        }
        let Some(lamp) = self.lamps.get_mut(&no) else { return };
        let cseq = message.cseq().0;
        let rises = cseq > std::mem::replace(&mut lamp.remote_cseq, cseq);
        lamp.remote_tag = message.tag("From").into();
        let state = message.field("Subscription-State");
        let is_over = state.starts_with("terminated");
        let mut wrong = Vec::new();
        wrong.extend((!rises).then(|| "a NOTIFY whose CSeq does not rise".to_owned()));
        wrong.extend((message.field("Event") != lamp.ask.event).then(|| "a NOTIFY of another event".to_owned()));
        wrong.extend(message.field("Contact").is_empty().then(|| "a NOTIFY without Contact".to_owned()));
        let left = param(&format!(">{state}"), "expires").and_then(|left| left.parse::<u32>().ok());
        wrong.extend((!is_over && left.is_none()).then(|| "a NOTIFY that does not say how long".to_owned()));
        if message.field("Content-Type") == "application/dialog-info+xml" {
            match Lights::read(&message.body) {
                // One more with each NOTIFY, those that never came included.
                Ok(lights) if lights.version + 1 != cseq => wrong.push("a version that is not the next".into()),
                Ok(_) => {}
                Err(what) => wrong.push(what),
            }
        }
        if is_over {
            lamp.over = Some(state.to_owned());
        }
        lamp.told.push(message.clone());
        for what in wrong {
            self.complain(&what);
        }
    }

    /// After the story: it watches nothing any more.
    pub(in crate::sim) fn looks_away(&mut self) {
        let on: Vec<u32> = self.lamps.iter().filter(|(_, lamp)| lamp.is_on()).map(|(no, _)| *no).collect();
        on.into_iter().for_each(|no| self.watch_on(no, 0));
    }
}
