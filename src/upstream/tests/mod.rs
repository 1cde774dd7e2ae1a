//! Back ends that answer well, badly, late and not at all.

mod caller;
mod wire;
