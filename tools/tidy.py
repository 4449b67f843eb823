#!/usr/bin/env python3
"""The house rules, as a test: prints every violation as file:line: text, and fails if there is one.

usage: tidy.py [--write-src]

--write-src first brings include/attune/src.hpp, net_src.hpp and quorum_src.hpp up to date with the
.ipp files that exist.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
SRC = INCLUDE / "attune/src.hpp"
NET_SRC = INCLUDE / "attune/net_src.hpp"
QUORUM_SRC = INCLUDE / "attune/quorum_src.hpp"

# What a room may include besides itself. The top-level version.hpp and fwd.hpp are free to all.
FLOORS = {
    "document": [],
    "bind": ["document"],
    "graph": ["document", "bind"],
    "storage": [],
    "store": ["document", "bind", "graph", "storage"],
    "transport": ["document", "bind", "graph", "storage", "store"],
    "net": [],
    "serve": ["document", "bind", "graph", "store", "transport", "net"],
    "quorum": ["storage", "net"],
    "testing": ["document", "bind", "graph", "store", "transport", "net"],
}
# Subjects that stand on more floors than the rest of their room: transports over the network, and
# what the network offers for handles.
# By the beginning of their names.
FURTHER_FLOORS = {
    ("transport", "http"): ["net"],
    ("transport", "rpc"): ["net"],
    ("transport", "store_io"): ["net"],
    ("testing", "faulty_proxy"): ["net"],
    ("net", "async_next"): ["document", "bind", "graph", "store"],
}
# Nothing else includes Boost. Their bodies are in net_src.hpp and quorum_src.hpp: src.hpp is the
# core's alone.
ROOMS_WITH_BOOST = {"net", "serve", "quorum"}
# Nothing else includes SQLite, and the core does not include these.
SUBJECTS_WITH_SQLITE = {("transport", "sqlite"), ("transport", "sqlite_database"),
                        ("transport", "sqlite_share")}

UMBRELLAS = ["attune/attune.hpp", "attune/net.hpp", "attune/quorum.hpp", "attune/testing.hpp"]
# Included by a program that wants them, and by nothing else.
OPT_IN = ["attune/document/json.hpp", "attune/fwd.hpp", "attune/testing/faulty_proxy.hpp",
          "attune/transport/sqlite.hpp"]

# Headers without a test of their own name, and the test that exercises them: parts that only mean
# something together, and the inside of something that is tested as a whole.
TESTED_IN = {
    "attune/bind/number.hpp": "tests/bind/decode_scalar.cpp",
    "attune/bind/pattern.hpp": "tests/bind/schema.cpp",
    "attune/bind/structure.hpp": "tests/bind/reflect.cpp",
    "attune/graph/cell_memory.hpp": "tests/graph/frame_chain.cpp",
    "attune/graph/derived_node.hpp": "tests/store/graph_laws.cpp",
    "attune/graph/deadline.hpp": "tests/graph/publication_bell.cpp",
    "attune/graph/executor.hpp": "tests/graph/delivery.cpp",
    "attune/graph/frame.hpp": "tests/graph/frame_chain.cpp",
    "attune/graph/graph.hpp": "tests/store/graph_laws.cpp",
    "attune/graph/node.hpp": "tests/store/derive.cpp",
    "attune/graph/notifier.hpp": "tests/graph/delivery.cpp",
    "attune/graph/propagation.hpp": "tests/store/graph_laws.cpp",
    "attune/graph/observer_name.hpp": "tests/graph/call_watch.cpp",
    "attune/graph/reading.hpp": "tests/store/store.cpp",
    "attune/graph/ref.hpp": "tests/store/derive.cpp",
    "attune/graph/subscription.hpp": "tests/graph/delivery.cpp",
    "attune/graph/value_cell.hpp": "tests/graph/frame_chain.cpp",
    "attune/graph/value_kind.hpp": "tests/store/derive.cpp",
    "attune/net/http_timeouts.hpp": "tests/net/http_client.cpp",
    "attune/quorum/lock_machine/limits.hpp": "tests/quorum/lock_machine_limits.cpp",
    "attune/quorum/lock_machine/lock_view.hpp": "tests/quorum/lock_machine.cpp",
    "attune/quorum/lock_machine/reply.hpp": "tests/quorum/lock_machine.cpp",
    "attune/quorum/raft/effects.hpp": "tests/quorum/core.cpp",
    "attune/quorum/raft/entry.hpp": "tests/quorum/core.cpp",
    "attune/quorum/raft/message.hpp": "tests/quorum/core.cpp",
    "attune/quorum/raft/write.hpp": "tests/quorum/core.cpp",
    "attune/quorum/token.hpp": "tests/quorum/lock_machine.cpp",
    "attune/quorum/log/log_options.hpp": "tests/quorum/log.cpp",
    "attune/quorum/log/log_refused.hpp": "tests/quorum/log.cpp",
    "attune/store/binding_index.hpp": "tests/store/laws.cpp",
    "attune/store/bound_node.hpp": "tests/store/store.cpp",
    "attune/store/commit.hpp": "tests/store/store.cpp",
    "attune/store/config.hpp": "tests/store/store.cpp",
    "attune/store/core.hpp": "tests/store/laws.cpp",
    "attune/store/derive_options.hpp": "tests/store/derive.cpp",
    "attune/store/journal_options.hpp": "tests/store/journal.cpp",
    "attune/store/journal_report.hpp": "tests/store/journal_damage.cpp",
    "attune/store/journal_sink.hpp": "tests/store/journal.cpp",
    "attune/store/layer.hpp": "tests/store/store.cpp",
    "attune/store/layer_stack.hpp": "tests/store/laws.cpp",
    "attune/store/options.hpp": "tests/store/store.cpp",
    "attune/store/snapshot.hpp": "tests/store/store.cpp",
    "attune/store/status.hpp": "tests/store/store.cpp",
    "attune/store/transport.hpp": "tests/store/store.cpp",
    "attune/store/version_record.hpp": "tests/store/journal.cpp",
    "attune/testing/manual_executor.hpp": "tests/graph/manual_executor.cpp",
    "attune/transport/http_options.hpp": "tests/transport/http.cpp",
}

HEADER_LINES = 500
COLUMNS = 100
TABLE_COLUMNS = 120

# Put together from halves: this file keeps its own rules.
BANNED_WORDS = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"]) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:home|work|root|Users)/|(?<![\w.}])/tmp/\w")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
INCLUDED = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
EXPENSIVE = {"regex", "iostream", "fstream", "sstream", "iomanip", "filesystem"}
EXPENSIVE_BUT_FOR = {"filesystem": "a path is part of the interface"}
FREE_FOR_FWD = {"cstddef", "cstdint", "attune/version.hpp"}

TEXT_SUFFIXES = {".hpp", ".ipp", ".cpp", ".py", ".sh", ".cmake", ".txt", ".md", ".json", ".in", ""}

Violation = tuple[Path, int, str]


def further_floors(room: str, stem: str) -> list[str]:
    return [floor for (each, begins), floors in FURTHER_FLOORS.items()
            if each == room and stem.startswith(begins) for floor in floors]


def included(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDED.match(line)
        if match:
            yield number, match[1]


def library() -> list[Path]:
    return sorted([*INCLUDE.rglob("*.hpp"), *INCLUDE.rglob("*.ipp")])


def name_of(path: Path) -> str:
    return path.relative_to(INCLUDE).as_posix()


def room_of(name: str) -> str | None:
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else None


def is_contract(name: str) -> bool:
    return name.endswith(".hpp") and "/impl/" not in name and "/detail/" not in name


def tracked() -> list[Path]:
    """Every text file that is, or would be, under version control."""
    answer = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True)
    if answer.returncode == 0:
        paths = [ROOT / name for name in answer.stdout.split("\0") if name]
    else:
        build = ROOT / "build"
        paths = [p for p in ROOT.rglob("*") if build not in p.parents]
    return sorted(p for p in set(paths) if p.is_file() and p.suffix in TEXT_SUFFIXES)


def reached_from(*names: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached and (INCLUDE / name).exists():
            reached.add(name)
            waiting += [target for _, target in included(INCLUDE / name)]
    return reached


def check_floors() -> Iterator[Violation]:
    for path in library():
        name = name_of(path)
        room = room_of(name)
        if room is None:
            continue
        if room not in FLOORS:
            yield path, 1, f"the room {room} stands on no floor"
            continue
        below = {room, *FLOORS[room], *further_floors(room, path.stem)}
        for number, target in included(path):
            if target.startswith("attune/"):
                if not (INCLUDE / target).exists():
                    yield path, number, f"{target} does not exist"
                other = room_of(target)
                if other is None and target not in ("attune/version.hpp", "attune/fwd.hpp"):
                    yield path, number, f"a room does not include {target}"
                elif other is not None and other not in below:
                    yield path, number, f"{room} stands below, or beside, {other}"
                elif is_contract(name) and other not in (None, room) and not is_contract(target):
                    yield path, number, f"{target} belongs to the inside of {other}"
            elif target.startswith("boost/"):
                if not below & ROOMS_WITH_BOOST:
                    yield path, number, f"{room} includes no Boost"
            elif target == "sqlite3.h":
                if (room, path.stem) not in SUBJECTS_WITH_SQLITE:
                    yield path, number, f"{path.stem} includes no SQLite"
            elif target.startswith("nlohmann/") and target != "nlohmann/json_fwd.hpp":
                if path.stem != "json":
                    yield path, number, "only json.hpp includes more than nlohmann/json_fwd.hpp"


def check_core() -> Iterator[Violation]:
    for name in sorted(reached_from(UMBRELLAS[0], name_of(SRC))):
        if room_of(name) in ROOMS_WITH_BOOST or further_floors(room_of(name), Path(name).stem):
            yield INCLUDE / UMBRELLAS[0], 1, f"brings in {name}, and with it the network"
        if (room_of(name), Path(name).stem) in SUBJECTS_WITH_SQLITE:
            yield INCLUDE / UMBRELLAS[0], 1, f"brings in {name}, and with it SQLite"


def beyond_own_body(name: str) -> set[str]:
    """The headers outside of impl/ that a header, or what it includes of impl/, includes."""
    beyond: set[str] = set()
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for _, target in included(INCLUDE / waiting.pop()):
            if not (INCLUDE / target).exists() or target in seen:
                continue
            seen.add(target)
            if "/impl/" in target:
                waiting.append(target)
            else:
                beyond.add(target)
    return beyond - {name}


def check_cycles() -> Iterator[Violation]:
    """A body includes its own header, but no other one that needs that: where the other comes
    first, the body would come before what it uses."""
    graph = {name_of(path): sorted(beyond_own_body(name_of(path)))
             for path in library() if "impl" not in path.parts}
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> Iterator[Violation]:
        if name in way:
            circle = " -> ".join([*way[way.index(name):], name])
            yield INCLUDE / name, 1, f"a circle of includes: {circle}"
            return
        if name in done:
            return
        for target in graph[name]:
            yield from walk(target, [*way, name])
        done.add(name)

    for name in graph:
        yield from walk(name, [])


def check_orphans() -> Iterator[Violation]:
    if not (INCLUDE / UMBRELLAS[0]).exists():
        yield INCLUDE / UMBRELLAS[0], 1, "the umbrella is missing"
        return
    reached = reached_from(*UMBRELLAS, *OPT_IN) | {name_of(source) for source in SOURCES}
    for path in library():
        if name_of(path) not in reached:
            yield path, 1, "no umbrella reaches this file"


def check_headers() -> Iterator[Violation]:
    for path in library():
        name = name_of(path)
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > HEADER_LINES:
            yield path, HEADER_LINES + 1, f"{len(lines)} lines; look for the second subject"
        if "#pragma once" not in lines:
            yield path, 1, "no #pragma once"
        for number, target in included(path):
            if is_contract(name) and target in EXPENSIVE - set(EXPENSIVE_BUT_FOR):
                yield path, number, f"<{target}> belongs into an .ipp"
            if name == "attune/fwd.hpp" and target not in FREE_FOR_FWD:
                yield path, number, "fwd.hpp costs nothing: it includes no library header"
        if name.endswith(".ipp") and "impl" in path.parts:
            own = INCLUDE / name.replace("/impl/", "/").replace(".ipp", ".hpp")
            if own.exists() and name_of(own) not in reached_from(name):
                yield path, 1, f"does not include {name_of(own)}"


def needs_network(name: str) -> bool:
    room, subject = room_of(name), Path(name).stem
    return room in ROOMS_WITH_BOOST or "net" in further_floors(room, subject)


def source_of(name: str) -> Path:
    if room_of(name) == "quorum":
        return QUORUM_SRC
    return NET_SRC if needs_network(name) else SRC


def bodies(source: Path) -> str:
    names = [name_of(path) for path in library()
             if path.suffix == ".ipp" and source_of(name_of(path)) == source]
    rooms = list(FLOORS)
    names.sort(key=lambda name: (rooms.index(room_of(name)), name))
    groups: list[list[str]] = []
    for name in names:
        if not groups or room_of(groups[-1][0]) != room_of(name):
            groups.append([])
        groups[-1].append(name)
    return "\n".join("".join(f"#include <{name}>\n" for name in group) for group in groups)


def src_text() -> str:
    return f"""#pragma once

