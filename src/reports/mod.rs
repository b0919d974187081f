//! The auditors' reports.

pub mod verify;
