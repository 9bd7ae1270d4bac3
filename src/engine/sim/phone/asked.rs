//! What others ask of a phone.
use super::super::sip::{Sip, bare, uri_of};
use super::layer::Server;
use super::{Answer, Phone, Stage, media};

impl Phone {
    pub(super) fn request(&mut self, message: &Sip) {
        let method = message.method().unwrap_or_default().to_owned();
        let (branch, cseq) = (message.branch().to_owned(), message.cseq().0);
        if !branch.starts_with("z9hG4bK") || message.field("Max-Forwards").is_empty() {
            self.complain("a request without branch or Max-Forwards");
        }
        if method == "ACK" {
            return self.acknowledged(message, &branch, cseq);
        }
        if let Some(server) = self.servers.iter().find(|server| server.branch == branch && server.method == method) {
            // What was accepted is repeated by its own clock alone (RFC 6026 §7.1).
            if !server.accepted && !server.last.is_empty() {
                let last = server.last.clone();
                self.outbox.push(last);
            }
            return;
        }
        let stream = message.field("Via").starts_with("SIP/2.0/TCP");
        self.servers.push(Server::new(self.now, &branch, &method, cseq, 0, stream));
        if message.tag("To").is_empty() {
            return match method.as_str() {
                "INVITE" => self.called_by(message, &branch),
                "CANCEL" => self.cancelled_by(message, &branch),
                "OPTIONS" => self.respond(message, 200, "OK", "", 0),
                _ => self.respond(message, 481, "No Such Call", "", 0),
            };
        }
        if let Some(no) = self.lamp_of(message) {
            return self.told(no, message);
        }
        let mine = |call: &super::Call| {
            call.call_id == message.field("Call-ID")
                && call.local_tag == message.tag("To")
                && call.remote_tag == message.tag("From")
                && !call.is_over()
        };
        let Some(no) = self.calls.iter().rev().find(|(_, call)| mine(call)).map(|(no, _)| *no) else {
            return self.respond(message, 481, "No Such Call", "", 0);
        };
        let Some(call) = self.calls.get_mut(&no) else { return };
        if cseq <= call.remote_cseq {
            call.media.refuse();
            return self.respond(message, 500, "Out Of Order", "", no);
        }
        call.remote_cseq = cseq;
        match method.as_str() {
            "INVITE" | "UPDATE" => self.change_asked(no, message, &method, &branch),
            "BYE" => {
                self.respond(message, 200, "OK", "", no);
                let reason = message.field("Reason");
                self.over(no, &format!("BYE {reason}"));
                self.close_invite(no);
            }
            "NOTIFY" => {
                self.respond(message, 200, "OK", "", no);
                self.notified(no, message);
            }
            "INFO" => {
                call.passed.push(message.body.clone());
                self.respond(message, 200, "OK", "", no);
            }
            "OPTIONS" => self.respond(message, 200, "OK", "", no),
            "PRACK" => self.pracked(no, message),
            _ => self.respond(message, 501, "Not Here", "", no),
        }
    }

    fn called_by(&mut self, message: &Sip, branch: &str) {
        if message.field("Contact").is_empty() {
            self.complain("an INVITE without Contact");
        }
        if let Answer::Refuse(status) = self.manners.answers {
            return self.respond(message, status, "No", "", 0);
        }
        let no = self.rung(message);
        self.owns(branch, no);
        if let Some(call) = self.calls.get_mut(&no)
            && !message.body.is_empty()
            && let Err(what) = call.media.hear(&message.body)
        {
            self.complain(&what);
        }
        if let Some(least) = self.objects_to_session(message) {
            self.over(no, "422");
            let lines = format!("Min-SE: {least}\r\n");
            return self.respond_with(no, branch, ("INVITE", 422, "Session Interval Too Small"), &lines, "");
        }
        self.respond_in_call(no, branch, "INVITE", 180, "Ringing", "");
        if self.manners.early_media {
            self.sends_early(no);
        }
    }

    fn cancelled_by(&mut self, message: &Sip, branch: &str) {
        let invite = self.servers.iter().find(|server| server.branch == branch && server.method == "INVITE");
        let Some(no) = invite.map(|server| server.call) else {
            return self.respond(message, 481, "No Such Call", "", 0);
        };
        self.respond(message, 200, "OK", "", no);
        if self.calls.get(&no).is_some_and(|call| call.stage == Stage::Ringing) {
            self.respond_in_call(no, branch, "INVITE", 487, "Terminated", "");
            self.over(no, format!("CANCEL {}", message.field("Reason")).trim());
        }
    }

    /// An INVITE of a call that is over gets its answer, if it has none.
    fn close_invite(&mut self, no: u32) {
        let open = |server: &&Server| {
            server.call == no && server.method == "INVITE" && server.until > self.now + super::layer::LONG
        };
        if let Some(branch) = self.servers.iter().find(open).map(|server| server.branch.clone()) {
            self.respond_in_call(no, &branch, "INVITE", 487, "Terminated", "");
        }
    }

