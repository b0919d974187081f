//! What events for partners are wired to.

use std::error::Error;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::clock::{SystemClock, SystemRandomness};
use super::config::Config;
use super::node::millis;
use crate::domain::Shard;
use crate::domain::ids::uuid_v7;
use crate::engine::Engine;
use crate::http::{ApiState, Shapes};
use crate::jobs::webhooks::{Known, WebhookConfig, WebhookJob};
use crate::notify::{AllowedAddresses, HttpNotifier, NotifierSettings};
use crate::ports::{Clock as _, Randomness as _};
use crate::services::Directory;
use crate::services::access::KeyFile;
use crate::services::webhooks::{Messages, WebhookKey, Webhooks};
use crate::storage::Storage;

/// The use cases of endpoints.
///
/// # Errors
/// When the key cannot be used, or there can be no HTTP client.
pub(super) fn webhooks(
    config: &Config,
    storage: &Storage,
    ledger: Arc<Engine>,
) -> Result<Arc<Webhooks>, Box<dyn Error>> {
    let settings = &config.webhooks;
    let addresses = if settings.allow_any_address { AllowedAddresses::Any } else { AllowedAddresses::Public };
    let notifier = HttpNotifier::new(NotifierSettings { answer_within_ms: settings.answer_within_ms, addresses });
    Ok(Arc::new(Webhooks {
        ledger,
        reads: storage.store.clone(),
        movements: storage.movements.clone(),
        outbox: storage.webhooks.clone(),
        notifier: Arc::new(notifier?),
        key: Arc::new(key(config)?),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        shards: storage.store.shards(),
        overlap_ms: millis(settings.secret_overlap_s.saturating_mul(1_000)),
    }))
}

/// From the configuration, or from a file, which is made when it is the one of the data directory.
fn key(config: &Config) -> Result<WebhookKey, Box<dyn Error>> {
    let settings = &config.webhooks;
    if !settings.secret_key.expose_secret().is_empty() {
        let key = WebhookKey::parse(&settings.secret_key);
        return key.map_err(|expected| format!("webhooks.secret_key: {expected}").into());
    }
    let is_own = settings.secret_key_file.as_os_str().is_empty();
    let path = if is_own { config.data_dir.join("webhook-key") } else { settings.secret_key_file.clone() };
    let draw = || WebhookKey::draw(&SystemRandomness);
    let make = is_own.then_some(&draw as &dyn Fn() -> secrecy::SecretString);
    let digits = KeyFile::new(&path).read_or_create(&SystemRandomness, make)?;
    WebhookKey::parse(&digits).map_err(|expected| format!("{}: {expected}", path.display()).into())
}

/// The job that sends.
pub(super) fn webhook_job(
    config: &Config,
    storage: &Storage,
    webhooks: &Webhooks,
    (api, directory): (ApiState, Arc<Directory>),
) -> WebhookJob {
    let mut random = [0; 10];
    SystemRandomness.fill(&mut random);
    WebhookJob {
        ledger: webhooks.ledger.clone(),
        reads: storage.store.clone(),
        movements: storage.movements.clone(),
        outbox: storage.webhooks.clone(),
        notifier: webhooks.notifier.clone(),
        messages: Messages {
            reads: storage.store.clone(),
            registry: storage.registry.clone(),
            directory,
            representations: Arc::new(Shapes(api)),
        },
        key: webhooks.key.clone(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        shards: storage.store.shards(),
        node: uuid_v7(SystemClock.now(), random, Shard::OPERATOR),
        config: WebhookConfig {
            poll_interval_ms: config.webhooks.poll_interval_ms,
            log_days: config.webhooks.log_days,
        },
        known: Known::default(),
    }
}
