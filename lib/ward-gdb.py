# SPDX-License-Identifier: BSD-2-Clause
# ward-gdb.py - gdb's way to see pools, in a live process and in a core.
#
#	info ward		all pools: numbers, seats, zombies, lanes, queued tasks
#	info ward NAME		those of that name
#	ward bt [NAME] SEAT	the backtrace of the thread in that seat
#
# gdb loads it with a shared library that is installed below /usr; else:  source ward-gdb.py
# It needs libward's debug information, calls nothing in the process and changes nothing
# there.  Memory may be corrupt, a stopped thread may be in the middle of a step: what
# cannot be read is said, and the rest is shown.

import re
from collections import Counter

import gdb

MANY = 100000  # of a list; there are no more, or it is corrupt
SHOWN = 10     # tasks of different kinds


class Corrupt(Exception):
    pass


# ---- types and values ---------------------------------------------------------------


def libward_block():
    """Where names mean libward's: a program may have a struct pool of its own."""
    symbol = gdb.lookup_global_symbol("ward_pool_create")
    if symbol is None:
        raise gdb.GdbError("ward: no debug information of libward here")
    return symbol.symtab.static_block()


def ward_type(name):
    tag = name.partition(" ")[2]
    symbol = gdb.lookup_symbol(tag, libward_block(), gdb.SYMBOL_STRUCT_DOMAIN)[0]
    if symbol is None:
        raise gdb.GdbError("ward: no %s in the debug information" % name)
    return symbol.type


def enum(name):
    """number > name, without the prefix that all have"""
    fields = ward_type("enum " + name).fields()
    return {f.enumval: f.name.partition("_")[2].lower() for f in fields}


def offset_of(kind, field):
    for f in ward_type(kind).fields():
        if f.name == field:
            return f.bitpos // 8
    raise gdb.GdbError("ward: %s has no %s" % (kind, field))


def at(address, kind):
    return gdb.Value(int(address)).cast(ward_type(kind).pointer())


def text(pointer, most=200):
    """A string; None for NULL."""
    if int(pointer) == 0:
        return None
    raw = gdb.selected_inferior().read_memory(int(pointer), 1).tobytes()
    try:
        raw = pointer.string("utf-8", "backslashreplace", most)
    except gdb.MemoryError:  # its end is on a page that is not there
        return raw.decode("utf-8", "backslashreplace") + "..."
    return raw.partition("\0")[0]


def function(pointer):
    name = re.search(r"<([^>]*)>", str(pointer))
    return name.group(1) if name else hex(int(pointer))


def span(ns):
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if ns >= size:
            return "%.3g%s" % (ns / size, unit)
    return "%dns" % ns


def chain(first, following):
    """The members of a list, whatever it looks like."""
    seen = set()
    it = first
    while int(it):
        if int(it) in seen or len(seen) > MANY:
            raise Corrupt("a list that comes back to %#x" % int(it))
        seen.add(int(it))
        yield it
        it = following(it)


# ---- tasks --------------------------------------------------------------------------


def task_named(task):
    """"name" (function)"""
    if int(task) == 0:
        return "no task"
    try:
        task = at(task, "struct ward_task")
        name = text(task["name"])
        run = function(task["run"])
    except (gdb.error, Corrupt) as err:
        return "task %#x: %s" % (int(task), err)
    return '"%s" (%s)' % (name, run) if name else "(%s)" % run


def linked(first):
    def following(task):
        return at(task["priv"].address, "struct task_priv")["link"]

    return chain(at(first, "struct ward_task"), following)


def in_ring(ring):
    head, tail = int(ring["ck"]["c_head"]), int(ring["ck"]["p_tail"])
    mask = int(ring["mask"])
    n = (tail - head) & 0xFFFFFFFF
    if n > mask:
        raise Corrupt("a ring with %d tasks in %d cells" % (n, mask + 1))
    for i in range(head, head + n):
        yield ring["cell"][i & mask]["value"]


