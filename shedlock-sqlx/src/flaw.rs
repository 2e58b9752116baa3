//! What is wrong with a table, as its [probe](crate::statement::Statements::probe) tells in the
//! place of a holder: a word for each flaw, with commas between them. What would break a promise at
//! once is an error; of what will some day, whoever runs a fleet on it is warned.

use crate::dialect::Dialect;
use crate::error::Failure;
use crate::statement::answer::Answer;
use crate::store::SqlStore;

/// `locked_at` or `lock_until` cuts off what makes the smallest step, or keeps no instants at all.
pub(crate) const COARSE: &str = "coarse";
/// A name may be in several rows.
pub(crate) const NOT_UNIQUE: &str = "not-unique";
/// It is a view, of which the server does not tell whether a name may be in several rows.
#[cfg(feature = "mysql")]
pub(crate) const VIEW: &str = "view";
/// Its name without a schema means a type of the database, where its row would be meant.
pub(crate) const TYPE_NAME: &str = "type-name";
/// The server empties the table when it has crashed, and has none of it on its standbys.
pub(crate) const UNLOGGED: &str = "unlogged";
/// The server keeps the table in its memory only.
#[cfg(feature = "mysql")]
pub(crate) const IN_MEMORY: &str = "in-memory";
/// The server numbers the rows, in a column whose name follows, and has not numbers enough.
pub(crate) const FEW_NUMBERS: &str = "few-numbers ";

impl<D: Dialect> SqlStore<D> {
    /// Whether `locked_at` grows with every acquisition and comes back as it was written, so that
    /// it tells whose a lock is, and whether all who ask for a lock ask for the same row.
    pub(crate) fn can_keep_locks(&self, probed: &Answer) -> Result<(), Failure> {
        let of_table = probed.records.iter().filter(|record| record.name.is_none());
        let told = of_table.filter_map(|record| record.holder.as_deref());
        let flaws = told.flat_map(|told| told.split(", "));
        for flaw in flaws.filter(|flaw| !flaw.is_empty()) {
            let table = self.table.clone();
            match flaw {
                COARSE => {
                    let right = D::TIMES;
                    return Err(Failure::Coarse { table, right });
                }
                NOT_UNIQUE => return Err(Failure::NotUnique { table }),
                #[cfg(feature = "mysql")]
                VIEW => return Err(Failure::View { table }),
                TYPE_NAME => return Err(Failure::TypeName { table }),
                // Once is enough: locks may be listed every other second.
                _ => self.warned.call_once(|| warn(&table, flaw)),
            }
        }
        self.check.pass();
        Ok(())
    }
}

fn warn(table: &str, flaw: &str) {
    if flaw == UNLOGGED {
        tracing::warn!(
            table,
            "this lock table is UNLOGGED, so it is empty after a crash of the server, or when a standby takes over: what is locked then is free, and what ran may run again; ALTER TABLE .. SET LOGGED cures it"
        );
    }
    #[cfg(feature = "mysql")]
    if flaw == IN_MEMORY {
        tracing::warn!(
            table,
            "the ENGINE of this lock table is MEMORY, so it is empty after a restart of the server: what is locked then is free, and what ran may run again; ALTER TABLE .. ENGINE = InnoDB cures it"
        );
    }
    if let Some(column) = flaw.strip_prefix(FEW_NUMBERS) {
        tracing::warn!(
            table,
            column,
            "each request for a lock uses up a number of this AUTO_INCREMENT column of the lock table, also if it is refused, and when there are none left no lock is granted any more: make it BIGINT"
        );
    }
}
