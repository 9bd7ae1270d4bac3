//! Whether it is so.
use super::super::super::office::CARRIER;
use super::super::super::phone::Stage;
use super::super::super::world::{End, Who, World};
use super::{Belief, Talk};

impl Belief {
    pub(in super::super) fn agrees(&self, office: &World, deed: usize) {
        let known = self.ends();
        let mut there = Vec::new();
        for (place, phone) in office.phones.iter().enumerate() {
            let open = phone.calls.iter().filter(|(_, call)| !call.is_over());
            there.extend(open.map(|(no, _)| End { who: Who(place), no: *no }));
        }
        let unknown = there.iter().filter(|end| !known.contains(end)).map(|&end| (end, &office.call(end).shown));
        let unknown: Vec<_> = unknown.collect();
        assert_eq!(there, known, "deed {deed}: the calls on all phones, with {unknown:?}; {self:#?}");
        assert_eq!(office.engine.exchange.seen().len(), known.len(), "deed {deed}: and the engine's sessions");
        self.talks.iter().for_each(|talk| self.talk_agrees(talk, office, deed));
        for ring in &self.rings {
            assert_eq!(office.call(ring.caller).stage, Stage::Calling, "deed {deed}");
            for &callee in &ring.callees {
                assert_eq!(office.call(callee).stage, Stage::Ringing, "deed {deed}");
            }
        }
        self.orbits_agree(office, deed);
        self.requests_agree(office, deed);
        self.lamps_agree(office, deed);
    }

    fn talk_agrees(&self, talk: &Talk, office: &World, deed: usize) {
        let &Talk { one, other, holder } = talk;
        let Some((holder, _)) = holder else { return office.talk(one, other) };
        let held_end = if holder == one { other } else { one };
        let (held, holding) = (office.call(held_end), office.call(holder));
        assert_eq!((held.stage, holding.stage), (Stage::Up, Stage::Up));
        if self.rules.music {
            office.hears_music(held_end);
            assert_eq!(holding.media.heard, "inactive", "deed {deed}");
            return;
        }
        assert!(["sendonly", "inactive"].contains(&&*held.media.heard), "deed {deed}: {:?}", held.media);
        // Held by 0.0.0.0, and by way of the server: then nowhere.
        let to_holder = office.sends_to(held_end).or(Some(holding.media.at));
        let ways = (to_holder, office.sends_to(holder));
        assert_eq!(ways, (Some(holding.media.at), Some(held.media.at)), "deed {deed}");
    }

    fn orbits_agree(&self, office: &World, deed: usize) {
        let mut waiting: Vec<_> = self.stays.iter().map(|stay| (stay.orbit.to_owned(), stay.rings.is_some())).collect();
        waiting.sort();
        let stays = office.engine.features.stays();
        let occupied: Vec<_> = stays.iter().map(|stay| (stay.number.clone(), stay.reminding)).collect();
        assert_eq!(occupied, waiting, "deed {deed}: orbits, and whether they remind");
        for stay in &self.stays {
            office.hears_music(stay.call);
            if let Some((end, _)) = stay.rings {
                assert_eq!(office.call(end).stage, Stage::Ringing, "deed {deed}");
                assert!(end.who == stay.parker && end.who != CARRIER);
            }
        }
        for kept in &self.kept {
            office.hears_music(kept.by);
        }
    }
}
