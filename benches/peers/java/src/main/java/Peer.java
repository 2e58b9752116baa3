import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;

/**
 * Java ShedLock as a contestant: takes tasks, one a line, and answers each with a line of JSON. In the middle of a herd it says
 * {@code mark} and waits for {@code go}. The only argument is the store's URL. See benches/task.rs and benches/outcome.rs.
 */
public final class Peer {
    private static final BufferedReader ORDERS = new BufferedReader(new InputStreamReader(System.in));

    private Peer() {}

    public static void main(String[] args) throws IOException {
        System.out.println("ready");
        for (String line; (line = ORDERS.readLine()) != null; ) {
            System.out.println(answer(args[0], Task.of(line)));
        }
    }

    private static String answer(String url, Task task) {
        List<Node> nodes = new ArrayList<>();
        try {
            for (int node = 0; node < task.nodes(); node++) {
                nodes.add(Node.open(url, task.connections()));
            }
            return switch (task.work()) {
                case "pairs" -> Loops.pairs(nodes.get(0).locks(), task);
                case "skip" -> Loops.skip(nodes.get(0).locks(), task);
                case "extend" -> Loops.extend(nodes.get(0).locks(), task);
                case "herd" -> Herd.run(nodes, task);
                default -> throw new IllegalArgumentException("no such work: " + task.work());
            };
        } catch (Exception e) {
            return "{\"error\":\"" + e.toString().replaceAll("[\\\\\"\\s]+", " ") + "\"}";
        } finally {
            nodes.forEach(Node::close);
        }
    }

    static void mark() throws IOException {
        System.out.println("mark");
        if (!"go".equals(ORDERS.readLine())) {
            throw new IllegalStateException("it should go on now");
        }
    }
}
