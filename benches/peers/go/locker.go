package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
)

// Node is a locker with connections of its own.
type Node struct {
	gocron.Locker
	client *redis.Client
}

func open(url string, connections int) (Node, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return Node{}, err
	}
	options.PoolSize = connections
	client := redis.NewClient(options)
	return Node{locker{redsync.New(goredis.NewPool(client))}, client}, nil
}

// Asks for a lock: nil if somebody has it.
func (node Node) ask(name string) (gocron.Lock, error) {
	lock, err := node.Lock(context.Background(), name)
	var taken *redsync.ErrTaken
	if errors.As(err, &taken) {
		return nil, nil
	}
	return lock, err
}

// Takes a lock and gives it back, if nobody has it.
func (node Node) visit(name string) error {
	lock, err := node.ask(name)
	if lock == nil {
		return err
	}
	return lock.Unlock(context.Background())
}

// Close ends the connections.
func (node Node) Close() { node.client.Close() }

type locker struct{ sync *redsync.Redsync }

// Lock asks once, as schedulers must not wait.
func (locker locker) Lock(ctx context.Context, key string) (gocron.Lock, error) {
	mutex := locker.sync.NewMutex(key, redsync.WithTries(1), redsync.WithExpiry(601*time.Second))
	if err := mutex.LockContext(ctx); err != nil {
		return nil, err
	}
	return lock{mutex}, nil
}

type lock struct{ mutex *redsync.Mutex }

func (lock lock) Unlock(ctx context.Context) error {
	if unlocked, err := lock.mutex.UnlockContext(ctx); err != nil || !unlocked {
		return fmt.Errorf("not unlocked: %w", err)
	}
	return nil
}
