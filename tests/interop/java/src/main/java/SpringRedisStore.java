import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.provider.redis.spring.RedisLockProvider;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;

/** {@code shedlock-provider-redis-spring} over Lettuce, which is what Spring Boot takes. */
final class SpringRedisStore implements Store {
    private final LettuceConnectionFactory connections;
    private final StringRedisTemplate redis;
    private final LockProvider locks;
    private final String counters;

    SpringRedisStore(String url, String environment, boolean safeUpdate) {
        connections = new LettuceConnectionFactory(LettuceConnectionFactory.createRedisConfiguration(url));
        connections.afterPropertiesSet();
        connections.start();
        redis = new StringRedisTemplate(connections);
        locks = new RedisLockProvider.Builder(redis)
                .environment(environment)
                .safeUpdate(safeUpdate)
                .build();
        counters = environment + "-count:";
    }

    @Override
    public LockProvider locks() {
        return locks;
    }

    @Override
    public long read(String counter) {
        return Long.parseLong(redis.opsForValue().get(counters + counter));
    }

    @Override
    public void write(String counter, long n) {
        redis.opsForValue().set(counters + counter, Long.toString(n));
    }

    @Override
    public void close() {
        connections.destroy();
    }
}
