-- The lock table as ShedLock tutorials for MySQL have it.
CREATE TABLE IF NOT EXISTS shedlock (
    name       VARCHAR(64)  NOT NULL                COMMENT 'lock name',
    lock_until timestamp(3) NULL DEFAULT NULL       COMMENT 'held until',
    locked_at  timestamp(3) NULL DEFAULT NULL       COMMENT 'held since',
    locked_by  VARCHAR(255) NULL DEFAULT NULL       COMMENT 'held by',
    PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='locks of scheduled jobs';
