//! Opening, probing and closing by a clock that the tests move.

use chrono::TimeDelta;
use futures::future::join_all;

use super::*;
use crate::{broker::test_redis::TestRedis, clock::Clock};

const MAIL: Service = Service::Gmail;

/// A Redis whose scripts read the time from a key, and the rules of the design.
struct Board {
    redis: TestRedis,
    broker: Broker,
    scripts: Scripts,
    rules: config::Breaker,
    now: DateTime<Utc>,
    account: AccountId,
}

impl Board {
    async fn start() -> Self {
        let redis = TestRedis::start();
        let secs = Duration::from_secs;
        let mut board = Self {
            broker: redis.broker(),
            redis,
            scripts: Scripts::by("local now_ms = tonumber(redis.call('GET', 'clock'))\n"),
            rules: config::Breaker {
                window: secs(30),
                least_calls: 20,
                failed_percent: 50,
                open: secs(30),
                probe: secs(15),
            },
            // From the real time on, because keys expire by it.
            now: Clock::default().now(),
            account: AccountId::generate(),
        };
        board.pass(0).await;
        board
    }

    async fn pass(&mut self, secs: i64) {
        self.now += TimeDelta::seconds(secs);
        let () = self.redis.command(&["SET", "clock", &self.now.timestamp_millis().to_string()]).await;
    }

    async fn admit_to(&self, account: AccountId, who: Uuid) -> Admitted {
        self.broker.admit_by(&self.scripts, &self.rules, MAIL, account, who).await.unwrap()
    }

    async fn admit(&self, who: Uuid) -> Admitted {
        self.admit_to(self.account, who).await
    }

    async fn note_of(&self, account: AccountId, who: Uuid, calls: u32, failed: u32) -> Option<u64> {
        let tally = Tally { calls, failed };
        let wait = self.broker.note_by(&self.scripts, &self.rules, MAIL, account, who, tally).await.unwrap();
        wait.map(|wait| wait.as_secs())
    }

    async fn note(&self, who: Uuid, calls: u32, failed: u32) -> Option<u64> {
        self.note_of(self.account, who, calls, failed).await
    }

    /// The account's breaker and the project's.
    async fn states(&self) -> (BreakerState, BreakerState) {
        let of = [(MAIL, Scope::Account(self.account)), (MAIL, Scope::Project)];
        let states = self.broker.breaker_states_by(&self.scripts, &of).await.unwrap();
        (states[0], states[1])
    }

    /// Keeps the project's breaker closed: others' calls go well.
    async fn others_do_well(&self) {
        assert_eq!(self.note_of(AccountId::generate(), Uuid::new_v4(), 1_000, 0).await, None);
    }

    /// Opens the account's breaker.
    async fn open(&self) {
        self.others_do_well().await;
        assert_eq!(self.note(Uuid::new_v4(), 20, 20).await, Some(30));
    }
}

fn wait_secs(secs: u64) -> Admitted {
    Admitted::Wait(Duration::from_secs(secs))
}

#[tokio::test]
async fn half_of_at_least_twenty_calls_opens() {
    let board = Board::start().await;
    let who = Uuid::new_v4();
    board.others_do_well().await;
    assert_eq!(board.note(who, 19, 19).await, None, "too few to judge by");
    assert_eq!(board.note(who, 20, 0).await, None, "19 of 39");
    assert_eq!(board.admit(who).await, Admitted::Freely);
    assert_eq!(board.note(who, 1, 1).await, Some(30), "20 of 40");
    assert_eq!(board.admit(who).await, wait_secs(30));
    let (account, project) = board.states().await;
    let BreakerState::Open(until) = account else { panic!("{account:?}") };
    assert_eq!((until - board.now).num_seconds(), 29, "to the millisecond");
    assert_eq!(project, BreakerState::Closed);
    assert_eq!(board.admit_to(AccountId::generate(), who).await, Admitted::Freely, "another account goes on");
}

