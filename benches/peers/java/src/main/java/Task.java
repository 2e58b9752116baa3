import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import net.javacrumbs.shedlock.core.LockConfiguration;

/** See benches/task.rs. */
record Task(String work, String prefix, int names, int callers, int connections, int nodes, long nanos) {
    private static final Duration AT_MOST = Duration.ofSeconds(601);

    static Task of(String line) {
        String[] words = line.split(" ");
        Map<String, String> settings = new HashMap<>();
        for (String word : words) {
            String[] setting = word.split("=", 2);
            settings.put(setting[0], setting[setting.length - 1]);
        }
        return new Task(
                words[0],
                settings.get("prefix"),
                Integer.parseInt(settings.get("names")),
                Integer.parseInt(settings.get("callers")),
                Integer.parseInt(settings.get("connections")),
                Integer.parseInt(settings.get("nodes")),
                (long) (Double.parseDouble(settings.get("seconds")) * 1e9));
    }

    LockConfiguration lock(int number) {
        return new LockConfiguration(Instant.now(), prefix + "-" + number, AT_MOST, Duration.ZERO);
    }
}
