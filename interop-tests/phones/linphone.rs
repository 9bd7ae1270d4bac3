//! linphone, driven over its daemon's standard input: what happens is told on its standard output.
//!
//! Unlike baresip it knows the server as a proxy on its way (a Route) to the domain, as hosted phones do.
use crate::peers::{DOMAIN, Pbx, Process, eventually, password};
use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Write;
use std::net::SocketAddr;

/// A softphone without a microphone.
pub(crate) struct Linphone {
    process: RefCell<Process>,
    /// How much of what it said has been looked at.
    seen: Cell<usize>,
}

impl Pbx {
    /// Starts a softphone of a line, and waits until it is registered.
    pub(crate) fn linphone(&self, line: &str) -> Linphone {
        self.linphone_over(line, "udp")
    }

    /// The same over this transport.
    pub(crate) fn linphone_over(&self, line: &str, transport: &str) -> Linphone {
        self.linphone_with(line, transport, "")
    }

    /// The same with a line of its configuration's section `sip`.
    pub(crate) fn linphone_that(&self, line: &str, sip: &str) -> Linphone {
        self.linphone_with(line, "udp", sip)
    }

    fn linphone_with(&self, line: &str, transport: &str, sip: &str) -> Linphone {
        let directory = self.out.join(format!("linphone-{line}"));
        fs::create_dir_all(directory.join(".local/share/linphone")).unwrap();
        let (proxy, secret) = (self.sip, password(line));
        let here = SocketAddr::new(self.ground.ip, self.ground.ports());
        fs::write(
            directory.join("linphonerc"),
            configuration(here, line, &secret, &format!("{proxy};transport={transport}"), sip),
        )
        .unwrap();
        let registered = self.sum("pbx_registered_users");

        let options = ["--config", "linphonerc", "--disable-stats-events", "--log", "sip.log"].map(str::to_owned);
        let process = Process::start("linphone-daemon", &options, &directory, "linphone.log");
        self.shows("pbx_registered_users", registered + 1);
        Linphone { process: RefCell::new(process), seen: Cell::new(0) }
    }
}

impl Linphone {
    pub(crate) fn dials(&self, number: &str) {
        self.does(&format!("call {number}"));
    }

    pub(crate) fn answers(&self) {
        self.does(&format!("answer {}", self.call()));
    }

    pub(crate) fn holds(&self) {
        self.does(&format!("call-pause {}", self.call()));
        self.sees("LinphoneCallPaused");
    }

    pub(crate) fn resumes(&self) {
        self.does(&format!("call-resume {}", self.call()));
        self.talks();
    }

    /// The call that it held first, when it has had another meanwhile.
    pub(crate) fn resumes_the_first(&self) {
        self.does("call-resume 1");
        self.talks();
    }

    pub(crate) fn hangs_up(&self) {
        self.does(&format!("terminate {}", self.call()));
    }

    /// Sends the other party elsewhere, without asking there first.
    pub(crate) fn transfers_to(&self, number: &str) {
        self.does(&format!("call-transfer {} sip:{number}@{DOMAIN}", self.call()));
    }

    /// Transfers its first call to its second.
    pub(crate) fn transfers_the_first_to_the_second(&self) {
        self.does("call-transfer 1 2");
    }

    /// Waits for a call, and tells from whom.
    pub(crate) fn rings(&self) -> String {
        self.sees("LinphoneCallIncomingReceived")
    }

    pub(crate) fn talks(&self) {
        self.sees("LinphoneCallStreamsRunning");
    }

    /// Whom it calls rings.
    pub(crate) fn sees_ringing(&self) {
        self.sees("LinphoneCallOutgoingRinging");
    }

    pub(crate) fn is_held(&self) {
        self.sees("LinphoneCallPausedByRemote");
    }

    pub(crate) fn is_hung_up(&self) {
        self.sees("LinphoneCallEnd");
    }

    /// Its parser had nothing to say against what the server sent.
    pub(crate) fn understood_everything(&self) {
        let said = self.process.borrow().said();
        assert!(!said.contains("org.antlr.runtime"), "linphone did not understand: {said}");
    }

    /// Waits for a state of a call, past those that came before it, and tells whose call it is.
    fn sees(&self, state: &str) -> String {
        let event = format!("Event: {state}\n");
        eventually(&format!("linphone sees {state}"), || {
            let said = self.process.borrow().said();
            let at = self.seen.get() + said[self.seen.get()..].find(&event)? + event.len();
            let who = said[at..].split_once('\n')?.0.strip_prefix("From: ")?.to_owned();
            self.seen.set(at);
            Some(who)
        })
    }

    /// The number of the call that something happened to last.
    fn call(&self) -> u32 {
        let said = self.process.borrow().said();
        let (_, last) = said[..].rsplit_once("Event: LinphoneCall").expect("a call");
        let id = last.split("\nId: ").nth(1).and_then(|rest| rest.split_whitespace().next());
        id.and_then(|id| id.parse().ok()).expect("its number")
    }

    fn does(&self, command: &str) {
        writeln!(self.process.borrow_mut().stdin(), "{command}").unwrap();
    }
}

fn configuration(here: SocketAddr, line: &str, password: &str, proxy: &str, sip: &str) -> String {
    let (ip, port, rtp) = (here.ip(), here.port(), here.port() + 2);
    let (udp, tcp) = if proxy.ends_with("tcp") { (0, port) } else { (port, 0) };
    format!(
        "[sip]
bind_address={ip}
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port=0
default_proxy=0
{sip}
[net]
enable_nat_helper=0
[proxy_0]
reg_proxy=<sip:{proxy}>
reg_route=<sip:{proxy};lr>
reg_identity=<sip:{line}@{DOMAIN}>
reg_expires=300
reg_sendregister=1
publish=0
[auth_info_0]
username={line}
passwd={password}
realm={DOMAIN}
domain={DOMAIN}
[rtp]
bind_address={ip}
audio_rtp_port={rtp}
[video]
enabled=0
capture=0
display=0
automatically_initiate=0
automatically_accept=0
"
    )
}
