//! `taabia load`.

use std::time::Duration;

use super::args::LoadArgs;
use super::clock::SystemRandomness;
use crate::simulator::load::{LoadError, Plan, run};

/// Doubt is resolved within a minute by default; a little more, so that it shows when it is not.
const SETTLE_WITHIN: Duration = Duration::from_secs(75);

/// Prints the report; whether the run succeeded.
///
/// # Errors
/// When there was no load.
pub async fn load(args: LoadArgs) -> Result<bool, LoadError> {
    let plan = Plan {
        url: args.url,
        client_id: args.client_id,
        client_secret: args.client_secret,
        connections: args.connections,
        duration: Duration::from_secs(args.duration_s.into()),
        fault_share: args.fault_share,
        settle_within: SETTLE_WITHIN,
    };
    let report = run(&plan, &SystemRandomness).await?;
    println!("{report}");
    Ok(report.is_success())
}
