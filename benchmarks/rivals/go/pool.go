// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	ring   = 4096     // jobs that a producer may have queued, as in wardbench
	window = 2 * ring // jobs that it has
)

// A job lies on cache lines of its own, and is used again when it is free.
type job struct {
	out atomic.Bool
	run func(*job, *worker)
	at  time.Time
	_   [128]byte
}

type worker struct {
	ran uint64
	_   [120]byte
}

func count(_ *job, w *worker) {
	w.ran++
}

type pool struct {
	jobs    chan *job
	workers []worker
	done    sync.WaitGroup
}

func newPool(workers, producers int) *pool {
	p := &pool{
		jobs:    make(chan *job, ring*producers),
		workers: make([]worker, workers),
	}
	p.done.Add(workers)
	for i := range p.workers {
		go p.work(&p.workers[i])
	}
	return p
}

func (p *pool) work(w *worker) {
	defer p.done.Done()
	for j := range p.jobs {
		j.run(j, w)
		j.out.Store(false)
	}
}

// close ends the workers and returns how many jobs they ran.
func (p *pool) close() (ran uint64) {
	close(p.jobs)
	p.done.Wait()
	for i := range p.workers {
		ran += p.workers[i].ran
	}
	return ran
}

// wait is what a producer does without a free job: it yields, then naps.
func wait(waits *int) {
	if *waits++; *waits < 16 {
		runtime.Gosched()
	} else {
		time.Sleep(20 * time.Microsecond)
	}
}

func (p *pool) produce(jobs []job, n int) {
	at := 0
	for made := 0; made < n; made++ {
		waits := 0
		for tried := 0; jobs[at].out.Load(); tried++ {
			if at++; at == len(jobs) {
				at = 0
			}
			if tried == len(jobs) {
				wait(&waits)
				tried = 0
			}
		}
		jobs[at].out.Store(true)
		p.jobs <- &jobs[at]
		if at++; at == len(jobs) {
			at = 0
		}
	}
	for i := range jobs {
		for waits := 0; jobs[i].out.Load(); {
			wait(&waits)
		}
	}
}

func windows(producers int, run func(*job, *worker)) [][]job {
	w := make([][]job, producers)
	for p := range w {
		w[p] = make([]job, window)
		for i := range w[p] {
			w[p][i].run = run
		}
	}
	return w
}

// load lets all producers hand over n jobs between them, and waits until each
// has been run.
func (p *pool) load(jobs [][]job, n int) time.Duration {
	var all sync.WaitGroup

	all.Add(len(jobs))
	from := time.Now()
	for i := range jobs {
		share := n / len(jobs)
		if i < n%len(jobs) {
			share++
		}
		go func(jobs []job) {
			defer all.Done()
			p.produce(jobs, share)
		}(jobs[i])
	}
	all.Wait()
	return time.Since(from)
}

// ---- empty jobs

func throughput() {
	const warm = 20000
	n := pick(2000000, 300000)

	for _, shape := range [][2]int{{1, 1}, {1, 2}, {2, 2}, {8, 8}} {
		producers, workers := shape[0], shape[1]
		p := newPool(workers, producers)
		jobs := windows(producers, count)
		p.load(jobs, warm)
		took := p.load(jobs, n)
		if ran := p.close(); ran != uint64(n+warm) {
			panic("jobs were lost")
		}
		tell("throughput", "task", "ns", workers, producers,
			float64(took)/float64(n))
	}
}

// ---- jobs of 1 us

var spinSteps = 200000

//go:noinline
func spinSome(steps int) (sum int) {
	for i := 0; i < steps; i++ {
		sum ^= i
	}
	return sum
}

func spinUs(_ *job, w *worker) {
	w.ran++
	spinSome(spinSteps)
}

// calibrate finds how many steps take 1 us: the quickest of several tries.
func calibrate() {
	const steps = 200000
	best := time.Hour

	for i := 0; i < 20; i++ {
		from := time.Now()
		spinSome(steps)
		if took := time.Since(from); took < best {
			best = took
		}
	}
	spinSteps = int(steps * time.Microsecond / best)
}

// ideal is what so many threads need when each simply has its share, and a core
// for itself: the time of a job by their own CPU time, over their number.
func ideal(threads, n int) time.Duration {
	var all sync.WaitGroup
	var cpu atomic.Int64

	all.Add(threads)
	for i := 0; i < threads; i++ {
		go func() {
			var w worker

			defer all.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			from := threadCPU()
			for i := 0; i < n/threads; i++ {
				spinUs(nil, &w)
			}
			cpu.Add(int64(threadCPU() - from))
		}()
	}
	all.Wait()
	return time.Duration(cpu.Load()) / time.Duration(threads)
}

// Both in turn, a fifth of the jobs each time, and the medians of both.
func work1us() {
	const rounds = 5
	workers := runtime.NumCPU()
	n := pick(800000, 200000) / rounds
	var bare, pooled []time.Duration

	calibrate()
	p := newPool(workers, 1)
	jobs := windows(1, spinUs)
	p.load(jobs, n/2)
	for i := 0; i < rounds; i++ {
		bare = append(bare, ideal(workers, n))
		pooled = append(pooled, p.load(jobs, n))
	}
	p.close()
	took, best := median(pooled), median(bare)
	tell("work1us", "over_ideal", "%", workers, 1, 100*(took-best)/best)
}

// ---- one job on an idle pool

// gaps are from 50 us to 1 ms, the same ones for everyone.
type gaps uint64

func (g *gaps) next() time.Duration {
	*g = *g*6364136223846793005 + 1442695040888963407
	return 50*time.Microsecond +
		time.Duration(*g>>33)%(950*time.Microsecond)
}

// oneByOne submits a job after each gap and sleeps until it is back.
func oneByOne(p *pool, n int, gap func() time.Duration) (start, trip []time.Duration) {
	back := make(chan struct{}, 1)
	j := &job{run: func(j *job, w *worker) {
		j.at = time.Now()
		w.ran++
		back <- struct{}{}
	}}
	at := time.Now()
	for i := 0; i < n; i++ {
		at = at.Add(gap())
		if now := time.Now(); at.Before(now) {
			at = now // late is not made up for
		}
		time.Sleep(time.Until(at))
		from := time.Now()
		p.jobs <- j
		<-back
		trip = append(trip, time.Since(from))
		start = append(start, j.at.Sub(from))
	}
	return start, trip
}

func latency() {
	const workers = 8
	n := pick(4000, 500)
	seed := gaps(1)
	often := func() time.Duration { return 50 * time.Microsecond }
	p := newPool(workers, 1)

	oneByOne(p, n/10+1, often) // warm
	start, trip := oneByOne(p, n, seed.next)
	tellSamples("latency", "start", workers, start)
	tellSamples("latency", "trip", workers, trip)
	start, _ = oneByOne(p, n, often)
	tellSamples("latency", "start_50us", workers, start)
	p.close()
}
