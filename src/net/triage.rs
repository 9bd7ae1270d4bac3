//! Who is heard first when there is more to hear than can be answered.
//!
//! A listener has two sockets on one address. As long as the loop keeps up, everything comes in by the first, in its order.
//! Under strain the kernel puts new INVITEs, and SUBSCRIBEs, into the second: what belongs to calls that are up is heard first, then as many
//! new calls as there is time for, and what does not fit costs nothing.
use super::udp::{self, BUFFER};
use nix::libc::{sock_filter, sock_fprog};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::AttachReusePortCbpf;
use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
use switchyard_engine::Time;
use switchyard_engine::settings::Settings;

/// The second socket's receive buffer, in bytes: a good thousand INVITEs, which even a third of a core takes within the 500 ms
/// after which callers repeat them. Who would wait longer is better told to ask again.
const CALLS_BUFFER: usize = 2 << 20;
/// Behind for so long, and it is strain.
const STRAINED: Duration = Duration::from_millis(100);
/// New calls have waited in a row for so long, and some are refused.
const CROWDED: Duration = Duration::from_millis(500);
/// Not behind for so long, and it is over.
const RELIEVED: Duration = Duration::from_secs(2);
/// Beginnings of numbers that the kernel compares at the most.
const FAVOURED: usize = 48;

/// The two sockets of a listener.
#[derive(Debug)]
pub struct Pair {
    /// Everything, or under strain everything but new calls.
    pub(super) first: UdpSocket,
    /// New calls under strain.
    pub(super) calls: UdpSocket,
}

impl Pair {
    /// Binds both.
    ///
    /// # Errors
    /// The address is taken, not ours, or not allowed.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        // Sockets that share an address would share it with another server as well, unnoticed.
        let address = udp::bind(address, BUFFER, false)?.local_addr()?;
        let first = udp::bind(address, BUFFER, true)?;
        let calls = udp::bind(address, CALLS_BUFFER, true)?;
        let pair = Self { first, calls };
        pair.part(None)?;
        Ok(pair)
    }

    /// Where both are bound.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.first.local_addr()
    }

    /// Their inodes, by which the kernel's table of sockets knows them.
    pub fn inodes(&self) -> impl Iterator<Item = u64> {
        [&self.first, &self.calls].into_iter().filter_map(udp::inode)
    }

    /// From now on new calls go to the second socket, but for those to favoured numbers, and so does watching; or nothing does.
    pub(super) fn part(&self, favoured: Option<&Favoured>) -> io::Result<()> {
        let mut program = program(favoured);
        let length = u16::try_from(program.len()).unwrap_or(u16::MAX);
        setsockopt(&self.first, AttachReusePortCbpf, &sock_fprog { len: length, filter: program.as_mut_ptr() })?;
        Ok(())
    }
}

/// Beginnings of numbers whose callers want something that is there already: to fetch a call that waits.
#[derive(Debug, Default)]
pub struct Favoured(BTreeSet<Vec<u8>>);

impl Favoured {
    /// The orbits, and everything that begins with a star.
    pub fn of(settings: &Settings) -> Self {
        let orbits = settings.lots.iter().flat_map(|lot| &lot.orbits);
        let numbers: Vec<Vec<u8>> = orbits.map(|orbit| format!("{}@", orbit.number).into_bytes()).collect();
        // As exact as there is room for.
        let cut = |length: usize| numbers.iter().map(|n| n[..length.min(n.len())].to_vec()).collect::<BTreeSet<_>>();
        let fitting = (1..=4).rev().map(cut).find(|all| all.len() < FAVOURED);
        let mut all = fitting.unwrap_or_default();
        all.insert(b"*".to_vec());
        Self(all)
    }
}

