package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Task is what benches/task.rs says.
type Task struct {
	Work, Prefix                       string
	Names, Callers, Connections, Nodes int
	Time                               time.Duration
}

func taskOf(line string) Task {
	words := strings.Fields(line)
	settings := map[string]string{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		settings[name] = value
	}
	number := func(name string) int {
		value, _ := strconv.Atoi(settings[name])
		return value
	}
	seconds, _ := strconv.ParseFloat(settings["seconds"], 64)
	return Task{
		Work: words[0], Prefix: settings["prefix"],
		Names: number("names"), Callers: number("callers"),
		Connections: number("connections"), Nodes: number("nodes"),
		Time: time.Duration(seconds * float64(time.Second)),
	}
}

func (task Task) name(number int) string {
	return fmt.Sprintf("%s-%d", task.Prefix, number)
}

// Outcome is what benches/outcome.rs says.
type Outcome struct {
	Seconds    float64 `json:"seconds"`
	Calls      int     `json:"calls"`
	Wins       []int   `json:"wins"`
	LockUs     float64 `json:"lock_us"`
	UnlockUs   float64 `json:"unlock_us"`
	P50Us      float64 `json:"p50_us"`
	P99Us      float64 `json:"p99_us"`
	MaxUs      float64 `json:"max_us"`
	DecidedMs  float64 `json:"decided_ms"`
	LastWinMs  float64 `json:"last_win_ms"`
	ReleasedMs float64 `json:"released_ms"`
	Error      string  `json:"error,omitempty"`
}

// Times of some calls.
type Times []time.Duration

func micros(time time.Duration) float64 { return float64(time.Nanoseconds()) / 1e3 }

func (times Times) mean() float64 {
	var sum time.Duration
	for _, time := range times {
		sum += time
	}
	return micros(sum) / float64(max(1, len(times)))
}

func (times Times) at(share float64) float64 {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return micros(times[int(float64(len(times)-1)*share)])
}
