import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.provider.redis.jedis4.JedisLockProvider;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;

/** {@code shedlock-provider-redis-jedis4}. */
final class JedisStore implements Store {
    private final JedisPool pool;
    private final LockProvider locks;
    private final String counters;

    JedisStore(String url, String environment) {
        pool = new JedisPool(url);
        locks = new JedisLockProvider(pool, environment);
        counters = environment + "-count:";
    }

    @Override
    public LockProvider locks() {
        return locks;
    }

    @Override
    public long read(String counter) {
        try (Jedis jedis = pool.getResource()) {
            return Long.parseLong(jedis.get(counters + counter));
        }
    }

    @Override
    public void write(String counter, long n) {
        try (Jedis jedis = pool.getResource()) {
            jedis.set(counters + counter, Long.toString(n));
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