#[tokio::test]
async fn calls_count_for_as_long_as_the_window_is() {
    let mut board = Board::start().await;
    let who = Uuid::new_v4();
    board.others_do_well().await;
    board.note(who, 15, 15).await;
    board.pass(29).await;
    board.note(who, 4, 4).await;
    board.pass(1).await;
    assert_eq!(board.note(who, 15, 15).await, None, "19 of 19: the first 15 count no more");
    assert_eq!(board.note(who, 1, 1).await, Some(30));
}

#[tokio::test]
async fn one_of_many_probes_and_closes_it_for_all() {
    let mut board = Board::start().await;
    board.open().await;
    board.pass(30).await;
    assert_eq!(board.states().await.0, BreakerState::HalfOpen);
    let everyone: Vec<Uuid> = (0..50).map(|_| Uuid::new_v4()).collect();
    let answers = join_all(everyone.iter().map(|who| board.admit(*who))).await;
    let probing = answers.iter().position(|answer| *answer == Admitted::AsProbe).expect("someone probes");
    let others = answers.iter().filter(|answer| **answer == Admitted::Wait(PROBE_PATIENCE)).count();
    assert_eq!(others, 49, "{answers:?}");
    assert_eq!(board.admit(everyone[probing]).await, Admitted::AsProbe, "who probes may ask again");

    // What others say, whose calls are older, is no answer.
    let other = everyone[(probing + 1) % 50];
    assert_eq!((board.note(other, 50, 0).await, board.states().await.0), (None, BreakerState::HalfOpen));
    assert_eq!(board.note(everyone[probing], 1, 0).await, None);
    assert_eq!(board.states().await.0, BreakerState::Closed);
    assert_eq!(board.admit(other).await, Admitted::Freely);
    assert_eq!(board.note(other, 20, 0).await, None);
    assert_eq!(board.note(other, 19, 19).await, None, "what was before does not count any more");
}

#[tokio::test]
async fn a_probe_that_is_answered_where_nothing_else_is_does_not_close_it_for_long() {
    let mut board = Board::start().await;
    let who = Uuid::new_v4();
    for (calls, failed, opens) in [(2, 2, true), (11, 6, true), (11, 5, false), (1, 1, false)] {
        board.open().await;
        board.pass(30).await;
        assert_eq!(board.admit(who).await, Admitted::AsProbe);
        assert_eq!(board.note(who, 1, 0).await, None);
        assert_eq!(board.note(who, calls, failed).await.is_some(), opens, "{failed} of {calls}");
        if opens {
            board.pass(30).await;
            assert_eq!(board.admit(who).await, Admitted::AsProbe);
            board.note(who, 1, 0).await;
            board.note(who, 1, 0).await;
        }
        assert_eq!(board.note(who, 2, 2).await, None, "it is no longer on trial");
        board.pass(31).await;
    }
}

#[tokio::test]
async fn a_probe_that_fails_opens_it_anew() {
    let mut board = Board::start().await;
    let who = Uuid::new_v4();
    board.open().await;
    board.pass(20).await;
    assert_eq!(board.note(who, 30, 30).await, Some(10), "calls that were on their way prolong nothing");
    assert_eq!(board.note(who, 30, 0).await, Some(10), "nor do they shorten it");
    board.pass(10).await;
    assert_eq!(board.admit(who).await, Admitted::AsProbe);
    assert_eq!(board.note(who, 1, 1).await, Some(30));
    assert_eq!(board.admit(who).await, wait_secs(30));
}

#[tokio::test]
async fn a_probe_whose_worker_died_is_sent_by_another() {
    let mut board = Board::start().await;
    let (dead, next) = (Uuid::new_v4(), Uuid::new_v4());
    board.open().await;
    board.pass(30).await;
    assert_eq!(board.admit(dead).await, Admitted::AsProbe);
    board.pass(14).await;
    assert_eq!(board.admit(next).await, Admitted::Wait(PROBE_PATIENCE));
    board.pass(1).await;
    assert_eq!(board.admit(next).await, Admitted::AsProbe);
    assert_eq!(board.note(dead, 1, 1).await, None, "it was not dead but late: the other's answer decides");
    assert_eq!(board.note(next, 1, 0).await, None);
    assert_eq!(board.states().await.0, BreakerState::Closed);
}

