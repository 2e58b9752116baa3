use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};

use super::*;
use crate::table::Columns;

/// The statements about locks that are ahead of the clock, as it was set back.
struct Ahead {
    statements: Statements,
    connection: SqliteConnection,
}

impl Ahead {
    /// Each was taken a minute from now, for a minute.
    async fn new(locks: &[&Values]) -> Self {
        let table = Table::new("shedlock", &Columns::default(), Sqlite::QUOTE).unwrap();
        let holder = Holder::of_this_process();
        let statements = Sqlite::statements(&table, Duration::from_secs(1), &holder);
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let create = AssertSqlSafe(statements.create.clone());
        connection.execute(create).await.unwrap();
        let mut ahead = Self {
            statements,
            connection,
        };
        for lock in locks {
            let insert = format!("INSERT INTO shedlock VALUES ('{}', '', '', 'a')", lock.name);
            ahead.run(insert).await;
        }
        let (at, until) = (at_clock("+1 minute"), at_clock("+2 minutes"));
        ahead
            .run(format!(
                "UPDATE shedlock SET locked_at = {at}, lock_until = {until}"
            ))
            .await;
        ahead
    }

    async fn run(&mut self, sql: String) {
        self.connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    /// How many of them.
    async fn count(&mut self, which: &str) -> i64 {
        let count = format!("SELECT count(*) FROM shedlock WHERE {which}");
        let count = sqlx::query_scalar(AssertSqlSafe(count));
        count.fetch_one(&mut self.connection).await.unwrap()
    }

    async fn take_back(&mut self, locks: &[&Values]) -> u64 {
        let Forms { single, batch } = &self.statements.take_back;
        let template = match (locks, batch) {
            ([_, _, ..], Some((many, _))) => many,
            _ => single,
        };
        let statement = Statement::compile(template, Sqlite::NUMBERED);
        let answer = Sqlite::exchange(&mut self.connection, &statement, locks).await;
        answer.unwrap().affected
    }
}

fn at_clock(offset: &str) -> String {
    format!("strftime('%Y-%m-%d %H:%M:%f', 'now', '{offset}')")
}

#[tokio::test]
async fn what_is_ahead_of_the_clock_is_taken_back_once() {
    let lost = |name: &str| Values {
        name: name.into(),
        holder: "a".into(),
        ..Values::default()
    };
    let [one, two, three] = ["one", "two", "three"].map(lost);
    for locks in [&[&one][..], &[&one, &two, &three]] {
        let mut ahead = Ahead::new(locks).await;
        let all = locks.len();
        assert_eq!(ahead.take_back(locks).await, all as u64);
        let free = format!("lock_until <= {}", at_clock("0 seconds"));
        assert_eq!(ahead.count(&free).await, all as i64);
        assert_eq!(ahead.take_back(locks).await, 0);
        // The clock is set back again.
        let later =
            |column| format!("{column} = strftime('%Y-%m-%d %H:%M:%f', {column}, '+1 hour')");
        let [at, until] = ["locked_at", "lock_until"].map(later);
        ahead
            .run(format!("UPDATE shedlock SET {at}, {until}"))
            .await;
        assert_eq!(ahead.take_back(locks).await, 0);
    }
}
