//! partyline: the server behind contact-centre agent desktops.

pub mod clock;
pub mod ids;
