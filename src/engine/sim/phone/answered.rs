//! What others' responses mean to a phone.
use super::super::sip::{Sip, bare, uri_of};
use super::layer::Wish;
use super::{Phone, Plan, Stage, media};
use std::time::Duration;

impl Phone {
    pub(super) fn unanswered(&mut self, wish: Wish) {
        match wish {
            Wish::Register => self.agenda.push((self.now + Duration::from_secs(1), Plan::Register)),
            Wish::Call(no) => self.over(no, "408 nobody answered"),
            Wish::Change(no) | Wish::Refer(no) => {
                if let Some(call) = self.calls.get_mut(&no) {
                    call.changing = false;
                    call.answered = Some((408, "nobody answered".into()));
                }
            }
            Wish::Watch(no) => self.unwatched(no),
            Wish::Pass(_) | Wish::Leave(_) | Wish::Cancel | Wish::Publish => {}
        }
    }

    /// A response to something of ours.
    pub(super) fn response(&mut self, message: &Sip) {
        let (branch, (number, method)) = (message.branch(), message.cseq());
        let Some(at) = self.clients.iter().position(|c| c.branch == branch && c.method == method) else { return };
        let (now, status) = (self.now, message.status().unwrap_or(500));
        let client = &mut self.clients[at];
        if client.cseq != number {
            return self.complain("a response with another CSeq");
        }
        let (wish, again) = (client.wish, client.answered);
        if status < 200 {
            if !again {
                client.progress(now);
            }
        } else if !again {
            client.finish(now);
        }
        if method == "INVITE" && status >= 300 {
            if again {
                let ack = client.ack.clone();
                return self.outbox.push(ack);
            }
            let request = String::from_utf8_lossy(&self.ack_of_refusal(at, message)).into_owned();
            self.clients[at].ack = request.clone().into_bytes();
            self.outbox.push(request.into_bytes());
        }
        if again && method == "INVITE" && (200..300).contains(&status) {
            return self.accepted_again(wish, number);
        }
        if again {
            return;
        }
        match wish {
            Wish::Register => self.registered_or_not(message, status),
            Wish::Call(no) => self.called(no, message, status),
            Wish::Change(no) => self.changed(no, message, status),
            Wish::Refer(no) | Wish::Pass(no) if status >= 200 => {
                if let Some(call) = self.calls.get_mut(&no) {
                    call.answered = Some((status, message.phrase().to_owned()));
                }
            }
            Wish::Watch(no) if status >= 200 => self.watching(no, message, status),
            Wish::Publish => self.published(message, status),
            Wish::Watch(_) | Wish::Refer(_) | Wish::Pass(_) | Wish::Leave(_) | Wish::Cancel => {}
        }
    }

    /// The ACK of a refusal (§17.1.1.3): in the INVITE's own transaction.
    pub(super) fn ack_of_refusal(&self, at: usize, refusal: &Sip) -> Vec<u8> {
        let client = &self.clients[at];
        let uri = match client.wish {
            Wish::Call(no) | Wish::Change(no) => self.calls.get(&no).map_or("", |call| &call.target),
            Wish::Register | Wish::Refer(_) | Wish::Pass(_) | Wish::Leave(_) | Wish::Cancel | Wish::Watch(_) => "",
            Wish::Publish => "",
        };
        let lines = format!(
            "From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} ACK\r\n",
            refusal.field("From"),
            refusal.field("To"),
            refusal.field("Call-ID"),
            client.cseq
        );
        self.write("ACK", uri, &client.branch, &lines, "").into_bytes()
    }

    pub(super) fn registered_or_not(&mut self, message: &Sip, status: u16) {
        match status {
            401 if !self.proved => {
                if let Some(credentials) = self.credentials(message, "REGISTER", "sip:pbx.test") {
                    self.proved = true;
                    self.send_register(&credentials);
                }
            }
            200 => {
                let own = self.inside.unwrap_or(self.address).to_string();
                self.registered = message.all("Contact").any(|c| uri_of(c).contains(&own));
                self.agenda.retain(|(_, plan)| *plan != Plan::Register);
                if self.registered {
                    self.agenda.push((self.now + Duration::from_secs(1800), Plan::Register));
                }
            }
            _ => self.registered = false,
        }
    }

