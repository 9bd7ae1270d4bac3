//! Feature codes, and keys in a call: what there is to be done, and how people say so.

/// A feature code: what is dialled, and what it does.
#[derive(Clone, Debug)]
pub struct CodeSettings {
    /// Its name in tables and metrics, such as `park`.
    pub name: String,
    /// The literal that begins it, such as `*68`.
    pub code: String,
    /// What may follow the literal.
    pub argument: Argument,
    /// What it does.
    pub operation: Operation,
}

/// What may follow a code's literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A number, or nothing.
    Optional,
    /// A number.
    Required,
}

crate::labels! {
    /// What a code can do. Those not yet [built](Operation::is_built) answer 501 and say so.
    pub enum Operation {
        /// Park the call that the dialler holds.
        Park = "park",
        /// Fetch a parked call.
        Retrieve = "retrieve",
        /// Ask for a callback on the last failed call.
        CallbackRequest = "callback_request",
        /// Cancel callbacks.
        CallbackCancel = "callback_cancel",
        /// Pick up a ringing call of one's group.
        PickupGroup = "pickup_group",
        /// Pick up the call that rings a given line.
        PickupDirected = "pickup_directed",
        /// Pull one's own call to this phone.
        Pull = "pull",
        /// Forward all calls.
        ForwardAll = "forward_all",
        /// Stop forwarding all calls.
        ForwardAllOff = "forward_all_off",
        /// Forward when busy.
        ForwardBusy = "forward_busy",
        /// Stop forwarding when busy.
        ForwardBusyOff = "forward_busy_off",
        /// Forward on no answer.
        ForwardNoAnswer = "forward_no_answer",
        /// Stop forwarding on no answer.
        ForwardNoAnswerOff = "forward_no_answer_off",
        /// Forward when not registered.
        ForwardUnregistered = "forward_unregistered",
        /// Stop forwarding when not registered.
        ForwardUnregisteredOff = "forward_unregistered_off",
        /// Do not disturb.
        DoNotDisturbOn = "do_not_disturb_on",
        /// Disturb again.
        DoNotDisturbOff = "do_not_disturb_off",
        /// The other of the two.
        DoNotDisturbToggle = "do_not_disturb_toggle",
        /// No call waiting for the next call.
        NoCallWaiting = "no_call_waiting",
        /// Hide my number for this call.
        HideNumber = "hide_number",
        /// Show my number for this call.
        ShowNumber = "show_number",
        /// Call the last caller back.
        CallBackLast = "call_back_last",
        /// Redial the last number.
        Redial = "redial",
        /// My mailbox.
        MailboxOwn = "mailbox_own",
        /// Any mailbox.
        MailboxAny = "mailbox_any",
        /// Leave a message without ringing.
        MessageMode = "message_mode",
        /// Intercom.
        Intercom = "intercom",
        /// Page a group.
        Page = "page",
        /// Allow intercom to me.
        IntercomAllow = "intercom_allow",
        /// Refuse intercom to me.
        IntercomRefuse = "intercom_refuse",
        /// Enter a conference room.
        ConferenceRoom = "conference_room",
        /// Listen to a call.
        Listen = "listen",
        /// Whisper to one side of a call.
        Whisper = "whisper",
        /// Break into a call.
        Barge = "barge",
        /// Nobody may break into my call.
        Secure = "secure",
        /// Dial only if encrypted.
        SecureDial = "secure_dial",
        /// Sign in at this phone.
        HotDeskIn = "hot_desk_in",
        /// Sign out.
        HotDeskOut = "hot_desk_out",
        /// Night mode.
        NightMode = "night_mode",
        /// Block a number.
        Block = "block",
        /// Unblock a number.
        Unblock = "unblock",
        /// Block the last caller.
        BlockLast = "block_last",
        /// Echo test.
        EchoTest = "echo_test",
        /// Say my number.
        SayNumber = "say_number",
        /// Say the time.
        SayTime = "say_time",
        /// Say my state.
        SayState = "say_state",
    }
}

impl Operation {
    /// Whether the server has this operation, or only knows its name.
    pub const fn is_built(self) -> bool {
        matches!(
            self,
            Self::Park
                | Self::Pull
                | Self::Retrieve
                | Self::CallbackRequest
                | Self::CallbackCancel
                | Self::PickupGroup
                | Self::PickupDirected
                | Self::EchoTest
                | Self::SayNumber
                | Self::ForwardAll
                | Self::ForwardAllOff
                | Self::ForwardBusy
                | Self::ForwardBusyOff
                | Self::ForwardNoAnswer
                | Self::ForwardNoAnswerOff
                | Self::ForwardUnregistered
                | Self::ForwardUnregisteredOff
                | Self::DoNotDisturbOn
                | Self::DoNotDisturbOff
                | Self::DoNotDisturbToggle
                | Self::NoCallWaiting
                | Self::HideNumber
                | Self::ShowNumber
                | Self::CallBackLast
                | Self::Redial
        )
    }
}

/// Keys that do something in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// `0` to `9`, `*`, `#`, `A` to `D`.
    pub keys: String,
    /// What they do.
    pub operation: KeyOperation,
}

crate::labels! {
    /// What keys can do in a call.
    pub enum KeyOperation {
        /// Park the other party in any free orbit of the first lot.
        Park = "park",
        /// Hang up.
        HangUp = "hang_up",
    }
}
