//! What needs two persons: issues, destructions, adjustments, raises of limits, resolutions. One file per kind:
//! they differ in little.

pub mod adjustments;
pub mod destructions;
pub mod issues;
pub mod limit_raises;
pub mod resolutions;
pub mod shape;
