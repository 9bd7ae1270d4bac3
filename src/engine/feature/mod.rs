//! Features: what people can do with their calls. They speak no SIP.
pub mod codes;
pub mod numbers;
