#!/usr/bin/env python3
"""Prints one table per subject from what the benchmarks have measured.

usage: table.py FILE...

Each FILE is JSON as Google Benchmark writes it. A figure is the median of the repetitions; each
stands beside what it is compared with, measured in the same run. Exits with 1 when a bar is missed.
"""

import json
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from typing import Optional

WRITER_LIMIT = 10.5  # microseconds, of 10 that were asked for
NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


class Figures:
    """Medians by benchmark and metric."""

    def __init__(self, files: list[str]) -> None:
        samples: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.errors: list[str] = []
        for file in files:
            with open(file, encoding="utf-8") as opened:
                runs = json.load(opened)["benchmarks"]
            for run in runs:
                if run["run_type"] != "iteration":
                    continue
                name = run["name"].removesuffix("/real_time").removesuffix("/process_time")
                name = name.removesuffix("/manual_time")
                name = name.split("/iterations:")[0]
                if run.get("error_occurred"):
                    self.errors.append(f"{name}: {run['error_message']}")
                    continue
                scale = NANOSECONDS[run.get("time_unit", "ns")]
                for metric, value in run.items():
                    if isinstance(value, (int, float)):
                        factor = scale if metric in ("cpu_time", "real_time") else 1.0
                        samples[name, metric].append(value * factor)
        self._medians = {key: statistics.median(values) for key, values in samples.items()}

    def get(self, of: "Of") -> Optional[float]:
        value = self._medians.get((of.name, of.metric))
        return None if value is None else value * of.scale


@dataclass(frozen=True)
class Of:
    """One figure: a metric of a benchmark, in `unit` once it is scaled."""

    name: str
    metric: str = "cpu_time"
    unit: str = "ns"
    scale: float = 1.0


@dataclass(frozen=True)
class Bar:
    limit: float
    # "ratio": figure / baseline, at most; "share": the same, at least; "speed": baseline / figure;
    # "figure"; "least": a figure
    of: str

    def text(self, unit: str) -> str:
        if self.of in ("figure", "least"):
            return f"{'<=' if self.of == 'figure' else '>='} {self.limit:g} {unit}".rstrip()
        return f"{'<=' if self.of == 'ratio' else '>='} {self.limit:g}x"

    def met(self, figure: float, baseline: Optional[float]) -> Optional[bool]:
        if self.of == "figure":
            return figure <= self.limit
        if self.of == "least":
            return figure >= self.limit
        if not figure or not baseline:
            return None
        ratio = figure / baseline
        if self.of == "share":
            return ratio >= self.limit
        return ratio <= self.limit if self.of == "ratio" else 1 / ratio >= self.limit


@dataclass(frozen=True)
class Row:
    what: str
    figure: Of
    beside: str = ""
    baseline: Optional[Of] = None
    bar: Optional[Bar] = None
    writer: Optional[Of] = None  # the period its writer got; above WRITER_LIMIT nothing is proved


def at_most(limit: float) -> Bar:
    return Bar(limit, "figure")


def at_least(limit: float) -> Bar:
    return Bar(limit, "least")


def ratio(limit: float) -> Bar:
    return Bar(limit, "ratio")


def share(limit: float) -> Bar:
    return Bar(limit, "share")


def faster(limit: float) -> Bar:
    return Bar(limit, "speed")


def writer_period(threads: int) -> Of:
    return Of(f"reading/read/writer:10/threads:{threads}", "period_us", "us")


def us(name: str) -> Of:
    return Of(name, unit="us", scale=1e-3)


def ms(name: str) -> Of:
    return Of(name, unit="ms", scale=1e-6)


def real_us(name: str) -> Of:
    return Of(name, "real_time", "us", 1e-3)


def p50(name: str) -> Of:
    return Of(name, "p50_us", "us")


def p99(name: str) -> Of:
    return Of(name, "p99_us", "us")


def p50_ms(name: str) -> Of:
    return Of(name, "p50_us", "ms", 1e-3)


def p99_ms(name: str) -> Of:
    return Of(name, "p99_us", "ms", 1e-3)


def told(name: str) -> Of:
    """The last of many watchers, after a put was sent."""
    return Of(f"http/{name}", "all_us", "ms", 1e-3)


