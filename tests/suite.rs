//! The one integration binary: a file or a folder of `tests/` per subject.

// Says to Clippy that all of it is tests, helpers included.
#![cfg(test)]

mod architecture;
mod load;
