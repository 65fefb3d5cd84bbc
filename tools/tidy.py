#!/usr/bin/env python3
"""tidy.py [--root DIRECTORY]: the rules of the house that no compiler checks. Runs as a test; exit 1
with one line per finding, file:line first.

Checks: the include graph of ARCHITECTURE.md, sizes of files and functions, banned calls and words,
TRY inside of braces, sources that no CMakeLists names, links in the docs, generated docs that are
stale, workflows that call what is gone. tools/tidy_allow.txt lists the findings that are tolerated;
it may only shrink. tools/tidy_test.py plants one violation of each rule.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100


# --- the layout: what moves is changed here and nowhere else ---------------------------------------

class Module(NamedTuple):
    folder: str  # below src/; the row of the longest folder counts
    uses: str    # modules whose headers it may include, besides its own
    may: str = ""  # environment: reads it; libpq: includes it
    io: bool = True  # False: bytes in, bytes out


_DATA = "base net sqltext metrics config types"
_PARTS = _DATA + " clickhouse postgres"
_FLOWS = _PARTS + " catalog mirror query_mirror streams route telemetry"
_TOP = _FLOWS + " control stack advise models"
MODULES = [
    Module("base", ""),
    Module("net", "base"),
    Module("sqltext", "base"),
    Module("metrics", "base"),
    Module("config", "base"),
    Module("types", "base sqltext", io=False),
    Module("clickhouse", "base net sqltext types"),
    Module("clickhouse/codec", "base sqltext types", io=False),
    Module("postgres", "base net sqltext types"),
    Module("postgres/client", "base net sqltext types postgres", may="libpq"),
    Module("postgres/decoder", "base sqltext types", io=False),
    Module("catalog", _PARTS),
    Module("mirror", _PARTS + " catalog"),
    Module("query_mirror", _PARTS + " catalog"),
    Module("streams", _PARTS + " catalog"),
    Module("route", "base sqltext types", io=False),
    Module("telemetry", _DATA + " clickhouse/codec"),
    Module("control", _FLOWS),
    Module("stack", _FLOWS + " control"),
    Module("advise", _FLOWS),
    Module("models", _FLOWS),
    Module("console", _TOP),
    Module("cli", _TOP + " console", may="environment"),
    Module("daemon", _TOP + " console", may="environment"),
]
# Everything in extension/ but its tests is compiled against Postgres, with longjmp: it includes
# itself, facade.h files and these plain headers.
EXTENSION_MAY_INCLUDE = {"route/tree/tree.h", "base/boundary.h"}
# What bytes-in-bytes-out code has no use for.
IO_HEADERS = (r"sys/(socket|stat|epoll|eventfd|mman|types|un)\.h|netdb\.h|poll\.h|unistd\.h|fcntl\.h|"
              r"fstream|filesystem|iostream|openssl/.*")

CPP = (".cpp", ".h", ".def")
CHECKED = CPP + (".sql", ".sh", ".py", ".md", ".txt", ".cmake")


# --- banned: pattern, in which files, in what of a line, what to use instead ------------------------

class Ban(NamedTuple):
    pattern: str
    where: str
    instead: str
    raw: bool = False  # in comments and strings as well


def folders_that(may):
    return "|".join(m.folder for m in MODULES if may in m.may.split())


BANNED = [
    Ban(r'#\s*include ["<](.*/)?postgres\.h[">]', r"^src/", "only extension/ sees postgres.h", raw=True),
    Ban(r"\blibpq-fe\.h", rf"^src/(?!({folders_that('libpq')})/)", "only the Postgres client sees libpq",
        raw=True),
    Ban(r"\bgetenv\s*\(", rf"^src/(?!({folders_that('environment')})/)(?!.*_test\.cpp)",
        "only daemon and cli read the environment"),
    Ban(r"\b(sprintf|strcpy|strcat|gets|strtok)\s*\(", r"^(src|extension)/", "snprintf, std::string"),
    Ban(r"\b(usleep|sleep|nanosleep)\s*\(|\bsleep_(for|until)\b", r"^(src|extension|test)/",
        "wait for the thing itself; tandem::back_off (base/back_off.h) where it gives no sign"),
    Ban(r"\bstd::(mutex|lock_guard|unique_lock|scoped_lock|condition_variable(_any)?)\b",
        r"^src/(?!base/(mutex|back_off)\.)", "tandem::Mutex (base/mutex.h), whose use clang checks"),
    Ban(r"\bthrow\b(?!If)", r"^src/.*\.(cpp|h)$", "return an Error"),
    Ban(r"#\s*include <(string|vector|deque|list|map|set|unordered_map|unordered_set|memory|mutex|thread|"
        r"optional|functional|iostream|sstream)>", r"^extension/(?!test/)",
        "shell locals are trivially destructible", raw=True),
    Ban(r"\bsystem\s*\(\"", r"^(src|extension)/", "no shell commands"),
    Ban(r"\b(FIXME|TODO)\b", r"^(?!tools/tidy)", "mend it or describe it in the README", raw=True),
    Ban(r"/(home|root|work)/[a-z]", r"^(src|extension|test|docs)/", "no paths of one machine", raw=True),
]

root = Path(__file__).resolve().parent.parent
findings = []


def find(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def tracked(*suffixes):
    out = subprocess.run(["git", "-C", root, "ls-files"], capture_output=True, text=True, check=True)
    for name in out.stdout.splitlines():
        if name.endswith(suffixes) and (root / name).is_file():
            yield name


# --- a light reading of C++ -------------------------------------------------------------------------

TOKEN = re.compile(r'''
    (?P<comment>//[^\n]*|/\*.*?\*/) |
    R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)" |
    "(?:\\.|[^"\\\n])*" |
    (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+' ''', re.S | re.X)


def code_of(text):
    """The text without comments and the content of literals, lines where they were."""
    def blank(match):
        lines = "\n" * match.group().count("\n")
        return lines if match.group("comment") else ('""' + lines)
    return TOKEN.sub(blank, text)


BLOCK_WORDS = {"else", "do", "try", "const", "noexcept", "override", "final", "mutable"}
HOLDER = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:typedef\s+)?(?:class|struct|union|enum|namespace|"
                    r"inline\s+namespace|extern\s*\"\")(?:\W|$)", re.S)


def braces(code):
    """(position, kind of the brace opened or "" for one closed, text since the last ; { or })."""
    inside = []
    head = 0
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match.group() == "{":
            before = code[head:at]
            kind = kind_of(before, inside[-1] if inside else "holder")
            inside.append(kind)
            yield at, kind, before
        elif match.group() == "}":
            if inside:
                inside.pop()
            yield at, "", ""
        if match.group() != "{" or inside[-1] != "list":
            head = at + 1


def kind_of(before, outer):
    """holder (class, namespace, enum), function, block, or list (an initializer)."""
    text = before.rstrip()
    # Access specifiers and labels end nothing, yet no head reaches over them.
    last = re.split(r"(?:public|private|protected)\s*:", text)[-1]
    if HOLDER.match(last):
        return "holder"
    if text.endswith(("=", ",", "(")) or re.search(r"\breturn$", text):
        return "list"
    if outer == "holder":
        # In the project's format a body has a space before its brace and a member's {} has none.
        return "function" if "(" in last and before != text else "list"
    if outer == "list" and not text:
        return "list"
    if not text or text.endswith((")", "]", ":")) or text.split()[-1] in BLOCK_WORDS:
        return "block"
    if re.search(r"->\s*[\w:<>,&*\s]+$", text):
        return "block"  # a lambda that says what it returns
    return "list"


def line_of(code, position):
    return code.count("\n", 0, position) + 1


def module_of(path):
    """The row of the longest folder that holds `path`, which is relative to src/."""
    rows = [m for m in MODULES if path.startswith(m.folder + "/")]
    return max(rows, key=lambda m: len(m.folder), default=None)


def within(folder, folders):
    return any(folder == f or folder.startswith(f + "/") for f in folders)


# --- the rules ----------------------------------------------------------------------------------------

def check_includes(name, lines):
    module = module_of(name[4:]) if name.startswith("src/") else None
    is_test = name.endswith("_test.cpp")
    if name.startswith("src/") and name.count("/") > 1 and module is None:
        find(name, 1, "no row of MODULES in tools/tidy.py holds this file")
    for number, line in enumerate(lines, 1):
        if module and not module.io and not is_test:
            if re.match(rf"\s*#\s*include <({IO_HEADERS})>", line):
                find(name, number, f"src/{module.folder} does no I/O")
        match = re.match(r'\s*#\s*include "((?:[a-z_0-9]+/)+[^"/]+)"', line)
        if not match:
            continue
        used = module_of(match.group(1))
        if module and used and not is_test:
            if not within(used.folder, [module.folder] + module.uses.split()):
                find(name, number,
                     f"src/{module.folder} may not include src/{used.folder} (ARCHITECTURE.md)")
        if name.startswith("extension/") and not name.startswith("extension/test/"):
            # Postgres and the extension have folders of the same names as ours.
            ours = (root / "src" / match.group(1)).exists() \
                and not (root / "extension" / match.group(1)).exists()
            if ours and match.group(1) not in EXTENSION_MAY_INCLUDE \
                    and not match.group(1).endswith("/facade.h"):
                find(name, number, "the extension sees only facade.h files")


def is_table(name):
    return name.endswith((".def", "_table.cpp", "_table.h")) or "/vectors" in name


def check_sizes(name, lines, code):
    if is_table(name):
        return
    if len(lines) > FILE_LINES_MAX:
        find(name, 1, f"file has {len(lines)} lines, at most {FILE_LINES_MAX}")
    if name.startswith(("src/", "extension/")):
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX and not re.search(r"https?://|R\"", line):
                find(name, number, f"line has {len(line)} columns, at most {LINE_COLUMNS_MAX}")
    opened = []
    for at, kind, before in braces(code):
        if kind:
            # The head: what stands behind the last empty line and access specifier.
            head = re.split(r"\n[ \t]*\n|(?:public|private|protected)\s*:", before)[-1].lstrip()
            opened.append((kind, at - len(head)))
        elif opened:
            kind, start = opened.pop()
            first = line_of(code, start)
            length = line_of(code, at) - first + 1
            if kind == "function" and length > FUNCTION_LINES_MAX:
                find(name, first, f"function has {length} lines, at most {FUNCTION_LINES_MAX}")


# Compilers leave an initializer list without destroying what it had built (base/result.h).
def check_try(name, code):
    events = list(braces(code)) + [(m.start(), "TRY", "") for m in re.finditer(r"\bTRY\s*\(", code)]
    inside = []
    for at, kind, _ in sorted(events):
        if kind == "TRY":
            if inside and inside[-1] == "list":
                find(name, line_of(code, at), "TRY inside of braces leaks what stands before it")
        elif kind:
            inside.append(kind)
        elif inside:
            inside.pop()


def check_banned(name, lines, code_lines):
    for ban in BANNED:
        if not re.search(ban.where, name):
            continue
        regex = re.compile(ban.pattern)
        for number, (line, code) in enumerate(zip(lines, code_lines), 1):
            if regex.search(line if ban.raw else code):
                find(name, number, f"banned: {line.strip()[:60]} ({ban.instead})")


def check_registered():
    lists = {}
    for name in tracked("CMakeLists.txt", ".cmake"):
        text = re.sub(r"#.*", "", (root / name).read_text())
        lists[name] = (text, set(re.split(r'[\s()";]+', text)))
    for name in tracked(".cpp"):
        if not any(names(list_name, *lists[list_name], name) for list_name in lists):
            find(name, 1, "no CMakeLists.txt names this file")


def names(list_name, text, tokens, source):
    folder = list_name.rpartition("/")[0]
    if any(token.endswith("}/" + source) for token in tokens):  # below PROJECT_SOURCE_DIR
        return True
    if folder and not source.startswith(folder + "/"):
        return False
    path = source[len(folder) + 1:] if folder else source
    if path in tokens or any(re.fullmatch(r"\$\{\w+\}/" + re.escape(path.rpartition("/")[2]), token)
                             for token in tokens):
        return True
    # A function of the list that adds the ending to its first argument.
    return "${name}.cpp" in text and "/" not in path and path[:-4] in tokens


def check_links():
    for name in tracked(".md"):
        text = (root / name).read_text()
        for number, line in enumerate(text.splitlines(), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if not re.match(r"[a-z]+:", target) and not (root / name).parent.joinpath(target).exists():
                    find(name, number, f"dead link: {target}")


def check_generated():
    for generator in sorted((root / "tools").glob("generate_*.py")):
        run = subprocess.run([sys.executable, generator, "--check"], capture_output=True, text=True)
        if run.returncode:
            find(generator.relative_to(root), 1, (run.stdout + run.stderr).strip().splitlines()[-1])


# Reasons that the extension writes as strings, and their table. Both ways: none that the table lacks,
# none in the table that nobody gives.
REASONS = "src/route/reasons.def"
GIVEN = re.compile(r'(?:set_failure|refuse)\(\s*&?[\w>-]+,\s*"(\w+)"|failure->code, "(\w+)"'
                   r'|sizeof failure->code, "(\w+)"|\? "(\w+)" : "(\w+)";|code = "(\w+)"|count_reason\("(\w+)"')


def check_reasons():
    if not (root / REASONS).exists():
        return
    rows = re.findall(r'^TANDEM_REASON\((\w+), "(\w+)"', (root / REASONS).read_text(), flags=re.M)
    known = {code for _, code in rows}
    given = set()
    for name in tracked(".cpp"):
        text = (root / name).read_text()
        if name.startswith("extension/"):
            for match in GIVEN.finditer(text):
                codes = {code for code in match.groups() if code}
                given |= codes
                strict = match.group().startswith(("set_failure", "refuse", "sizeof"))
                for code in sorted(codes - known) if strict else ():
                    find(name, line_of(text, match.start()), f"reason {code} is not in {REASONS}")
        elif name.startswith("src/route/"):
            given |= {code for row, code in rows if re.search(rf"Reason::k{row}\b", text)}
    for code in sorted(known - given):
        find(REASONS, 1, f"nobody gives the reason {code}")


# Our own SQLSTATEs stand in one table, whoever raises them.
def check_sqlstates():
    table = root / "src/base/errors.def"
    if not table.exists():
        return
    known = set(re.findall(r'"(TD\d{3})"', table.read_text()))
    for name in tracked(".sql", ".cpp", ".h"):
        text = (root / name).read_text()
        for match in re.finditer(r"""['"](TD\d{3})['"]""", text):
            if match.group(1) not in known:
                find(name, line_of(text, match.start()), f"{match.group(1)} is not in src/base/errors.def")


