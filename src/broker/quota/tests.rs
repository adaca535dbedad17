//! Drawing by a clock that the tests move, so that minutes pass at once.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::broker::test_redis::TestRedis;
use crate::clock::Clock;

/// A Redis whose scripts read the time from a key.
struct Bank {
    redis: TestRedis,
    broker: Broker,
    scripts: Scripts,
    now: DateTime<Utc>,
}

impl Bank {
    async fn open() -> Self {
        let redis = TestRedis::start();
        let broker = redis.broker();
        let scripts = Scripts::by("local now_ms = tonumber(redis.call('GET', 'clock'))\n");
        // From the real time on, because keys expire by it.
        let mut bank = Self { redis, broker, scripts, now: Clock::default().now() };
        bank.pass(Duration::ZERO).await;
        bank
    }

    async fn pass(&mut self, time: Duration) {
        self.now += TimeDelta::from_std(time).unwrap();
        let () = self.redis.command(&["SET", "clock", &self.now.timestamp_millis().to_string()]).await;
    }

    /// Draws for one call of this price.
    async fn draw(&self, budgets: &[Budget], units: u32) -> Drawn {
        self.draw_some(budgets, units, 1..=1).await
    }

    async fn draw_some(&self, budgets: &[Budget], price: u32, calls: RangeInclusive<u32>) -> Drawn {
        self.broker.draw_by(&self.scripts, budgets, price, calls).await.unwrap()
    }

    async fn today(&self, key: &str) -> u64 {
        self.broker.drawn_today_by(&self.scripts, key).await.unwrap()
    }

    async fn used(&self, key: &str) -> u32 {
        self.broker.spent_by(&self.scripts, key).await.unwrap().into_iter().map(|(_, units)| units).sum()
    }
}

fn budget(key: &str, units_per_minute: u32) -> Budget {
    Budget { key: key.to_owned(), units_per_minute }
}

fn wait(drawn: Drawn) -> Duration {
    match drawn {
        Drawn::Granted(_) => panic!("granted"),
        Drawn::Wait(time) => time,
    }
}

#[tokio::test]
async fn a_spent_budget_names_the_exact_time_it_has_room_again() {
    let mut bank = Bank::open().await;
    let budgets = [budget("ada", 100)];
    assert_eq!(bank.draw(&budgets, 60).await, Drawn::Granted(1));
    bank.pass(Duration::from_secs(10)).await;
    assert_eq!(bank.draw(&budgets, 40).await, Drawn::Granted(1));
    assert_eq!(bank.used("ada").await, 100);

    let first_leaves = wait(bank.draw(&budgets, 60).await);
    let both_leave = wait(bank.draw(&budgets, 61).await);
    assert_eq!(both_leave, first_leaves + Duration::from_secs(10));
    assert!(first_leaves > Duration::from_secs(50) && first_leaves <= Duration::from_secs(51), "{first_leaves:?}");

    bank.pass(first_leaves - Duration::from_millis(1)).await;
    assert_eq!(wait(bank.draw(&budgets, 60).await), Duration::from_millis(1));
    bank.pass(Duration::from_millis(1)).await;
    assert_eq!(bank.draw(&budgets, 60).await, Drawn::Granted(1));
    assert_eq!(bank.used("ada").await, 100);
}

#[tokio::test]
async fn units_are_drawn_from_every_budget_or_from_none() {
    let bank = Bank::open().await;
    let (ada, project) = (budget("ada", 100), budget("project", 30));
    let both = [ada.clone(), project.clone()];
    assert_eq!(bank.draw(&both, 20).await, Drawn::Granted(1));
    assert!(matches!(bank.draw(&both, 20).await, Drawn::Wait(_)));
    assert_eq!((bank.used("ada").await, bank.used("project").await), (20, 20));
}

#[tokio::test]
async fn as_many_calls_are_paid_as_there_are_units_for() {
    let mut bank = Bank::open().await;
    let budgets = [budget("ada", 100), budget("project", 70)];
    assert_eq!(bank.draw_some(&budgets, 20, 1..=2).await, Drawn::Granted(2));
    assert_eq!(bank.draw_some(&budgets, 20, 1..=9).await, Drawn::Granted(1), "30 units are left");
    assert!(matches!(bank.draw_some(&budgets, 5, 3..=9).await, Drawn::Wait(_)), "10 units are left");
    bank.pass(Duration::from_secs(10)).await;
    assert_eq!(bank.draw_some(&budgets, 5, 1..=9).await, Drawn::Granted(2));
    assert_eq!((bank.used("ada").await, bank.used("project").await), (70, 70));

    // What comes back is told as it will come.
    let spent = bank.broker.spent_by(&bank.scripts, "ada").await.unwrap();
    let [(first, 60), (second, 10)] = spent[..] else { panic!("{spent:?}") };
    assert_eq!(second, first + Duration::from_secs(10));
    assert_eq!(wait(bank.draw_some(&budgets, 20, 1..=9).await), first);
    bank.pass(first).await;
    assert_eq!(bank.draw_some(&budgets, 20, 1..=9).await, Drawn::Granted(3));
    assert_eq!(bank.used("project").await, 70);
}

