// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"sort"
	"time"
)

func median(of []time.Duration) float64 {
	sort.Slice(of, func(a, b int) bool { return of[a] < of[b] })
	return float64(of[len(of)/2])
}

// manage runs work on a goroutine of its own, and again after each panic: the
// dying one tells by the channel why, and the manager starts the next.  It ends
// when work returns.
func manage(work func()) {
	died := make(chan any)
	start := func() {
		go func() {
			defer func() { died <- recover() }()
			work()
		}()
	}
	start()
	for why := range died {
		if why == nil {
			return
		}
		start()
	}
}

// heal: from just before a panic to the first statement of the worker that was
// started again.
func heal() {
	const pause = time.Millisecond
	n := pick(2000, 500)
	var began time.Time
	var sample []time.Duration
	die := make(chan bool)
	up := make(chan time.Time)

	managed := make(chan struct{})
	go func() {
		defer close(managed)
		manage(func() {
			up <- time.Now()
			if <-die {
				began = time.Now()
				panic("as it was told")
			}
		})
	}()
	<-up
	for i := 0; i < n; i++ {
		time.Sleep(pause)
		die <- true
		first := <-up
		sample = append(sample, first.Sub(began))
	}
	die <- false
	<-managed
	tellSamples("heal", "panic", 1, sample)
}
