//! What a REGISTER does to a line's bindings: all that it asks for, or nothing.
use super::connections::Newcomer;
use super::{Binding, Locations, Roll, instance};
use crate::counters::RegistrationEnd;
use crate::ground::{Ground, Hop};
use crate::registrar::{Refusal, Register, Wish};
use crate::settings::LineNo;
use crate::wire::{NameAddr, Uri};
use std::time::Duration;

impl Locations {
    /// Does what a REGISTER asks for: all of it, or nothing.
    pub(in crate::line) fn register(
        &mut self,
        ground: &mut Ground,
        line: LineNo,
        asked: &Register<'_>,
        limit: usize,
    ) -> Result<(), Refusal> {
        let call_id = ground.hasher.hash_one(asked.call_id);
        let may_change = |binding: &Binding| binding.call_id != call_id || binding.cseq < asked.cseq;
        let bindings = self.bindings(line);
        match &asked.wish {
            Wish::Know => return Ok(()),
            Wish::RemoveAll if bindings.iter().all(may_change) => {
                self.remove(ground, line, RegistrationEnd::Unregister, |_| true);
            }
            Wish::Bind(wanted) if wanted.iter().filter(|&&(_, expires)| expires > 0).count() > limit => {
                return Err(Refusal::TooMany);
            }
            Wish::Bind(wanted)
                if wanted.iter().all(|(contact, _)| find(bindings, contact).is_none_or(|(_, old)| may_change(old))) =>
            {
                for &(contact, expires) in wanted {
                    self.bind(ground, line, &contact, Duration::from_secs(expires.into()), asked, call_id);
                }
                self.evict(ground, line, limit);
            }
            Wish::RemoveAll | Wish::Bind(_) => return Err(Refusal::OutOfOrder),
        }
        self.settle(ground, line);
        Ok(())
    }

    /// One contact: new, refreshed, or taken back.
    fn bind(
        &mut self,
        ground: &mut Ground,
        line: LineNo,
        contact: &NameAddr<'_>,
        lasts: Duration,
        asked: &Register<'_>,
        call_id: u64,
    ) {
        let old = find(self.bindings(line), contact).map(|(at, _)| at);
        if lasts.is_zero() {
            let Some(old) = self.roll_mut(line).zip(old).map(|(roll, at)| roll.bindings.remove(at)) else { return };
            self.contacts[ground.transport(old.flow) as usize] -= 1;
            ground.counters.registrations_ended.up(RegistrationEnd::Unregister);
            return ground.shelf.put_back(old.text);
        }
        self.heard += 1;
        self.scratch.clear();
        write_params(contact, &mut self.scratch);
        let (port, pinned) = target(contact, asked.hop, ground);
        let new = Binding {
            text: ground.shelf.join(&[contact.uri, &self.scratch]),
            uri_length: contact.uri.len() as u16,
            q: contact.q(),
            flow: asked.hop.flow,
            port,
            pinned,
            adrift: false,
            missed: 0,
            cseq: asked.cseq,
            call_id,
            source: asked.hop.address,
            until: ground.now + lasts,
            heard: self.heard,
        };
        let id = self.find(line).unwrap_or_else(|| self.open(line));
        let Some(Roll { bindings, .. }) = self.rolls.get_mut(id) else { return };
        let old = old.map(|at| bindings.remove(at));
        let is_new = old.is_none();
        let at = bindings.iter().position(|other| other.q <= new.q).unwrap_or(bindings.len());
        bindings.insert(at, new);
        self.contacts[ground.transport(asked.hop.flow) as usize] += 1;
        if let Some(old) = old {
            self.contacts[ground.transport(old.flow) as usize] -= 1;
            let before = old.heard_at();
            let phone = instance(contact.params);
            let is_it = old.call_id == call_id || phone.is_some() && old.instance() == phone;
            // Who shares its place with another of the line's phones (a proxy's) leaves that one there.
            let is_alone = !bindings.iter().any(|other| other.heard_at() == before && other.heard != self.heard);
            if old.pinned && pinned && is_it && is_alone {
                ground.strayed(line, before, asked.hop);
            } else if pinned {
                ground.appeared(line, asked.hop);
            }
            // A connection that is there, and that others use too (a proxy's), is theirs still.
            if before == asked.hop || !ground.is_up(before) || !self.is_over(before) {
                ground.moved(before, asked.hop);
            }
            ground.shelf.put_back(old.text);
        } else if pinned {
            ground.appeared(line, asked.hop);
        }
        if ground.is_reliable(asked.hop.flow) {
            self.over.insert((asked.hop, line));
            self.come_back(ground, line, &Newcomer { contact, hop: asked.hop, call_id, is_new });
        }
    }

    /// Too many: those go that were not heard for longest. Phones that come back with a new port are the usual case.
    fn evict(&mut self, ground: &mut Ground, line: LineNo, limit: usize) {
        while let bindings = self.bindings(line)
            && bindings.len() > limit
            && let Some(oldest) = bindings.iter().map(|binding| binding.heard).min()
        {
            self.remove(ground, line, RegistrationEnd::Evicted, |binding| binding.heard == oldest);
        }
    }
}

/// The binding of the same phone, or of the same URI (RFC 5626 §6, RFC 3261 §10.3 step 7, §19.1.4).
fn find<'b>(bindings: &'b [Binding], contact: &NameAddr<'_>) -> Option<(usize, &'b Binding)> {
    let wanted = contact.uri().ok()?;
    let phone = instance(contact.params);
    let same = |binding: &Binding| {
        phone.is_some() && binding.instance() == phone
            || binding.uri() == contact.uri
            || Uri::parse(binding.uri()).is_ok_and(|uri| uri.equivalent(&wanted))
    };
    bindings.iter().enumerate().find(|(_, binding)| same(binding))
}

/// To which port calls go, and whether the contact's own address must not be used for that.
fn target(contact: &NameAddr<'_>, hop: Hop, ground: &Ground) -> (u16, bool) {
    let source = hop.address;
    match contact.uri() {
        // The connection is the way, whatever port the contact names (RFC 5626 §5.3).
        Ok(uri) if ground.is_reliable(hop.flow) => {
            (source.port(), uri.ip().is_none_or(|ip| ip.to_canonical() != source.ip().to_canonical()))
        }
        // Heard from where it says it is. The port counts as it stands there: not everybody sends from where they listen.
        Ok(uri) if uri.ip().is_some_and(|ip| ip.to_canonical() == source.ip().to_canonical()) => {
            (uri.port.unwrap_or(5060), false)
        }
        Ok(_) | Err(_) => (source.port(), true),
    }
}

/// All that the contact said of itself but how long it lasts, as it is to be told again.
fn write_params(contact: &NameAddr<'_>, out: &mut Vec<u8>) {
    for (name, value) in contact.params().filter(|(name, _)| !name.eq_ignore_ascii_case(b"expires")) {
        out.push(b';');
        out.extend_from_slice(name);
        if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}
