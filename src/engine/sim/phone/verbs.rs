//! What a phone's user does with it.
use super::super::sip::bare;
use super::layer::Wish;
use super::{Answer, Call, HoldStyle, Media, Phone, Plan, Reliable, Stage};
use std::net::SocketAddr;
use std::time::Duration;

/// How a call is to be made.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Dial {
    /// The INVITE has no description.
    pub(in crate::sim) late_offer: bool,
    /// Header lines besides, each with its end.
    pub(in crate::sim) lines: String,
    /// Another From than the phone's own.
    pub(in crate::sim) from: Option<String>,
}

impl Phone {
    pub(in crate::sim) fn register(&mut self) {
        (self.proved, self.leaving) = (false, false);
        self.send_register("");
    }

    pub(super) fn send_register(&mut self, credentials: &str) {
        let (cseq, expires) = (self.ids + 1, if self.leaving { 0 } else { 3600 });
        let branch = format!("z9hG4bK{}", self.id());
        let lines = format!(
            "From: <sip:{0}@pbx.test>;tag=r{cseq}\r\nTo: <sip:{0}@pbx.test>\r\nCall-ID: reg-{1}\r\nCSeq: {cseq} REGISTER\r\n\
             Contact: <sip:{0}@{1}{2}>{3};expires={expires}\r\n{credentials}",
            self.number,
            self.inside.unwrap_or(self.address),
            self.transport(),
            if self.outbound {
                format!(";reg-id=1;+sip.instance=\"<urn:phone:{}>\"", self.name)
            } else {
                String::new()
            }
        );
        let text = self.write("REGISTER", "sip:pbx.test", &branch, &lines, "");
        self.send(Wish::Register, "REGISTER", cseq, &branch, text);
    }

    /// Takes its contact back.
    pub(in crate::sim) fn unregister(&mut self) {
        self.agenda.retain(|(_, plan)| *plan != Plan::Register);
        (self.registered, self.proved, self.leaving) = (false, false, true);
        self.send_register("");
    }

    fn media(&mut self) -> Media {
        self.ids += 1;
        // Below the ports that a system gives to whoever does not ask: with real sockets those are other phones'.
        let ip = self.media_at.unwrap_or(self.address.ip());
        let at = SocketAddr::new(ip, 20_000 + (self.ids % 6_000) as u16 * 2);
        let mut media = Media::new(at, u64::from(self.ids));
        media.streams.clone_from(&self.streams);
        media.line = self.line.unwrap_or(media.line);
        media
    }

    /// Calls a number, or any user part.
    pub(in crate::sim) fn dial(&mut self, user: &str, dial: &Dial) -> u32 {
        let uri = if user.contains('@') { format!("sip:{user}") } else { format!("sip:{user}@pbx.test") };
        let id = self.id();
        let mut media = self.media();
        let body = if dial.late_offer { String::new() } else { media.offer() };
        let own = format!("\"{}\" <sip:{}@pbx.test>", self.name, self.number);
        let no = self.ids;
        let call = Call {
            call_id: format!("call-{id}"),
            local: dial.from.clone().unwrap_or(own),
            remote: format!("<{uri}>"),
            local_tag: format!("f{id}"),
            remote_tag: String::new(),
            target: uri.clone(),
            cseq: 0,
            remote_cseq: 0,
            stage: Stage::Calling,
            outgoing: true,
            invite: String::new(),
            request: (uri.clone(), dial.lines.clone(), body.clone()),
            challenged: false,
            heard: false,
            alerted: false,
            cancelled: false,
            media,
            changing: false,
            late: dial.late_offer,
            acks: Vec::new(),
            reliable: false,
            rseq: 0,
            pracked: false,
            agreed: false,
            shown: String::new(),
            ended: String::new(),
            notified: Vec::new(),
            answered: None,
            passed: Vec::new(),
            since: self.now,
        };
        self.calls.insert(no, call);
        self.send_invite(no, &uri, &dial.lines, &body);
        no
    }