def in_owned(ring):
    head, tail = int(ring["head"]), int(ring["tail"])
    mask = int(ring["mask"])
    first = int(ring["taken"]) if head >> 32 & 3 else head
    n = (tail - first) & 0xFFFFFFFF
    if n > mask + 1:
        raise Corrupt("a ring with %d tasks in %d cells" % (n, mask + 1))
    for i in range(first, first + n):
        yield ring["cell"][i & mask]


def in_prio(queue):
    for head in ("arrived", "first"):
        yield from linked(int(queue[head]))


def in_later(later):
    trees = later["due"]["tree"]
    low, high = trees.type.range()
    for i in range(low, high + 1):
        if int(trees[i]) == 0:
            return
        tree = trees[i].dereference()
        leaves = int(tree["leaves"])
        if leaves > MANY * 200:
            raise Corrupt("a tree with %d leaves" % leaves)
        used = int(later["due"]["used"])
        for k in range(min(leaves, used)):
            leaf = tree["leaf"][k]
            if int(leaf["word"]) & 3 == 3:  # it has an item, and shows it
                yield leaf["item"]


def queued(pool):
    """Where tasks wait for a worker, and which."""
    inbox = pool["inbox"]
    for i in range(int(inbox["rings"])):
        yield "rings", in_ring(inbox["ring"][i])
    for i in range(int(inbox["locals_used"])):
        if int(inbox["local"][i]):
            yield "local queues", in_owned(inbox["local"][i]["ring"])
    low, high = inbox["prio"].type.range()
    for i in range(low, high + 1):
        yield "lower ranks" if i else "overflow", in_prio(inbox["prio"][i])
    yield "requeued, or for a time", in_later(inbox["later"])
    yield "requeued, or for a time", in_prio(inbox["later"]["spill"])


# ---- threads ------------------------------------------------------------------------


class Slot:
    def __init__(self, slot):
        self.slot = slot
        life = int(slot["thread"]["life"])
        self.life = enum("slot_life").get(life & 0x7F, "life %d" % (life & 0x7F))
        self.asleep = bool(life & 0x80)
        self.word = int(slot["word"])
        self.tid = int(slot["thread"]["tid"])
        self.seat = int(slot["seat"]["number"])

    def inside(self):
        return self.word % 8 != 0

    def phase(self, word):
        return enum("slot_phase").get(word % 8, "phase %d" % (word % 8))

    def state(self, parked):
        if self.inside():
            return self.phase(self.word)
        return "idle" if parked else "looks"

    def task(self):
        return task_named(self.slot["task"]) if self.inside() else ""


def slots(pool):
    used, there = int(pool["slots_used"]), int(pool["slots"])
    if used > there or there > 100000:
        raise Corrupt("%d of %d threads' records in use" % (used, there))
    return [Slot(pool["slot"][i]) for i in range(used)]


def seats(pool):
    """(seat, its worker)"""
    used, there = int(pool["seats_used"]), int(pool["seats"])
    if used > there or there > 100000:
        raise Corrupt("%d of %d seats in use" % (used, there))
    for i in list(range(used)) + [there]:
        if int(pool["seat"][i]):
            yield i, Slot(pool["seat"][i].dereference())


def is_parked(pool, slot):
    sleeper = pool["inbox"]["bell"]["sleeper"][int(slot.slot["index"])]
    return bool(int(sleeper["parked"]))


def thread_of(tid):
    for thread in gdb.selected_inferior().threads():
        if tid in thread.ptid[1:]:
            return thread
    return None


# ---- the steward's memory -----------------------------------------------------------


class Steward:
    """The one in office; without one (before the start) nothing is known."""

    def __init__(self, pool):
        self.at = None
        self.now = 0
        heal = at(pool["helpers"], "struct heal")
        if int(heal) == 0:
            return
        term = int(heal["term"])
        for it in chain(heal["newest"], lambda s: s["before"]):
            if int(it["term"]) == term:
                self.at = it
        if self.at and int(self.at["history"]):
            n = min(int(pool["seats_used"]), int(pool["seats"]))
            self.now = max([int(self.history(i)["seen_at"]) for i in range(n)],
                           default=0)

    def history(self, seat):
        return self.at["history"][seat]

    def silence(self, seat, slot):
        """Since the last sign of life; "" if it gave one, or is outside."""
        if not self.at or not slot.inside():
            return ""
        history = self.history(seat)
        last = history["last"]
        if (int(last["word"]) != slot.word or
                int(last["gen"]) != int(slot.slot["index"]) + 1 or
                int(history["sampled_at"]) == 0):
            return ""
        ledger = history["silence"]
        since = max(0, self.now - int(history["sampled_at"]))
        parts = ", ".join("%s %s" % (name, span(int(ledger[name])))
                          for name in ("busy", "blocked", "starved", "stopped")
                          if int(ledger[name]))
        return "silent %s%s" % (span(int(ledger["silence"]) + since),
                                " (%s)" % parts if parts else "")


