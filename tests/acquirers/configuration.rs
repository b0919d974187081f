//! Sections `[acquirers.NAME]`: what is taken, what is refused and how it is told, and that secrets stay secret.

use taabia::acquiring::AcquirerConfig;
use taabia::cli::acquirers::connect_acquirers;
use taabia::cli::config::{Flag, acquirer_setups, load};
use taabia::ports::acquirer::{AmountForm, CaptureMode};

const STRIPE: &str =
    "[acquirers.cards]\nkind = \"stripe\"\nsecret_key = \"sk_hunter2\"\nnotification_secrets = [\"whsec_hunter2\"]\n";

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn flag(key: &str, text: &str) -> Flag {
    Flag { name: "--set".into(), key: key.into(), text: text.into() }
}

#[test]
fn several_acquirers_are_configured_side_by_side() {
    let secret = file("st|ore\\key\n");
    let text = format!(
        "{STRIPE}weight = 3\nmax_amount = \"5000\"\n[acquirers.cmi]\nkind = \"cmi\"\nurl = \"https://cmi.example/fim\"\n\
         merchant_id = \"600000001\"\ncallback_url = \"https://t.example/v1/acquirers/cmi/notifications\"\n\
         secret_key_file = {:?}\nresellers = [\"rsl_01939f3e-7c00-7000-8000-00000000000a\"]\n\
         [acquirers.cmi.settlement]\namounts = \"point\"\ngross = \"brut\"\n",
        secret.path()
    );
    let flags = [flag("acquirers.test.kind", "simulator"), flag("acquirers.test.url", "http://127.0.0.1:8095")];
    let variables = [
        ("TAABIA_ACQUIRERS_CARDS_TIMEOUT_MS".to_owned(), "9000".to_owned()),
        ("TAABIA_ACQUIRERS_TEST_NOTIFICATION_SECRETS".to_owned(), "one, two".to_owned()),
        ("TAABIA_ACQUIRERS_CARDS_CAPTURE".to_owned(), "manual".to_owned()),
    ];
    let loaded = load(Some(file(&text).path()), &variables, &flags).unwrap();
    assert!(loaded.unknown_variables.is_empty(), "{:?}", loaded.unknown_variables);
    let printed = format!("{:?}", loaded.config);
    assert!(!printed.contains("hunter2") && !printed.contains("one, two"), "secrets are not printed");

    let setups = acquirer_setups(&loaded.config.acquirers, loaded.config.currency).unwrap();
    let names: Vec<_> = setups.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["cards", "cmi", "test"]);
    let (cards, cmi, bench) = (&setups[0].1, &setups[1].1, &setups[2].1);
    assert_eq!((cards.rule.weight, cards.rule.max.unwrap().minor()), (3, 500_000));
    assert_eq!((cards.capture, cmi.capture), (CaptureMode::Manual, CaptureMode::Automatic));
    let AcquirerConfig::Stripe(stripe) = &cards.adapter else { panic!("{:?}", cards.adapter) };
    assert_eq!((&*stripe.url, stripe.bounds.timeout.as_millis()), ("https://api.stripe.com", 9_000));
    let AcquirerConfig::Cmi(gate) = &cmi.adapter else { panic!("{:?}", cmi.adapter) };
    let profile = &gate.settlement;
    assert_eq!((profile.amounts, &*profile.columns.gross, &*profile.columns.net), (AmountForm::Point, "brut", "net"));
    assert_eq!(
        secrecy::ExposeSecret::expose_secret(&gate.store_key),
        "st|ore\\key",
        "the end of the line is no part of it"
    );
    assert_eq!(cmi.rule.resellers.len(), 1);
    let AcquirerConfig::Simulator(simulator) = &bench.adapter else { panic!("{:?}", bench.adapter) };
    assert_eq!(simulator.notification_secrets.len(), 2);
    assert_eq!(connect_acquirers(&loaded.config).unwrap().states().len(), 3);
}

