import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.provider.jdbctemplate.JdbcTemplateLockProvider;
import org.springframework.jdbc.core.JdbcTemplate;

/** {@code shedlock-provider-jdbc-template} with the database's time, over HikariCP. */
final class JdbcStore implements Store {
    private final HikariDataSource pool;
    private final JdbcTemplate sql;
    private final LockProvider locks;
    private final String counters;

    JdbcStore(String url, String user, String password, String table) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setUsername(user);
        config.setPassword(password);
        // All else is as it comes; ten connections in each of many processes are more than a server has.
        config.setMaximumPoolSize(2);
        pool = new HikariDataSource(config);
        sql = new JdbcTemplate(pool);
        locks = new JdbcTemplateLockProvider(JdbcTemplateLockProvider.Configuration.builder()
                .withJdbcTemplate(sql)
                .withTableName(table)
                .usingDbTime()
                .build());
        counters = table + "_count";
    }

    @Override
    public LockProvider locks() {
        return locks;
    }

    @Override
    public long read(String counter) {
        return sql.queryForObject("SELECT n FROM " + counters + " WHERE name = ?", Long.class, counter);
    }

    @Override
    public void write(String counter, long n) {
        sql.update("UPDATE " + counters + " SET n = ? WHERE name = ?", n, counter);
    }

    @Override
    public void close() {
        pool.close();
    }
}
