//! Frames by hand, as the standard shows them.

mod frames;
