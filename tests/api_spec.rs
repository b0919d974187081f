//! The committed specification is what the code says.

use std::fs;
use std::path::Path;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("api-spec")
}

#[test]
fn the_committed_specification_is_what_the_code_says() {
    for (name, expected) in taabia::http::specification() {
        let committed = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(
            committed == expected,
            "api-spec/{name} is out of date: run `taabia openapi` and commit what it writes"
        );
    }
}

#[test]
#[ignore = "writes api-spec/ anew"]
fn write_the_specification() {
    fs::create_dir_all(folder()).unwrap();
    for (name, text) in taabia::http::specification() {
        fs::write(folder().join(name), text).unwrap();
    }
}
