import java.util.Arrays;
import net.javacrumbs.shedlock.core.LockProvider;

/** Where locks are, and counters that nothing else protects: to write one is a step of its own after reading it. */
interface Store extends AutoCloseable {
    LockProvider locks();

    long read(String counter);

    void write(String counter, long n);

    @Override
    void close();

    /** Its kind, and what that kind needs. */
    static Store of(String[] arguments) {
        String[] rest = Arrays.copyOfRange(arguments, 1, arguments.length);
        return switch (arguments[0]) {
            case "jdbc" -> new JdbcStore(rest[0], rest[1], rest[2], rest[3]);
            case "redis-spring" -> new SpringRedisStore(rest[0], rest[1], false);
            case "redis-spring-safe" -> new SpringRedisStore(rest[0], rest[1], true);
            case "redis-jedis4" -> new JedisStore(rest[0], rest[1]);
            default -> throw new IllegalArgumentException("no such store: " + arguments[0]);
        };
    }
}
