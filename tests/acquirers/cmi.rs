//! The CMI adapter against a gate of its own: it checks the form's hash and signs its callbacks by
//! `tests/acquirers/cmi_hash.py`, an implementation that shares nothing with the program.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;
use taabia::acquiring::cmi::{Cmi, Config, hash, settlement_profile};
use taabia::ports::acquirer::{
    Authorised, CaptureMode, CustomerAction, Event, NotSent, Notification, NotificationError, NotificationVerdict,
    Notified, Outcome, PageLanguage, Payment, PaymentMethod, Received, RefusalReason,
};
use taabia::ports::{Acquirer, Clock as _};

use super::conformance::{self, Bench};
use super::{clock, dependencies, mad, order_id, payment, payment_order, token};
use crate::support::{ManualClock, SeededRandomness};

const STORE_KEY: &str = r"st|ore\key";

type Fields = Vec<(String, String)>;

/// The hashes of these forms, by Python.
fn hashes(forms: &[Fields], store_key: &str) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acquirers/cmi_hash.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed: scripts/test does it");
    let mut input = python.stdin.take().unwrap();
    let lines: String =
        forms.iter().map(|fields| json!({ "fields": fields, "store_key": store_key }).to_string() + "\n").collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn cmi_hashes_of_the_acquirer_are_those_of_an_independent_computation() {
    let random = SeededRandomness::new(504);
    let pick = |from: &[&str]| from[usize::try_from(random.next() % from.len() as u64).unwrap()].to_owned();
    let names = [
        "oid",
        "Oid",
        "amount",
        "okUrl",
        "EXTRA.TRXDATE",
        "item2",
        "item10",
        "Item1",
        "a",
        "B",
        "hash",
        "Encoding",
        "x_1",
        "xA",
    ];
    let values = ["", "1", " spaced ", "a|b", r"back\slash", r"both\|", "10.60", "تعبئة", "é&=+%", "line\nbreak"];
    let forms: Vec<Fields> = (0..500)
        .map(|_| {
            let mut form = Fields::new();
            for _ in 0..random.next() % 12 {
                let name = pick(&names);
                if !form.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                    form.push((name, pick(&values) + &pick(&values)));
                }
            }
            form
        })
        .collect();
    for key in ["TEST1234", STORE_KEY] {
        for (form, expected) in forms.iter().zip(hashes(&forms, key)) {
            let fields = form.iter().map(|(name, value)| (&**name, &**value));
            assert_eq!(hash::ver3(fields, &key.into()), expected, "{form:?}");
        }
    }
}

/// CMI's side: pages, callbacks and what their answers do.
#[derive(Default)]
struct Gate {
    /// Amounts that were captured, by order.
    captured: HashMap<String, i64>,
    callbacks: u64,
}

struct World {
    clock: Arc<ManualClock>,
    adapter: Cmi,
    gate: Mutex<Gate>,
}

impl World {
    fn new() -> Self {
        let clock = clock();
        let adapter = Cmi::new(&config(), &dependencies(&clock)).unwrap();
        Self { clock, adapter, gate: Mutex::default() }
    }

    /// The form of an order, whose hash the gate has checked.
    async fn form(&self, order: &str) -> HashMap<String, String> {
        let mut asked = payment_order(order, PaymentMethod::HostedPage, CaptureMode::Automatic);
        asked.return_url = Some("https://shop.example/back?x=1|2".into());
        asked.language = PageLanguage::Arabic;
        let outcome = self.adapter.authorise(&asked).await;
        let Outcome::Done(Authorised::NeedsCustomer { reference: None, action }) = outcome else {
            panic!("{outcome:?}")
        };
        let CustomerAction::Form { url, fields } = action else { panic!("{action:?}") };
        assert_eq!(&*url, "https://cmi.example/fim/est3Dgate");
        let fields: Fields = fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let expected = hashes(std::slice::from_ref(&fields), STORE_KEY);
        let fields: HashMap<_, _> = fields.into_iter().collect();
        assert_eq!(fields["HASH"], expected[0], "else the gate shows an error page");
        fields
    }

