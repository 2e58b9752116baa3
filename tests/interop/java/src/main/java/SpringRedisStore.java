import java.net.URI;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.provider.redis.spring.RedisLockProvider;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;

/** {@code shedlock-provider-redis-spring} over Lettuce, which is what Spring Boot takes. */
final class SpringRedisStore implements Store {
    private final LettuceConnectionFactory connections;
    private final StringRedisTemplate redis;
    private final LockProvider locks;
    private final String counters;

    SpringRedisStore(String url, String environment, boolean safeUpdate) {
        connections = new LettuceConnectionFactory(server(URI.create(url)));
        connections.afterPropertiesSet();
        connections.start();
        redis = new StringRedisTemplate(connections);
        locks = new RedisLockProvider.Builder(redis)
                .environment(environment)
                .safeUpdate(safeUpdate)
                .build();
        counters = environment + "-count:";
    }

    /** Spring can parse the URL, but only with the Lettuce that it was compiled with. */
    private static RedisStandaloneConfiguration server(URI url) {
        RedisStandaloneConfiguration server = new RedisStandaloneConfiguration(url.getHost(), url.getPort());
        if (url.getUserInfo() != null) {
            String[] login = url.getUserInfo().split(":", 2);
            if (!login[0].isEmpty()) {
                server.setUsername(login[0]);
            }
            server.setPassword(login[1]);
        }
        return server;
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
