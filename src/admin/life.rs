//! The server's life: sweeping and draining.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::answer;
use super::config::Api;
use super::errors::Failure;

pub(crate) async fn sweep(api: web::Data<Api>) -> Result<HttpResponse, Failure> {
    let ended = api.0.admin.sweep().await?;
    Ok(answer::ok(&json!({ "ended": ended })))
}

/// The server drains as it does at a signal, and ends.
pub(crate) async fn drain(api: web::Data<Api>) -> HttpResponse {
    tracing::info!("told to drain by the admin API");
    api.0.drain.notify_one();
    answer::accepted(&json!({ "draining": true }))
}
