-- The lock table of shedlock. All times are UTC, as `YYYY-MM-DD HH:MM:SS.SSS`.
CREATE TABLE IF NOT EXISTS shedlock (
    name TEXT NOT NULL PRIMARY KEY,
    lock_until TEXT NOT NULL,
    locked_at TEXT NOT NULL,
    locked_by TEXT NOT NULL
);
