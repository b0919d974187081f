//! Version 1 of the API.

mod recharges;
mod resellers;
mod transfers;
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
        (Need::Scope(Scope::NetworkRead), routes!(resellers::limits::get_limits)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::limits::put_limits)),
        (Need::Scope(Scope::StockWrite), routes!(transfers::create::create_transfer)),
        (Need::Scope(Scope::StockRead), routes!(transfers::list::list_transfers)),
        (Need::Scope(Scope::StockRead), routes!(transfers::get::get_transfer)),
        (Need::Scope(Scope::StockWrite), routes!(transfers::settle::accept_transfer)),
        (Need::Scope(Scope::StockWrite), routes!(transfers::settle::cancel_transfer)),
        (Need::AnyToken, routes!(whoami::whoami)),
    ]
}
