//! Version 1 of the API.

mod allocation_runs;
mod allocations;
mod audit;
mod business_days;
mod care;
mod charging_events;
mod doubts;
mod fields;
mod four_eyes;
mod operations;
mod products;
mod recharges;
mod reconciliation;
mod resellers;
mod reversals;
mod settlements;
mod terminals;
mod topups;
mod transfers;
mod trials;
mod users;
mod webhooks;
mod whoami;

pub use recharges::in_doubt;
use utoipa_axum::routes;
pub use webhooks::Shapes;

use super::authorisation::{Calls, Need};
use super::state::ApiState;
use crate::services::Scope;

/// Who proposed something may look at it, and so may whoever decides.
const MAKER_OR_CHECKER: Need = Need::OneOf(&[Scope::StockIssue, Scope::StockApprove]);

/// What became of a recharge is told to who sells and to who helps.
const SEES_RECHARGES: Need = Need::OneOf(&[Scope::RechargesRead, Scope::CareRead]);

/// Calls that need no token: who calls is proven by what is sent.
pub fn open_calls() -> Vec<utoipa_axum::router::UtoipaMethodRouter<ApiState>> {
    vec![routes!(topups::notification::notify_acquirer), routes!(charging_events::tell_charging_event)]
}

/// Every other call of version 1 and what it needs.
pub fn calls() -> Calls {
    vec![
        (Need::Scope(Scope::RechargesWrite), routes!(recharges::create::create_recharge)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::list::list_recharges)),
        (Need::Scope(Scope::RechargesWrite), routes!(recharges::void::void_recharge)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::get::get_recharge)),
        (Need::Scope(Scope::RechargesWrite), routes!(reversals::create::reverse_recharge)),
        (Need::Scope(Scope::RechargesWrite), routes!(reversals::create::reverse_by_key)),
        (Need::Scope(Scope::RechargesRead), routes!(reversals::list::list_reversals)),
        (Need::Scope(Scope::RechargesRead), routes!(reversals::get::get_reversal)),
        (Need::Scope(Scope::RechargesWrite), routes!(trials::try_recharge)),
        (Need::Scope(Scope::RechargesRead), routes!(recharges::certificate::get_certificate)),
        (Need::Scope(Scope::CareRead), routes!(care::search::search_recharges)),
        (Need::Scope(Scope::CareWrite), routes!(care::open::open_case)),
        (Need::Scope(Scope::CareRead), routes!(care::list::list_cases)),
        (Need::Scope(Scope::CareRead), routes!(care::change::get_case)),
        (Need::Scope(Scope::CareWrite), routes!(care::change::change_case)),
        (SEES_RECHARGES, routes!(recharges::timeline::get_timeline)),
        (Need::Scope(Scope::RechargesRead), routes!(doubts::list_doubts)),
        (Need::Scope(Scope::StockIssue), routes!(recharges::statement::create_statement)),
        (MAKER_OR_CHECKER, routes!(recharges::statement::get_statement_of_recharge)),
        (Need::Scope(Scope::StockApprove), routes!(recharges::statement::approve_statement)),
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
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::issues::create_issue)),
        (MAKER_OR_CHECKER, routes!(four_eyes::issues::get_issue)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::issues::approve_issue)),
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::destructions::create_destruction)),
        (MAKER_OR_CHECKER, routes!(four_eyes::destructions::get_destruction)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::destructions::approve_destruction)),
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::adjustments::create_adjustment)),
        (MAKER_OR_CHECKER, routes!(four_eyes::adjustments::get_adjustment)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::adjustments::approve_adjustment)),
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::limit_raises::create_limit_raise)),
        (MAKER_OR_CHECKER, routes!(four_eyes::limit_raises::get_limit_raise)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::limit_raises::approve_limit_raise)),
        (Need::Scope(Scope::StockAllocate), routes!(allocations::create_allocation)),
        (Need::Scope(Scope::StockAllocate), routes!(allocations::get_allocation)),
        (Need::Scope(Scope::StockAllocate), routes!(allocation_runs::create::create_allocation_run)),
        (Need::Scope(Scope::StockAllocate), routes!(allocation_runs::get::get_allocation_run)),
        (Need::Scope(Scope::StockAllocate), routes!(allocation_runs::lines::list_allocation_run_lines)),
        (Need::Scope(Scope::NetworkRead), routes!(resellers::limits::get_limits)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::limits::put_limits)),
        (Need::Scope(Scope::TopupsWrite), routes!(topups::create::create_topup)),
        (Need::Scope(Scope::TopupsWrite), routes!(topups::refund::refund_topup)),
        (Need::Scope(Scope::TopupsRead), routes!(topups::list::list_topups)),
        (Need::Scope(Scope::TopupsRead), routes!(topups::get::get_topup)),
        (Need::Scope(Scope::TopupsRead), routes!(topups::refunds::list_refunds)),
        (MAKER_OR_CHECKER, routes!(topups::notifications::list_notifications)),
        (Need::Scope(Scope::RechargesRead), routes!(reconciliation::get_reconciliation)),
        (Need::Scope(Scope::RechargesRead), routes!(reconciliation::list_reconciliation_lines)),
        (MAKER_OR_CHECKER, routes!(settlements::create::import_settlement)),
        (MAKER_OR_CHECKER, routes!(settlements::record::import_charging_record)),
        (MAKER_OR_CHECKER, routes!(settlements::get::get_settlement)),
        (MAKER_OR_CHECKER, routes!(settlements::items::list_settlement_items)),
        (MAKER_OR_CHECKER, routes!(settlements::items::get_settlement_item)),
        (MAKER_OR_CHECKER, routes!(settlements::owner::set_settlement_item_owner)),
        (Need::Scope(Scope::StockIssue), routes!(four_eyes::resolutions::create_resolution)),
        (MAKER_OR_CHECKER, routes!(four_eyes::resolutions::get_resolution)),
        (Need::Scope(Scope::StockApprove), routes!(four_eyes::resolutions::approve_resolution)),
        (Need::Scope(Scope::StockWrite), routes!(transfers::create::create_transfer)),
        (Need::Scope(Scope::StockRead), routes!(transfers::list::list_transfers)),
        (Need::Scope(Scope::StockRead), routes!(transfers::get::get_transfer)),
        (Need::Scope(Scope::StockWrite), routes!(transfers::settle::accept_transfer)),
        (Need::Scope(Scope::StockWrite), routes!(transfers::settle::cancel_transfer)),
        (Need::Scope(Scope::StockRead), routes!(resellers::statement::get_statement)),
        (Need::Scope(Scope::StockRead), routes!(resellers::stock_watch::get_stock_watch)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::stock_watch::put_stock_watch)),
        (Need::Scope(Scope::NetworkWrite), routes!(resellers::stock_watch::delete_stock_watch)),
        (Need::Scope(Scope::StockRead), routes!(business_days::list_business_days)),
        (Need::Scope(Scope::WebhooksWrite), routes!(webhooks::create::create_webhook_endpoint)),
        (Need::Scope(Scope::WebhooksRead), routes!(webhooks::list::list_webhook_endpoints)),
        (Need::Scope(Scope::WebhooksRead), routes!(webhooks::endpoint::get_webhook_endpoint)),
        (Need::Scope(Scope::WebhooksWrite), routes!(webhooks::endpoint::change_webhook_endpoint)),
        (Need::Scope(Scope::WebhooksWrite), routes!(webhooks::endpoint::delete_webhook_endpoint)),
        (Need::Scope(Scope::WebhooksWrite), routes!(webhooks::secret::rotate_webhook_secret)),
        (Need::Scope(Scope::WebhooksRead), routes!(webhooks::deliveries::list_webhook_deliveries)),
        (Need::Scope(Scope::WebhooksWrite), routes!(webhooks::replay::replay_webhook_events)),
        (Need::Scope(Scope::WebhooksWrite), routes!(webhooks::test::test_webhook_endpoint)),
        (Need::AnyToken, routes!(whoami::whoami)),
    ]
}
