// SPDX-License-Identifier: BSD-2-Clause

// What Go does with the work that wardbench gives to libward, as the language is
// meant to be used: a buffered channel and workers that range over it; a panic
// that is recovered, and told through a channel to who starts the worker again;
// and a steward who starts a ward again whose heartbeat is late.
//
// Each figure is a line in the form of wardbench --json.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"syscall"
	"time"
)

var quick = flag.Bool("quick", false, "fewer and shorter runs")

// tell prints one figure of one run.
func tell(bench, metric, unit string, workers, producers int, value float64) {
	fmt.Printf("{\"bench\": %q, \"impl\": \"go\", \"workers\": %d, "+
		"\"producers\": %d, \"metric\": %q, \"unit\": %q, "+
		"\"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"runs\": 1, "+
		"\"values\": [%.6g]}\n", bench, workers, producers, metric, unit,
		value, value, value, value)
}

// tellSamples prints p50, p99 and p99.9 of times, in us.
func tellSamples(bench, prefix string, workers int, sample []time.Duration) {
	sort.Slice(sample, func(a, b int) bool { return sample[a] < sample[b] })
	for _, point := range []struct {
		name     string
		thousand int
	}{{"p50", 500}, {"p99", 990}, {"p999", 999}} {
		at := (len(sample)*point.thousand + 999) / 1000
		if at == 0 {
			continue
		}
		tell(bench, prefix+"_"+point.name, "us", workers, 1,
			float64(sample[at-1])/1e3)
	}
}

// pick is n, or fewer where it must be quick.
func pick(n, less int) int {
	if *quick {
		return less
	}
	return n
}

// threadCPU is what the calling thread has had of the CPUs.
func threadCPU() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var r syscall.Rusage

	if err := syscall.Getrusage(thread, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func main() {
	spin := flag.Bool("spin", false, "")
	flag.Parse()
	if *spin {
		for {
		}
	}
	benches := map[string]func(){
		"throughput": throughput,
		"work1us":    work1us,
		"latency":    latency,
		"heal":       heal,
		"steward":    stewards,
	}
	for _, name := range flag.Args() {
		bench, ok := benches[name]
		if !ok {
			fmt.Fprintln(os.Stderr, "no such bench:", name)
			os.Exit(2)
		}
		bench()
	}
}
