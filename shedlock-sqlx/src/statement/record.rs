use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, FromRow, Row, Type};

use crate::statement::Values;

/// What every statement that answers with rows answers with. Instants are microseconds since the
/// Unix epoch, 0 where the table has NULL (a lock that was never taken), and none where it has no
/// time.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) now: Option<i64>,
    /// The lock's place in a batch, where the store does not put them in order.
    #[cfg_attr(not(feature = "mysql"), expect(dead_code))]
    pub(crate) place: i64,
    pub(crate) done: Done,
    pub(crate) name: Option<String>,
    pub(crate) holder: Option<String>,
    pub(crate) locked_at: Option<i64>,
    pub(crate) lock_until: Option<i64>,
}

impl Record {
    /// Whether a lock was granted, but under another holder than was written.
    pub(crate) fn is_rewritten(&self, written: &Values) -> bool {
        self.done == Done::Changed && self.holder.as_deref() != Some(&*written.holder)
    }
}

/// What a statement did with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Nothing,
    /// What was asked for.
    Changed,
    /// Nothing, as another transaction is about to change the row: who asks again learns more. The
    /// record tells nothing else.
    Busy,
}

impl Done {
    /// How many there may be. The second column is the place times this, and what was done.
    pub(crate) const KINDS: i64 = 4;

    fn of(number: i64) -> Self {
        match number % Self::KINDS {
            1 => Self::Changed,
            2 => Self::Busy,
            _ => Self::Nothing,
        }
    }
}

/// The columns, in order.
type Columns = (
    Option<i64>,
    i64,
    Option<Text>,
    Option<Text>,
    Option<i64>,
    Option<i64>,
);

impl<'r, R: Row> FromRow<'r, R> for Record
where
    Columns: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let (now, number, name, holder, locked_at, lock_until) = Columns::from_row(row)?;
        Ok(Self {
            now,
            place: number / Done::KINDS,
            done: Done::of(number),
            name: name.map(|Text(name)| name),
            holder: holder.map(|Text(holder)| holder),
            locked_at,
            lock_until,
        })
    }
}

/// A text as far as it is one: SQLite has anything in any column, and a row of another lock must not
/// keep this one's from being read.
struct Text(String);

impl<D: Database> Type<D> for Text
where
    String: Type<D>,
{
    fn type_info() -> D::TypeInfo {
        String::type_info()
    }

    fn compatible(_: &D::TypeInfo) -> bool {
        true
    }
}

impl<'r, D: Database> Decode<'r, D> for Text
where
    Vec<u8>: Decode<'r, D>,
{
    fn decode(value: D::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = Vec::decode(value)?;
        Ok(Self(String::from_utf8(bytes).unwrap_or_else(|no_text| {
            String::from_utf8_lossy(no_text.as_bytes()).into_owned()
        })))
    }
}
