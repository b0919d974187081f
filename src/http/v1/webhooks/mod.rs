//! Endpoints for events on the wire.

pub mod create;
pub mod deliveries;
pub mod endpoint;
pub mod list;
pub mod replay;
pub mod secret;
mod shape;
mod shapes;
pub mod test;

pub use deliveries::WebhookDelivery;
pub use shapes::Shapes;
