//! The calls: begun at an even rate, answered, hung up, and every datagram that is due sent again until it is answered.
use crate::template::{Templates, answer};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::error::Error;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// RFC 3261's T1, and how often a request is sent before it counts as unanswered.
const T1: Duration = Duration::from_millis(500);
const TRIES: u32 = 7;

/// What to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) calls: usize,
    pub(crate) rate: u64,
    pub(crate) ring: Duration,
    pub(crate) talk: Duration,
    pub(crate) server: SocketAddr,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) completed: usize,
    pub(crate) refused: usize,
    pub(crate) unanswered: usize,
    pub(crate) retransmitted: usize,
    /// Microseconds from INVITE to 200 without the ringing, sorted.
    pub(crate) setup: Vec<u32>,
    pub(crate) took: Duration,
    /// The most calls held at once, and the server's resident bytes then.
    pub(crate) held: usize,
    pub(crate) resident: u64,
}

impl Outcome {
    pub(crate) const fn failed(&self) -> usize {
        self.refused + self.unanswered
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Inviting,
    Talking,
    HangingUp,
    Over,
}

#[derive(Debug)]
struct Call {
    state: State,
    began: Instant,
    tries: u32,
    tag: [u8; 16],
}

struct Load<'a> {
    plan: &'a Plan,
    caller: &'a UdpSocket,
    callee: &'a UdpSocket,
    callee_address: SocketAddr,
    templates: Templates,
    calls: Vec<Call>,
    /// When a request is to be sent again.
    again: BinaryHeap<Reverse<(Instant, u32)>>,
    /// When a call is to be hung up: all talk equally long, so in the order they were answered.
    hang_ups: VecDeque<(Instant, u32)>,
    /// When a ringing call is to be answered, and with what.
    answers: VecDeque<(Instant, Vec<u8>, SocketAddr)>,
    outcome: Outcome,
    held: usize,
    out: Vec<u8>,
}

/// Makes the calls. `resident` reads the server's memory.
pub(crate) fn drive(
    plan: &Plan,
    caller: &UdpSocket,
    callee: &UdpSocket,
    resident: impl Fn() -> u64,
) -> Result<Outcome, Box<dyn Error>> {
    let mut load = Load {
        plan,
        caller,
        callee,
        callee_address: callee.local_addr()?,
        templates: Templates::new(plan.server, caller.local_addr()?)?,
        calls: Vec::with_capacity(plan.calls),
        again: BinaryHeap::new(),
        hang_ups: VecDeque::new(),
        answers: VecDeque::new(),
        outcome: Outcome::default(),
        held: 0,
        out: Vec::new(),
    };
    let began = Instant::now();
    let mut sampled = began;
    while load.outcome.completed + load.outcome.failed() < plan.calls {
        let now = Instant::now();
        load.begin_due(began, now)?;
        load.send_due(now)?;
        load.receive()?;
        if now - sampled > Duration::from_millis(100) {
            sampled = now;
            if load.held >= load.outcome.held {
                (load.outcome.held, load.outcome.resident) = (load.held, resident());
            }
        }
        let mut sockets =
            [PollFd::new(caller.as_fd(), PollFlags::POLLIN), PollFd::new(callee.as_fd(), PollFlags::POLLIN)];
        poll(&mut sockets, PollTimeout::from(1_u8))?;
    }
    load.outcome.took = began.elapsed();
    load.outcome.setup.sort_unstable();
    Ok(load.outcome)
}

