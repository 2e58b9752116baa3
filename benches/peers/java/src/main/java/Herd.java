import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import net.javacrumbs.shedlock.core.SimpleLock;

/** All names are due at once, on every node; each node has as many threads as callers. The Rust side is benches/contest/herd.rs. */
final class Herd {
    private Herd() {}

    /** What one thread has, and when it was told. */
    private record Share(int node, List<SimpleLock> held, long decided, long lastWin) {}

    static String run(List<Node> nodes, Task task) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(nodes.size() * task.callers());
        try {
            List<SimpleLock> held = ask(threads, nodes.get(0), task);
            // A provider that has not seen a name yet tries to insert it: these see it held.
            for (Node node : nodes.subList(1, nodes.size())) {
                ask(threads, node, task);
            }
            all(threads, held, SimpleLock::unlock);
            CountDownLatch begin = new CountDownLatch(1);
            long[] start = new long[1];
            List<Future<Share>> runs = new ArrayList<>();
            for (int node = 0; node < nodes.size(); node++) {
                int own = node;
                AtomicInteger next = new AtomicInteger();
                for (int caller = 0; caller < task.callers(); caller++) {
                    runs.add(threads.submit(() -> {
                        begin.await();
                        return ask(nodes.get(own), own, next, task, start[0]);
                    }));
                }
            }
            Thread.sleep(100);
            Peer.mark();
            start[0] = System.nanoTime();
            begin.countDown();
            List<Share> shares = new ArrayList<>();
            for (Future<Share> run : runs) {
                shares.add(run.get());
            }
            Peer.mark();
            return finish(threads, shares, nodes.size(), task);
        } finally {
            threads.shutdownNow();
        }
    }

    /** Asks for every name, with all threads. */
    private static List<SimpleLock> ask(ExecutorService threads, Node node, Task task) throws Exception {
        List<Integer> names = IntStream.range(0, task.names()).boxed().toList();
        List<SimpleLock> held = Collections.synchronizedList(new ArrayList<>());
        all(threads, names, name -> node.locks().lock(task.lock(name)).ifPresent(held::add));
        return held;
    }

    private static <T> void all(ExecutorService threads, List<T> some, Consumer<T> step) throws Exception {
        List<Callable<Void>> steps = new ArrayList<>();
        some.forEach(one -> steps.add(() -> {
            step.accept(one);
            return null;
        }));
        for (Future<Void> done : threads.invokeAll(steps)) {
            done.get();
        }
    }

    private static Share ask(Node node, int number, AtomicInteger next, Task task, long start) {
        List<SimpleLock> held = new ArrayList<>();
        long lastWin = 0;
        for (int name; (name = next.getAndIncrement()) < task.names(); ) {
            var lock = node.locks().lock(task.lock(name));
            if (lock.isPresent()) {
                held.add(lock.get());
                lastWin = System.nanoTime() - start;
            }
        }
        return new Share(number, held, System.nanoTime() - start, lastWin);
    }

    private static String finish(ExecutorService threads, List<Share> shares, int nodes, Task task) throws Exception {
        long start = System.nanoTime();
        long[] wins = new long[nodes];
        long decided = 0;
        long lastWin = 0;
        for (Share share : shares) {
            wins[share.node()] += share.held().size();
            decided = Math.max(decided, share.decided());
            lastWin = Math.max(lastWin, share.lastWin());
        }
        all(threads, shares, share -> share.held().forEach(SimpleLock::unlock));
        long won = 0;
        List<Long> all = new ArrayList<>();
        for (long of : wins) {
            won += of;
            all.add(of);
        }
        if (won != task.names()) {
            throw new IllegalStateException(won + " wins of " + task.names() + " names");
        }
        return String.format(
                Locale.ROOT,
                "{\"seconds\":%f,\"calls\":%d,\"wins\":%s,\"decided_ms\":%f,\"last_win_ms\":%f,\"released_ms\":%f}",
                decided / 1e9,
                (long) task.names() * nodes,
                all,
                decided / 1e6,
                lastWin / 1e6,
                (System.nanoTime() - start) / 1e6);
    }
}