# ---- a pool -------------------------------------------------------------------------


def pools():
    offset = offset_of("struct pool", "listed")
    for symbol in gdb.lookup_static_symbols("listed"):
        if str(symbol.type) == "struct host_listed *":
            for it in chain(symbol.value(), lambda it: it["next"]):
                yield at(int(it) - offset, "struct pool")


def name_of(pool):
    return pool["name"].string("utf-8", "backslashreplace").partition("\0")[0]


def say(depth, line):
    gdb.write("  " * depth + line + "\n")


def show_head(pool):
    magic = int(pool["magic"]) ^ ward_type("enum handle_kind").fields()[0].enumval
    if magic > 100000:  # forks in a row
        raise Corrupt("no pool: its magic word is %#x" % int(pool["magic"]))
    started = int(pool["started"])
    state = ("destroyed, threads are left" if int(pool["orphaned"]) else
             "stopping" if int(pool["stopping"]) else
             "draining" if int(pool["inbox"]["closed"]) else
             "not started" if not started else
             "its start failed" if started != 1 else "up")
    if int(pool["degraded"]):
        state += ", DEGRADED"
    word = int(pool["seat_count"]["word"])
    taken = sum(1 for i, slot in seats(pool) if i < int(pool["seats"]))
    say(0, 'pool "%s" %#x: %s; %d of %d workers, %d spares'
        % (name_of(pool), int(pool), state, taken, word & 0xFFFF,
           int(pool["spares_ready"])))


def show_numbers(pool):
    inbox = pool["inbox"]
    all_slots = slots(pool)
    accepted = int(inbox["requeued_fresh"]) + int(inbox["accepted"])
    accepted += sum(int(inbox["ring"][i]["accepted"])
                    for i in range(int(inbox["rings"])))
    accepted += sum(int(inbox["local"][i]["ring"]["accepted"])
                    for i in range(int(inbox["locals_used"])))
    low, high = inbox["prio"].type.range()
    accepted += sum(int(inbox["prio"][i]["in"]) for i in range(low, high + 1))
    released = int(pool["released"]) + sum(int(s.slot["released"]) for s in all_slots)
    say(1, "tasks: %d accepted, %d given back, %d refused, %d failed, %d dead letters"
        % (accepted & (2**64 - 1), released, int(pool["refused"]),
           int(pool["failed"]), int(pool["dead_letters"])))
    say(1, "attempts: %d begun, %d lost to stalls, %d to deaths, %d to faults, %d again"
        % (sum(int(s.slot["started"]) for s in all_slots), int(pool["stalled"]),
           int(pool["died"]), int(pool["faulted"]), int(pool["reruns"])))
    say(1, "healed: %d seats; zombies: %d of %d awake, %d of %d asleep; %d came home"
        % (int(pool["heals"]),
           int(pool["zombies_out"]) - int(pool["zombies_asleep"]),
           int(pool["zombie_cap"]), int(pool["zombies_asleep"]),
           int(pool["asleep_cap"]), int(pool["zombies_returned"])))


def thread_name(tid):
    thread = thread_of(tid)
    return "thread %-4s tid %-7d" % (thread.num if thread else "?", tid)


def show_seats(pool):
    steward = Steward(pool)
    bench = int(pool["seats"])
    for i, slot in seats(pool):
        line = "%s %s %-7s %s" % (
            "bench   " if i == bench else "seat %-3d" % i, thread_name(slot.tid),
            slot.state(is_parked(pool, slot)), slot.task())
        silence = "" if i == bench else steward.silence(i, slot)
        say(1, (line + "  " + silence).rstrip())
    show_zombies(pool, steward.now)


