import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;

/** Callers at work for some seconds; what they need is there before the time begins. The Rust side is benches/contest/drive.rs. */
final class Loops {
    private Loops() {}

    /** What one caller saw. */
    private static final class Seen {
        final Times locks = new Times();
        final Times unlocks = new Times();
        long wins;
        double seconds;
    }

    private interface Step {
        void run(Seen seen, long turn) throws Exception;
    }

    static String pairs(LockProvider locks, Task task) throws Exception {
        return together(task, caller -> {
            int[] names = namesOf(task, caller);
            for (int name : names) {
                locks.lock(task.lock(name)).ifPresent(SimpleLock::unlock);
            }
            return (seen, turn) -> {
                LockConfiguration lock = task.lock(names[(int) (turn % names.length)]);
                long asked = System.nanoTime();
                Optional<SimpleLock> held = locks.lock(lock);
                seen.locks.add(System.nanoTime() - asked);
                if (held.isPresent()) {
                    seen.wins++;
                    asked = System.nanoTime();
                    held.get().unlock();
                    seen.unlocks.add(System.nanoTime() - asked);
                }
            };
        });
    }

    static String skip(LockProvider locks, Task task) throws Exception {
        SimpleLock held = locks.lock(task.lock(0)).orElseThrow();
        String answer = together(task, caller -> {
            locks.lock(task.lock(0));
            return (seen, turn) -> {
                LockConfiguration lock = task.lock(0);
                long asked = System.nanoTime();
                if (locks.lock(lock).isPresent()) {
                    throw new IllegalStateException("it should be held");
                }
                seen.locks.add(System.nanoTime() - asked);
            };
        });
        held.unlock();
        return answer;
    }

    static String extend(LockProvider locks, Task task) throws Exception {
        LockConfiguration lock = task.lock(0);
        SimpleLock[] held = {locks.lock(lock).orElseThrow()};
        String answer = together(task, caller -> (seen, turn) -> {
            long asked = System.nanoTime();
            held[0] = held[0].extend(lock.getLockAtMostFor(), lock.getLockAtLeastFor()).orElseThrow();
            seen.locks.add(System.nanoTime() - asked);
        });
        held[0].unlock();
        return answer;
    }

    private interface Caller {
        Step prepare(int number) throws Exception;
    }

    private static int[] namesOf(Task task, int caller) {
        if (task.names() < task.callers()) {
            return new int[] {0};
        }
        int count = (task.names() - caller - 1) / task.callers() + 1;
        int[] names = new int[count];
        Arrays.setAll(names, number -> caller + number * task.callers());
        return names;
    }

    private static String together(Task task, Caller caller) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(task.callers());
        try {
            CyclicBarrier begin = new CyclicBarrier(task.callers());
            List<Callable<Seen>> runs = new ArrayList<>();
            for (int number = 0; number < task.callers(); number++) {
                int own = number;
                runs.add(() -> {
                    Step step = caller.prepare(own);
                    begin.await();
                    Seen seen = new Seen();
                    long start = System.nanoTime();
                    for (long turn = 0; turn == 0 || System.nanoTime() - start < task.nanos(); turn++) {
                        step.run(seen, turn);
                    }
                    seen.seconds = (System.nanoTime() - start) / 1e9;
                    return seen;
                });
            }
            List<Seen> all = new ArrayList<>();
            for (Future<Seen> run : threads.invokeAll(runs)) {
                all.add(run.get());
            }
            return outcome(all);
        } finally {
            threads.shutdownNow();
        }
    }

    private static String outcome(List<Seen> all) {
        Times locks = new Times();
        Times unlocks = new Times();
        all.forEach(seen -> {
            locks.join(seen.locks);
            unlocks.join(seen.unlocks);
        });
        double[] spread = locks.spread();
        return String.format(
                Locale.ROOT,
                "{\"seconds\":%f,\"calls\":%d,\"wins\":%s,\"lock_us\":%f,\"unlock_us\":%f,\"p50_us\":%f,\"p99_us\":%f,\"max_us\":%f}",
                all.stream().mapToDouble(seen -> seen.seconds).average().orElseThrow(),
                locks.count(),
                all.stream().map(seen -> seen.wins).toList(),
                locks.mean(),
                unlocks.mean(),
                spread[0],
                spread[1],
                spread[2]);
    }
}
