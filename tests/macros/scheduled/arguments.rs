//! What the attribute's arguments say, as literals and as expressions.

use std::sync::LazyLock;
use std::time::Duration;

use shedlock::{InMemoryLockProvider, Misfire, OnLost, ScheduledJob, Scheduler, Tz, scheduled};

use crate::{assert_same, by_hand};

#[scheduled(cron = "0 */15 * * * *")]
async fn with_cron() {}

#[scheduled(every = "30s")]
async fn with_every() {}

// Where a zone cannot matter it does no harm.
#[scheduled(every = "1h", zone = "Asia/Seoul")]
async fn with_every_in_zone() {}

#[scheduled(every = "1d", zone = "UTC")]
async fn with_every_in_utc() {}

#[scheduled(
    cron = "0 0 7 * * MON-FRI",
    zone = "Asia/Seoul",
    lock = "every-argument",
    at_least = "59s",
    at_most = "PT14M",
    keep_alive,
    on_lost = "continue",
    misfire = "once",
    provider = "reports",
    name = "named"
)]
async fn with_every_argument() {}

#[scheduled(
    every = "30s",
    lock = "words",
    at_most = "1m",
    keep_alive = false,
    on_lost = "cancel",
    misfire = "skip"
)]
async fn with_default_words() {}

#[test]
fn literals() {
    assert_same(
        with_cron::job(),
        by_hand("with_cron").cron("0 */15 * * * *"),
    );
    assert_same(with_every::job(), by_hand("with_every").every("30s"));
    assert_same(
        with_every_in_zone::job(),
        by_hand("with_every_in_zone").every("1h").zone("Asia/Seoul"),
    );
    assert_same(
        with_every_in_utc::job(),
        by_hand("with_every_in_utc").every("1d").zone("UTC"),
    );
    assert_same(
        with_every_argument::job(),
        by_hand("named")
            .cron("0 0 7 * * MON-FRI")
            .zone(Tz::Asia__Seoul)
            .lock("every-argument")
            .at_least("59s")
            .at_most("14m")
            .keep_alive(true)
            .on_lost(OnLost::Continue)
            .misfire(Misfire::Once)
            .provider("reports"),
    );
    assert_same(
        with_default_words::job(),
        by_hand("with_default_words")
            .every("30s")
            .lock("words")
            .at_most("1m"),
    );
}

const PERIOD: Duration = Duration::from_secs(90);

struct Settings {
    zone: Tz,
    keep_alive: bool,
}

static SETTINGS: Settings = Settings {
    zone: Tz::Europe__Berlin,
    keep_alive: true,
};

#[scheduled(
    every = PERIOD,
    zone = SETTINGS.zone,
    lock = format!("{}-report", "daily"),
    at_least = PERIOD / 2,
    at_most = 2 * PERIOD,
    keep_alive = SETTINGS.keep_alive && !cfg!(any()),
    on_lost = OnLost::Continue,
    misfire = if SETTINGS.keep_alive { Misfire::Once } else { Misfire::Skip },
    provider = String::from("reports"),
    name = concat!("report", "-", "job"),
)]
async fn with_expressions() {}

static CONFIGURED_ZONE: LazyLock<String> = LazyLock::new(|| "Europe/Berlin".to_owned());

#[scheduled(cron = String::from("@daily"), zone = &*CONFIGURED_ZONE)]
async fn with_texts() {}

// In a literal they would seem to be placeholders.
#[scheduled(every = "30s", lock = String::from("job-{a}"), at_most = "1m")]
async fn with_braces() {}

#[test]
fn expressions() {
    assert_same(
        with_expressions::job(),
        by_hand("report-job")
            .every("90s")
            .zone("Europe/Berlin")
            .lock("daily-report")
            .at_least("45s")
            .at_most("3m")
            .keep_alive(true)
            .on_lost(OnLost::Continue)
            .misfire(Misfire::Once)
            .provider("reports"),
    );
    assert_same(
        with_texts::job(),
        by_hand("with_texts")
            .cron("@daily")
            .zone(Tz::Europe__Berlin),
    );
    assert_same(
        with_braces::job(),
        by_hand("with_braces")
            .every("30s")
            .lock("job-{a}")
            .at_most("1m"),
    );
}

#[scheduled(cron = ["* * *", ""].concat(), lock = "wrong", at_most = ["1", "x"].concat())]
async fn with_wrong_expressions() {}

#[test]
fn wrong_expressions_fail_the_build() {
    let builder = Scheduler::builder(InMemoryLockProvider::new()).job::<with_wrong_expressions>();
    let error = builder.build().unwrap_err().to_string();
    assert!(
        error.contains("job `with_wrong_expressions`: a cron line has 5, 6 or 7 fields"),
        "{error}"
    );
    assert!(
        error.contains("job `with_wrong_expressions`: `1x` is not a duration"),
        "{error}"
    );
}
