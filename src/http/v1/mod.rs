//! Version 1 of the API.

mod business_days;
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
        (Need::Scope(Scope::StockRead), routes!(resellers::stock_watch::get_stock_watch)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::stock_watch::put_stock_watch)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::stock_watch::delete_stock_watch)),
        (Need::Scope(Scope::StockRead), routes!(business_days::list_business_days)),
        (Need::AnyToken, routes!(whoami::whoami)),
    ]
}
