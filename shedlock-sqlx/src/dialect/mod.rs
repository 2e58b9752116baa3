//! One module per database: its SQL, how it answers, and what its errors mean.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub(crate) use sqlite::names_no_file;

use std::future::Future;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use sqlx::error::DatabaseError;
use sqlx::{Connection, Database, Either, Encode, Executor, FromRow, IntoArguments, Type};

use crate::advice::Advice;
use crate::driver_error::Kind;
use crate::holder::Holder;
use crate::statement::answer::{Answer, Extended, Verdict};
use crate::statement::record::Record;
use crate::statement::{Statement, Statements, Value, Values};
use crate::table::Table;

/// How many statements stay prepared: all of them, whatever the service wants for its own.
const STATEMENTS: usize = 100;

/// How its connections are described.
pub(crate) type Options<D> = <<D as Database>::Connection as Connection>::Options;

/// An answer as it comes.
type Parts<'e, D> =
    BoxStream<'e, Result<Either<<D as Database>::QueryResult, <D as Database>::Row>, sqlx::Error>>;

/// What differs between the databases.
pub(crate) trait Dialect: Database {
    /// The sign around names.
    const QUOTE: char;
    /// The sign of numbered parameters (`$1`, `?1`), where a value that is used twice is sent once;
    /// without one they are `?`, in order.
    const NUMBERED: Option<char>;
    /// The smallest step of a stored instant, in microseconds.
    const STEP: i64;
    /// The types of columns that keep it.
    const TIMES: &'static str;
    /// Whether an acquire first looks by a statement that takes no lock in the store.
    const LOOKS_FIRST: bool;
    /// Whether its connections may be encrypted.
    const HAS_TLS: bool;
    /// What to look at when it does not answer.
    const ADVICE: &'static Advice;

    /// How many locks at least are faster together than one after the other.
    const MIN_BATCH: usize;

    /// The statements, as templates. By these, by [`tune`](Self::tune) or by
    /// [`greet`](Self::greet), a statement that waits in the store for others gives up before
    /// `patience` ends: nothing shall be granted when nobody waits for it any more. MySQL waits for
    /// a second at least, so with less patience a statement may outlive its caller.
    ///
    /// `holder` is what acquires will name.
    fn statements(table: &Table, patience: Duration, holder: &Holder) -> Statements;

    /// The options of connections that are only for locks.
    fn tune(options: Options<Self>, patience: Duration) -> Options<Self>;

    /// Prepares a new connection.
    fn greet(
        _connection: &mut Self::Connection,
        _patience: Duration,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Whether a second connection would see other data.
    fn is_private(_options: &Options<Self>) -> bool {
        false
    }

    /// Sends a statement and reads its answer to the end.
    fn exchange(
        connection: &mut Self::Connection,
        statement: &Statement,
        values: &[&Values],
    ) -> impl Future<Output = Result<Answer, sqlx::Error>> + Send;

    /// Rows affected, and the number carried home.
    fn counts(result: &Self::QueryResult) -> (u64, u64);

    /// Reads the answer to [`Statements::acquire`].
    fn verdict(answer: Answer, values: &Values) -> Verdict {
        Verdict::of(answer, values)
    }

    /// Reads the answer to [`Statements::extend`].
    fn extended(answer: &Answer) -> Extended {
        let record = answer.records.first();
        record.map_or(Extended::NotHeld, Extended::of)
    }

    /// What an error means.
    fn kind(error: &dyn DatabaseError) -> Kind;

    /// Whether an error is the last that a connection tells.
    fn ends_session(_error: &dyn DatabaseError) -> bool {
        false
    }

    /// Whether an error means that the database takes no such statement, whatever the values.
    fn is_unknown(error: &dyn DatabaseError) -> bool {
        is_unknown_by_state(error)
    }
}

/// By its SQLSTATE.
fn is_unknown_by_state(error: &dyn DatabaseError) -> bool {
    let state = error.code().unwrap_or_default();
    state.starts_with("42") || state.starts_with("0A")
}

/// Whether a lease that [`Statements::take_back`] has found by holder and `locked_at` is one to
/// take back. Also when it is over: a fire time may still be made up for. Then its exact
/// `locked_at` must be known, as that is gone with the first time, and its holder be no other
/// attempt's, which may have run it since.
fn to_take_back(still_runs: &str, holder: &Holder) -> String {
    if holder.tells_attempts_apart() {
        format!("({still_runs} OR $locked_at IS NOT NULL)")
    } else {
        still_runs.to_owned()
    }
}

/// [`Dialect::exchange`] of a statement with parameters, for every driver of sqlx.
async fn exchange<D>(
    connection: &mut D::Connection,
    statement: &Statement,
    values: &[&Values],
) -> Result<Answer, sqlx::Error>
where
    D: Dialect,
    D::Arguments: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    for<'e> String: Encode<'e, D> + Type<D>,
    for<'e> Option<i64>: Encode<'e, D> + Type<D>,
    for<'r> Record: FromRow<'r, D::Row>,
{
    let mut query = sqlx::query::<D>(statement.sql());
    for value in statement.values(values) {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Micros(micros) => query.bind(micros),
        };
    }
    read::<D>(connection.fetch_many(query)).await
}

/// Reads an answer to its end.
///
/// It reads on after the last row: a server commits after that, and only its final word says that
/// it did.
async fn read<D>(mut parts: Parts<'_, D>) -> Result<Answer, sqlx::Error>
where
    D: Dialect,
    for<'r> Record: FromRow<'r, D::Row>,
{
    let mut answer = Answer::default();
    while let Some(part) = parts.try_next().await? {
        match part {
            Either::Left(result) => (answer.affected, answer.carried) = D::counts(&result),
            Either::Right(row) => answer.records.push(Record::from_row(&row)?),
        }
    }
    Ok(answer)
}