    pub(super) fn send_invite(&mut self, no: u32, uri: &str, lines: &str, body: &str) {
        let branch = format!("z9hG4bK{}", self.id());
        let Some((_, dialog, cseq)) = self.in_call(no, "INVITE") else { return };
        let require = if self.manners.reliable == Some(Reliable::Required) { "Require: 100rel\r\n" } else { "" };
        let lines = format!("{dialog}{}{require}{}{lines}", self.contact(), self.session());
        let text = self.write("INVITE", uri, &branch, &lines, body);
        if let Some(call) = self.calls.get_mut(&no) {
            call.invite.clone_from(&branch);
            call.heard = false;
        }
        self.send(Wish::Call(no), "INVITE", cseq, &branch, text);
    }

    /// Lifts the receiver.
    pub(in crate::sim) fn answer(&mut self, no: u32) {
        let Some(call) = self.calls.get_mut(&no).filter(|call| call.stage == Stage::Ringing) else { return };
        if call.rseq != 0 && !call.pracked {
            // Not while a description of its own waits for the PRACK (RFC 3262 §3).
            return self.agenda.push((self.now + Duration::from_millis(50), Plan::Answer(no)));
        }
        call.stage = Stage::Up;
        let body = if std::mem::take(&mut call.agreed) {
            String::new()
        } else if call.media.to.is_some() && !call.late {
            call.media.answer()
        } else {
            call.media.offer()
        };
        let branch = call.invite.clone();
        self.respond_in_call(no, &branch, "INVITE", 200, "OK", &body);
    }

    /// Refuses.
    pub(in crate::sim) fn refuse(&mut self, no: u32, status: u16) {
        let Some(call) = self.calls.get_mut(&no).filter(|call| call.stage == Stage::Ringing) else { return };
        let branch = call.invite.clone();
        self.respond_in_call(no, &branch, "INVITE", status, "No", "");
        self.over(no, "refused");
    }

    /// Sends its call elsewhere: the caller is to try this address instead.
    pub(in crate::sim) fn redirect(&mut self, no: u32, to: &str) {
        let Some(call) = self.calls.get_mut(&no).filter(|call| call.stage == Stage::Ringing) else { return };
        let branch = call.invite.clone();
        let lines = format!("Contact: {to}\r\n");
        self.respond_with(no, &branch, ("INVITE", 302, "Moved Temporarily"), &lines, "");
        self.over(no, "redirected");
    }

