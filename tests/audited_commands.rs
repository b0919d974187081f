//! What is done at the command line is a staff action: by whom, from where, why.

use std::path::Path;

use taabia::domain::{EntryKind, Via};
use taabia::ports::{RecordedAction, StaffActionQuery};
use taabia::storage::{OpenOptions, open};

use crate::support::program::{processes_on_both, taabia, taabia_must};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/catalogue.morocco.toml");

async fn every_command_says_who_and_why(folder: &Path, database: &str) {
    let data_dir = folder.display().to_string();
    let place = ["--data-dir", &data_dir, "--database-url", database];
    let run = async |command: &[&str]| taabia_must(&[command, &place].concat()).await;
    run(&["migrate"]).await;
    let file = folder.join("network.csv").display().to_string();
    std::fs::write(&file, "code,name,level,parent_code\nD1,Distributeur,distributor,\nO1,Outlet,outlet,D1\n").unwrap();
    run(&["network", "import", &file, "--reason", "opening of the year"]).await;
    run(&["catalogue", "import", SAMPLE, "--reason", "tariff of November"]).await;
    let scopes = ["--scopes=recharges:write", "--resellers=D1", "--reason=contract 7"];
    let made = run(&[&["client", "add", "--name=kiosk", "--partner=Kiosk SA"][..], &scopes].concat()).await;
    let id = made.lines().find_map(|line| line.strip_prefix("client_id\t")).unwrap().to_owned();
    let partner = run(&["client", "list"]).await.split('\t').nth(2).unwrap().to_owned();
    run(&["partner", "require-terminals", &partner, "--reason", "as agreed"]).await;
    run(&["client", "rotate", &id, "--reason", "yearly"]).await;
    run(&["client", "revoke", &id]).await;
    let refused = taabia(&[&["client", "revoke", &id, "--reason", " "][..], &place].concat()).await;
    assert!(!refused.status.success(), "a reason says something");

    let storage = open(database, OpenOptions::default()).await.unwrap();
    let root = storage.registry.reseller_by_code("D1").await.unwrap().unwrap().id;
    let query = StaffActionQuery {
        roots: vec![root],
        reseller: None,
        actor: None,
        kind: None,
        from: None,
        to: None,
        after: None,
        limit: 50,
    };
    let found = storage.store.staff_actions(&query).await.unwrap();
    let mut seen: Vec<(EntryKind, Option<&str>)> = Vec::new();
    for RecordedAction { action, .. } in &found {
        let origin = &action.origin;
        assert_eq!((origin.via, &*action.actor), (Via::CommandLine, "operator:command_line"));
        let from = origin.address.as_deref().unwrap();
        assert!(from.starts_with("uid ") && from.contains(" on "), "{from}");
        seen.push((action.kind, origin.reason.as_deref()));
    }
    for reason in ["tariff of November", "contract 7", "as agreed", "yearly"] {
        assert!(seen.contains(&(EntryKind::RecordPut, Some(reason))), "{reason}: {seen:?}");
    }
    assert!(seen.contains(&(EntryKind::RecordPut, None)), "a reason need not be given");
    let opened = (EntryKind::ResellerOpened, Some("opening of the year"));
    assert_eq!(seen.iter().filter(|action| **action == opened).count(), 2, "{seen:?}");
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert!(run(&["verify"]).await.contains("The books are right"));
}

processes_on_both!(every_command_says_who_and_why);
