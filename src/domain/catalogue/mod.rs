//! The catalogue: what is sold at which amounts, at which price resellers buy stock, and what they earn. Dated data,
//! changed by import only; its past never changes.

mod code;
mod import;
mod period;
mod product;
mod rate;
mod reversal;
mod rule;
mod whole;

pub use code::Code;
pub use import::Import;
pub use period::Period;
pub use product::{Benefit, BenefitKind, Offer, Product, ProductKind};
pub use rate::{Rate, round_half_even};
pub use reversal::ReversalRule;
pub use rule::{Band, Deal, PayIn, Rule, RuleKind};
pub use whole::{Catalogue, Flaw};
