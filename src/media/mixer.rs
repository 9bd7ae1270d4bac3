//! A conference: each hears all the others, in frames of 20 ms.
//!
//! ```text
//! 8 kHz parties  ─► sum at 8 kHz  ──┬───────────────► − own voice ─► G.711
//!                        ▲ halved   │ doubled
//!                        │          ▼
//! 16 kHz parties ─► sum at 16 kHz ──┴───────────────► − own voice ─► G.722
//! ```
//!
//! Each is summed at its own rate, and only a sum is brought to the other: two filters for a room, however many there are,
//! and each voice is taken out of the sum exactly as it was put in, so that nobody hears an echo of himself. A room without
//! wide parties never sees 16 kHz.
//!
//! Sums have 32 bits and are saturated only where they are encoded, as the conference bridges of the field do: a limiter
//! that turned all down for the sake of one would be heard as pumping by everybody.
//!
//! All who said nothing on a beat hear the same, and it is encoded for them once a codec. G.722 remembers, so its encoder
//! must go on where the listener's decoder stands: who begins to speak takes a copy of the shared one along, and who falls
//! silent goes back to it only when both have heard the same for long enough to be alike.
//!
//! Knows: frames and codecs. Never: RTP, jitter, sockets, the clock. Nothing is allocated but for who joins.
mod gain;
mod halfband;

pub use gain::Gain;

use super::codec::g711::Law;
use super::codec::g722::{Decoder, Encoder};
use super::codec::{Live, NARROW, OCTETS, WIDE};
use halfband::Halfband;

/// What is nowhere louder than this is nobody's voice: A-law's smallest value.
const SILENCE: u16 = 8;
/// Beats after which two G.722 encoders that hear the same are alike: half a second.
const ALIKE: u32 = 25;

/// A party's place in one room; it is never given to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Seat {
    place: usize,
    tenant: u32,
}

/// What a beat cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Work {
    /// Voices that were summed.
    pub mixed: usize,
    /// Frames that were encoded.
    pub encoded: usize,
}

/// A room.
#[derive(Debug, Default)]
pub struct Mixer {
    places: Vec<Place>,
    sums: Sums,
    shared: Shared,
}

#[derive(Debug)]
struct Place {
    tenant: u32,
    party: Option<Box<Party>>,
}

#[derive(Debug)]
struct Party {
    codec: Own,
    /// How loud it is to be, and how loud it was at the end of its last frame.
    gain: Gain,
    reached: Gain,
    /// What it says, at its own rate: a narrow party fills the first half.
    voice: [i16; WIDE],
    /// It has said something since the last beat; it said something on the last beat.
    fresh: bool,
    speaks: bool,
    /// What it hears, unless that is what all hear.
    frame: [u8; OCTETS],
}

/// A party's codec, with what that remembers.
#[derive(Debug)]
enum Own {
    G711(Law),
    G722(Box<Wideband>),
}

#[derive(Debug, Default)]
struct Wideband {
    decoder: Decoder,
    encoder: Encoder,
    /// It hears the shared frames.
    shares: bool,
    /// Beats since it spoke or came.
    silent_for: u32,
}

/// Everybody's voices, at both rates.
#[derive(Debug)]
struct Sums {
    narrow: [i32; NARROW],
    wide: [i32; WIDE],
    doubling: Halfband,
    halving: Halfband,
}

impl Default for Sums {
    fn default() -> Self {
        Self { narrow: [0; NARROW], wide: [0; WIDE], doubling: Halfband::default(), halving: Halfband::default() }
    }
}

/// What those hear who say nothing.
#[derive(Debug)]
struct Shared {
    mu: [u8; OCTETS],
    a: [u8; OCTETS],
    g722: [u8; OCTETS],
    encoder: Encoder,
}

impl Default for Shared {
    fn default() -> Self {
        let (mu, a) = ([Law::Mu.silence(); OCTETS], [Law::A.silence(); OCTETS]);
        Self { mu, a, g722: [0; OCTETS], encoder: Encoder::default() }
    }
}

