//! What is counted of calls that people move between telephones.
use crate::labels;

labels! {
    /// How a call is moved.
    pub enum HandoffKind {
        /// To the telephone where the code was dialled.
        Pull = "pull",
        /// The same, from another line.
        Seize = "seize",
        /// To the line's other telephones.
        Push = "push",
    }
}

labels! {
    /// What came of it.
    pub enum HandoffResult {
        /// It went there.
        Ok = "ok",
        /// There was nothing to move, or nobody answered.
        Nothing = "nothing",
        /// The party may not.
        Forbidden = "forbidden",
    }
}