def show_zombies(pool, now):
    for slot in slots(pool):
        if slot.life != "zombie":
            continue
        since = now - int(slot.slot["fencing"]["at"])
        say(1, "zombie   %s %-7s %s  fenced%s%s" % (
            thread_name(slot.tid), slot.phase(slot.word), slot.task(),
            " %s ago" % span(since) if since > 0 else "",
            ", found asleep" if slot.asleep else ""))


def show_lanes(pool):
    for lane in chain(pool["lanes"], lambda it: it["next"]):
        count = int(lane["count"]) & 0x7FFFFFFF
        width = int(lane["width"])
        say(1, 'lane "%s" %#x: width %s, %d inside, %d of them waiting%s' % (
            lane["name"].string("utf-8", "backslashreplace").partition("\0")[0],
            int(lane), width if width else "any", count, int(lane["waiting"]),
            ", closed" if int(lane["closed"]) else ""))
        show_tasks(2, Counter(task_named(t) for t in linked(int(lane["first"]))))


def show_tasks(depth, names):
    for name, n in names.most_common(SHOWN):
        say(depth, "%dx %s" % (n, name))
    rest = sum(names.values()) - sum(n for _, n in names.most_common(SHOWN))
    if rest:
        say(depth, "%d others" % rest)


def show_queued(pool):
    where, names = Counter(), Counter()
    try:
        for place, tasks in queued(pool):
            for task in tasks:
                where[place] += 1
                names[task_named(task)] += 1
                if sum(where.values()) > MANY:
                    raise Corrupt("more than %d tasks" % MANY)
    finally:
        say(1, "queued: %d%s" % (
            sum(where.values()),
            " (%s)" % ", ".join("%d %s" % (n, p) for p, n in where.items())
            if where else ""))
        show_tasks(2, names)


def show(pool):
    for part in (show_head, show_numbers, show_seats, show_lanes, show_queued):
        try:
            part(pool)
        except (gdb.error, Corrupt) as err:
            say(1, "(cannot be read: %s)" % err)


# ---- commands -----------------------------------------------------------------------


def named(name):
    """The pools of that name; all, for None."""
    found = []
    try:
        for pool in pools():
            if name is None or name_of(pool) == name:
                found.append(pool)
    except (gdb.error, Corrupt) as err:
        say(0, "(the list of pools cannot be read further: %s)" % err)
    return found


class InfoWard(gdb.Command):
    """info ward [POOL]: pools of libward, all or those of that name.

Of each: its numbers; who sits in which seat, in which task, and for how long without
a sign of life; threads that were convicted and are not back; lanes; queued tasks."""

    def __init__(self):
        super().__init__("info ward", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        name = argument.strip() or None
        found = named(name)
        if not found:
            say(0, "no pool" if name is None else 'no pool "%s"' % name)
        for pool in found:
            show(pool)


class Ward(gdb.Command):
    """Commands about pools of libward."""

    def __init__(self):
        super().__init__("ward", gdb.COMMAND_STACK, prefix=True)


class WardBacktrace(gdb.Command):
    """ward bt [POOL] SEAT: where the worker in that seat is; of the only pool, or POOL."""

    def __init__(self):
        super().__init__("ward bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not 1 <= len(words) <= 2 or not words[-1].isdigit():
            raise gdb.GdbError("ward bt [POOL] SEAT")
        found = named(words[0] if len(words) == 2 else None)
        if len(found) != 1:
            raise gdb.GdbError("%d pools: ward bt POOL SEAT" % len(found))
        self.show(found[0], int(words[-1]))

    def show(self, pool, seat):
        for i, slot in seats(pool):
            if i != seat:
                continue
            thread = thread_of(slot.tid)
            if thread is None:
                raise gdb.GdbError("seat %d: no thread %d" % (seat, slot.tid))
            say(0, "seat %d, %s" % (seat, slot.task() or "no task"))
            gdb.execute("thread apply %d backtrace" % thread.num)
            return
        raise gdb.GdbError("seat %d is empty" % seat)


InfoWard()
Ward()
WardBacktrace()