# The CI of outsiders is run by no test of ours: what it calls has to be there, at least.
def check_workflows():
    def text_of(name):
        return (root / name).read_text() if (root / name).exists() else ""

    targets = set(re.findall(r"^([\w-]+):", text_of("Makefile"), flags=re.M))
    presets = set(re.findall(r'"name": "(\w+)"', text_of("CMakePresets.json")))
    for name in tracked(".yml"):
        text = (root / name).read_text()
        try:
            import yaml
            yaml.safe_load(text)
        except ImportError:
            pass
        except yaml.YAMLError as error:
            find(name, error.problem_mark.line + 1, f"no YAML: {error.problem}")
        for number, line in enumerate(text.splitlines(), 1):
            for target in re.findall(r"(?:run: |&& )make ([\w-]+)", line):
                if target not in targets:
                    find(name, number, f"the Makefile has no target {target}")
            for preset in re.findall(r"--preset (\w+)", line):
                if preset not in presets:
                    find(name, number, f"there is no preset {preset}")
            for tool in re.findall(r"\btools/[\w.]+", line):
                if not (root / tool).exists():
                    find(name, number, f"there is no {tool}")


def check_file(name):
    text = (root / name).read_text(errors="replace")
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if not name.endswith(CPP):
        check_banned(name, lines, lines)
        return
    # Directives are not code, but keep their lines.
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group().count("\n"),
                  code_of(text), flags=re.M)
    check_banned(name, lines, code.split("\n"))
    if name.endswith((".cpp", ".h")):
        check_includes(name, lines)
        check_sizes(name, lines, code)
        check_try(name, code)


def main():
    global root
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, default=root)
    root = parser.parse_args().root.resolve()
    for name in tracked(*CHECKED):
        check_file(name)
    check_registered()
    check_links()
    check_generated()
    check_reasons()
    check_sqlstates()
    check_workflows()

    allow_file = root / "tools/tidy_allow.txt"
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
