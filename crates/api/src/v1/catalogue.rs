//! What every figure means.

use axum::response::Response;
use procyon_model::catalogue;
use procyon_wire::Catalogue;

use super::json;
use crate::failure::Failure;

pub(super) async fn answer() -> Result<Response, Failure> {
    json(&Catalogue { figures: catalogue::all().map(Into::into).collect() })
}