const LOAD_WORD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const fn step(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// What the kernel runs for each datagram: the number of the socket that gets it. A load beyond the end returns 0.
fn program(favoured: Option<&Favoured>) -> Vec<sock_filter> {
    let Some(Favoured(beginnings)) = favoured else { return vec![step(RETURN, 0)] };
    let unless = |k| sock_filter { code: JUMP_IF_EQUAL, jt: 0, jf: 1, k };
    let invite = sock_filter { jt: 1, jf: 0, ..unless(u32::from_be_bytes(*b"INVI")) };
    // Who watches comes last in any case.
    let watches = [unless(u32::from_be_bytes(*b"SUBS")), step(RETURN, 1)];
    let mut program = vec![step(LOAD_WORD, 0), watches[0], watches[1], invite, step(RETURN, 0)];
    for beginning in beginnings {
        let (mut word, mut mask) = ([0; 4], [0; 4]);
        for (place, byte) in beginning.iter().enumerate().take(4) {
            (word[place], mask[place]) = (*byte, 0xff);
        }
        let at = "INVITE sip:".len() as u32;
        program.extend([step(LOAD_WORD, at), step(AND, u32::from_be_bytes(mask))]);
        program.extend([unless(u32::from_be_bytes(word)), step(RETURN, 0)]);
    }
    program.push(step(RETURN, 1));
    program
}

/// Whether the loop keeps up.
#[derive(Debug, Default)]
pub(super) struct Strain {
    /// Since when it has found more than it could take, each time it looked.
    behind_since: Option<Time>,
    behind_last: Time,
    on: bool,
    /// Since when there were more new calls than were taken, each time it looked.
    crowded_since: Option<Time>,
}

impl Strain {
    /// After a look at all sockets: was there more than was taken? Whether that begins or ends the strain.
    pub(super) fn looked(&mut self, now: Time, behind: bool) -> bool {
        let before = self.on;
        if behind {
            let since = *self.behind_since.get_or_insert(now);
            self.behind_last = now;
            self.on |= now.since(since) >= STRAINED;
        } else {
            self.behind_since = None;
            self.on &= now.since(self.behind_last) < RELIEVED;
        }
        self.on != before
    }

    /// New calls come last.
    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    /// After a look at the new calls: were there more than were taken?
    pub(super) fn looked_at_calls(&mut self, now: Time, more: bool) {
        self.crowded_since = if more { self.crowded_since.or(Some(now)) } else { None };
    }

    /// There are so many new calls that some had better be told to ask again.
    pub(super) fn is_crowded(&self, now: Time) -> bool {
        self.on && self.crowded_since.is_some_and(|since| now.since(since) >= CROWDED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_engine::settings::LotSettings;

    fn heard(socket: &UdpSocket) -> Vec<String> {
        let mut buffer = [0; 100];
        std::iter::from_fn(|| {
            let length = socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        })
        .collect()
    }

    #[test]
    fn under_strain_new_calls_come_by_the_second_socket() {
        let pair = Pair::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut settings = Settings::new("pbx.test");
        settings.lots = vec![LotSettings::new("main", "700", ["701", "702"].map(str::to_owned))];
        let favoured = Favoured::of(&settings);
        let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
        let calls = ["INVITE sip:1001@pbx", "INVITE sip:701@pbx", "INVITE sip:7010@pbx", "INVITE sip:*88@pbx"];
        let all = [&calls[..], &["BYE", "AC", "SUBSCRIBE sip:701@pbx"]].concat();
        let say = || all.iter().for_each(|words| drop(phone.send_to(words.as_bytes(), pair.local_addr().unwrap())));
        say();
        assert_eq!(
            (heard(&pair.first), heard(&pair.calls).len()),
            (all.iter().map(|&words| words.to_owned()).collect(), 0)
        );
        pair.part(Some(&favoured)).unwrap();
        say();
        assert_eq!(heard(&pair.first), [all[1], all[3], all[4], all[5]]);
        assert_eq!(heard(&pair.calls), [all[0], all[2], all[6]]);
        pair.part(None).unwrap();
        say();
        assert_eq!((heard(&pair.first).len(), heard(&pair.calls).len()), (7, 0));
    }

    #[test]
    fn an_address_is_not_shared_with_another_server() {
        let pair = Pair::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(Pair::bind(pair.local_addr().unwrap()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn ten_thousand_orbits_are_favoured_by_their_first_digits() {
        let mut settings = Settings::new("pbx.test");
        let orbits = (70_000..80_000).map(|number| number.to_string());
        settings.lots = vec![LotSettings::new("main", "6999", orbits)];
        let Favoured(all) = Favoured::of(&settings);
        assert_eq!(
            all.iter().map(|b| b.escape_ascii().to_string()).collect::<Vec<_>>(),
            ["*", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79"]
        );
    }

    #[test]
    fn strain_begins_and_ends_when_it_lasts() {
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        let mut strain = Strain::default();
        assert!(!strain.looked(at(1000), true) && !strain.looked(at(1050), false) && !strain.looked(at(1060), true));
        assert!(!strain.looked(at(1159), true) && !strain.is_on());
        assert!(strain.looked(at(1160), true) && strain.is_on());
        assert!(!strain.looked(at(1200), false) && !strain.looked(at(1300), true) && !strain.looked(at(3299), false));
        assert!(strain.looked(at(3300), false) && !strain.is_on());
    }

    #[test]
    fn new_calls_are_refused_when_they_have_waited_for_a_while() {
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        let mut strain = Strain { on: true, ..Strain::default() };
        strain.looked_at_calls(at(1000), true);
        strain.looked_at_calls(at(1499), true);
        assert!(!strain.is_crowded(at(1499)) && strain.is_crowded(at(1500)));
        strain.looked_at_calls(at(1500), false);
        strain.looked_at_calls(at(1600), true);
        assert!(!strain.is_crowded(at(1700)), "for a moment there were none");
        assert!(!Strain { on: false, ..strain }.is_crowded(at(9000)));
    }
}
