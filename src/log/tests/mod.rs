//! The log's tests: what every engine must do, then what the embedded one must survive.

mod conformance;
mod crash;
mod engines;
mod fake;
mod faults;
mod frames;
mod golden;
mod history;
mod kit;
mod model;
mod retention;
mod tail;
