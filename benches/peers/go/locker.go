package main

import (
	"context"
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
