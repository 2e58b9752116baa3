-- The lock table of shedlock, which Java ShedLock can share. All times are UTC.
-- DATETIME means the same in every time zone; the binary collation keeps `job` and `Job` apart.
CREATE TABLE IF NOT EXISTS shedlock (
    name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
    lock_until DATETIME(3) NOT NULL,
    locked_at DATETIME(3) NOT NULL,
    locked_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB;
