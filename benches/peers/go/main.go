// Go's gocron as a contestant: its Locker over redsync, which is what gocron-redis-lock is made of.
//
// It takes tasks, one a line, and answers each with a line of JSON. The only argument is the store's URL.
// See benches/task.rs and benches/outcome.rs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

var orders = bufio.NewScanner(os.Stdin)

func main() {
	fmt.Println("ready")
	for orders.Scan() {
		outcome, err := answer(os.Args[1], taskOf(orders.Text()))
		if err != nil {
			outcome = Outcome{Error: err.Error()}
		}
		line, err := json.Marshal(outcome)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}

func answer(url string, task Task) (Outcome, error) {
	var nodes []Node
	for range task.Nodes {
		node, err := open(url, task.Connections)
		if err != nil {
			return Outcome{}, err
		}
		defer node.Close()
		nodes = append(nodes, node)
	}
	switch task.Work {
	case "pairs":
		return pairs(nodes[0], task)
	case "skip":
		return skip(nodes[0], task)
	case "herd":
		return herd(nodes, task)
	}
	return Outcome{}, fmt.Errorf("it has no %s", task.Work)
}

// Lets the server's counters be read in the middle of a task.
func mark() {
	fmt.Println("mark")
	orders.Scan()
}
