//! What a phone says and hears of media, and whether what it hears is right (RFC 3264).
use super::super::sip::param;
use std::net::{IpAddr, SocketAddr};

/// How a phone puts the other on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum HoldStyle {
    SendOnly,
    Inactive,
    /// `c=0.0.0.0`, as RFC 2543 had it.
    ZeroAddress,
}

/// The media of one call, at one phone.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Media {
    /// Where this phone receives.
    pub(in crate::sim) at: SocketAddr,
    /// Where the other receives: `10.0.0.2:4000`; nothing before the first description.
    pub(in crate::sim) to: Option<SocketAddr>,
    /// What the other said of its direction last.
    pub(in crate::sim) heard: String,
    /// What this phone said last.
    pub(in crate::sim) said: String,
    /// This phone holds.
    pub(in crate::sim) holding: Option<HoldStyle>,
    /// The m-lines after the first, and what belongs to them.
    pub(in crate::sim) streams: String,
    /// How its sound goes: the end of the first m-line.
    pub(in crate::sim) line: &'static str,
    session: u64,
    version: u32,
    last: String,
    origin: Option<(String, u64, String)>,
    /// Offers that were refused since, each with a version of its own.
    refused: u64,
}

impl Media {
    pub(super) fn new(at: SocketAddr, session: u64) -> Self {
        Self {
            at,
            to: None,
            heard: String::new(),
            said: String::new(),
            holding: None,
            streams: String::new(),
            line: "RTP/AVP 0 8 101",
            session,
            version: 0,
            last: String::new(),
            origin: None,
            refused: 0,
        }
    }

    /// Our offer.
    pub(super) fn offer(&mut self) -> String {
        let direction = match self.holding {
            None | Some(HoldStyle::ZeroAddress) => "sendrecv",
            Some(HoldStyle::SendOnly) => "sendonly",
            Some(HoldStyle::Inactive) => "inactive",
        };
        self.write(direction)
    }

    /// Our answer to what was heard last.
    pub(super) fn answer(&mut self) -> String {
        let direction = match (self.heard.as_str(), self.holding) {
            ("sendonly", None) => "recvonly",
            ("recvonly", _) | ("sendrecv", Some(HoldStyle::SendOnly)) => "sendonly",
            ("sendrecv", None | Some(HoldStyle::ZeroAddress)) => "sendrecv",
            _ => "inactive",
        };
        self.write(direction)
    }

    fn write(&mut self, direction: &str) -> String {
        direction.clone_into(&mut self.said);
        let (ip, port) = (self.at.ip(), self.at.port());
        let shown = if self.holding == Some(HoldStyle::ZeroAddress) { IpAddr::from([0, 0, 0, 0]) } else { ip };
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let rest = format!(
            "s=-\r\nc=IN {family} {shown}\r\nt=0 0\r\nm=audio {port} {}\r\n\
             a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n{}",
            self.line, self.streams
        );
        if rest != self.last {
            self.version += 1;
            self.last.clone_from(&rest);
        }
        format!("v=0\r\no=phone {} {} IN {family} {ip}\r\n{rest}", self.session, self.version)
    }

    /// An offer that is refused still had its version.
    pub(super) const fn refuse(&mut self) {
        self.refused += 1;
    }

    /// What the other says. What is wrong with it, if anything is.
    pub(super) fn hear(&mut self, body: &str) -> Result<(), String> {
        let line = |kind: &str| body.lines().find_map(|line| line.strip_prefix(kind));
        let origin: Vec<_> = line("o=").ok_or("no origin line")?.split(' ').collect();
        let [_, session, version, ..] = origin[..] else { return Err("a short origin line".into()) };
        let version: u64 = version.parse().map_err(|_| "no version")?;
        let rest: String = body.lines().filter(|line| !line.starts_with("o=")).collect();
        // RFC 3264 §8: the session stays, the version rises by one with every change, and only then.
        if let Some((same, before, said)) = &self.origin {
            let right = if rest == *said { *before } else { before + 1 };
            let right = if self.refused > 0 { *before..=before + 1 + self.refused } else { right..=right };
            if session != same || !right.contains(&version) {
                return Err(format!("origin {session} {version} after {same} {before}, {} refused", self.refused));
            }
            // What was refused may have been newer than what is heard now.
            self.refused = self.refused.saturating_sub(version.saturating_sub(before + 1));
        }
        self.origin = Some((session.to_owned(), version, rest));
        let v6 = || line("c=IN IP6 ").map(|address| format!("[{address}]"));
        let address = line("c=IN IP4 ").map(str::to_owned).or_else(v6).ok_or("no connection line")?;
        let audio = line("m=audio ").ok_or("no audio")?;
        let port = audio.split(' ').next().unwrap_or_default();
        let to: SocketAddr = format!("{address}:{port}").parse().map_err(|_| "no address")?;
        if to.ip().is_unspecified() {
            return Err("c=0.0.0.0 was relayed".into());
        }
        self.to = Some(to);
        let mut direction = body.lines().filter_map(|line| line.strip_prefix("a="));
        let known = ["sendrecv", "sendonly", "recvonly", "inactive"];
        direction.rfind(|attribute| known.contains(attribute)).unwrap_or("sendrecv").clone_into(&mut self.heard);
        Ok(())
    }

    /// Whether sound goes both ways.
    pub(in crate::sim) fn is_open(&self) -> bool {
        let open = |direction: &str| direction == "sendrecv";
        open(&self.said) && open(&self.heard) && self.holding.is_none()
    }
}

/// Who a message says is at the other end: P-Asserted-Identity, else From or To.
pub(super) fn asserted(message: &super::super::sip::Sip, else_field: &str) -> String {
    let asserted = message.field("P-Asserted-Identity");
    let shown = if asserted.is_empty() { message.field(else_field) } else { asserted };
    debug_assert!(param(shown, "tag").is_none() || asserted.is_empty());
    super::super::sip::bare(shown).to_owned()
}
