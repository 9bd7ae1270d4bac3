//! What holds where a configuration says nothing.
use super::{
    Algorithm, AnnounceDirected, AnnounceTo, Codec, CompletionSettings, Fallback, ForwardSettings, LampSettings,
    LampState, LotSettings, MediaSettings, MediaWay, OnOccupied, OrbitSettings, Pick, RegistrarSettings,
    ReminderTarget, ReminderUri, ReminderWhenBusy, Retired, Settings, TransferSettings,
};
use crate::settings::DeclineMeans;
use std::time::Duration;

impl Settings {
    /// A server for this domain where nobody is known yet. The seed is zero: real ones come from the operating system.
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.into(),
            listeners: Vec::new(),
            digest: vec![Algorithm::Md5],
            no_answer: Duration::from_secs(60),
            session_expires: Duration::from_secs(1800),
            registrar: RegistrarSettings {
                min_expires: Duration::from_secs(60),
                max_expires: Duration::from_secs(3600),
                max_contacts: 10,
                keep_alive: Duration::from_secs(30),
            },
            lines: Vec::new(),
            line_ranges: Vec::new(),
            trunks: Vec::new(),
            lots: Vec::new(),
            codes: Vec::new(),
            keys: Vec::new(),
            key_timeout: Duration::from_secs(1),
            transfers: TransferSettings::default(),
            forwards: ForwardSettings::default(),
            lamps: LampSettings::default(),
            completion: CompletionSettings::default(),
            emergency: Vec::new(),
            emergency_trunk: None,
            media: MediaSettings {
                address: None,
                ports: 10_000..=19_999,
                codecs: Codec::USUAL.to_vec(),
                lines: MediaWay::Auto,
                hold_music: false,
                rtp_timeout_hold: Duration::from_secs(600),
            },
            retired: Retired::default(),
            seed: [0; 32],
        }
    }
}

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            from_trunks: false,
            trunk_to_trunk: false,
            seize_groups: Vec::new(),
            recall: true,
            recall_ring: Duration::from_secs(30),
            recall_display: "Transfer {orbit}: {name|number}".into(),
        }
    }
}

impl TransferSettings {
    /// The lot where calls wait for a transferor to be recalled: at once, on the phone that transferred, then on all of its
    /// line's; then they end.
    pub(crate) fn recalls(&self) -> LotSettings {
        LotSettings {
            first_reminder: Duration::from_millis(1),
            reminder_ring: self.recall_ring,
            reminder_rounds: 1,
            reminder_chain: vec![ReminderTarget::ParkerDevice, ReminderTarget::ParkerUser],
            fallback: Fallback::AnnounceDrop,
            reminder_display: self.recall_display.clone(),
            alert_info: String::new(),
            announce_to: AnnounceTo::Nobody,
            ..LotSettings::new("transfer", "", [])
        }
    }
}

impl LotSettings {
    /// A lot with these orbits.
    pub fn new(name: &str, number: &str, orbits: impl IntoIterator<Item = String>) -> Self {
        let orbit = |number| OrbitSettings { number, name: None, first_reminder: None, fallback: None };
        Self {
            name: name.into(),
            number: number.into(),
            orbits: orbits.into_iter().map(orbit).collect(),
            pick: Pick::Next,
            on_occupied: OnOccupied::Reject,
            park_groups: Vec::new(),
            retrieve_groups: Vec::new(),
            view_groups: Vec::new(),
            lamp_state: LampState::Confirmed,
            lamp_on_reminder: LampState::Confirmed,
            park_external_only: false,
            first_reminder: Duration::from_secs(90),
            reminder_ring: Duration::from_secs(20),
            reminder_interval: Duration::from_secs(30),
            reminder_rounds: 3,
            reminder_chain: vec![ReminderTarget::ParkerDevice, ReminderTarget::ParkerUser, ReminderTarget::Alternate],
            alternate: None,
            fallback: Fallback::Keep,
            max_park_time: Duration::ZERO,
            reminder_when_busy: ReminderWhenBusy::CallWaiting,
            decline_means: DeclineMeans::NextTarget,
            confirm_external: true,
            reminder_display: "Park {orbit}: {name|number}".into(),
            reminder_uri: ReminderUri::Party,
            alert_info: "park-reminder".into(),
            cooldown: Duration::from_secs(5),
            empty_response: 480,
            overflow: None,
            missed_call_on_abandon: true,
            reserve_timeout: Duration::from_secs(30),
            park_on_hangup: true,
            exit_digit: None,
            exit_destination: None,
            music: None,
            comfort_prompt: false,
            comfort_first: Duration::from_secs(60),
            comfort_interval: Duration::from_secs(60),
            announce_to: AnnounceTo::Parker,
            announce_directed: AnnounceDirected::Tone,
            announce_hold_max: Duration::from_secs(6),
            feature_early_media: false,
            announce_refusals: true,
        }
    }
}