impl Mixer {
    /// Somebody comes in; as loud as it speaks.
    pub fn join(&mut self, codec: Live) -> Seat {
        let codec = match codec {
            Live::G711(law) => Own::G711(law),
            Live::G722 => Own::G722(Box::default()),
        };
        let party = Some(Box::new(Party::new(codec)));
        if let Some(place) = self.places.iter().position(|place| place.party.is_none()) {
            self.places[place].party = party;
            return Seat { place, tenant: self.places[place].tenant };
        }
        self.places.push(Place { tenant: 0, party });
        Seat { place: self.places.len() - 1, tenant: 0 }
    }

    /// Somebody goes; what it said since the last beat goes with it.
    pub fn leave(&mut self, seat: Seat) {
        if let Some(place) = self.places.get_mut(seat.place).filter(|place| place.tenant == seat.tenant) {
            place.party = None;
            place.tenant = place.tenant.wrapping_add(1);
        }
    }

    /// How many are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parties().count()
    }

    /// Whether nobody is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From its next frame on the others hear it so loud; the frame itself glides there.
    pub fn set_gain(&mut self, seat: Seat, gain: Gain) {
        if let Some(party) = self.party_mut(seat) {
            party.gain = gain;
        }
    }

    /// What a party says on this beat. A second frame replaces the first; none is silence.
    pub fn hear(&mut self, seat: Seat, frame: &[u8; OCTETS]) {
        if let Some(party) = self.party_mut(seat) {
            party.say(frame);
        }
    }

    /// A beat: brings what all have said since the last to all.
    pub fn beat(&mut self) -> Work {
        let mixed = self.sum();
        self.cross_rates();
        self.settle_listeners();
        Work { mixed, encoded: self.encode_own() + self.encode_shared() }
    }

    /// What a party hears on this beat, in its codec. Nobody hears nothing.
    #[must_use]
    pub fn frame(&self, seat: Seat) -> Option<&[u8; OCTETS]> {
        let place = self.places.get(seat.place).filter(|place| place.tenant == seat.tenant)?;
        let party = place.party.as_deref()?;
        if !party.hears_what_all_hear() {
            return Some(&party.frame);
        }
        Some(match &party.codec {
            Own::G711(Law::Mu) => &self.shared.mu,
            Own::G711(Law::A) => &self.shared.a,
            Own::G722(_) => &self.shared.g722,
        })
    }

    fn parties(&self) -> impl Iterator<Item = &Party> {
        self.places.iter().filter_map(|place| place.party.as_deref())
    }

    fn party_mut(&mut self, seat: Seat) -> Option<&mut Party> {
        self.places.get_mut(seat.place).filter(|place| place.tenant == seat.tenant)?.party.as_deref_mut()
    }

    fn sum(&mut self) -> usize {
        let mut mixed = 0;
        self.sums.narrow.fill(0);
        self.sums.wide.fill(0);
        for party in self.places.iter_mut().filter_map(|place| place.party.as_deref_mut()) {
            party.speaks = std::mem::take(&mut party.fresh);
            if party.speaks {
                mixed += 1;
                let sum: &mut [i32] = match party.codec {
                    Own::G711(_) => &mut self.sums.narrow,
                    Own::G722(_) => &mut self.sums.wide,
                };
                for (sum, &sample) in sum.iter_mut().zip(&party.voice) {
                    *sum += i32::from(sample);
                }
            }
        }
        mixed
    }

    /// Brings what was said at one rate to those who hear at the other, if there are any.
    fn cross_rates(&mut self) {
        let (mut narrow, mut wide) = (false, false);
        for party in self.parties() {
            match party.codec {
                Own::G711(_) => narrow = true,
                Own::G722(_) => wide = true,
            }
        }
        let Sums { narrow: slow, wide: fast, doubling, halving } = &mut self.sums;
        // Both before either is added: what was doubled must not come back halved.
        let mut doubled = [0; WIDE];
        if wide {
            doubling.add_doubled(slow, &mut doubled);
        } else {
            doubling.clear();
        }
        if narrow {
            // Also when the last wide party has just gone: the filter's tail is still to be heard.
            halving.add_halved(fast, slow);
        } else {
            halving.clear();
        }
        for (sample, doubled) in fast.iter_mut().zip(doubled) {
            *sample += doubled;
        }
    }

    /// Who of the wide parties hears the shared frames from now on, and who does not.
    fn settle_listeners(&mut self) {
        let shared = &mut self.shared.encoder;
        let mut sharers = 0;
        for (speaks, wideband) in wideband_parties(&mut self.places) {
            wideband.silent_for = if speaks { 0 } else { wideband.silent_for.saturating_add(1) };
            if wideband.shares && speaks {
                wideband.shares = false;
                wideband.encoder.clone_from(shared);
            }
            sharers += usize::from(wideband.shares);
        }
        for (_, wideband) in wideband_parties(&mut self.places) {
            if !wideband.shares && wideband.silent_for >= ALIKE {
                // The first brings its own along, and nothing changes for it.
                if sharers == 0 {
                    shared.clone_from(&wideband.encoder);
                }
                wideband.shares = true;
                sharers += 1;
            }
        }
    }

    fn encode_own(&mut self) -> usize {
        let mut encoded = 0;
        let sums = &self.sums;
        for party in self.places.iter_mut().filter_map(|place| place.party.as_deref_mut()) {
            if !party.hears_what_all_hear() {
                party.encode(sums);
                encoded += 1;
            }
        }
        encoded
    }

    /// Once for each codec that anybody listens by.
    fn encode_shared(&mut self) -> usize {
        let (mut mu, mut a, mut g722) = (false, false, false);
        for party in self.parties().filter(|party| party.hears_what_all_hear()) {
            match party.codec {
                Own::G711(Law::Mu) => mu = true,
                Own::G711(Law::A) => a = true,
                Own::G722(_) => g722 = true,
            }
        }
        let Shared { mu: in_mu, a: in_a, g722: in_g722, encoder } = &mut self.shared;
        if mu || a {
            let samples = saturated(&self.sums.narrow);
            if mu {
                Law::Mu.encode(&samples, in_mu);
            }
            if a {
                Law::A.encode(&samples, in_a);
            }
        }
        if g722 {
            encoder.encode(&saturated(&self.sums.wide), in_g722);
        }
        usize::from(mu) + usize::from(a) + usize::from(g722)
    }
}

