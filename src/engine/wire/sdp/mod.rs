//! SDP (to come).
