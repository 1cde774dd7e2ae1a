//! Tests of the doors, as far as they need nobody behind them.

mod body;
mod callback;
mod cookies;
mod credentials;
mod delivery;
mod errors;
mod headers;
mod logins;
mod origin;
mod routes;
mod standing;
