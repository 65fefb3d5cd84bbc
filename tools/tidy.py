#!/usr/bin/env python3
"""tidy.py: the rules of the house that no compiler checks. Runs as a test; exit 1 with one line per
finding, file:line first.

Checks: the include graph of ARCHITECTURE.md, sizes of files and functions, banned calls and words,
sources that no CMakeLists names, links in the docs, generated docs that are stale.
tools/tidy_allow.txt lists the findings that are tolerated; it may only shrink.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

# Which modules a module may include; the order of the table is the order of the layers.
BASE = {"base"}
L1 = BASE | {"net", "sqltext", "metrics", "config"}
DATA = L1 | {"types"}
L2 = DATA | {"clickhouse", "postgres"}
CATALOG = L2 | {"catalog"}
L3 = CATALOG | {"mirror", "query_mirror", "streams", "route", "telemetry"}
L4 = L3 | {"control", "stack", "advise", "models"}
L5 = L4 | {"console"}
ALLOWED = {
    "base": set(),
    "net": BASE, "sqltext": BASE, "metrics": BASE, "config": BASE,
    "types": BASE | {"sqltext"},
    "clickhouse": BASE | {"net", "sqltext", "types"},
    "postgres": BASE | {"net", "sqltext", "types"},
    "catalog": L2,
    "mirror": CATALOG,
    "route": BASE | {"sqltext", "types"},
    "telemetry": DATA | {"clickhouse"},
    "control": L3, "stack": L3 | {"control"}, "advise": L3, "models": L3,
    "console": L4,
    "cli": L5,
    "daemon": L5,
}

# pattern, where it may not stand, what to use instead
BANNED = [
    (r"\bpostgres\.h\"", r"^src/", "only extension/ sees postgres.h"),
    (r"\blibpq-fe\.h", r"^src/(?!postgres/client/)", "only src/postgres/client sees libpq"),
    (r"\bgetenv\s*\(", r"^src/(?!daemon/|cli/)(?!.*_test\.cpp)", "only daemon and cli read the environment"),
    (r"\b(sprintf|strcpy|strcat|gets|strtok)\s*\(", r"^(src|extension)/", "snprintf, std::string"),
    (r"\b(usleep|sleep|nanosleep)\s*\(", r"^(src|extension|test)/", "wait for the condition itself"),
    (r"\bthrow\b(?!If)", r"^src/", "return an Error"),
    (r"#include <(string|vector|memory|map|mutex|thread|functional|iostream)>",
     r"^extension/(?!test/)", "shell locals are trivially destructible"),
    (r"\bsystem\s*\(\"", r"^(src|extension)/", "no shell commands"),
    (r"\bFIXME\b", r"", "mend it or describe it in the README"),
    (r"/(home|root|work)/[a-z]", r"^(src|extension|test|docs)/.*\.(md|sh|txt|cpp|h)$",
     "no paths of one machine"),
]

findings = []


def find(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def tracked(*suffixes):
    out = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=True)
    for name in out.stdout.splitlines():
        if name.endswith(suffixes) and (ROOT / name).is_file():
            yield name


def strip_comment(line):
    return re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]


def check_includes(name, lines):
    parts = name.split("/")
    inside_src = parts[0] == "src" and len(parts) > 2
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#include "(?!extension/)([a-z_]+)/([^"]+)"', line)
        if not match:
            continue
        used, rest = match.groups()
        if inside_src and used in ALLOWED and used != parts[1]:
            is_test = name.endswith("_test.cpp")
            if used not in ALLOWED[parts[1]] and not is_test:
                find(name, number, f"src/{parts[1]} may not include src/{used} (ARCHITECTURE.md)")
        if parts[:2] == ["clickhouse", "codec"] and used == "net":
            find(name, number, "the codec does no I/O")
        if parts[0] == "extension" and "test" not in parts and used in ALLOWED:
            plain = (used, rest) in {("route", "tree/tree.h"), ("base", "boundary.h")}
            postgres = (ROOT / "src" / used / rest).exists() is False
            if not (plain or postgres or rest.endswith("facade.h")):
                find(name, number, "the extension sees only facade.h files")


def check_sizes(name, lines):
    is_table = name.endswith((".def", "_table.cpp", "_table.h")) or "/vectors" in name
    if len(lines) > FILE_LINES_MAX and not is_table:
        find(name, 1, f"file has {len(lines)} lines, at most {FILE_LINES_MAX}")
    start = None
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX and not re.search(r"https?://|R\"", line) and not is_table:
            if name.startswith(("src/", "extension/")):
                find(name, number, f"line has {len(line)} columns, at most {LINE_COLUMNS_MAX}")
        # The project's format puts a function's braces in column 0 or at the end of its head.
        if re.match(r"^[A-Za-z].*\)\s*(const|noexcept|override|\s)*\{$", line) and "namespace" not in line:
            start = number
        elif line.startswith("}") and start:
            length = number - start + 1
            if length > FUNCTION_LINES_MAX and not is_table:
                find(name, start, f"function has {length} lines, at most {FUNCTION_LINES_MAX}")
            start = None


def check_banned(name, lines):
    for pattern, where, instead in BANNED:
        if not re.search(where, name) or name == "tools/tidy.py":
            continue
        regex = re.compile(pattern)
        for number, line in enumerate(lines, 1):
            code = line if "include" in pattern or "FIXME" in pattern or "home" in pattern \
                else strip_comment(line)
            if regex.search(code):
                find(name, number, f"banned: {line.strip()[:60]} ({instead})")


def check_registered():
    lists = "".join((ROOT / n).read_text() for n in tracked("CMakeLists.txt", ".cmake"))
    for name in tracked(".cpp"):
        if Path(name).name not in lists and Path(name).stem not in lists:
            find(name, 1, "no CMakeLists.txt names this file")


def check_links():
    for name in tracked(".md"):
        text = (ROOT / name).read_text()
        for number, line in enumerate(text.splitlines(), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if not re.match(r"[a-z]+:", target) and not (ROOT / name).parent.joinpath(target).exists():
                    find(name, number, f"dead link: {target}")


def check_generated():
    for generator in sorted((ROOT / "tools").glob("generate_*.py")):
        run = subprocess.run([sys.executable, generator, "--check"], capture_output=True, text=True)
        if run.returncode:
            find(generator.relative_to(ROOT), 1, (run.stdout + run.stderr).strip().splitlines()[-1])


def main():
    for name in tracked(".cpp", ".h", ".def", ".sql", ".sh", ".py", ".md"):
        lines = (ROOT / name).read_text(errors="replace").splitlines()
        check_banned(name, lines)
        if name.endswith((".cpp", ".h")):
            check_includes(name, lines)
            check_sizes(name, lines)
    check_registered()
    check_links()
    check_generated()

    allow_file = ROOT / "tools/tidy_allow.txt"
    allowed = set()
    if allow_file.exists():
        allowed = {l.strip() for l in allow_file.read_text().splitlines() if l and l[0] != "#"}
    without_line = lambda finding: re.sub(r":\d+: ", ": ", finding, count=1)
    # A tolerated finding is named by file and the first words, without numbers that move.
    left = [f for f in findings if not any(without_line(f).startswith(a) for a in allowed)]
    stale = [a for a in allowed if not any(without_line(f).startswith(a) for f in findings)]
    for finding in left:
        print(finding)
    for entry in stale:
        print(f"tools/tidy_allow.txt: nothing matches any more, remove it: {entry}")
    return 1 if left or stale else 0


if __name__ == "__main__":
    sys.exit(main())
