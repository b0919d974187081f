//! Customer care over the API, on every store.

mod timeline;
