// SPDX-License-Identifier: BSD-2-Clause

//! What Rust does with the work that wardbench gives to libward, as the crates say
//! themselves that they are to be used: `rayon::join` for forks; for empty tasks
//! `spawn` in a scope of rayon's, by a thread outside the pool or by one of its own,
//! and a bounded channel of crossbeam's with workers that iterate over it.
//!
//! Each figure is a line in the form of `wardbench --json`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Prints one figure of one run.
fn tell(imp: &str, bench: &str, metric: &str, workers: usize, producers: usize, ns: f64) {
    println!(
        "{{\"bench\": \"{bench}\", \"impl\": \"{imp}\", \"workers\": {workers}, \
         \"producers\": {producers}, \"metric\": \"{metric}\", \"unit\": \"ns\", \
         \"median\": {ns:.4}, \"min\": {ns:.4}, \"max\": {ns:.4}, \"runs\": 1, \
         \"values\": [{ns:.4}]}}"
    );
}

fn rayon_pool(workers: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(workers)
        .build()
        .expect("no pool")
}

// ---- forks

fn fib(n: u32) -> u64 {
    if n < 2 {
        return n.into();
    }
    let (a, b) = rayon::join(|| fib(n - 1), || fib(n - 2));
    a + b
}

/// As many calls as are no leaves.
fn fib_forks(n: u32) -> u64 {
    let (mut a, mut b) = (0, 1);
    for _ in 0..=n {
        (a, b) = (b, a + b);
    }
    a - 1
}

fn forkjoin() {
    const ROUNDS: usize = 5;
    const N: u32 = 32;
    let forks = fib_forks(N);

    for workers in [1, 2] {
        let pool = rayon_pool(workers);
        let mut best = Duration::MAX;

        for _ in 0..ROUNDS {
            let from = Instant::now();
            let result = pool.install(|| fib(N));
            best = best.min(from.elapsed());
            assert_eq!(result, fib_forks(N - 1) + 1);
        }
        let ns = best.as_nanos() as f64 / forks as f64;
        tell("rayon", "forkjoin", "fib", workers, 1, ns);
    }
}

// ---- empty jobs

const RING: usize = 4096; // jobs that a producer may have queued, as in wardbench
const WINDOW: usize = 2 * RING; // jobs that it has

/// A job lies on cache lines of its own, and is used again when it is free.
#[repr(align(128))]
struct Job {
    out: AtomicBool,
    ran: AtomicU64,
    body: fn(&Job),
}

/// Nobody else writes while the job is out.
fn count(job: &Job) {
    let ran = job.ran.load(Ordering::Relaxed);
    job.ran.store(ran + 1, Ordering::Relaxed);
}

impl Job {
    fn new() -> Job {
        Job {
            out: AtomicBool::new(false),
            ran: AtomicU64::new(0),
            body: count,
        }
    }

    /// The producer that sees it free sees all that was done.
    fn run(&self) {
        (self.body)(self);
        self.out.store(false, Ordering::Release);
    }

    fn is_out(&self) -> bool {
        self.out.load(Ordering::Acquire)
    }
}

/// What a producer does without a free job: it yields, then naps.
fn wait(waits: &mut u32) {
    *waits += 1;
    if *waits < 16 {
        thread::yield_now();
    } else {
        thread::sleep(Duration::from_micros(20));
    }
}

/// Hands n jobs over, each when it is free, and waits until all are back.
fn produce<'a>(jobs: &'a [Job], n: usize, submit: impl Fn(&'a Job)) {
    let mut at = 0;

    for _ in 0..n {
        let (mut waits, mut tried) = (0, 0);
        while jobs[at].is_out() {
            at = (at + 1) % jobs.len();
            tried += 1;
            if tried == jobs.len() {
                wait(&mut waits);
                tried = 0;
            }
        }
        jobs[at].out.store(true, Ordering::Relaxed);
        submit(&jobs[at]);
        at = (at + 1) % jobs.len();
    }
    for job in jobs {
        let mut waits = 0;
        while job.is_out() {
            wait(&mut waits);
        }
    }
}

/// Lets all producers hand over n jobs between them, and waits until each was run.
fn load(
    windows: &[&'static [Job]],
    n: usize,
    produce: &(impl Fn(&'static [Job], usize) + Sync),
) -> Duration {
    let from = Instant::now();

    thread::scope(|s| {
        for jobs in windows {
            s.spawn(move || produce(jobs, n / windows.len()));
        }
    });
    from.elapsed()
}

/// One figure: a load to get warm, and one that counts.
/// The jobs are never freed: a channel's type says that they outlive its workers.
fn measure(
    imp: &str,
    (producers, workers): (usize, usize),
    quick: bool,
    produce: impl Fn(&'static [Job], usize) + Sync,
) {
    const WARM: usize = 20000;
    let n = if quick { 300000 } else { 2000000 };
    let windows: Vec<&'static [Job]> = (0..producers)
        .map(|_| (0..WINDOW).map(|_| Job::new()).collect::<Vec<_>>())
        .map(|jobs| &*jobs.leak())
        .collect();

    load(&windows, WARM, &produce);
    let took = load(&windows, n, &produce);
    let ran: u64 = windows
        .iter()
        .flat_map(|jobs| jobs.iter())
        .map(|job| job.ran.load(Ordering::Relaxed))
        .sum();
    assert_eq!(ran, (n + WARM) as u64, "jobs were lost");
    let ns = took.as_nanos() as f64 / n as f64;
    tell(imp, "throughput", "task", workers, producers, ns);
}

fn crossbeam(shape: (usize, usize), quick: bool) {
    let (producers, workers) = shape;
    let (sender, receiver) = crossbeam_channel::bounded::<&'static Job>(RING * producers);
    let all: Vec<_> = (0..workers)
        .map(|_| {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.iter().for_each(Job::run))
        })
        .collect();

    measure("crossbeam", shape, quick, |jobs, n| {
        produce(jobs, n, |job| sender.send(job).expect("no workers"))
    });
    drop(sender);
    for worker in all {
        worker.join().expect("a worker panicked");
    }
}

/// The producer is a thread beside the pool's.
fn rayon_outside(shape: (usize, usize), quick: bool) {
    let pool = rayon_pool(shape.1);

    measure("rayon", shape, quick, |jobs, n| {
        pool.in_place_scope(|s| produce(jobs, n, |job| s.spawn(move |_| job.run())))
    });
}

/// The producer is one of the pool's threads: without a free job it ends the scope,
/// which runs what is left.
fn rayon_scope(shape: (usize, usize), quick: bool) {
    let pool = rayon_pool(shape.1);

    measure("rayon_scope", shape, quick, |jobs, n| {
        pool.install(|| {
            for from in (0..n).step_by(jobs.len()) {
                rayon::scope(|s| {
                    for job in &jobs[..jobs.len().min(n - from)] {
                        s.spawn(move |_| job.run());
                    }
                });
            }
        })
    });
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "-quick");

    forkjoin();
    for shape in [(1, 1), (1, 2), (2, 2), (8, 8)] {
        crossbeam(shape, quick);
        rayon_outside(shape, quick);
        rayon_scope(shape, quick);
    }
}
