//! Reliable provisional responses, both ways (RFC 3262), and session timers (RFC 4028).
use super::super::sip::{Sip, uri_of};
use super::layer::Wish;
use super::{Phone, Stage};

impl Phone {
    /// The called side sends before it answers: an answer, or an offer if nobody made one.
    pub(in crate::sim) fn sends_early(&mut self, no: u32) {
        let Some(call) = self.calls.get_mut(&no).filter(|call| call.stage == Stage::Ringing) else { return };
        let branch = call.invite.clone();
        if !call.reliable {
            let body = call.media.answer();
            return self.respond_in_call(no, &branch, "INVITE", 183, "Session Progress", &body);
        }
        let body = match (call.agreed, call.late) {
            (true, _) => String::new(),
            (false, true) => call.media.offer(),
            (false, false) => call.media.answer(),
        };
        // An offer is agreed on when the PRACK answers it.
        call.agreed |= !call.late;
        call.rseq = if call.rseq == 0 { 4000 } else { call.rseq + 1 };
        call.pracked = false;
        let rseq = call.rseq;
        let lines = format!("{}Require: 100rel\r\nRSeq: {rseq}\r\n", self.contact());
        self.respond_with(no, &branch, ("INVITE", 183, "Session Progress"), &lines, &body);
        let now = self.now;
        if let Some(server) = self.servers.iter_mut().find(|s| s.branch == branch && s.method == "INVITE") {
            server.insist(now);
        }
    }

    /// A PRACK for a response of this phone's.
    pub(super) fn pracked(&mut self, no: u32, message: &Sip) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        let (invite, late) = (call.invite.clone(), call.late);
        let Some(server) = self.servers.iter_mut().find(|s| s.branch == invite && s.method == "INVITE") else { return };
        let expected = format!("{} {} INVITE", call.rseq, server.cseq);
        if message.field("RAck") != expected {
            let what = format!("a PRACK for {:?} instead of {expected}", message.field("RAck"));
            return self.complain(&what);
        }
        server.pracked();
        let heard = match (message.body.is_empty(), late && !call.agreed) {
            (false, true) => call.media.hear(&message.body),
            (true, false) => Ok(()),
            (true, true) => Err("a PRACK without the answer".into()),
            (false, false) => Err("a PRACK with a description that nobody asked for".into()),
        };
        (call.agreed, call.late, call.pracked) = (true, false, true);
        heard.unwrap_or_else(|what| self.complain(&what));
        let branch = message.branch().to_owned();
        self.owns(&branch, no);
        self.respond_with(no, &branch, ("PRACK", 200, "OK"), "", "");
    }

    /// A reliable response to this phone's INVITE; false if it was heard before.
    pub(super) fn hears_reliably(&mut self, no: u32, message: &Sip) -> bool {
        let wants = self.manners.reliable.is_some();
        let rseq: u32 = message.field("RSeq").parse().unwrap_or(0);
        let Some(call) = self.calls.get_mut(&no) else { return false };
        // Heard before; it may have been overtaken.
        if rseq <= call.rseq {
            return false;
        }
        let next = call.rseq == 0 || rseq == call.rseq + 1;
        if rseq == 0 || !next || !wants {
            let what = format!("a reliable response {rseq} after {}", call.rseq);
            self.complain(&what);
            return false;
        }
        if self.manners.no_prack {
            return true;
        }
        call.rseq = rseq;
        uri_of(message.field("Contact")).clone_into(&mut call.target);
        let mut body = String::new();
        let mut wish = Wish::Pass(no);
        if self.manners.prack_offers && call.agreed {
            (call.changing, wish) = (true, Wish::Change(no));
            body = call.media.offer();
        }
        if !message.body.is_empty() {
            let heard = if call.agreed { Err("a second description".into()) } else { call.media.hear(&message.body) };
            call.agreed = true;
            if std::mem::take(&mut call.late) {
                body = call.media.answer();
            }
            heard.unwrap_or_else(|what| self.complain(&what));
        }
        let (number, _) = message.cseq();
        let lines = format!("RAck: {rseq} {number} INVITE\r\n");
        self.in_dialog(no, "PRACK", &lines, &body, wish);
        true
    }

    /// Offers anew before the call is answered: in an UPDATE.
    pub(in crate::sim) fn offers_early(&mut self, no: u32) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        call.changing = true;
        let body = call.media.offer();
        let lines = self.contact();
        self.in_dialog(no, "UPDATE", &lines, &body, Wish::Change(no));
    }

    /// Session-Expires of a request.
    pub(super) fn session(&self) -> String {
        let Some((interval, refreshes)) = self.manners.session else { return String::new() };
        let refresher = if refreshes { "uac" } else { "uas" };
        format!("Session-Expires: {interval};refresher={refresher}\r\n")
    }

    /// What a 200 says of the session.
    pub(super) fn session_agreed(&self) -> String {
        let Some((interval, refreshes)) = self.manners.session else { return String::new() };
        let refresher = if refreshes { "uas" } else { "uac" };
        format!("Session-Expires: {interval};refresher={refresher}\r\nRequire: timer\r\n")
    }

    /// The least interval of this phone, if the INVITE asks for less.
    pub(super) fn objects_to_session(&self, invite: &Sip) -> Option<u32> {
        let (least, _) = self.manners.session?;
        let asked: u32 = invite.field("Session-Expires").split(';').next()?.parse().ok()?;
        (asked < least).then_some(least)
    }
}
