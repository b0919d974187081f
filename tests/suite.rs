//! The one integration binary: a file or a folder of `tests/` per subject.

mod architecture;
mod load;
