//! The house keeps its rooms: `src/` is read as text and each rule broken is told with what to do about it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `src/lib.rs`, from the ground up. A room imports only rooms of lower floors.
const FLOORS: [&[&str]; 8] = [
    &["domain"],
    &["ledger"],
    &["ports", "exchange"],
    &["engine", "storage", "charging", "acquiring", "notify"],
    &["services"],
    &["http", "channels", "console", "reports", "jobs"],
    &["simulator"],
    &["cli"],
];

/// What a pure room may not name: time, ids and the world are arguments there.
const IMPURE: [&str; 12] = [
    "async",
    "await",
    "tokio",
    "sqlx",
    "axum",
    "tracing",
    "metrics",
    "reqwest",
    "SystemTime",
    "Instant",
    "rand",
    "getrandom",
];

const MAX_LINES: usize = 500;

/// What SQL text begins with.
const SQL: [&str; 8] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "BEGIN IMMEDIATE",
    "PRAGMA ",
    "WITH RECURSIVE ",
];

#[test]
fn every_room_keeps_to_its_floor() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = String::new();
    for file in rust_files(&source) {
        let path = file.strip_prefix(&source).expect("the file was found under src").to_string_lossy().into_owned();
        for complaint in complaints(&path, &fs::read_to_string(&file).unwrap()) {
            writeln!(broken, "src/{path}: {complaint}").unwrap();
        }
    }
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn no_file_has_grown_two_subjects() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = String::new();
    for file in ["src", "tests", "benches"].iter().flat_map(|folder| rust_files(&root.join(folder))) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        if lines > MAX_LINES {
            let path = file.strip_prefix(root).expect("the file was found under the root").display();
            writeln!(broken, "{path} has {lines} lines: find its second subject and give it a file of its own")
                .unwrap();
        }
    }
    assert!(broken.is_empty(), "\n{broken}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// What is wrong with a file of `src/`, whose path is relative to it.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if matches!(path, "lib.rs" | "main.rs") {
        return complaints;
    }
    let module = module_of(path);
    let room = module[0].as_str();
    let Some(own_floor) = floor(room) else {
        return vec![format!("the room `{room}` has no floor: give it one in src/lib.rs and in tests/architecture.rs")];
    };
    let tokens = tokens(text);
    for other in named_rooms(&module, &tokens) {
        match floor(&other) {
            _ if other == room => {}
            None => complaints.push(format!("`crate::{other}` is no room: import from the room that owns it")),
            Some(floor) if floor < own_floor => {}
            Some(floor) => complaints.push(format!(
                "`{room}` is on floor {own_floor} and may not import `{other}` from floor {floor}: \
                 ask for it through a trait in `ports`, or let a room above both join them"
            )),
        }
    }
    for token in &tokens {
        match token {
            Token::Word(word) if own_floor <= 1 && IMPURE.contains(&word.as_str()) => complaints.push(format!(
                "`{room}` is pure and may not name `{word}`: take time, ids and what the world says as arguments"
            )),
            Token::Word(word) if word == "sqlx" && room != "storage" => complaints.push(
                "only `storage` knows the database: add a coarse method to a trait of `ports` and call that".into(),
            ),
            Token::Text(text) if room != "storage" && SQL.iter().any(|start| text.trim_start().starts_with(start)) => {
                complaints.push("only `storage` contains SQL: move the statement there, into a `.sql` file".into());
            }
            _ => {}
        }
    }
    complaints.dedup();
    complaints
}

/// `http/v1/recharges.rs` is the module `http::v1::recharges`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").expect("only Rust files are read");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').map(str::to_owned).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(char),
    /// `::`
    Path,
    /// The content of a string literal.
    Text(String),
}