    pub(super) fn called(&mut self, no: u32, message: &Sip, status: u16) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        if status < 200 {
            call.heard = true;
            if call.cancelled {
                return self.send_cancel(no);
            }
            if !message.tag("To").is_empty() {
                message.tag("To").clone_into(&mut call.remote_tag);
            }
            let reliable = message.field("Require") == "100rel";
            if reliable && !self.hears_reliably(no, message) {
                return;
            }
            let Some(call) = self.calls.get_mut(&no) else { return };
            call.alerted |= status == 180;
            if status > 100 {
                call.shown = media::asserted(message, "To");
            }
            let heard = if message.body.is_empty() || reliable { Ok(()) } else { call.media.hear(&message.body) };
            return heard.unwrap_or_else(|what| self.complain(&what));
        }
        if status == 401 && !call.challenged && !call.cancelled {
            call.challenged = true;
            call.remote_tag.clear();
            let (uri, lines, body) = call.request.clone();
            if let Some(credentials) = self.credentials(message, "INVITE", &uri) {
                return self.send_invite(no, &uri, &(credentials + &lines), &body);
            }
            return self.over(no, "401 no password");
        }
        if status >= 300 {
            return self.over(no, &format!("{status} {}", message.phrase()));
        }
        let number = message.cseq().0;
        message.tag("To").clone_into(&mut call.remote_tag);
        if message.field("Contact").is_empty() {
            self.complain("a 200 without Contact");
            return;
        }
        uri_of(message.field("Contact")).clone_into(&mut call.target);
        bare(message.field("To")).clone_into(&mut call.remote);
        call.shown = media::asserted(message, "To");
        call.stage = Stage::Up;
        self.agree(no, message, number);
        if self.calls.get(&no).is_some_and(|call| call.cancelled) {
            self.hang_up(no);
        }
    }

    /// A 2xx to an INVITE of ours: its description, and the ACK.
    pub(super) fn agree(&mut self, no: u32, message: &Sip, number: u32) {
        if self.manners.no_ack {
            return;
        }
        let Some(call) = self.calls.get_mut(&no) else { return };
        let agreed = std::mem::take(&mut call.agreed);
        let heard = if agreed && message.body.is_empty() {
            Ok(())
        } else if message.body.is_empty() || agreed {
            Err("a 200 without a description, or with one that was not due".into())
        } else {
            call.media.hear(&message.body)
        };
        let answer = if std::mem::take(&mut call.late) { call.media.answer() } else { String::new() };
        if let Err(what) = heard {
            self.complain(&what);
        }
        let branch = format!("z9hG4bK{}", self.id());
        let Some(call) = self.calls.get(&no) else { return };
        let lines = format!(
            "From: {};tag={}\r\nTo: {};tag={}\r\nCall-ID: {}\r\nCSeq: {number} ACK\r\n",
            call.local, call.local_tag, call.remote, call.remote_tag, call.call_id
        );
        let ack = self.write("ACK", &call.target, &branch, &lines, &answer).into_bytes();
        if let Some(call) = self.calls.get_mut(&no) {
            call.acks.push((number, ack.clone()));
        }
        self.outbox.push(ack);
    }

    pub(super) fn accepted_again(&mut self, wish: Wish, number: u32) {
        let (Wish::Call(no) | Wish::Change(no)) = wish else { return };
        let acks = self.calls.get(&no).map(|call| &call.acks);
        let ack = acks.and_then(|acks| acks.iter().find(|(of, _)| *of == number)).map(|(_, ack)| ack.clone());
        self.outbox.extend(ack);
    }

    /// What became of a change of ours.
    pub(super) fn changed(&mut self, no: u32, message: &Sip, status: u16) {
        if status < 200 {
            return;
        }
        let retries = self.manners.retries;
        let Some(call) = self.calls.get_mut(&no) else { return };
        call.changing = false;
        call.answered = Some((status, message.phrase().to_owned()));
        let (number, method) = message.cseq();
        match status {
            200..300 if method == "INVITE" => self.agree(no, message, number),
            200..300 => {
                let heard = if message.body.is_empty() { Ok(()) } else { call.media.hear(&message.body) };
                heard.unwrap_or_else(|what| self.complain(&what));
            }
            408 | 481 => self.over(no, "481 the other side knows nothing of it"),
            491 | 500 if retries && call.stage == Stage::Up => {
                let pause = if call.outgoing { 2100 + self.dice.below(1900) } else { self.dice.below(2000) };
                let at = self.now + Duration::from_millis(pause);
                self.agenda.push((at, Plan::ChangeAgain(no)));
            }
            _ => {}
        }
    }
}
