// SPDX-License-Identifier: BSD-2-Clause

import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.RecursiveTask;
import java.util.concurrent.locks.LockSupport;

/**
 * What Java does with the work that wardbench gives to libward, as its documentation
 * uses it: RecursiveTask for forks; for empty tasks a ForkJoinPool, in the mode for
 * those that nobody joins, and the ThreadPoolExecutor of newFixedThreadPool.
 *
 * All of it is done several times first: the JIT compiler is not what is measured.
 * Each figure is a line in the form of wardbench --json.
 */
public final class Rival {
    private Rival() {}

    /** Prints one figure of one run. */
    private static void tell(String impl, String bench, String metric, int workers,
                             int producers, double ns) {
        System.out.printf(Locale.ROOT,
            "{\"bench\": \"%s\", \"impl\": \"%s\", \"workers\": %d, "
            + "\"producers\": %d, \"metric\": \"%s\", \"unit\": \"ns\", "
            + "\"median\": %6$.4f, \"min\": %6$.4f, \"max\": %6$.4f, "
            + "\"runs\": 1, \"values\": [%6$.4f]}%n",
            bench, impl, workers, producers, metric, ns);
    }

    // ---- forks

    private static final class Fib extends RecursiveTask<Long> {
        private static final long serialVersionUID = 1;
        private final int n;

        Fib(int n) {
            this.n = n;
        }

        @Override
        protected Long compute() {
            if (n < 2)
                return (long) n;
            Fib left = new Fib(n - 1);
            left.fork();
            Fib right = new Fib(n - 2);
            return right.compute() + left.join();
        }
    }

    /** As many calls as are no leaves. */
    private static long fibForks(int n) {
        long a = 0;
        long b = 1;
        for (int i = 0; i <= n; i++) {
            long next = a + b;
            a = b;
            b = next;
        }
        return a - 1;
    }

    private static void forkjoin() {
        final int warm = 5;
        final int rounds = 5;
        final int n = 32;

        for (int workers = 1; workers <= 2; workers++) {
            ForkJoinPool pool = new ForkJoinPool(workers);
            long best = Long.MAX_VALUE;
            for (int round = 0; round < warm + rounds; round++) {
                long from = System.nanoTime();
                long result = pool.invoke(new Fib(n));
                long took = System.nanoTime() - from;
                if (result != fibForks(n - 1) + 1)
                    throw new AssertionError("fib: " + result);
                if (round >= warm)
                    best = Math.min(best, took);
            }
            pool.shutdown();
            tell("forkjoinpool", "forkjoin", "fib", workers, 1,
                 (double) best / fibForks(n));
        }
    }

    // ---- empty jobs

    private static final int WINDOW = 8192; // jobs that a producer has, as in wardbench

    /** A job lies on cache lines of its own, and is used again when it is free. */
    @SuppressWarnings("unused")
    private static final class Job implements Runnable {
        private volatile boolean out;
        private long ran; // nobody else writes while the job is out
        private long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, pa, pb, pc, pd;

        @Override
        public void run() {
            ran++;
            out = false;
        }
    }

    /** What a producer does without a free job: it yields, then naps. */
    private static void pause(int waits) {
        if (waits < 16)
            Thread.yield();
        else
            LockSupport.parkNanos(20_000);
    }

    /** Hands n jobs over, each when it is free, and waits until all are back. */
    private static void produce(ExecutorService pool, Job[] jobs, int n) {
        int at = 0;
        for (int made = 0; made < n; made++) {
            int waits = 0;
            for (int tried = 0; jobs[at].out; ) {
                at = (at + 1) % jobs.length;
                if (++tried == jobs.length) {
                    pause(++waits);
                    tried = 0;
                }
            }
            jobs[at].out = true;
            pool.execute(jobs[at]);
            at = (at + 1) % jobs.length;
        }
        for (Job job : jobs)
            for (int waits = 0; job.out; )
                pause(++waits);
    }

    /** Lets all producers hand over n jobs between them, and waits for each. */
    private static long load(ExecutorService pool, Job[][] windows, int n)
            throws InterruptedException {
        Thread[] producers = new Thread[windows.length];
        long from = System.nanoTime();
        for (int i = 0; i < windows.length; i++) {
            Job[] jobs = windows[i];
            producers[i] = new Thread(() -> produce(pool, jobs, n / windows.length));
            producers[i].start();
        }
        for (Thread producer : producers)
            producer.join();
        return System.nanoTime() - from;
    }

    private static void throughput(String impl, ExecutorService pool, int producers,
                                   int workers, int n) throws InterruptedException {
        final int warm = 3;
        Job[][] windows = new Job[producers][WINDOW];
        for (Job[] jobs : windows)
            for (int i = 0; i < jobs.length; i++)
                jobs[i] = new Job();

        for (int round = 0; round < warm; round++)
            load(pool, windows, n);
        long took = load(pool, windows, n);
        pool.shutdown();
        long ran = 0;
        for (Job[] jobs : windows)
            for (Job job : jobs)
                ran += job.ran;
        if (ran != (warm + 1L) * n)
            throw new AssertionError("jobs were lost");
        tell(impl, "throughput", "task", workers, producers, (double) took / n);
    }

    public static void main(String[] args) throws InterruptedException {
        boolean quick = args.length > 0 && args[0].equals("-quick");
        int n = quick ? 300_000 : 2_000_000;
        int[][] shapes = {{1, 1}, {1, 2}, {2, 2}, {8, 8}};

        forkjoin();
        for (int[] shape : shapes) {
            int producers = shape[0];
            int workers = shape[1];
            throughput("forkjoinpool",
                new ForkJoinPool(workers,
                    ForkJoinPool.defaultForkJoinWorkerThreadFactory, null, true),
                producers, workers, n);
            throughput("threadpool", Executors.newFixedThreadPool(workers),
                producers, workers, n);
        }
    }
}
