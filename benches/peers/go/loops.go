package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// What one caller saw. The Rust side is benches/contest/drive.rs.
type seen struct {
	locks, unlocks Times
	wins           int
	time           time.Duration
	err            error
}

func pairs(node Node, task Task) (Outcome, error) {
	return together(task, func(caller int) (func(*seen, int) error, error) {
		names := namesOf(task, caller)
		for _, name := range names {
			if err := node.visit(name); err != nil {
				return nil, err
			}
		}
		return func(seen *seen, turn int) error {
			asked := time.Now()
			lock, err := node.ask(names[turn%len(names)])
			seen.locks = append(seen.locks, time.Since(asked))
			if lock == nil {
				return err
			}
			seen.wins++
			asked = time.Now()
			err = lock.Unlock(context.Background())
			seen.unlocks = append(seen.unlocks, time.Since(asked))
			return err
		}, nil
	})
}

func skip(node Node, task Task) (Outcome, error) {
	held, err := node.ask(task.name(0))
	if err != nil {
		return Outcome{}, err
	}
	defer held.Unlock(context.Background())
	return together(task, func(int) (func(*seen, int) error, error) {
		refused := func() error {
			lock, err := node.ask(task.name(0))
			if lock != nil {
				return fmt.Errorf("it should be held")
			}
			return err
		}
		return func(seen *seen, _ int) error {
			asked := time.Now()
			err := refused()
			seen.locks = append(seen.locks, time.Since(asked))
			return err
		}, refused()
	})
}

func namesOf(task Task, caller int) []string {
	if task.Names < task.Callers {
		return []string{task.name(0)}
	}
	var names []string
	for number := caller; number < task.Names; number += task.Callers {
		names = append(names, task.name(number))
	}
	return names
}

func together(task Task, prepare func(int) (func(*seen, int) error, error)) (Outcome, error) {
	all := make([]seen, task.Callers)
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for caller := range all {
		ready.Add(1)
		done.Go(func() {
			own := &all[caller]
			var step func(*seen, int) error
			step, own.err = prepare(caller)
			ready.Done()
			<-begin
			start := time.Now()
			for turn := 0; own.err == nil && (turn == 0 || time.Since(start) < task.Time); turn++ {
				own.err = step(own, turn)
			}
			own.time = time.Since(start)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
	return outcome(all)
}

func outcome(all []seen) (Outcome, error) {
	var locks, unlocks Times
	var outcome Outcome
	for _, seen := range all {
		if seen.err != nil {
			return Outcome{}, seen.err
		}
		locks = append(locks, seen.locks...)
		unlocks = append(unlocks, seen.unlocks...)
		outcome.Wins = append(outcome.Wins, seen.wins)
		outcome.Seconds += seen.time.Seconds() / float64(len(all))
	}
	outcome.Calls = len(locks)
	outcome.LockUs, outcome.UnlockUs = locks.mean(), unlocks.mean()
	outcome.P50Us, outcome.P99Us, outcome.MaxUs = locks.at(0.5), locks.at(0.99), locks.at(1)
	return outcome, nil
}
