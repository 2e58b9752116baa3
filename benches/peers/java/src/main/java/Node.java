import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URI;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.provider.jdbctemplate.JdbcTemplateLockProvider;
import net.javacrumbs.shedlock.provider.redis.jedis4.JedisLockProvider;
import org.springframework.jdbc.core.JdbcTemplate;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisPoolConfig;

/** A provider with a pool of its own. */
record Node(LockProvider locks, AutoCloseable pool) implements AutoCloseable {
    static Node open(String url, int connections) {
        URI uri = URI.create(url);
        return switch (uri.getScheme()) {
            case "postgres" -> jdbc("postgresql", uri, connections, "");
            // This driver wants TLS unless it is told.
            case "mysql" -> jdbc("mariadb", uri, connections, "?sslMode=disable");
            case "redis" -> redis(uri, connections);
            default -> throw new IllegalArgumentException("no such store: " + url);
        };
    }

    private static Node jdbc(String driver, URI uri, int connections, String settings) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:" + driver + "://" + uri.getHost() + ":" + uri.getPort() + uri.getPath() + settings);
        config.setUsername(uri.getUserInfo());
        config.setPassword("");
        config.setMaximumPoolSize(connections);
        HikariDataSource pool = new HikariDataSource(config);
        LockProvider locks = new JdbcTemplateLockProvider(JdbcTemplateLockProvider.Configuration.builder()
                .withJdbcTemplate(new JdbcTemplate(pool))
                .usingDbTime()
                .build());
        return new Node(locks, pool);
    }

    private static Node redis(URI uri, int connections) {
        JedisPoolConfig config = new JedisPoolConfig();
        config.setMaxTotal(connections);
        config.setMaxIdle(connections);
        JedisPool pool = new JedisPool(config, uri);
        return new Node(new JedisLockProvider(pool, "default"), pool);
    }

    @Override
    public void close() {
        try {
            pool.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
