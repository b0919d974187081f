//! Users and PINs on every store: what guessing, waiting and forgetting lead to.

use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::records::{PinPolicy, User};
use taabia::domain::{ClientId, Record};
use taabia::ledger::user::UserRefusal;
use taabia::ledger::{Request, command::PutRecord};
use taabia::services::access::SecretHasher;
use taabia::services::{Caller, Directory, PinRefusal, Scope, ServiceError, UserPlace, Users, Verification};

use crate::support::world::{Books, World};
use crate::support::{SeededRandomness, on_every_store};

/// A world with an outlet R1, whose user `amine` has the PIN 407193.
struct Outlet {
    world: World,
    /// One per node.
    users: Vec<Arc<Users>>,
}

fn service(world: &World, node: usize) -> Arc<Users> {
    let randomness = Arc::new(SeededRandomness::new(5));
    Arc::new(Users {
        directory: Arc::new(Directory::new(world.books.registry.clone(), world.books.store.shards())),
        ledger: world.nodes[node].clone(),
        reads: world.books.store.clone(),
        pins: Arc::new(SecretHasher::new(randomness.clone(), 2, 64).unwrap()),
        clock: world.clock.clone(),
        randomness,
    })
}

impl Outlet {
    async fn new(books: Books) -> Self {
        let mut world = World::new(books).await;
        if world.books.store.max_posters() > 1 {
            world = world.node(&taabia::engine::EngineConfig::default());
        }
        world.reseller("R1", 0).await;
        let users: Vec<_> = (0..world.nodes.len()).map(|node| service(&world, node)).collect();
        let outlet = Self { world, users };
        let (caller, place) = (outlet.caller(1), outlet.place());
        outlet.users[0].create(&caller, place, "Amine".into(), "407193".parse().unwrap()).await.unwrap();
        outlet
    }

    fn caller(&self, number: u128) -> Caller {
        Caller {
            client: ClientId::from_uuid(uuid::Uuid::from_u128(number)),
            partner: self.world.partner,
            name: "test".into(),
            scopes: [Scope::NetworkWrite].into(),
            roots: [self.world.id("R1")].into(),
            rate_limit_per_s: None,
            address: None,
            request: None,
        }
    }

    fn place(&self) -> UserPlace {
        UserPlace { reseller: self.world.id("R1"), login: "amine".parse().unwrap() }
    }

    async fn verify(&self, pin: &str) -> Verification {
        self.users[0].verify(&self.caller(1), self.place(), pin.to_owned().into()).await.unwrap()
    }

    async fn record(&self) -> Record {
        let page = self.users[0].list(&self.caller(1), self.world.id("R1"), None, 10).await.unwrap();
        page.items.into_iter().next().unwrap()
    }

    async fn user(&self) -> User {
        self.record().await.body::<User>().unwrap().clone()
    }

    fn minutes(&self, minutes: i64) {
        self.world.clock.advance_ms(minutes * 60_000);
    }
}

on_every_store!(of_64_guesses_at_once_five_are_compared, async |books: Books| {
    let outlet = Outlet::new(books).await;
    let guesses: Vec<String> = (0..64).map(|n| if n == 40 { "407193".into() } else { format!("5{n:05}") }).collect();
    let before = outlet.record().await.version();
    let caller = outlet.caller(1);
    let answers = join_all(guesses.iter().enumerate().map(|(n, guess)| {
        let users = &outlet.users[n % outlet.users.len()];
        users.verify(&caller, outlet.place(), guess.clone().into())
    }))
    .await;
    let verified = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.verified)).count();
    let record = outlet.record().await;
    let compared = record.version() - before;
    // The right one may have been among the first five: then it was counted as right, too, and opened the lock.
    if verified == 0 {
        assert_eq!(compared, 5, "each compared guess is counted");
        let locked = record.body::<User>().unwrap().locked_until_ms.unwrap();
        assert_eq!(locked, outlet.world.clock.now_ms() + 15 * 60_000);
        assert!(!outlet.verify("407193").await.verified, "the right PIN does not open a lock");
        assert_eq!(outlet.record().await.version(), record.version(), "while locked nothing is compared");
        outlet.minutes(15);
        assert!(outlet.verify("407193").await.verified);
    }
    outlet.world.close().await;
});

on_every_store!(each_lock_lasts_twice_as_long_until_the_right_pin, async |books: Books| {
    let outlet = Outlet::new(books).await;
    for minutes in [15, 30, 60] {
        for attempt in 1..=5 {
            let answer = outlet.verify("555555").await;
            assert_eq!((answer.verified, answer.locked_until.is_some()), (false, attempt == 5));
        }
        outlet.minutes(minutes - 1);
        assert!(!outlet.verify("407193").await.verified, "{minutes} minutes are not over");
        outlet.minutes(1);
    }
    assert!(outlet.verify("407193").await.verified);
    let user = outlet.user().await;
    assert_eq!((user.attempts, user.lockouts, user.locked_until_ms), (0, 0, None));
    outlet.world.close().await;
});