def per_second(name: str) -> Of:
    return Of(f"http/{name}", "per_second", "k/s", 1e-3)


def each(name: str) -> Of:
    return Of(name, "each_ns")


def kib(name: str) -> Of:
    return Of(name, "bytes", "KiB", 1 / 1024)


def reading(name: str, threads: int = 1, writer: int = 0) -> Of:
    return Of(f"reading/{name}/writer:{writer}/threads:{threads}")


READERS = [
    ("read() + member", "read"),
    ("with(f)", "with"),
    ("get(&T::member)", "get member"),
    ("view, two handles", "view of two"),
    ("held Reading", "held reading"),
    ("held View, value", "held view"),
    ("held View, view[handle]", "held view look up"),
    ("pin()", "pin"),
    ("snapshot()", "snapshot"),
    ("plain global, never changes", "plain global"),
    ("thread-local cached shared_ptr", "thread cached"),
    ("thread-local cached bare pointer", "thread cached bare"),
    ("std::atomic<std::shared_ptr>", "std atomic shared_ptr"),
    ("boost::atomic_shared_ptr", "boost atomic shared_ptr"),
    ("mutex, copy of shared_ptr", "mutex pointer"),
    ("mutex, copy of value", "mutex value"),
    ("shared_mutex, copy of shared_ptr", "shared_mutex pointer"),
    ("shared_mutex, copy of value", "shared_mutex value"),
    ("liburcu memb", "urcu memb"),
    ("liburcu bp", "urcu bp"),
]

CACHED = "thread-local cached pointer"
NLOHMANN = "nlohmann::json"