    /// Hangs up, gives up, or refuses, whatever it takes.
    pub(in crate::sim) fn hang_up(&mut self, no: u32) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        match call.stage {
            Stage::Over => {}
            Stage::Ringing => self.refuse(no, 486),
            Stage::Calling => {
                call.cancelled = true;
                if call.heard {
                    self.send_cancel(no);
                }
            }
            Stage::Up => {
                self.over(no, "hung up");
                self.in_dialog(no, "BYE", "", "", Wish::Leave(no));
            }
        }
    }

    pub(super) fn send_cancel(&mut self, no: u32) {
        let Some(call) = self.calls.get(&no) else { return };
        let branch = call.invite.clone();
        if self.clients.iter().any(|client| client.branch == branch && client.method == "CANCEL") {
            return;
        }
        let Some(cseq) = self.clients.iter().find(|client| client.branch == branch).map(|client| client.cseq) else {
            return;
        };
        let lines = format!(
            "From: {};tag={}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} CANCEL\r\n",
            call.local, call.local_tag, call.remote, call.call_id
        );
        let text = self.write("CANCEL", &call.target, &branch, &lines, "");
        self.send(Wish::Cancel, "CANCEL", cseq, &branch, text);
    }

    /// Takes its own change back.
    pub(in crate::sim) fn cancel_change(&mut self, no: u32) {
        let change = |client: &&super::layer::Client| client.wish == Wish::Change(no) && !client.answered;
        let Some(branch) = self.clients.iter().find(change).map(|client| client.branch.clone()) else { return };
        if let Some(call) = self.calls.get_mut(&no) {
            call.invite = branch;
        }
        self.send_cancel(no);
    }

    /// Puts the other on hold, or takes it back.
    pub(in crate::sim) fn hold(&mut self, no: u32, style: Option<HoldStyle>, method: &str) {
        if let Some(call) = self.calls.get_mut(&no).filter(|call| call.stage == Stage::Up) {
            call.media.holding = style;
            self.change(no, method);
        }
    }

    /// Offers anew what the phone wants.
    pub(super) fn change(&mut self, no: u32, method: &str) {
        let open = |server: &super::layer::Server| server.call == no && server.unacknowledged && server.accepted;
        if self.servers.iter().any(open) {
            // The one before is not settled (RFC 3261 §14.1).
            return self.agenda.push((self.now + Duration::from_millis(500), Plan::ChangeAgain(no)));
        }
        let Some(call) = self.calls.get_mut(&no).filter(|call| call.stage == Stage::Up) else { return };
        if call.changing {
            return;
        }
        call.changing = true;
        let body = call.media.offer();
        let lines = self.contact() + &self.session();
        self.in_dialog(no, method, &lines, &body, Wish::Change(no));
    }

    /// A re-INVITE that asks for an offer.
    pub(in crate::sim) fn ask_for_offer(&mut self, no: u32) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        (call.changing, call.late) = (true, true);
        let lines = self.contact();
        self.in_dialog(no, "INVITE", &lines, "", Wish::Change(no));
    }

    /// Sends the other party elsewhere.
    pub(in crate::sim) fn refer(&mut self, no: u32, refer_to: &str) {
        let lines =
            format!("{}Refer-To: {refer_to}\r\nReferred-By: <sip:{}@pbx.test>\r\n", self.contact(), self.number);
        self.in_dialog(no, "REFER", &lines, "", Wish::Refer(no));
    }

    /// Sends a digit.
    pub(in crate::sim) fn press(&mut self, no: u32, digit: char) {
        self.in_dialog(no, "INFO", "", &format!("Signal={digit}\r\nDuration=100\r\n"), Wish::Pass(no));
    }

    /// Forgets how far its sequence numbers have come.
    pub(in crate::sim) fn numbers_back(&mut self, no: u32) {
        if let Some(call) = self.calls.get_mut(&no) {
            call.cseq -= 1;
        }
    }

    /// Any request in a call.
    pub(in crate::sim) fn say(&mut self, no: u32, method: &str, lines: &str) {
        self.in_dialog(no, method, lines, "", Wish::Pass(no));
    }

    pub(super) fn in_dialog(&mut self, no: u32, method: &str, lines: &str, body: &str, wish: Wish) {
        let branch = format!("z9hG4bK{}", self.id());
        let Some((target, dialog, cseq)) = self.in_call(no, method) else { return };
        let text = self.write(method, &target, &branch, &format!("{dialog}{lines}"), body);
        self.send(wish, method, cseq, &branch, text);
    }

    /// Takes a call in: what an INVITE says.
    pub(super) fn rung(&mut self, invite: &super::super::sip::Sip) -> u32 {
        let id = self.id();
        let media = self.media();
        let no = self.ids;
        let call = Call {
            call_id: invite.field("Call-ID").to_owned(),
            local: bare(invite.field("To")).to_owned(),
            remote: bare(invite.field("From")).to_owned(),
            local_tag: format!("t{id}"),
            remote_tag: invite.tag("From").to_owned(),
            target: super::super::sip::uri_of(invite.field("Contact")).to_owned(),
            cseq: 0,
            remote_cseq: invite.cseq().0,
            stage: Stage::Ringing,
            outgoing: false,
            invite: invite.branch().to_owned(),
            request: Default::default(),
            challenged: false,
            heard: false,
            alerted: false,
            cancelled: false,
            media,
            changing: false,
            late: invite.body.is_empty(),
            acks: Vec::new(),
            reliable: self.manners.reliable.is_some() && invite.field("Supported").contains("100rel"),
            rseq: 0,
            pracked: false,
            agreed: false,
            shown: bare(invite.field("From")).to_owned(),
            ended: String::new(),
            notified: Vec::new(),
            answered: None,
            passed: Vec::new(),
            since: self.now,
        };
        self.calls.insert(no, call);
        if let Answer::After(pause) = self.manners.answers {
            self.agenda.push((self.now + pause.max(Duration::from_millis(1)), Plan::Answer(no)));
        }
        no
    }
}
