//! Recharges at the level of the services, with a charging system that does what the test says.

mod doubt;
mod outcomes;
mod routing;
mod script;
mod survival;
