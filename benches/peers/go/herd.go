package main

import (
	"cmp"
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
	err              error
}

// All names are due at once, on every node; each node has as many goroutines as names, over its connections.
func herd(nodes []Node, task Task) (Outcome, error) {
	// Every connection is there, and every name has been seen.
	for _, node := range nodes {
		if err := each(task.Names, func(number int) error { return node.visit(task.name(number)) }); err != nil {
			return Outcome{}, err
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
				lock, err := node.ask(task.name(int(next.Add(1) - 1)))
				own.decided, own.err = time.Since(start), err
				if lock != nil {
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

// Does something with each of some numbers, all at once. Answers an error of one of them.
func each(count int, do func(int) error) error {
	errs := make(chan error, count)
	for number := range count {
		go func() { errs <- do(number) }()
	}
	var first error
	for range count {
		first = cmp.Or(<-errs, first)
	}
	return first
}

func finish(shares []share, task Task) (Outcome, error) {
	start := time.Now()
	outcome := Outcome{Wins: make([]int, task.Nodes), Calls: len(shares)}
	var decided, lastWin time.Duration
	var done sync.WaitGroup
	won := 0
	for _, share := range shares {
		if share.err != nil {
			return Outcome{}, share.err
		}
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