SECTIONS = [
    ("Reading, bars", [
        Row("read() + member", reading("read"), CACHED, reading("thread cached"), ratio(2.5)),
        Row("read() + member", reading("read"), "the same, bare pointer",
            reading("thread cached bare")),
        Row("read() + member", reading("read"), "std::atomic<shared_ptr>",
            reading("std atomic shared_ptr"), faster(15)),
        Row("read(), 2 threads", reading("read", 2), "1 thread", reading("read"), ratio(1.1)),
        Row("read(), commit every 10 us", reading("read", 1, 10), "no writer", reading("read"),
            ratio(1.3), writer_period(1)),
        Row("read(), 2 threads, 10 us", reading("read", 2, 10), "no writer", reading("read", 2),
            ratio(1.3), writer_period(2)),
        Row("held Reading", reading("held reading"), "plain global", reading("plain global"),
            ratio(1.1)),
        Row("held View, value", reading("held view"), "plain global", reading("plain global"),
            ratio(1.1)),
        Row("held View, view[handle]", reading("held view look up"), "plain global",
            reading("plain global")),
        Row("allocations per read", Of("reading/read/writer:0/threads:1", "allocations", ""),
            bar=at_most(0)),
        Row("the same, commit every 10 us",
            Of("reading/read/writer:10/threads:1", "allocations", ""), bar=at_most(0)),
    ]),
    ("Document of 100,000 values", [
        Row("edit of one key, 10,000 x 10", us("document/edit nested"), f"{NLOHMANN}, copy",
            us("document/edit nlohmann"), at_most(3)),
        Row("edit of one key, flat object", us("document/edit flat"), bar=at_most(3)),
        Row("edit of one element, array", us("document/edit array"), bar=at_most(3)),
        Row("kept per version, 10,000 x 10", kib("document/keep nested"), f"{NLOHMANN}, copy",
            kib("document/keep nlohmann"), at_most(4)),
        Row("kept per version, flat object", kib("document/keep flat"), bar=at_most(4)),
        Row("kept per version, array", kib("document/keep array"), bar=at_most(4)),
        Row("parse and build", ms("document/parse"), f"{NLOHMANN}::parse",
            ms("document/parse nlohmann"), ratio(1.2)),
        Row("reconcile, nothing changed", ms("document/reconcile equal"), f"{NLOHMANN} ==",
            ms("document/equal nlohmann")),
        Row("reconcile, one value changed", ms("document/reconcile one changed"),
            f"{NLOHMANN} ==", ms("document/equal nlohmann")),
        Row("difference of neighbours", us("document/difference"), f"{NLOHMANN}::diff",
            us("document/difference nlohmann"), at_most(2)),
        Row("merge of one value", us("document/merge"), f"{NLOHMANN}, copy and patch",
            us("document/merge nlohmann")),
    ]),
    ("Commit on 100,000 values, Store::set", [
        Row("one bound service, p50", p50("commit/one bound service"), "document edit",
            us("document/edit nested"), at_most(15)),
        Row("the same, p99", p99("commit/one bound service")),
        Row("one of 10,000 bound, p50", p50("commit/10000 bound services"), "document edit",
            us("document/edit nested"), at_most(15)),
        Row("the same, p99", p99("commit/10000 bound services")),
        Row("all bound as one map, p50", p50_ms("commit/map of 10000 services")),
        Row("one of 100,000 handles, p50", p50("commit/one of 100000 handles"), "always the same",
            p50("commit/the same of 100000 handles")),
        Row("the same, p99", p99("commit/one of 100000 handles")),
        Row("the same, to another thread's read", p50("commit/one of 100000 handles to reader"),
            bar=at_most(5)),
        Row("the same, to observer, p50", p50("commit/one of 100000 handles to observer")),
        Row("bind of one of 100,000", Of("commit/build 100000 handles", "build_ns", "us", 1e-3)),
        Row("memory of one of 100,000", Of("commit/build 100000 handles", "bytes", "B")),
    ]),
    ("Versions of 100,000 values, 10,000 services", [
        Row("kept per version, one bound", kib("version/retained"), f"{NLOHMANN}, copy",
            kib("version/retained nlohmann"), at_most(4)),
        Row("the same, all 10,000 bound", kib("version/retained, all bound"), f"{NLOHMANN}, copy",
            kib("version/retained nlohmann")),
        Row("diff of neighbours", us("version/diff"), f"{NLOHMANN}::diff",
            us("version/diff nlohmann"), at_most(2)),
        Row("explain one path", us("version/explain"), bar=at_most(5)),
        Row("history, 64 versions", us("version/history")),
    ]),
    ("Derived values and observers, the commit included", [
        *(row for shape in ("chain", "diamond") for row in (
            Row(f"node of a {shape} of 1,000", each(f"graph/{shape}"),
                "loop by hand, std::function", each(f"graph/{shape} by hand"), at_most(25)),
            Row("the same", each(f"graph/{shape}"), "loop by hand, std::function",
                each(f"graph/{shape} by hand"), ratio(3)),
            Row("the same", each(f"graph/{shape}"), "the loop, readable by threads",
                each(f"graph/{shape} by hand, shared")))),
        Row("commit, cut off at the first node", us("graph/cut off"), "nothing derived",
            us("graph/source only")),
        Row("100 nodes, 1 of 100,000, to reader",
            p50("graph/100 nodes of 100000 handles to reader"), bar=at_most(10)),
        Row("observer of 1,000, inline", each("graph/observers"), "Boost.Signals2, slot",
            each("graph/slots signals2"), at_most(60)),
        Row("the same", each("graph/observers"), "sigc++, slot", each("graph/slots sigc")),
        Row("commit to notifier thread, p50", p50("graph/to notifier thread"),
            "condition_variable, wake-up", p50("graph/bare wake-up"), ratio(1.5)),
        Row("the same, p99", p99("graph/to notifier thread"), "condition_variable, wake-up",
            p99("graph/bare wake-up")),
        Row("commits of a key, 1,000 handles",
            Of("graph/commits among 1000 handles", "items_per_second", "k/s", 1e-3),
            bar=at_least(300)),
        Row("memory of an idle int node", Of("graph/memory of 100000 nodes", "bytes", "B"),
            bar=at_most(256)),
        Row("read() of a derived value", Of("graph/read derived"), "of a bound one",
            Of("graph/read bound"), ratio(1.1)),
    ]),
    ("Reload of a file of 100,000 values, process CPU", [
        Row("nothing changed, no version", ms("reload/unchanged"), "nlohmann, parse and ==",
            ms("reload/nlohmann")),
        Row("one value changed", ms("reload/one changed"), "nlohmann, parse and ==",
            ms("reload/nlohmann")),
        Row("services that are new then", Of("reload/one changed", "new_services", ""),
            bar=at_most(1)),
    ]),
    ("File save to observer, beyond the quiet time", [
        Row("quiet 5 ms, p50", p50_ms("save/observer quiet 5 ms"), "inotify and read",
            p50_ms("save/raw inotify"), at_most(0.5)),
        Row("the same, p99", p99_ms("save/observer quiet 5 ms"), "inotify and read",
            p99_ms("save/raw inotify")),
        Row("quiet 50 ms, p50", p50_ms("save/observer quiet 50 ms"), "inotify and read",
            p50_ms("save/raw inotify"), at_most(0.5)),
        Row("the same, p99", p99_ms("save/observer quiet 50 ms"), "inotify and read",
            p99_ms("save/raw inotify")),
    ]),
    ("Journal: one of 100,000 values changes", [
        Row("commits, 1,000 handles, sync off",
            Of("journal/commits among 1000 handles", "items_per_second", "k/s", 1e-3),
            bar=at_least(200)),
        Row("commit, 100,000 values, sync off", real_us("journal/commit without sync"),
            "without a journal", real_us("journal/commit without journal")),
        Row("append alone, sync off", real_us("journal/append without sync")),
        Row("the same, p99", p99("journal/append without sync")),
        Row("append, sync on", real_us("journal/append"), "bare fdatasync of as many bytes",
            real_us("journal/bare fdatasync"), faster(0.9)),
        Row("replay", Of("journal/replay", "mb_per_s", "MB/s"), bar=at_least(100)),
        Row("a segment begins, sync on", Of("journal/first version", "real_time", "ms", 1e-6)),
    ]),
    ("Quorum: consensus of three members, without network and disk", [
        Row("heartbeat, all five steps", Of("quorum/heartbeat"), bar=at_most(1000)),
        Row("allocations in it", Of("quorum/heartbeat", "allocations", ""), bar=at_most(0)),
        Row("entry, committed by all", Of("quorum/entry"), bar=at_most(3000)),
        Row("allocations in it", Of("quorum/entry", "allocations", "")),
    ]),
    ("HTTP, a change told to other processes, none pinned", [
        Row("set to observer, p50", p50("http/observer of 1")),
        Row("the same, p99", p99("http/observer of 1")),
        Row("beside 99 of other places, p50", p50("http/observer of 100 elsewhere"),
            bar=at_most(200)),
        Row("the same, p99", p99("http/observer of 100 elsewhere"), bar=at_most(1000)),
        Row("one of 100, p50", p50("http/observer of 100"), "epoll, PUT to each of 100",
            p50("http/epoll 100"), at_most(200)),
        Row("the same, p99", p99("http/observer of 100"), "epoll, PUT to each of 100",
            p99("http/epoll 100"), at_most(1000)),
        Row("PUT to each of 100, p50", p50("http/attune 100"), "epoll", p50("http/epoll 100")),
        *(Row(f"PUT to watcher, {percentile.__name__}", percentile("http/attune 1"),
              f"{peer}, {percentile.__name__}", percentile(f"http/{peer} 1"))
          for percentile in (p50, p99) for peer in ("epoll", "etcd")),
        *(Row(f"PUT to the last of {count:,}, p50", told(f"attune {count}"), peer,
              told(f"{peer} {count}"),
              at_most(limit) if limit and peer == "epoll" else None)
          for count, limit in ((100, 0), (1_000, 0), (5_000, 60), (10_000, 150))
          for peer in ("epoll", "etcd") if (count, peer) != (10_000, "etcd")),
        Row("idle watcher of 10,000", kib("http/attune 10000"), "epoll", kib("http/epoll 10000"),
            at_most(16)),
        Row("idle watcher of 5,000", kib("http/attune 5000"), "etcd", kib("http/etcd 5000")),
        Row("the kernel's part", Of("http/attune 10000", "kernel_bytes", "KiB", 1 / 1024), "epoll",
            Of("http/epoll 10000", "kernel_bytes", "KiB", 1 / 1024)),
        Row("GET of 1 KiB", per_second("get attune"), "nginx, a file",
            per_second("get nginx"), share(0.5)),
        Row("GET of 1 KiB", per_second("get attune"), "epoll", per_second("get epoll")),
    ]),
    ("Quorum: the log of a member, entries of 128 bytes", [
        Row("durable append, p50", p50("quorum/durable append")),
        Row("the same, p99", p99("quorum/durable append")),
        Row("rate, of that of pwrite and fdatasync in turn with it",
            Of("quorum/durable append", "of_bare_rate", ""), bar=at_least(0.9)),
        Row("entries per flush, 64 on their way", Of("quorum/group commit", "per_flush", ""),
            bar=at_least(20)),
        Row("entries, 64 on their way", Of("quorum/group commit", "entries", "k/s", 1e-3)),
    ]),
    ("Compile cost of a program that binds ten fields", [
        Row(f"{mode}, {level}", Of(f"compile/{mode} {level}", "seconds", "s"),
            "nlohmann::json::parse", Of(f"compile/nlohmann {level}", "seconds", "s"), ratio(limit))
        for mode, limit in (("header-only", 2.5), ("compiled", 1.2)) for level in ("-O0", "-O2")
    ]),
]


