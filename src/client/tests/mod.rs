//! Scripts and transcripts of the core, and the shell against a small server.

mod core;
mod shell;
