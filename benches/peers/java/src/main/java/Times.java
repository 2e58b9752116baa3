import java.util.Arrays;

/** The times of some calls: given in nanoseconds, told in microseconds. */
final class Times {
    private long[] nanos = new long[1 << 12];
    private int count;

    void add(long time) {
        if (count == nanos.length) {
            nanos = Arrays.copyOf(nanos, count * 2);
        }
        nanos[count++] = time;
    }

    void join(Times others) {
        for (int number = 0; number < others.count; number++) {
            add(others.nanos[number]);
        }
    }

    int count() {
        return count;
    }

    double mean() {
        return Arrays.stream(nanos, 0, count).average().orElse(0) / 1e3;
    }

    /** Median, 99th percentile and maximum. */
    double[] spread() {
        Arrays.sort(nanos, 0, count);
        return Arrays.stream(new double[] {0.5, 0.99, 1})
                .map(share -> count == 0 ? 0 : nanos[(int) ((count - 1) * share)] / 1e3)
                .toArray();
    }
}