def number(value: Optional[float], unit: str = "") -> str:
    if value is None:
        return ""
    if value == int(value) or value >= 100:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{text} {unit}".rstrip()


def times(value: float) -> str:
    return f"{value:.2f}x" if value >= 0.1 else f"1/{number(round(1 / value))}"


def print_readers(figures: Figures) -> None:
    """All readers, in all the circumstances they were measured in."""
    if all(figures.get(reading(name)) is None for _, name in READERS):
        return
    columns = [(1, 0), (2, 0), (1, 10), (2, 10)]
    print("\nReading: ns of CPU per read and thread; 10 us: while a writer publishes that often")
    print(f"  {'':34}{'1 thread':>10}{'2 threads':>10}{'1, 10 us':>10}{'2, 10 us':>10}"
          f"{'allocations':>13}{'instructions':>14}{'writer got':>12}")
    for label, name in READERS:
        costs = [figures.get(reading(name, *column)) for column in columns]
        if costs[0] is None:
            continue
        first = reading(name).name
        allocations = figures.get(Of(first, "allocations"))
        period = figures.get(Of(reading(name, 1, 10).name, "period_us"))
        instructions = figures.get(Of(f"instructions/{name.replace('_', ' ')}", "instructions"))
        print(f"  {label:34}" + "".join(f"{number(cost):>10}" for cost in costs) +
              f"{number(allocations):>13}{number(instructions):>14}{number(period, 'us'):>12}")