#[tokio::test]
async fn the_project_opens_by_what_all_accounts_meet() {
    let mut board = Board::start().await;
    let accounts: Vec<AccountId> = (0..4).map(|_| AccountId::generate()).collect();
    let who = Uuid::new_v4();
    for account in &accounts[..3] {
        assert_eq!(board.note_of(*account, who, 6, 5).await, None);
    }
    assert_eq!(board.note_of(accounts[3], who, 2, 0).await, Some(30), "15 of 20, of which none has met 20");
    assert_eq!(board.states().await, (BreakerState::Closed, BreakerState::Open(board.until(30))));
    assert_eq!(board.admit(who).await, wait_secs(30), "also one that has met no failure");

    // Where both are half open, one probe answers for both.
    for account in &accounts {
        board.note_of(*account, who, 20, 20).await;
    }
    board.pass(30).await;
    assert_eq!(board.admit_to(accounts[0], who).await, Admitted::AsProbe);
    assert_eq!(board.admit_to(accounts[1], Uuid::new_v4()).await, Admitted::Wait(PROBE_PATIENCE));
    board.note_of(accounts[0], who, 1, 0).await;
    assert_eq!(board.states().await.1, BreakerState::Closed);
    assert_eq!(board.admit_to(accounts[1], Uuid::new_v4()).await, Admitted::AsProbe, "its own is still to be probed");
}

impl Board {
    fn until(&self, secs: i64) -> DateTime<Utc> {
        let ms = (self.now + TimeDelta::seconds(secs)).timestamp_millis();
        DateTime::from_timestamp_millis(ms).unwrap()
    }
}

#[tokio::test]
async fn by_the_clock_of_redis_what_is_open_is_counted_and_forgotten_in_the_end() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let rules = config::Breaker {
        window: Duration::from_secs(30),
        least_calls: 2,
        failed_percent: 50,
        open: Duration::from_secs(30),
        probe: Duration::from_secs(15),
    };
    let who = Uuid::new_v4();
    let (ada, bob) = (AccountId::generate(), AccountId::generate());
    let tally = Tally { calls: 3, failed: 3 };
    assert_eq!(broker.admit(&rules, MAIL, ada, who).await.unwrap(), Admitted::Freely);
    assert_eq!(broker.note(&rules, MAIL, ada, who, Tally::default()).await.unwrap(), None);
    let wait = broker.note(&rules, MAIL, ada, who, tally).await.unwrap().expect("open");
    assert!(wait > Duration::from_secs(25) && wait <= Duration::from_secs(30), "{wait:?}");
    assert!(matches!(broker.admit(&rules, MAIL, bob, who).await.unwrap(), Admitted::Wait(_)), "the project's is open");
    broker.note(&rules, MAIL, bob, who, tally).await.unwrap();
    assert_eq!(broker.count_open_breakers(MAIL).await.unwrap(), 2, "the project's does not count");
    assert_eq!(broker.count_open_breakers(Service::Calendar).await.unwrap(), 0);
    let of = [(MAIL, Scope::Project), (MAIL, Scope::Account(ada)), (Service::Calendar, Scope::Account(ada))];
    let states = broker.breaker_states(&of).await.unwrap();
    assert!(matches!(states[..], [BreakerState::Open(_), BreakerState::Open(_), BreakerState::Closed]), "{states:?}");
    for key in ["test:breaker:gmail:project", "test:breakers:gmail"] {
        let ttl_secs: i64 = redis.command(&["TTL", key]).await;
        assert!((3_600..=3_630).contains(&ttl_secs), "{key}: {ttl_secs}");
    }
}