on_every_store!(a_pin_is_changed_by_who_knows_it, async |books: Books| {
    let outlet = Outlet::new(books).await;
    let change = async |pin: &str, new: &str| {
        let new = new.parse().unwrap();
        outlet.users[0].change_pin(&outlet.caller(1), outlet.place(), pin.to_owned().into(), new).await.unwrap()
    };
    assert!(!change("555555", "830517").await.verified);
    assert_eq!(outlet.user().await.attempts, 1, "a wrong one counts");
    assert!(change("407193", "830517").await.verified);
    assert!(!outlet.verify("407193").await.verified);
    assert!(outlet.verify("830517").await.verified);
    let hash = outlet.user().await.pin_secret.0;
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    outlet.world.close().await;
});

on_every_store!(a_reset_takes_two_people, async |books: Books| {
    let outlet = Outlet::new(books).await;
    let (maker, checker) = (outlet.caller(1), outlet.caller(2));
    let users = &outlet.users[0];
    let approve = async |caller: &Caller| users.approve_reset(caller, outlet.place(), "seen").await;
    let nothing = ServiceError::User(UserRefusal::NoResetPending);
    assert_eq!(approve(&checker).await.unwrap_err(), nothing);
    users.request_reset(&maker, outlet.place(), "forgotten".into()).await.unwrap();
    let again = users.request_reset(&maker, outlet.place(), "forgotten".into()).await;
    assert_eq!(again.unwrap_err(), ServiceError::User(UserRefusal::ResetPending));
    assert_eq!(approve(&maker).await.unwrap_err(), ServiceError::User(UserRefusal::SamePerson));
    outlet.minutes(24 * 60);
    assert_eq!(approve(&checker).await.unwrap_err(), nothing, "it has expired");
    users.request_reset(&maker, outlet.place(), "forgotten".into()).await.unwrap();
    users.refuse_reset(&checker, outlet.place(), "not seen").await.unwrap();
    assert_eq!(approve(&checker).await.unwrap_err(), nothing, "it was refused");
    users.request_reset(&maker, outlet.place(), "forgotten".into()).await.unwrap();
    // Two approve at once: one of them gets a PIN.
    let both = join_all([approve(&checker), approve(&checker)]).await;
    let (pins, late): (Vec<_>, Vec<_>) = both.into_iter().partition(Result::is_ok);
    assert_eq!((pins.len(), late.len()), (1, 1));
    let pin = pins.into_iter().next().unwrap().unwrap().1;
    assert!(!outlet.verify("407193").await.verified);
    let proof = outlet.verify(pin.as_str()).await;
    assert_eq!((proof.verified, proof.must_change, proof.cooling_until.is_some()), (false, true, true));
    assert_eq!(proof.refusal, Some(PinRefusal::MustChange), "the one who drew it knows it too");
    let new = "830517".parse().unwrap();
    let changed = users.change_pin(&maker, outlet.place(), pin.as_str().to_owned().into(), new).await.unwrap();
    assert!(changed.verified, "changing it is what the user may do");
    let proof = outlet.verify("830517").await;
    assert_eq!((proof.verified, proof.refusal), (false, Some(PinRefusal::CoolingOff)));
    outlet.minutes(24 * 60);
    let proof = outlet.verify("830517").await;
    assert_eq!((proof.verified, proof.refusal), (true, None));
    outlet.world.close().await;
});

on_every_store!(another_device_starts_a_cooling_off, async |books: Books| {
    let outlet = Outlet::new(books).await;
    let tell = async |device: &str| {
        outlet.users[0].set_device(&outlet.caller(1), outlet.place(), device).await.unwrap().version()
    };
    let first = tell("sim-1").await;
    assert_eq!(outlet.verify("407193").await.cooling_until, None, "the first device is no change");
    let after = outlet.record().await.version();
    assert!(first < after && tell("sim-1").await == after, "the same again changes nothing");
    tell("sim-2").await;
    let right = outlet.verify("407193").await;
    assert_eq!((right.verified, right.refusal), (false, Some(PinRefusal::CoolingOff)), "the right PIN is not enough");
    assert!(right.cooling_until.is_some());
    let wrong = outlet.verify("555555").await;
    assert_eq!((wrong.refusal, wrong.cooling_until), (Some(PinRefusal::WrongPin), None), "who guesses learns nothing");
    outlet.minutes(24 * 60);
    let right = outlet.verify("407193").await;
    assert_eq!((right.verified, right.refusal, right.cooling_until), (true, None, None));
    assert!(!outlet.record().await.text().contains("sim-2"), "only a digest is kept");
    outlet.world.close().await;
});

on_every_store!(the_policy_is_configuration_that_decisions_read, async |books: Books| {
    let outlet = Outlet::new(books).await;
    let (key, _) = crate::support::world::record(None, 0);
    let content = PinPolicy { attempts: 2, lock_s: 60, ..PinPolicy::default() }.into();
    outlet.world.must(Request::PutRecord(PutRecord { key, expected: Some(0), content })).await;
    assert_eq!(outlet.verify("555555").await.locked_until, None);
    assert!(outlet.verify("555555").await.locked_until.is_some());
    outlet.minutes(1);
    assert!(outlet.verify("407193").await.verified);
    outlet.world.close().await;
});