def print_section(figures: Figures, title: str, rows: list[Row]) -> tuple[int, int]:
    """Returns how many bars there were, and how many were met."""
    bars = met_bars = 0
    print(f"\n{title}")
    print(f"  {'':34}{'figure':>12}  {'beside':28}{'':>12}{'ratio':>9}  {'bar':12}met")
    for row in rows:
        figure = figures.get(row.figure)
        if figure is None:
            continue
        baseline = figures.get(row.baseline) if row.baseline else None
        shown_ratio = ""
        if baseline and figure:
            speed = row.bar is not None and row.bar.of == "speed"
            shown_ratio = times(baseline / figure if speed else figure / baseline)
        bar = met = ""
        if row.bar:
            judged = row.bar.met(figure, baseline)
            bar = row.bar.text(row.figure.unit)
            met = {True: "yes", False: "NO", None: "?"}[judged]
            period = figures.get(row.writer) if row.writer else None
            if judged and period is not None and period > WRITER_LIMIT:
                judged, met = None, f"? the writer got {number(period, 'us')}"
            bars += 1
            met_bars += judged is True
        beside = row.beside if baseline is not None else ""
        unit = row.baseline.unit if row.baseline else ""
        print(f"  {row.what:34}{number(figure, row.figure.unit):>12}  {beside:28}"
              f"{number(baseline, unit):>12}{shown_ratio:>9}  {bar:12}{met}".rstrip())
    return bars, met_bars


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    figures = Figures(sys.argv[1:])
    print_readers(figures)
    bars = met = 0
    for title, rows in SECTIONS:
        if any(figures.get(row.figure) is not None for row in rows):
            of_section, met_of_section = print_section(figures, title, rows)
            bars += of_section
            met += met_of_section
    print(f"\n{met} of {bars} bars met")
    for error in figures.errors:
        print(f"failed: {error}")
    return 0 if met == bars and not figures.errors else 1


if __name__ == "__main__":
    sys.exit(main())