#[test]
fn without_sections_there_are_no_acquirers() {
    let config = load(None, &[], &[]).unwrap().config;
    assert!(config.acquirers.is_empty());
    assert!(connect_acquirers(&config).unwrap().states().is_empty());
}

#[test]
fn an_error_names_the_setting_of_the_acquirer_and_what_was_expected() {
    let stripe = |more: &str| format!("{STRIPE}{more}");
    let cmi = |more: &str| format!("[acquirers.gate]\nkind = \"cmi\"\nurl = \"https://cmi.example\"\n{more}");
    for (text, expected) in [
        ("[acquirers.x]\n".to_owned(), ["acquirers.x.kind", "expected stripe, cmi, simulator or in_process"]),
        ("[acquirers.x]\nkind = \"paypal\"".into(), ["acquirers.x.kind, from ", "expected stripe, cmi"]),
        ("[acquirers.X]\nkind = \"in_process\"".into(), ["acquirers.X, from ", "expected 1 to 32 of a-z"]),
        ("[acquirers.x]\nkind = \"simulator\"".into(), ["acquirers.x.url", "expected an http or https URL"]),
        ("[acquirers.x]\nkin = \"stripe\"".into(), ["acquirers.x.kin, from ", "unknown field `kin`"]),
        ("acquirers = 5".into(), ["acquirers, from ", "invalid type"]),
        ("[acquirers]\nx = 5".into(), ["acquirers.x, from ", "invalid type"]),
        ("[acquirers.x]\nkind = \"stripe\"".into(), ["acquirers.x.notification_secrets", "signing secret"]),
        (stripe("weight = -1"), ["acquirers.cards.weight, from ", "invalid value"]),
        (stripe("weight = 1000001"), ["acquirers.cards.weight, from ", "expected 0 to 1000000"]),
        (stripe("capture = \"later\""), ["acquirers.cards.capture, from ", "unknown variant `later`"]),
        (stripe("min_amount = \"1.234\""), ["acquirers.cards.min_amount, from ", "no more decimals"]),
        (
            stripe("min_amount = \"2\"\nmax_amount = \"1\""),
            ["acquirers.cards.max_amount, from ", "at least min_amount"],
        ),
        (stripe("resellers = [\"D01\"]"), ["acquirers.cards.resellers, from ", "expected an id such as rsl_"]),
        (stripe("breaker_max_open_ms = 5"), ["acquirers.cards.breaker_max_open_ms, from ", "expected 10000 to"]),
        (
            stripe("[acquirers.cards.settlement]\ndelimiter = \"|\""),
            ["acquirers.cards.settlement.delimiter, from ", "tab"],
        ),
        (
            stripe("[acquirers.cards.settlement]\namount = \"x\""),
            ["acquirers.cards.settlement.amount, from ", "unknown field"],
        ),
        (cmi(""), ["acquirers.gate.secret_key", "secret_key_file"]),
        (cmi("secret_key = \"k\""), ["acquirers.gate.callback_url", "expected an http or https URL"]),
        (
            cmi("secret_key = \"k\"\ncallback_url = \"https://t\""),
            ["acquirers.gate.merchant_id", "number of the merchant"],
        ),
    ] {
        let error = load(Some(file(&text).path()), &[], &[]).unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part), "{text}\n→ {error}");
        }
        assert!(!error.contains("hunter2"), "{error}");
    }
    let wrong_place = "[acquirers.x]\nkind = \"stripe\"\nnotification_secrets = \"hunter2\"";
    let error = load(Some(file(wrong_place).path()), &[], &[]).unwrap_err().to_string();
    assert!(error.contains("expected a list of texts") && !error.contains("hunter2"), "{error}");
    let missing = stripe("secret_key_file = \"/no/such/file\"");
    let config = load(Some(file(&missing).path()), &[], &[]).unwrap().config;
    let Err(error) = connect_acquirers(&config) else { panic!("the file is missing") };
    assert!(error.to_string().starts_with("acquirers.cards.secret_key_file: cannot read /no/such/file"), "{error}");
}
