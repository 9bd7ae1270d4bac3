//! Whole messages: the practical ones, the torture corpora, and mutations of both.

mod corpus;
mod messages;
mod mutations;
mod oracle;
