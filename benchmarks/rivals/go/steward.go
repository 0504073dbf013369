// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A ward beats on the channel that it returns, at least once in each interval,
// until done is closed.
type ward func(done <-chan struct{}, interval time.Duration) (beat <-chan struct{})

// steward starts a ward, and starts it again whenever it has not beaten for
// longer than the timeout.  restarted is called with the time of the last beat.
func steward(done <-chan struct{}, timeout time.Duration, start ward,
	restarted func(last time.Time)) {
	for last := time.Now(); ; last = time.Now() {
		wardDone := make(chan struct{})
		beat := start(wardDone, timeout/2)
		late := time.NewTimer(timeout)
	watch:
		for {
			select {
			case <-beat:
				last = time.Now()
				if !late.Stop() {
					select {
					case <-late.C:
					default:
					}
				}
				late.Reset(timeout)
			case <-late.C:
				break watch
			case <-done:
				late.Stop()
				close(wardDone)
				return
			}
		}
		close(wardDone)
		restarted(last)
	}
}

// healthy works for 1 ms, beats, and naps for 1 ms: five times as often as it
// must, if it is let.
func healthy(done <-chan struct{}, _ time.Duration) <-chan struct{} {
	beat := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			spinSome(1000 * spinSteps)
			select {
			case beat <- struct{}{}:
			default:
			}
			time.Sleep(time.Millisecond)
		}
	}()
	return beat
}

// silent tells when it started, beats once and hangs.
func silent(up chan<- time.Time) ward {
	return func(done <-chan struct{}, _ time.Duration) <-chan struct{} {
		beat := make(chan struct{}, 1)
		go func() {
			up <- time.Now()
			beat <- struct{}{}
			<-done
		}()
		return beat
	}
}

const timeout = 10 * time.Millisecond

// hung: from a ward's last beat to the first statement of the one in its place.
func hung(n int) {
	var sample []time.Duration
	done := make(chan struct{})
	up := make(chan time.Time, 1)
	lasts := make(chan time.Time, 1)

	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		steward(done, timeout, silent(up), func(last time.Time) {
			select {
			case lasts <- last:
			case <-done:
			}
		})
	}()
	<-up
	for i := 0; i < n; i++ {
		last := <-lasts
		first := <-up
		sample = append(sample, first.Sub(last))
	}
	close(done)
	all.Wait()
	tellSamples("heal", "hung", 1, sample)
	tell("heal", "hung_budget", "us", 1, 1, float64(timeout)/1e3)
}

// spinners are processes that take all the CPU they get.
func spinners(n int) (stop func()) {
	var all []*exec.Cmd
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	for i := 0; i < n; i++ {
		cmd := exec.Command(self, "-spin")
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		all = append(all, cmd)
	}
	return func() {
		for _, cmd := range all {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
}

// crowded counts how often healthy wards are started again while spinning
// processes fill the machine.
func crowded(wards int, span time.Duration) {
	var restarts atomic.Int64
	var all sync.WaitGroup
	done := make(chan struct{})

	calibrate()
	stop := spinners(8)
	defer stop()
	all.Add(wards)
	for i := 0; i < wards; i++ {
		go func() {
			defer all.Done()
			steward(done, timeout, healthy, func(time.Time) {
				restarts.Add(1)
			})
		}()
	}
	time.Sleep(span)
	close(done)
	all.Wait()
	tell("heal", "beating_convicted", "count", wards, 1,
		float64(restarts.Load()))
}

func stewards() {
	hung(pick(500, 100))
	crowded(4, 10*time.Second)
}
