//! The stock of the demonstration, by the road that every operator takes: `operator_maker` proposes an issue,
//! `operator_checker` approves it, and one run hands it to the whole network; some stays for top-ups by card.

use std::error::Error;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::demo_clients::Credentials;
use super::node::Node;
use crate::domain::{Operation, Proposal, ResellerId, Ruling, Status, Terms};
use crate::services::allocations::{Receiver, RunOrder, RunSource, RunState};
use crate::services::{Caller, ProposalOrder};
use crate::simulator::network::Branch;

/// Pause between two looks at the run.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Gives every reseller `each_minor`. Started again it goes on where it stood, and changes nothing once it is done.
///
/// # Errors
/// When the store cannot be reached, or a line was refused.
pub async fn stock(
    node: &Node,
    clients: &[Credentials],
    branches: &[Branch],
    each_minor: i64,
) -> Result<(), Box<dyn Error>> {
    let maker = caller(node, clients, branches, "operator_maker").await?;
    let checker = caller(node, clients, branches, "operator_checker").await?;
    let of_branch = |branch: &Branch| {
        std::iter::once(branch.root).chain(branch.wholesalers.clone()).chain(branch.outlets.clone()).collect::<Vec<_>>()
    };
    let resellers: Vec<ResellerId> = branches.iter().flat_map(of_branch).collect();
    let count = i64::try_from(resellers.len())?;
    let total = each_minor.checked_mul(count).ok_or("the network is too large for its stock")?;
    issue(node, &maker, &checker, total).await?;
    // What top-ups by card are sold from.
    issue(node, &maker, &checker, each_minor).await?;
    let order = RunOrder {
        external_id: format!("demo-run-{total}").parse()?,
        terms: Terms::Consignment,
        reason: "opening stock of the demonstration".parse()?,
        source: RunSource::Lines(resellers.into_iter().map(|id| (Receiver::Id(id), each_minor)).collect()),
    };
    let state = node.allocations.start(&maker, order).await.map_err(|error| format!("the run: {error:?}"))?;
    let ended = followed(node, state).await?;
    if ended.operation.status == Status::Completed {
        Ok(())
    } else {
        Err(format!("{} of {count} resellers were not stocked", ended.totals.refused).into())
    }
}

/// One issue, proposed and approved. One that came to nothing is proposed anew.
async fn issue(node: &Node, maker: &Caller, checker: &Caller, amount_minor: i64) -> Result<(), Box<dyn Error>> {
    for attempt in 1..=100 {
        let order = ProposalOrder {
            external_id: format!("demo-issue-{amount_minor}-{attempt}").parse()?,
            proposal: Proposal::Issue,
            amount_minor,
            reason: "opening stock of the demonstration".parse()?,
            document: "DEMO-1".parse()?,
        };
        let proposed = node.four_eyes.propose(maker, order).await.map_err(|error| format!("the issue: {error:?}"))?;
        let Operation { id, status, .. } = *proposed.operation;
        let status = if status == Status::PendingApproval {
            let which = (proposed.operation.kind(), id);
            let ruled = node.four_eyes.rule(checker, which, Ruling::Approve, "agreed".parse()?).await;
            ruled.map_err(|error| format!("the approval: {error:?}"))?.operation.status
        } else {
            status
        };
        if status == Status::Approved {
            return Ok(());
        }
    }
    Err("no issue was approved".into())
}

/// Waits for the end of the run.
async fn followed(node: &Node, mut state: RunState) -> Result<RunState, Box<dyn Error>> {
    let lines = state.operation.run().map_or(0, |run| run.lines);
    let style = ProgressStyle::with_template("stocking the network {bar:40} {pos}/{len} resellers");
    let bar = ProgressBar::new(lines.unsigned_abs()).with_style(style.expect("the template is well formed"));
    while state.operation.status == Status::Running {
        bar.set_position((state.totals.done + state.totals.refused).unsigned_abs());
        tokio::time::sleep(LOOK_EVERY).await;
        state = node.allocations.run(state.operation.id).await.map_err(|error| format!("the run: {error:?}"))?;
    }
    bar.finish_and_clear();
    Ok(state)
}

/// A client of the demonstration as it calls from within.
async fn caller(
    node: &Node,
    clients: &[Credentials],
    branches: &[Branch],
    name: &str,
) -> Result<Caller, Box<dyn Error>> {
    let known = node.clients.list().await?;
    let credentials = clients.iter().find(|client| client.name == name).ok_or("a client is missing")?;
    let client = known.iter().find(|client| client.id.to_string() == credentials.client_id);
    let client = client.ok_or("a client is not registered")?;
    Ok(Caller {
        client: client.id,
        partner: client.partner,
        name: name.into(),
        scopes: [].into(),
        roots: branches.iter().map(|branch| branch.root).collect(),
        rate_limit_per_s: None,
        address: None,
        request: None,
    })
}