/// The wide parties, and whether they speak.
fn wideband_parties(places: &mut [Place]) -> impl Iterator<Item = (bool, &mut Wideband)> {
    places.iter_mut().filter_map(|place| {
        let party = place.party.as_deref_mut()?;
        match &mut party.codec {
            Own::G711(_) => None,
            Own::G722(wideband) => Some((party.speaks, &mut **wideband)),
        }
    })
}

impl Party {
    fn new(codec: Own) -> Self {
        let (gain, reached) = (Gain::UNITY, Gain::UNITY);
        Self { codec, gain, reached, voice: [0; WIDE], fresh: false, speaks: false, frame: [0; OCTETS] }
    }

    fn say(&mut self, frame: &[u8; OCTETS]) {
        let voice: &mut [i16] = match &mut self.codec {
            Own::G711(law) => {
                let voice = &mut self.voice[..NARROW];
                law.decode(frame, voice);
                voice
            }
            Own::G722(wideband) => {
                // Whoever is muted is decoded all the same: its decoder must be in step when it is let speak again.
                wideband.decoder.decode(frame, &mut self.voice);
                &mut self.voice
            }
        };
        self.gain.glide(std::mem::replace(&mut self.reached, self.gain), voice);
        self.fresh = voice.iter().any(|sample| sample.unsigned_abs() > SILENCE);
    }

    fn hears_what_all_hear(&self) -> bool {
        match &self.codec {
            Own::G711(_) => !self.speaks,
            Own::G722(wideband) => wideband.shares,
        }
    }

    fn encode(&mut self, sums: &Sums) {
        match &mut self.codec {
            Own::G711(law) => law.encode(&without(&sums.narrow, &self.voice, self.speaks), &mut self.frame),
            Own::G722(wideband) => {
                wideband.encoder.encode(&without(&sums.wide, &self.voice, self.speaks), &mut self.frame);
            }
        }
    }
}

fn saturated<const N: usize>(sum: &[i32; N]) -> [i16; N] {
    sum.map(saturate)
}

/// N − 1: the sum without one's own voice, which is in it just as it is.
fn without<const N: usize>(sum: &[i32; N], voice: &[i16], speaks: bool) -> [i16; N] {
    let mut others = *sum;
    if speaks {
        for (sample, &own) in others.iter_mut().zip(voice) {
            *sample -= i32::from(own);
        }
    }
    saturated(&others)
}

fn saturate(sample: i32) -> i16 {
    sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[cfg(test)]
mod tests;
