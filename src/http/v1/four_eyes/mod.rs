//! What needs two persons: issues, destructions, adjustments. One file per kind: they differ in little.

pub mod adjustments;
pub mod destructions;
pub mod issues;
mod shape;
