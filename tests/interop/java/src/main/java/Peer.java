import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.javacrumbs.shedlock.core.ClockProvider;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.support.Utils;

/**
 * A Java service with ShedLock that takes orders, one a line, and answers each with a line:
 *
 * <pre>
 * lock NAME AT_MOST AT_LEAST     locked | refused      (times in milliseconds)
 * extend NAME AT_MOST AT_LEAST   extended | refused
 * unlock NAME                    unlocked
 * count MILLIS NAME..            counted overlaps=0 NAME=n ..
 * crash                          ends at once, without an answer
 * </pre>
 *
 * What it throws is answered as {@code error ..}. It begins with {@code ready HOST}, and ends with its input.
 */
public final class Peer {
    private final LockProvider locks;
    private final Map<String, SimpleLock> held = new HashMap<>();
    private final Counter counter;

    private Peer(Store store) {
        locks = store.locks();
        counter = new Counter(store);
    }

    /** Arguments: those of {@link Store#of}. The property {@code peer.clock} says by how much the node's clock is ahead. */
    public static void main(String[] args) throws IOException {
        Duration ahead = Duration.parse(System.getProperty("peer.clock", "PT0S"));
        ClockProvider.setClock(Clock.offset(Clock.systemUTC(), ahead));
        try (Store store = Store.of(args)) {
            Peer peer = new Peer(store);
            System.out.println("ready " + Utils.getHostname());
            BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
            for (String order; (order = orders.readLine()) != null; ) {
                System.out.println(peer.answer(order.split(" ")));
            }
        }
    }

    private String answer(String[] order) {
        try {
            return switch (order[0]) {
                case "lock" -> lock(order[1], millis(order[2]), millis(order[3]));
                case "extend" -> extend(order[1], millis(order[2]), millis(order[3]));
                case "unlock" -> unlock(order[1]);
                case "count" -> counter.count(millis(order[1]), List.of(order).subList(2, order.length));
                case "crash" -> {
                    Runtime.getRuntime().halt(1);
                    throw new IllegalStateException();
                }
                default -> "error no such order";
            };
        } catch (RuntimeException e) {
            return "error " + e.toString().replaceAll("\\s+", " ");
        }
    }

    private String lock(String name, Duration atMost, Duration atLeast) {
        return keep(name, locks.lock(new LockConfiguration(ClockProvider.now(), name, atMost, atLeast))) ? "locked" : "refused";
    }

    private String extend(String name, Duration atMost, Duration atLeast) {
        return keep(name, held.get(name).extend(atMost, atLeast)) ? "extended" : "refused";
    }

    private String unlock(String name) {
        held.remove(name).unlock();
        return "unlocked";
    }

    private boolean keep(String name, Optional<SimpleLock> lock) {
        lock.ifPresent(it -> held.put(name, it));
        return lock.isPresent();
    }

    private static Duration millis(String text) {
        return Duration.ofMillis(Long.parseLong(text));
    }
}
