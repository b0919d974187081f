//! Recharges in doubt: what is received about them, and what it does.

mod evidence;
mod paths;
mod statements;
