//! What is true of accounts, passwords and tokens.

mod accounts;
mod tokens;
