//! Bounds, sequences, the shape of the report, and whole runs against a small server.

mod parts;
mod runs;