#[tokio::test]
async fn what_was_drawn_today_is_known_until_midnight() {
    let mut bank = Bank::open().await;
    // Begins a day, so that the first minutes are all in it.
    let to_midnight = 86_400 - bank.now.timestamp().rem_euclid(86_400);
    bank.pass(Duration::from_secs(to_midnight.unsigned_abs())).await;
    let budgets = [budget("ada", 100), budget("project", 1_000)];
    assert_eq!(bank.today("ada").await, 0);
    for _ in 0..3 {
        assert_eq!(bank.draw_some(&budgets, 20, 1..=4).await, Drawn::Granted(4));
        assert!(matches!(bank.draw_some(&budgets, 20, 4..=4).await, Drawn::Wait(_)), "what is refused counts nowhere");
        bank.pass(Duration::from_secs(61)).await;
    }
    assert_eq!((bank.today("ada").await, bank.today("project").await), (240, 240));
    bank.pass(Duration::from_secs(86_400)).await;
    assert_eq!(bank.today("ada").await, 0);
    assert_eq!(bank.draw(&budgets, 20).await, Drawn::Granted(1));
    assert_eq!((bank.today("ada").await, bank.today("project").await), (20, 20));
}

#[tokio::test]
async fn a_throttle_holds_every_draw_until_its_time_and_only_grows() {
    let mut bank = Bank::open().await;
    let budgets = [budget("ada", 100), budget("project", 100)];
    let in_secs = |secs| bank.now + TimeDelta::seconds(secs);
    for until in [in_secs(40), in_secs(90), in_secs(5), in_secs(-5)] {
        bank.broker.throttle_by(&bank.scripts, "ada", until).await.unwrap();
    }
    assert_eq!(wait(bank.draw(&budgets, 1).await), Duration::from_secs(90));
    assert_eq!(bank.draw(&budgets[1..], 1).await, Drawn::Granted(1));
    bank.pass(Duration::from_secs(90)).await;
    assert_eq!(bank.draw(&budgets, 1).await, Drawn::Granted(1));

    bank.broker.throttle_by(&bank.scripts, "ada", DateTime::<Utc>::MAX_UTC).await.unwrap();
    assert_eq!(wait(bank.draw(&budgets, 1).await), LONGEST_THROTTLE);
}

#[tokio::test]
async fn more_than_a_whole_budget_is_an_error_of_ours() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let budgets = [budget("ada", 10), budget("project", 5)];
    let refused = broker.draw(&budgets, 2, 3..=9).await;
    assert!(matches!(refused, Err(Error::OverBudget { units: 6, units_per_minute: 5, .. })), "{refused:?}");
    assert_eq!(broker.draw(&budgets, 5, 1..=1).await.unwrap(), Drawn::Granted(1));
}

#[tokio::test]
async fn by_the_clock_of_redis_the_ledger_counts_and_expires_by_itself() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let budgets = [budget("ada", 10)];
    assert_eq!(broker.draw(&budgets, 10, 1..=1).await.unwrap(), Drawn::Granted(1));
    let spent = broker.spent("ada").await.unwrap();
    assert!(matches!(spent.as_slice(), [(back, 10)] if *back > Duration::from_secs(55)), "{spent:?}");
    let time = wait(broker.draw(&budgets, 1, 1..=1).await.unwrap());
    assert!(time > Duration::from_secs(55) && time <= Duration::from_secs(61), "{time:?}");
    let ttl_secs: i64 = redis.command(&["TTL", "test:quota:ada"]).await;
    assert!((1..=61).contains(&ttl_secs), "{ttl_secs}");

    let until = Clock::default().now() + TimeDelta::hours(1);
    broker.throttle("ada", until).await.unwrap();
    assert!(wait(broker.draw(&budgets, 1, 1..=1).await.unwrap()) > Duration::from_secs(3_500));
    let ttl_secs: i64 = redis.command(&["TTL", "test:throttle:ada"]).await;
    assert!((3_500..=3_600).contains(&ttl_secs), "{ttl_secs}");
}

/// Many drawers at once, again and again, with time passing in between: no minute, wherever it begins, holds more than
/// the budget, and whoever waits as long as told and is alone is granted.
#[test]
fn no_minute_exceeds_the_budget_whoever_draws_and_whenever() {
    const UNITS_PER_MINUTE: u32 = 100;
    let round = (prop::collection::vec(1..=UNITS_PER_MINUTE / 2, 1..20), 0..20_000u64);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() });
    let checked = runner.run(&prop::collection::vec(round, 10..40), |rounds| {
        let granted = runtime.block_on(draw_in_rounds(rounds, UNITS_PER_MINUTE));
        for (start, _) in &granted {
            let end = *start + TimeDelta::minutes(1);
            let units: u32 = granted.iter().filter(|(at, _)| at >= start && *at < end).map(|(_, units)| units).sum();
            prop_assert!(units <= UNITS_PER_MINUTE, "{units} within a minute from {start}");
        }
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Plays the rounds, each some draws at once and then a time that passes, and gives what was granted and when.
async fn draw_in_rounds(rounds: Vec<(Vec<u32>, u64)>, units_per_minute: u32) -> Vec<(DateTime<Utc>, u32)> {
    let mut bank = Bank::open().await;
    let budgets = [budget("ada", units_per_minute)];
    let mut granted = Vec::new();
    for (draws, pass_ms) in rounds {
        let drawn = join_all(draws.iter().map(|units| bank.draw(&budgets, *units))).await;
        let now = bank.now;
        granted
            .extend(draws.iter().zip(&drawn).filter(|(_, drawn)| **drawn == Drawn::Granted(1)).map(|(u, _)| (now, *u)));
        bank.pass(Duration::from_millis(pass_ms)).await;
    }
    if let Drawn::Wait(time) = bank.draw(&budgets, units_per_minute).await {
        bank.pass(time).await;
        assert_eq!(bank.draw(&budgets, units_per_minute).await, Drawn::Granted(1), "waited as told");
    }
    granted.push((bank.now, units_per_minute));
    granted
}
