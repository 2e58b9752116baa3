import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import net.javacrumbs.shedlock.core.ClockProvider;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;
import org.springframework.jdbc.core.JdbcTemplate;

/** Counts in the database under a lock, by reading and then writing: exact only if nobody else is in there. */
final class Counter {
    private static final Duration AT_MOST = Duration.ofSeconds(60);

    private final LockProvider locks;
    private final JdbcTemplate sql;
    private final String table;

    Counter(LockProvider locks, JdbcTemplate sql, String table) {
        this.locks = locks;
        this.sql = sql;
        this.table = table;
    }

    String count(Duration time, List<String> names) {
        long end = System.nanoTime() + time.toNanos();
        Map<String, Long> counted = new TreeMap<>();
        long overlaps = 0;
        List<String> order = new ArrayList<>(names);
        while (System.nanoTime() < end) {
            Collections.shuffle(order);
            for (String name : order) {
                Optional<SimpleLock> lock =
                        locks.lock(new LockConfiguration(ClockProvider.now(), name, AT_MOST, Duration.ZERO));
                if (lock.isPresent()) {
                    overlaps += countOnce(name);
                    counted.merge(name, 1L, Long::sum);
                    lock.get().unlock();
                }
            }
        }
        StringBuilder answer = new StringBuilder("counted overlaps=" + overlaps);
        counted.forEach((name, n) -> answer.append(' ').append(name).append('=').append(n));
        return answer.toString();
    }

    /** 1 if somebody else counted meanwhile. */
    private long countOnce(String name) {
        long next = read(name) + 1;
        sql.update("UPDATE " + table + " SET n = ? WHERE name = ?", next, name);
        return read(name) == next ? 0 : 1;
    }

    private long read(String name) {
        return sql.queryForObject("SELECT n FROM " + table + " WHERE name = ?", Long.class, name);
    }
}
