//! Softphones that people have on their desks.
