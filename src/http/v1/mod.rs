//! Version 1 of the API.

mod recharges;
mod resellers;
mod whoami;

pub use recharges::in_doubt;
use utoipa_axum::routes;

use super::authorisation::{Calls, Need};
use crate::services::Scope;

/// Every call of version 1 and what it needs.
pub fn calls() -> Calls {
    vec![
        (Need::Scope(Scope::RechargesWrite), routes!(recharges::create::create_recharge)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::list::list_recharges)),
        (Need::Scope(Scope::RechargesWrite), routes!(recharges::void::void_recharge)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::get::get_recharge)),
        (Need::Scope(Scope::StockRead), routes!(resellers::balance::get_balance)),
        (Need::Scope(Scope::StockRead), routes!(resellers::statement::get_statement)),
        (Need::AnyToken, routes!(whoami::whoami)),
    ]
}
