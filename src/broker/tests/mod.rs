//! The sessions of one home, driven by hand over a log in memory.

mod disk;
mod kit;
mod ledger;
mod line;

mod acknowledgement;
mod actors;
mod adjustment;
mod browsers;
mod buckets;
mod delivery;
mod ending;
mod ends;
mod extensions;
mod failures;
mod faults;
mod handshakes;
mod keyed;
mod lazy;
mod lives;
mod logins;
mod notices;
mod office;
mod own_feeds;
mod pair;
mod panics;
mod quota;
mod random_replays;
mod replay;
mod rules;
mod service;
mod slow;
mod sockets;
mod story;
mod streams;
mod told;