/// The bodies of everything that is not a template. Included by exactly one translation unit of a
/// program that defines ATTUNE_SEPARATE_COMPILATION everywhere; attune::compiled is that unit.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

{bodies(SRC)}"""


def net_src_text() -> str:
    return f"""#pragma once

/// As <attune/src.hpp>, for what <attune/net.hpp> declares. In a translation unit of its own, as in
/// attune::net_compiled, or in the same.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/net_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

{bodies(NET_SRC)}"""


def quorum_src_text() -> str:
    return f"""#pragma once

/// As <attune/src.hpp>, for what <attune/quorum.hpp> declares: attune::quorum_compiled.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/quorum_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

{bodies(QUORUM_SRC)}"""


SOURCES = {SRC: src_text, NET_SRC: net_src_text, QUORUM_SRC: quorum_src_text}


def check_src() -> Iterator[Violation]:
    for path, text in SOURCES.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text():
            yield path, 1, "does not list every .ipp; run tools/tidy.py --write-src"


def check_tests() -> Iterator[Violation]:
    contracts = {name_of(path): path for path in library()
                 if is_contract(name_of(path)) and room_of(name_of(path))}
    for name, elsewhere in TESTED_IN.items():
        if name not in contracts or not (ROOT / elsewhere).exists():
            yield Path(__file__), 1, f"a row of TESTED_IN is out of date: {name}"
    for name, path in contracts.items():
        test = ROOT / "tests" / room_of(name) / f"{path.stem}.cpp"
        if test.exists():
            if name in TESTED_IN:
                yield path, 1, f"has {test.relative_to(ROOT)}, and a row in TESTED_IN"
            number, first = next(included(test), (1, ""))
            if first != name:
                yield test, number, f"a test includes its subject first: {name}"
        elif name not in TESTED_IN:
            yield path, 1, f"no {test.relative_to(ROOT)}, and no row in TESTED_IN"
    for path in sorted((ROOT / "tests").rglob("*.cpp")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if SLEEP.search(line):
                yield path, number, "a test does not sleep; wait for what must happen"


def check_text() -> Iterator[Violation]:
    generated = ROOT / "single_include"
    data = ROOT / "tests/data"
    for path in tracked():
        if generated in path.parents or data in path.parents:
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            yield path, 1, "not UTF-8"
            continue
        columns = TABLE_COLUMNS if ROOT / "tests" in path.parents else COLUMNS
        is_code = path.suffix in {".hpp", ".ipp", ".cpp", ".py", ".sh", ".cmake"}
        for number, line in enumerate(lines, 1):
            if is_code and len(line) > columns:
                yield path, number, f"{len(line)} columns, more than {columns}"
            if is_code and line != line.rstrip():
                yield path, number, "blanks at the end of the line"
            if BANNED_WORDS.search(line):
                yield path, number, "left for later: finish it or open an issue"
            if MACHINE_PATH.search(line):
                yield path, number, "a path of one machine"


CHECKS = [check_floors, check_core, check_cycles, check_orphans, check_headers, check_src,
          check_tests, check_text]


def main() -> int:
    if sys.argv[1:] not in ([], ["--write-src"]):
        sys.exit(__doc__)
    if sys.argv[1:]:
        for path, text in SOURCES.items():
            path.write_text(text(), encoding="utf-8")
    violations = [violation for check in CHECKS for violation in check()]
    for path, number, text in violations:
        print(f"{path.relative_to(ROOT)}:{number}: {text}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
