//! Version 1 of the API.

mod audit;
mod business_days;
mod products;
mod recharges;
mod resellers;
mod terminals;
mod users;
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
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::create::create_reseller)),
        (Need::Scope(Scope::NetworkRead), routes!(resellers::list::list_resellers)),
        (Need::Scope(Scope::NetworkRead), routes!(resellers::get::get_reseller)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::change::change_reseller)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::standing::set_standing)),
        (Need::Scope(Scope::StockRead), routes!(resellers::totals::get_totals)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::commission::get_commission)),
        (Need::AnyToken, routes!(products::list_products)),
        (Need::Scope(Scope::StockRead), routes!(resellers::balance::get_balance)),
        (Need::Scope(Scope::AuditRead), routes!(audit::list_audit)),
        (Need::Scope(Scope::NetworkWrite), routes!(terminals::register::register_terminal)),
        (Need::Scope(Scope::NetworkRead), routes!(terminals::list::list_terminals)),
        (Need::Scope(Scope::NetworkWrite), routes!(terminals::block::block_terminal)),
        (Need::Scope(Scope::NetworkWrite), routes!(terminals::block::unblock_terminal)),
        (Need::Scope(Scope::NetworkWrite), routes!(users::create::create_user)),
        (Need::Scope(Scope::NetworkRead), routes!(users::list::list_users)),
        (Need::Scope(Scope::RechargesWrite), routes!(users::pin::verify_pin)),
        (Need::Scope(Scope::RechargesWrite), routes!(users::pin::change_pin)),
        (Need::Scope(Scope::NetworkWrite), routes!(users::reset::request_pin_reset)),
        (Need::Scope(Scope::StockApprove), routes!(users::reset::decide_pin_reset)),
        (Need::Scope(Scope::RechargesWrite), routes!(users::device::set_device)),
        (Need::Scope(Scope::StockRead), routes!(resellers::statement::get_statement)),
        (Need::Scope(Scope::StockRead), routes!(resellers::stock_watch::get_stock_watch)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::stock_watch::put_stock_watch)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::stock_watch::delete_stock_watch)),
        (Need::Scope(Scope::StockRead), routes!(business_days::list_business_days)),
        (Need::AnyToken, routes!(whoami::whoami)),
    ]
}
