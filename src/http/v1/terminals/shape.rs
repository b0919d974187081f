//! A terminal as the contract shows it, and the request that names one.

use std::str::FromStr;

use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{ResellerId, TerminalId};
use crate::http::body::{self, Field, Fields, Readable};
use crate::http::problem::Problem;
use crate::http::state::ApiState;
use crate::services::terminals::KnownTerminal;

/// A device of the caller's partner at a reseller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Terminal)]
pub struct TerminalJson {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "ATM-0007")]
    terminal_id: String,
    /// A blocked one sells nothing where the partner is held to known terminals.
    blocked: bool,
}

impl From<&KnownTerminal> for TerminalJson {
    fn from(known: &KnownTerminal) -> Self {
        let KnownTerminal { reseller, terminal, blocked } = known;
        Self { reseller_id: reseller.to_string(), terminal_id: terminal.to_string(), blocked: *blocked }
    }
}

/// A terminal by its names.
pub struct TerminalRequest {
    pub reseller: ResellerId,
    pub terminal: TerminalId,
}

impl Readable for TerminalRequest {
    const FIELDS: &'static [Field] = &[
        Field::text("reseller_id", 40, "Where it stands.", "rsl_01939f3e-7c00-7000-8000-00000000000a")
            .matching("^rsl_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        Field::text("terminal_id", TerminalId::MAX_LEN, "Its name, unique per partner and reseller.", "ATM-0007")
            .matching("^[ -~]{1,32}$"),
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let terminal = fields.text("terminal_id", TerminalId::from_str);
        let request = reseller.zip(terminal).map(|(reseller, terminal)| Self { reseller, terminal });
        fields.finish(request)
    }
}

impl PartialSchema for TerminalRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A terminal by its names.").into()
    }
}

impl ToSchema for TerminalRequest {}
