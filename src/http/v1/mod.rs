//! Version 1 of the API.

mod allocation_runs;
mod allocations;
mod fields;
mod four_eyes;
mod recharges;
mod resellers;
mod whoami;

pub use recharges::in_doubt;
use utoipa_axum::routes;

use super::authorisation::{Calls, Need};
use crate::services::Scope;

/// Who proposed something may look at it, and so may whoever decides.
const MAKER_OR_CHECKER: Need = Need::OneOf(&[Scope::StockIssue, Scope::StockApprove]);

/// Every call of version 1 and what it needs.
pub fn calls() -> Calls {
    vec![
        (Need::Scope(Scope::RechargesWrite), routes!(recharges::create::create_recharge)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::list::list_recharges)),
        (Need::Scope(Scope::RechargesWrite), routes!(recharges::void::void_recharge)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::get::get_recharge)),
        (Need::Scope(Scope::StockRead), routes!(resellers::balance::get_balance)),
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::issues::create_issue)),
        (MAKER_OR_CHECKER, routes!(four_eyes::issues::get_issue)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::issues::approve_issue)),
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::destructions::create_destruction)),
        (MAKER_OR_CHECKER, routes!(four_eyes::destructions::get_destruction)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::destructions::approve_destruction)),
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::adjustments::create_adjustment)),
        (MAKER_OR_CHECKER, routes!(four_eyes::adjustments::get_adjustment)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::adjustments::approve_adjustment)),
        (Need::Scope(Scope::StockAllocate), routes!(allocations::create_allocation)),
        (Need::Scope(Scope::StockAllocate), routes!(allocations::get_allocation)),
        (Need::Scope(Scope::StockAllocate), routes!(allocation_runs::create::create_allocation_run)),
        (Need::Scope(Scope::StockAllocate), routes!(allocation_runs::get::get_allocation_run)),
        (Need::Scope(Scope::StockAllocate), routes!(allocation_runs::lines::list_allocation_run_lines)),
        (Need::AnyToken, routes!(whoami::whoami)),
    ]
}
