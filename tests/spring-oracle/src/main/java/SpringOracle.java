import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import org.springframework.scheduling.support.CronExpression;

/**
 * Reads a file of cases (expression TAB zone TAB start) and writes one that appends what Spring makes of each: ERROR for an expression that it
 * rejects, or its next fire times, the first in full, the others as seconds after the one before, NONE where they end.
 */
public class SpringOracle {
    private static final int FIRE_TIMES = 6;

    public static void main(String[] args) throws IOException {
        var answered = new ArrayList<String>();
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] parts = line.split("\t", -1);
            answered.add(line + "\t" + answer(parts[0], ZoneId.of(parts[1]), Instant.parse(parts[2])));
        }
        Files.write(Path.of(args[1]), answered);
    }

    private static String answer(String expression, ZoneId zone, Instant start) {
        CronExpression cron;
        try {
            cron = CronExpression.parse(expression);
        } catch (IllegalArgumentException e) {
            return "ERROR";
        }
        var answer = new StringBuilder();
        ZonedDateTime last = start.atZone(zone);
        for (int i = 0; i < FIRE_TIMES; i++) {
            ZonedDateTime next = cron.next(last);
            if (next == null) {
                return answer.append(i == 0 ? "NONE" : " NONE").toString();
            }
            answer.append(i == 0 ? next.toInstant().toString() : " +" + Duration.between(last, next).getSeconds());
            last = next;
        }
        return answer.toString();
    }
}
