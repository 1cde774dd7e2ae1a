//! The link to back ends that answer what clients send to `/service/...` channels.
//!
//! This room owns how a message is put to a back end by HTTP and what may come back: bounded in time, in size and in
//! number. It knows nothing of sessions but their public handles, and sends no secret.
//!
//! Read [`Upstream`] first, then [`HttpUpstream`].

mod caller;
mod endpoint;
mod face;
mod wire;

#[cfg(test)]
mod tests;

pub use caller::{HttpUpstream, Secret, UpstreamConfig};
pub use endpoint::{BadEndpoint, Endpoint};
pub use face::{Answer, Asking, Failure, NoUpstream, Question, Upstream};