    fn change_asked(&mut self, no: u32, message: &Sip, method: &str, branch: &str) {
        self.owns(branch, no);
        let refuses = self.manners.refuses_changes;
        let from_change = self.manners.from_change;
        let unsettled = self.servers.iter().any(|server| server.call == no && server.unacknowledged && server.accepted);
        let Some(call) = self.calls.get_mut(&no) else { return };
        let described = !message.body.is_empty();
        let refused = call.changing || refuses.is_some() || unsettled && method == "INVITE";
        if refused && described {
            call.media.refuse();
        }
        if call.changing && (described || method == "INVITE") {
            return self.respond_in_call(no, branch, method, 491, "Request Pending", "");
        }
        if unsettled && method == "INVITE" {
            return self.respond_in_call(no, branch, method, 500, "Not Yet", "");
        }
        if let Some(status) = refuses.filter(|_| described || method == "INVITE") {
            return self.respond_in_call(no, branch, method, status, "No", "");
        }
        let contact = uri_of(message.field("Contact"));
        if contact.is_empty() {
            self.complain("a change without Contact");
            return;
        }
        contact.clone_into(&mut call.target);
        if !message.field("P-Asserted-Identity").is_empty() || from_change {
            call.shown = media::asserted(message, "From");
        }
        if from_change {
            bare(message.field("From")).clone_into(&mut call.remote);
        }
        if described && self.manners.moves {
            call.media.at.set_port(call.media.at.port() + 2);
        }
        let heard = if described { call.media.hear(&message.body) } else { Ok(()) };
        let body = match (described, method) {
            (true, _) => call.media.answer(),
            (false, "INVITE") => {
                call.late = true;
                call.media.offer()
            }
            (false, _) => String::new(),
        };
        if let Err(what) = heard {
            self.complain(&what);
        }
        self.respond_in_call(no, branch, method, 200, "OK", &body);
    }

    /// An ACK: of a refusal in its INVITE's own transaction, or of a 200 in a new one.
    fn acknowledged(&mut self, message: &Sip, branch: &str, cseq: u32) {
        let now = self.now;
        if let Some(server) = self.servers.iter_mut().find(|s| s.branch == branch && s.method == "INVITE") {
            return server.acknowledge(now);
        }
        let call_id = message.field("Call-ID");
        let calls = &self.calls;
        let of = |server: &&mut Server| {
            server.method == "INVITE"
                && server.cseq == cseq
                && server.accepted
                && calls.get(&server.call).is_some_and(|call| call.call_id == call_id)
        };
        let Some(server) = self.servers.iter_mut().find(of) else { return };
        if !server.unacknowledged {
            return;
        }
        server.acknowledge(now);
        let no = server.call;
        let Some(call) = self.calls.get_mut(&no) else { return };
        let heard = match (std::mem::take(&mut call.late), message.body.is_empty()) {
            (true, false) => call.media.hear(&message.body),
            // The call ended before the answer was known.
            (true, true) | (false, true) => Ok(()),
            (false, false) => Err("an ACK with a description that nobody asked for".into()),
        };
        heard.unwrap_or_else(|what| self.complain(&what));
    }

    fn notified(&mut self, no: u32, message: &Sip) {
        let leaves = self.manners.leaves_after_transfer;
        let Some(call) = self.calls.get_mut(&no) else { return };
        let state = message.field("Subscription-State").split(';').next().unwrap_or_default();
        let told = message.body.trim_end().replace("\r\n", " | ");
        call.notified.push(format!("{state}: {told}"));
        if leaves && message.body.starts_with("SIP/2.0 2") {
            self.hang_up(no);
        }
    }

    pub(super) fn owns(&mut self, branch: &str, no: u32) {
        for server in self.servers.iter_mut().filter(|server| server.branch == branch) {
            server.call = no;
        }
    }

    /// A response in a call: with tag, Contact and perhaps a description.
    pub(super) fn respond_in_call(
        &mut self,
        no: u32,
        branch: &str,
        method: &str,
        status: u16,
        phrase: &str,
        body: &str,
    ) {
        let lines = match (status, method) {
            (500, _) => "Retry-After: 3\r\n".to_owned(),
            (200, "INVITE" | "UPDATE") => self.contact() + &self.session_agreed(),
            _ => self.contact(),
        };
        self.respond_with(no, branch, (method, status, phrase), &lines, body);
    }

    /// A response in a call, with these lines.
    pub(super) fn respond_with(
        &mut self,
        no: u32,
        branch: &str,
        (method, status, phrase): (&str, u16, &str),
        lines: &str,
        body: &str,
    ) {
        let Some(call) = self.calls.get(&no) else { return };
        let Some(at) = self.servers.iter().position(|s| s.branch == branch && s.method == method) else { return };
        let cseq = self.servers[at].cseq;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "SIP/2.0 {status} {phrase}\r\nVia: SIP/2.0/{} {};rport=5060;branch={branch}\r\nFrom: {};tag={}\r\n\
             To: {};tag={}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n{lines}{kind}Content-Length: {}\r\n\r\n{body}",
            if self.servers[at].stream { "TCP" } else { "UDP" },
            self.server,
            call.remote,
            call.remote_tag,
            call.local,
            call.local_tag,
            call.call_id,
            body.len()
        );
        self.servers[at].respond(self.now, status, text.as_bytes());
        self.outbox.push(text.into_bytes());
    }

    /// A response to a request, from the request itself.
    pub(super) fn respond(&mut self, message: &Sip, status: u16, phrase: &str, body: &str, no: u32) {
        let vias: String = message.all("Via").map(|via| format!("Via: {via}\r\n")).collect();
        let tag = if message.tag("To").is_empty() { format!(";tag=x{}", message.cseq().0) } else { String::new() };
        let text = format!(
            "SIP/2.0 {status} {phrase}\r\n{vias}From: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            message.field("From"),
            message.field("To"),
            message.field("Call-ID"),
            message.field("CSeq"),
            body.len()
        );
        let (branch, method) = (message.branch(), message.method().unwrap_or_default());
        let now = self.now;
        if let Some(server) = self.servers.iter_mut().find(|s| s.branch == branch && s.method == method) {
            server.call = no;
            server.respond(now, status, text.as_bytes());
        }
        self.outbox.push(text.into_bytes());
    }
}
