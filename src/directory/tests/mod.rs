//! What is true of accounts, passwords and tokens.

mod accounts;
mod ended;
mod tokens;