impl Load<'_> {
    /// Begins the calls whose time has come.
    fn begin_due(&mut self, began: Instant, now: Instant) -> Result<(), Box<dyn Error>> {
        let due = ((now - began).as_micros() * u128::from(self.plan.rate) / 1_000_000) as usize + 1;
        while self.calls.len() < due.min(self.plan.calls) {
            let call = self.calls.len() as u32;
            self.calls.push(Call { state: State::Inviting, began: now, tries: 1, tag: [b'0'; 16] });
            self.held += 1;
            self.again.push(Reverse((now + T1, call)));
            self.say(call)?;
        }
        Ok(())
    }

    fn send_due(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        while let Some((_, request, to)) = self.answers.pop_front_if(|(at, ..)| *at <= now) {
            answer(&request, "200 OK", true, self.callee_address, &mut self.out);
            send(self.callee, &self.out, to)?;
        }
        while let Some((_, call)) = self.hang_ups.pop_front_if(|(at, _)| *at <= now) {
            let state = &mut self.calls[call as usize];
            (state.state, state.tries) = (State::HangingUp, 1);
            self.again.push(Reverse((now + T1, call)));
            self.say(call)?;
        }
        while let Some(&Reverse((at, call))) = self.again.peek()
            && at <= now
        {
            self.again.pop();
            let state = &mut self.calls[call as usize];
            match state.state {
                State::Inviting | State::HangingUp if state.tries < TRIES => {
                    state.tries += 1;
                    let pause = T1 * 2_u32.pow(state.tries - 1);
                    self.again.push(Reverse((now + pause, call)));
                    self.outcome.retransmitted += 1;
                    self.say(call)?;
                }
                State::Inviting | State::HangingUp => {
                    self.outcome.unanswered += 1;
                    self.over(call);
                }
                State::Talking | State::Over => {}
            }
        }
        Ok(())
    }

    /// Sends the request that a call waits for an answer to.
    fn say(&mut self, call: u32) -> Result<(), Box<dyn Error>> {
        let state = &self.calls[call as usize];
        let template = match state.state {
            State::Inviting => &mut self.templates.invite,
            State::Talking | State::Over => &mut self.templates.ack,
            State::HangingUp => &mut self.templates.bye,
        };
        send(self.caller, template.fill(call, &state.tag), self.plan.server)
    }

    fn receive(&mut self) -> Result<(), Box<dyn Error>> {
        let mut buffer = [0; 4096];
        loop {
            let mut idle = true;
            if let Some((length, _)) = receive(self.caller, &mut buffer)? {
                idle = false;
                self.hear(&buffer[..length])?;
            }
            if let Some((length, from)) = receive(self.callee, &mut buffer)? {
                idle = false;
                self.serve(&buffer[..length], from)?;
            }
            if idle {
                return Ok(());
            }
        }
    }

    /// The calling end hears a response.
    fn hear(&mut self, message: &[u8]) -> Result<(), Box<dyn Error>> {
        let text = String::from_utf8_lossy(message);
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
        let status: u16 = text.get(8..11).and_then(|code| code.parse().ok()).unwrap_or(0);
        let number = field("Call-ID: ").get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(call) = number.filter(|&call| (call as usize) < self.calls.len()) else { return Ok(()) };
        let invite = field("CSeq: ").ends_with("INVITE");
        let state = &mut self.calls[call as usize];
        match (state.state, invite, status) {
            (State::Inviting, true, 200) => {
                let tag = field("To: ").rsplit_once(";tag=").map_or("", |(_, tag)| tag).as_bytes();
                state.tag.copy_from_slice(tag.get(..16).unwrap_or(&[b'0'; 16]));
                state.state = State::Talking;
                let now = Instant::now();
                let setup = (now - state.began).saturating_sub(self.plan.ring);
                self.outcome.setup.push(u32::try_from(setup.as_micros()).unwrap_or(u32::MAX));
                self.hang_ups.push_back((now + self.plan.talk, call));
                self.say(call)?;
            }
            (State::Talking, true, 200) => self.say(call)?,
            (State::Inviting, true, 300..) => {
                self.outcome.refused += 1;
                self.over(call);
            }
            (State::HangingUp, false, 200) => {
                self.outcome.completed += 1;
                self.over(call);
            }
            (State::HangingUp, false, 300..) => {
                self.outcome.refused += 1;
                self.over(call);
            }
            (State::Inviting | State::Talking | State::HangingUp | State::Over, ..) => {}
        }
        Ok(())
    }

    /// The called end serves a request.
    fn serve(&mut self, request: &[u8], from: SocketAddr) -> Result<(), Box<dyn Error>> {
        if request.starts_with(b"INVITE ") {
            answer(request, "180 Ringing", true, self.callee_address, &mut self.out);
            send(self.callee, &self.out, from)?;
            self.answers.push_back((Instant::now() + self.plan.ring, request.to_vec(), from));
        } else if request.starts_with(b"BYE ") {
            answer(request, "200 OK", false, self.callee_address, &mut self.out);
            send(self.callee, &self.out, from)?;
        }
        Ok(())
    }

    fn over(&mut self, call: u32) {
        self.calls[call as usize].state = State::Over;
        self.held -= 1;
    }
}

fn send(socket: &UdpSocket, message: &[u8], to: SocketAddr) -> Result<(), Box<dyn Error>> {
    match socket.send_to(message, to) {
        Ok(_) => Ok(()),
        // As lost in the network: it is sent again.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>, Box<dyn Error>> {
    match socket.recv_from(buffer) {
        Ok(received) => Ok(Some(received)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
