import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import net.javacrumbs.shedlock.core.ClockProvider;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.SimpleLock;

/** Counts in the store under locks, by reading and then writing: exact only if nobody else is in there. */
final class Counter {
    private static final Duration AT_MOST = Duration.ofSeconds(60);

    private final Store store;

    Counter(Store store) {
        this.store = store;
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
                        store.locks().lock(new LockConfiguration(ClockProvider.now(), name, AT_MOST, Duration.ZERO));
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
        long next = store.read(name) + 1;
        store.write(name, next);
        return store.read(name) == next ? 0 : 1;
    }
}
