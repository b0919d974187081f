//! The binary: everything is in the library.

/// A fifth of the server's time went into the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    taabia::cli::run()
}
