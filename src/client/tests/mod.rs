//! The shell against a small server.

mod shell;
