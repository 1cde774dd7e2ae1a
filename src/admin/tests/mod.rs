//! Tests of the admin API, as far as no server needs to stand behind it.

mod errors;
mod token;
