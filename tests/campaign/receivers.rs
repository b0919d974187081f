//! Partners' endpoints for events, with every fault that a receiver can have, and what they were told.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use taabia::domain::{EventId, EventType};
use taabia::ports::{Notice, Notifier, SendFailure, Sent};
use tokio::time::{Instant, sleep};

use crate::support::SeededRandomness;

/// As long as a sender waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
struct Body {
    r#type: String,
    sequence: i64,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    id: String,
}

/// What an endpoint took in.
#[derive(Default)]
pub struct Taken {
    /// By shard and sequence: the event that was told, as its number; 0 is none.
    pub told: Vec<Vec<u8>>,
    /// By operation: the last event that was told for the first time.
    last: HashMap<Box<[u8]>, i64>,
    pub first: u64,
    pub again: u64,
    pub refused: u64,
    pub wrong: Vec<String>,
}

impl Taken {
    pub fn take(&mut self, id: &str, body: &str) {
        if let Err(wrong) = self.check(id, body) {
            self.wrong.push(wrong);
        }
    }

    fn check(&mut self, named: &str, body: &str) -> Result<(), String> {
        let id: EventId = named.parse().map_err(str::to_owned)?;
        let body: Body = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let event = EventType::ALL.into_iter().find(|event| event.name() == body.r#type);
        let event = event.ok_or_else(|| format!("there is no event {}", body.r#type))?;
        if body.sequence != id.sequence {
            return Err(format!("{named} has the sequence {}", body.sequence));
        }
        let (shard, place) = (id.shard.index(), usize::try_from(id.sequence).unwrap());
        self.told.resize_with(self.told.len().max(shard + 1), Vec::new);
        let told = &mut self.told[shard];
        told.resize(told.len().max(place + 1), 0);
        let number = number(event);
        match std::mem::replace(&mut told[place], number) {
            0 => self.first += 1,
            before if before == number => {
                self.again += 1;
                return Ok(());
            }
            before => return Err(format!("{named} is event {before} and {number}")),
        }
        let subject = uuid::Uuid::try_parse(&body.data.id[4..]).map_err(|error| error.to_string())?;
        let before = self.last.insert(subject.as_bytes()[..].into(), id.sequence);
        match before.filter(|before| *before > id.sequence) {
            Some(before) => Err(format!("{}: {} was told after {before}", body.data.id, id.sequence)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, {} again, {} refused", self.first, self.again, self.refused)
    }
}

/// The number by which an event is remembered.
pub fn number(event: EventType) -> u8 {
    u8::try_from(event.code()).unwrap()
}

/// Partners' servers, by their addresses.
pub struct Receivers {
    random: SeededRandomness,
    begun: Instant,
    taken: HashMap<&'static str, Mutex<Taken>>,
}

/// It takes all events, and is down for half an hour twice a day.
pub const BANK: &str = "https://bank.example/events";
/// It wants to know how things ended.
pub const APP: &str = "https://app.example/events";

fn is_down(url: &str, at: Duration) -> bool {
    let minute = at.as_secs() / 60 % 1_440;
    url == BANK && matches!(minute, 600..630 | 1_170..1_200)
}

impl Receivers {
    pub fn new(seed: u64) -> Arc<Self> {
        let taken = [BANK, APP].map(|url| (url, Mutex::default())).into();
        Arc::new(Self { random: SeededRandomness::new(seed ^ 0x4eb), begun: Instant::now(), taken })
    }

    pub fn of<T>(&self, url: &str, look: impl FnOnce(&mut Taken) -> T) -> T {
        look(&mut self.taken[url].lock().unwrap())
    }

    /// Takes it in, and lets the sender know or not.
    fn take(&self, notice: &Notice, sent: Sent) -> Sent {
        self.of(&notice.url, |taken| taken.take(&notice.id, &notice.body));
        sent
    }

    fn refuse(&self, notice: &Notice, sent: Sent) -> Sent {
        self.of(&notice.url, |taken| taken.refused += 1);
        sent
    }
}

#[async_trait]
impl Notifier for Receivers {
    async fn send(&self, notice: &Notice) -> Sent {
        let (fate, time) = (self.random.next() % 10_000, self.random.next());
        if is_down(&notice.url, self.begun.elapsed()) {
            sleep(Duration::from_millis(time % 50)).await;
            return self.refuse(notice, Ok(503));
        }
        match fate {
            0..100 => self.refuse(notice, Ok(500)),
            100..130 => self.refuse(notice, Ok(302)),
            130..160 => self.refuse(notice, Ok(429)),
            160..200 => self.refuse(notice, Err(SendFailure::Connection)),
            200..240 => self.take(notice, Err(SendFailure::Connection)),
            // Those that wait hold up the few that are sent beside them: more of them, and a million is not told in a day.
            240..244 => {
                sleep(ANSWER_WITHIN).await;
                self.refuse(notice, Err(SendFailure::Timeout))
            }
            244..248 => {
                self.take(notice, Ok(200))?;
                sleep(ANSWER_WITHIN).await;
                Err(SendFailure::Timeout)
            }
            248..258 => {
                sleep(Duration::from_millis(1_000 + time % 9_000)).await;
                self.take(notice, Ok(200))
            }
            _ => {
                sleep(Duration::from_millis(5 + time % 60)).await;
                self.take(notice, Ok(204))
            }
        }
    }

    fn check(&self, _: &str) -> Result<(), &'static str> {
        Ok(())
    }
}
