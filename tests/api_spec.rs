//! The committed specification is what the code says.

use std::fs;
use std::path::Path;

#[test]
fn the_committed_specification_is_what_the_code_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("api-spec");
    for (name, expected) in taabia::http::specification() {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            committed == expected,
            "api-spec/{name} is out of date: run `taabia openapi --write api-spec` and commit it"
        );
    }
}
