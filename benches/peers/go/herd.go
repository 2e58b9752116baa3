package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-co-op/gocron/v2"
)

// What one goroutine has, and when it was told. The Rust side is benches/contest/herd.rs.
type share struct {
	node             int
	held             []gocron.Lock
	decided, lastWin time.Duration
}

// All names are due at once, on every node; each node has as many goroutines as names, over its connections.
func herd(nodes []Node, task Task) (Outcome, error) {
	for _, node := range nodes {
		if lock, err := node.Lock(context.Background(), task.name(0)); err == nil {
			lock.Unlock(context.Background())
		}
	}
	shares := make([]share, len(nodes)*task.Names)
	begin := make(chan struct{})
	var start time.Time
	var done sync.WaitGroup
	for number, node := range nodes {
		var next atomic.Int64
		for caller := range task.Names {
			own := &shares[number*task.Names+caller]
			own.node = number
			done.Go(func() {
				<-begin
				lock, err := node.Lock(context.Background(), task.name(int(next.Add(1)-1)))
				own.decided = time.Since(start)
				if err == nil {
					own.held, own.lastWin = append(own.held, lock), own.decided
				}
			})
		}
	}
	time.Sleep(100 * time.Millisecond)
	mark()
	start = time.Now()
	close(begin)
	done.Wait()
	mark()
	return finish(shares, task)
}

func finish(shares []share, task Task) (Outcome, error) {
	start := time.Now()
	outcome := Outcome{Wins: make([]int, task.Nodes), Calls: len(shares)}
	var decided, lastWin time.Duration
	var done sync.WaitGroup
	won := 0
	for _, share := range shares {
		won += len(share.held)
		outcome.Wins[share.node] += len(share.held)
		decided, lastWin = max(decided, share.decided), max(lastWin, share.lastWin)
		done.Go(func() {
			for _, lock := range share.held {
				lock.Unlock(context.Background())
			}
		})
	}
	done.Wait()
	if won != task.Names {
		return Outcome{}, fmt.Errorf("%d wins of %d names", won, task.Names)
	}
	outcome.Seconds = decided.Seconds()
	outcome.DecidedMs, outcome.LastWinMs = micros(decided)/1e3, micros(lastWin)/1e3
	outcome.ReleasedMs = micros(time.Since(start)) / 1e3
	return outcome, nil
}