    /// The body of a callback for the order, signed by the gate, with fields changed before that.
    fn callback(&self, order: &str, changes: &[(&str, &str)]) -> Vec<u8> {
        let number = {
            let mut gate = self.gate.lock().unwrap();
            gate.callbacks += 1;
            gate.callbacks.to_string()
        };
        let mut fields: Fields = [
            ("ReturnOid", order),
            ("TRANID", ""),
            ("clientid", "600000001"),
            ("oid", order),
            ("amount", "1060.50"),
            ("currency", "504"),
            ("Response", "Approved"),
            ("ProcReturnCode", "00"),
            ("TransId", &format!("26326{number}")),
            ("mdStatus", "1"),
            ("EXTRA.TRXDATE", "20261122 09:00:00"),
            ("maskedCreditCard", "4*** **** **** 1111"),
            ("rnd", &number),
            ("hashAlgorithm", "ver3"),
            ("encoding", "UTF-8"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, value) in changes {
            match fields.iter_mut().find(|(known, _)| known == name) {
                Some(field) => (*value).clone_into(&mut field.1),
                None => fields.push(((*name).to_owned(), (*value).to_owned())),
            }
        }
        let hash = hashes(std::slice::from_ref(&fields), STORE_KEY).remove(0);
        fields.push(("HASH".into(), hash));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
    }

    fn read(&self, body: &[u8]) -> Result<Notified, NotificationError> {
        self.adapter.read_notification(&Received { headers: &[], body, at: self.clock.now() })
    }

    fn genuine(&self, body: &[u8]) -> Notification {
        match self.read(body) {
            Ok(Notified::Of(notification)) => notification,
            other => panic!("{other:?}"),
        }
    }

    /// The gate calls back, is answered, and does as it is told.
    fn call_back(&self, order: &str, changes: &[(&str, &str)]) -> Notification {
        let notification = self.genuine(&self.callback(order, changes));
        let verdict = match notification.event {
            Event::Authorised { captured_by_reply: true, .. } => NotificationVerdict::Take,
            _ => NotificationVerdict::Keep,
        };
        if self.adapter.reply(verdict).body == "ACTION=POSTAUTH" {
            self.gate.lock().unwrap().captured.insert(order.to_owned(), 106_050);
        }
        notification
    }
}

fn config() -> Config {
    Config {
        gate_url: "https://cmi.example/fim/est3Dgate".into(),
        merchant_id: "600000001".into(),
        store_key: STORE_KEY.into(),
        callback_url: "https://taabia.example/v1/acquirers/cmi/notifications".into(),
        settlement: settlement_profile(),
    }
}

#[async_trait]
impl Bench for World {
    fn acquirer(&self) -> &dyn Acquirer {
        &self.adapter
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    async fn authorised(&self, order: &str) -> Payment {
        self.form(order).await;
        let notification = self.call_back(order, &[]);
        assert_eq!(notification.event, Event::Authorised { amount: mad(106_050), captured_by_reply: true });
        Payment { reference: notification.reference, ..payment(order) }
    }

    async fn declined(&self, order: &str) -> RefusalReason {
        self.form(order).await;
        match self.call_back(order, &[("ProcReturnCode", "05"), ("Response", "Declined")]).event {
            Event::Refused(refusal) => refusal.reason,
            other => panic!("{other:?}"),
        }
    }

    async fn repeat(&self, order: &str) {
        self.call_back(order, &[]);
    }

    async fn notification(&self, order: &str) -> (Vec<(String, String)>, Vec<u8>) {
        self.form(order).await;
        (Vec::new(), self.callback(order, &[]))
    }

    fn has_calls(&self) -> bool {
        false
    }

    fn signs_time(&self) -> bool {
        false
    }

    async fn taken(&self) -> (u64, i64) {
        let gate = self.gate.lock().unwrap();
        (gate.captured.len() as u64, gate.captured.values().sum())
    }
}

#[tokio::test]
async fn the_cmi_acquirer_conforms() {
    conformance::check(&World::new()).await;
}

#[tokio::test]
async fn the_cmi_acquirer_s_form_is_the_one_of_the_contract() {
    let world = World::new();
    let form = world.form("top_1").await;
    for (name, value) in [
        ("clientid", "600000001"),
        ("storetype", "3D_PAY_HOSTING"),
        ("trantype", "PreAuth"),
        ("amount", "1060.50"),
        ("currency", "504"),
        ("oid", "top_1"),
        ("okUrl", "https://shop.example/back?x=1|2"),
        ("failUrl", "https://shop.example/back?x=1|2"),
        ("callbackUrl", "https://taabia.example/v1/acquirers/cmi/notifications"),
        ("lang", "ar"),
        ("hashAlgorithm", "ver3"),
        ("encoding", "UTF-8"),
    ] {
        assert_eq!(form[name], value, "{name}");
    }
    assert_ne!(form["rnd"], world.form("top_1").await["rnd"]);

    let order = payment_order("x", PaymentMethod::HostedPage, CaptureMode::Manual);
    assert!(matches!(world.adapter.authorise(&order).await, Outcome::Refused(_)), "nowhere to come back to");
    let by_token = payment_order("x", token("tok_visa"), CaptureMode::Manual);
    assert_eq!(world.adapter.authorise(&by_token).await, Outcome::NotSent(NotSent::NotOffered));
    world.clock.advance_ms(60_001);
    assert_eq!(world.adapter.authorise(&order).await, Outcome::NotSent(NotSent::TooLate));
}

#[tokio::test]
async fn rejections_may_precede_cmi_s_acceptance_of_an_acquirer_s_order() {
    let world = World::new();
    let declined = world.call_back("top_1", &[("ProcReturnCode", "51"), ("Response", "Declined")]);
    assert!(matches!(&declined.event, Event::Refused(refusal) if refusal.reason == RefusalReason::InsufficientFunds));
    assert_eq!(world.taken().await, (0, 0));
    let accepted = world.call_back("top_1", &[]);
    let again = world.call_back("top_1", &[("TransId", accepted.reference.as_ref().unwrap().as_str())]);
    assert_eq!(accepted.key, again.key, "a repetition, signed anew");
    assert_ne!(accepted.key, declined.key);
    assert_eq!(world.taken().await, (1, 106_050));
    assert_eq!(accepted.order, Some(order_id("top_1")));

    for (changes, reason) in [
        (vec![("ProcReturnCode", "54"), ("Response", "Declined")], RefusalReason::CardExpired),
        (vec![("ProcReturnCode", "99"), ("Response", "Error")], RefusalReason::AcquirerError),
        (vec![("ProcReturnCode", "00"), ("Response", "Declined")], RefusalReason::CardDeclined),
        (vec![("ProcReturnCode", "05"), ("Response", "Approved")], RefusalReason::CardDeclined),
        (vec![("ProcReturnCode", ""), ("Response", ""), ("mdStatus", "0")], RefusalReason::AuthenticationFailed),
    ] {
        let event = world.call_back("top_2", &changes).event;
        assert!(matches!(&event, Event::Refused(refusal) if refusal.reason == reason), "{changes:?}: {event:?}");
    }
}

#[tokio::test]
async fn a_callback_with_a_bad_hash_is_answered_failure_by_the_acquirer_adapter() {
    let world = World::new();
    let body = String::from_utf8(world.callback("top_1", &[])).unwrap();
    let hash_at = body.find("HASH=").unwrap();
    for (name, forged) in [
        ("amount", body.replace("1060.50", "9060.50")),
        ("order", body.replace("oid=top_1", "oid=top_2")),
        ("currency", body.replace("currency=504", "currency=952")),
        ("a field more", format!("{body}&more=1")),
        ("another hash", format!("{}HASH=AAAA", &body[..hash_at])),
    ] {
        assert_ne!(forged, body, "{name}");
        assert_eq!(world.read(forged.as_bytes()), Err(NotificationError::WrongSignature), "{name}");
    }
    assert_eq!(world.read(&body.as_bytes()[..hash_at - 1]), Err(NotificationError::Unsigned));
    assert_eq!(world.read(format!("{body}&OID=top_2").as_bytes()), Err(NotificationError::Unreadable), "a field twice");
    for changes in [
        [("clientid", "600000002")],
        [("amount", "1060.505")],
        [("amount", "-1")],
        [("currency", "000")],
        [("oid", "")],
        [("oid", "a b")],
        [("TransId", "")],
    ] {
        assert_eq!(world.read(&world.callback("top_1", &changes)), Err(NotificationError::Unreadable), "{changes:?}");
    }
    assert_eq!(world.adapter.reply(NotificationVerdict::Refuse).body, "FAILURE");
    assert_eq!(world.adapter.reply(NotificationVerdict::Keep).body, "APPROVED");
    assert_eq!(world.adapter.reply(NotificationVerdict::Take).body, "ACTION=POSTAUTH");
    assert_eq!(world.adapter.reply(NotificationVerdict::Take).content_type, "text/plain");
}

#[test]
fn a_cmi_acquirer_that_cannot_work_is_refused() {
    type Change = fn(&mut Config);
    let cases: [(&str, Change); 4] = [
        ("url", |config| config.gate_url = "cmi.example".into()),
        ("callback_url", |config| config.callback_url = "ftp://x".into()),
        ("merchant_id", |config| config.merchant_id = String::new()),
        ("secret_key", |config| config.store_key = "".into()),
    ];
    for (setting, change) in cases {
        let mut config = config();
        change(&mut config);
        let Err(error) = Cmi::new(&config, &dependencies(&clock())) else { panic!("{setting}") };
        assert_eq!(error.setting, setting);
    }
}