/// Words, marks and strings of Rust source; comments, characters and lifetimes are left out.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let wordy = |c: char| c.is_alphanumeric() || c == '_';
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = &rest[block_comment_len(rest)..];
        } else if let Some((text, len)) = string_literal(rest) {
            tokens.push(Token::Text(text));
            rest = &rest[len..];
        } else if first == '\'' {
            rest = &rest[char_or_lifetime_len(rest)..];
        } else if wordy(first) {
            let len = rest.find(|c| !wordy(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..len].to_owned()));
            rest = &rest[len..];
        } else if rest.starts_with("::") {
            tokens.push(Token::Path);
            rest = &rest[2..];
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

fn block_comment_len(source: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < source.len() {
        if source.as_bytes()[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if source.as_bytes()[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The content and the length of the string literal that `source` begins with: plain, byte, C or raw.
fn string_literal(source: &str) -> Option<(String, usize)> {
    let prefix = ["", "b", "c", "r", "br", "cr"].into_iter().find(|prefix| {
        source.strip_prefix(prefix).is_some_and(|rest| {
            rest.starts_with('"')
                || (prefix.ends_with('r') && rest.trim_start_matches('#').starts_with('"') && rest.starts_with('#'))
        })
    })?;
    let rest = &source[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let body = &rest[hashes + 1..];
        let len = body.find(&format!("\"{}", "#".repeat(hashes))).unwrap_or(body.len());
        return Some((body[..len].to_owned(), (prefix.len() + hashes + 1 + len + 1 + hashes).min(source.len())));
    }
    let body = &rest[1..];
    let mut escaped = false;
    let len = body
        .find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })
        .unwrap_or(body.len());
    Some((body[..len].to_owned(), (prefix.len() + 1 + len + 1).min(source.len())))
}

/// Length of a character literal, or of the quote that begins a lifetime.
fn char_or_lifetime_len(source: &str) -> usize {
    let body = &source[1..];
    if let Some(escaped) = body.strip_prefix('\\') {
        let skipped = escaped.chars().next().map_or(0, char::len_utf8);
        return escaped[skipped..].find('\'').map_or(source.len(), |end| 1 + 1 + skipped + end + 1);
    }
    let first = body.chars().next().map_or(0, char::len_utf8);
    if body[first..].starts_with('\'') { 1 + first + 1 } else { 1 }
}

/// The rooms that paths beginning with `crate` or `super` lead to, in the order they are named.
fn named_rooms(module: &[String], tokens: &[Token]) -> Vec<String> {
    let mut rooms = Vec::new();
    // Depth of braces at which each inline module around the present place began.
    let mut inline = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let begins = at == 0 || tokens[at - 1] != Token::Path;
        match token {
            Token::Mark('{') => {
                if at >= 2 && tokens[at - 2] == Token::Word("mod".into()) {
                    inline.push(depth);
                }
                depth += 1;
            }
            Token::Mark('}') => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|began| *began == depth);
            }
            // `pub(crate)` and `pub(in crate::…)` name who may look, not what is imported.
            Token::Word(word) if word == "crate" && begins && tokens.get(at + 1) == Some(&Token::Path) => {
                rooms.extend(heads(&tokens[at + 2..]));
            }
            Token::Word(word) if word == "super" && begins => {
                let supers = tokens[at..].chunks(2).take_while(|pair| pair[0] == Token::Word("super".into())).count();
                let here = module.len() + inline.len();
                if supers >= here {
                    rooms.extend(heads(tokens.get(at + supers * 2..).unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    rooms
}

/// The first segments of the path or the group of paths that `tokens` begin with.
fn heads(tokens: &[Token]) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let begins = at == 0 || matches!(tokens[at - 1], Token::Mark('{' | ','));
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => depth = depth.saturating_sub(1),
            Token::Word(word) if begins && depth <= 1 => heads.push(word.clone()),
            Token::Mark('*') if begins && depth <= 1 => heads.push("*".into()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

#[test]
fn the_rule_sees_every_way_to_write_an_import() {
    for (path, source, named) in [
        ("services/x.rs", "use crate::http::Router;", Some("`http`")),
        ("services/x.rs", "use crate::{domain::{Money, http}, jobs::Job};", Some("`jobs`")),
        ("services/x.rs", "use crate::{domain::{self, Money}, ports};", None),
        ("services/x.rs", "fn f() -> crate::simulator::Fault { todo() }", Some("`simulator`")),
        ("services/x.rs", "use super::caller::Caller;", None),
        ("services/x.rs", "use super::super::cli::Config;", Some("`cli`")),
        ("services/x/y.rs", "use super::super::caller::Caller;", None),
        (
            "services/x/mod.rs",
            "mod tests { use super::super::caller::Caller; } use super::super::http::R;",
            Some("`http`"),
        ),
        ("services/x.rs", "pub(crate) fn f() {}", None),
        ("services/x.rs", "use crate::*;", Some("`crate::*` is no room")),
        ("services/x.rs", "use crate::helper;", Some("`crate::helper` is no room")),
        ("engine/x.rs", "use crate::storage::Pool;", Some("`storage`")),
        ("storage/x.rs", "use sqlx::Row; const Q: &str = \"SELECT 1\";", None),
        ("jobs/x.rs", "use sqlx::Row;", Some("only `storage`")),
        ("jobs/x.rs", "const Q: &str = r#\"\n  SELECT a FROM b\"#;", Some("contains SQL")),
        ("ledger/x.rs", "async fn f() {}", Some("`async`")),
        ("domain/x.rs", "let at = std::time::SystemTime::now();", Some("`SystemTime`")),
        (
            "domain/x.rs",
            "// tokio, crate::http\n/* /* sqlx */ async */ const A: &str = \"crate::http async \\\" \";",
            None,
        ),
        ("domain/x.rs", "fn f<'a>(x: &'a str) { g('\"', '\\'', b'\"'); }", None),
        ("attic/x.rs", "", Some("has no floor")),
        ("cli/x.rs", "use crate::{simulator, http, storage::Pool};", None),
    ] {
        let complaints = complaints(path, source).join("\n");
        match named {
            Some(named) => assert!(complaints.contains(named), "{path}: {source}\n→ {complaints}"),
            None => assert_eq!(complaints, "", "{path}: {source}"),
        }
    }
}
