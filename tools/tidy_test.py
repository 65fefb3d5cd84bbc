#!/usr/bin/env python3
"""tidy_test.py: plants one violation of each rule of tidy.py in a small tree that is clean without
it; tidy.py must report that, and nothing else. So no rule goes dead unnoticed."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parent / "tidy.py"
LONG_BODY = "    f();\n" * 70

# What is clean, though it looks like a violation of something.
CLEAN = {
    "CMakeLists.txt": "add_subdirectory(src)\n",
    "src/base/CMakeLists.txt": "tandem_module(base SOURCES fine.cpp deep/inner.cpp)\n",
    "src/base/deep/inner.cpp": "// throw, sleep_for(1) and getenv(x) in a comment\n",
    "src/base/fine.cpp": '''// A file without fault.
#include <string>

namespace tandem {
namespace {

const char* const kText = R"(throw sleep(1); TRY( { )";
constexpr int kList[] = {1, 2};

class Fine {
  public:
    Fine() : a_{1}, b_(2) {}
    int call(int value) const {
        auto inner = [&](int x) -> Status { return f(TRY(g(x))); };
        if (value == '{') {
            for (;;) S{1, TRYING(2)};
        }
        switch (value) {
            case 1: {
                int x = TRY(g(1));
            }
        }
        return inner(value);
    }

  private:
    int a_;
    int b_;
};

''' + "void short_one() {}\n" * 80 + "}  // namespace\n}  // namespace tandem\n",
    "src/clickhouse/codec/CMakeLists.txt": "tandem_module(codec SOURCES codec.cpp)\n",
    "src/clickhouse/codec/codec.cpp": '#include "base/fine.h"\n#include "clickhouse/codec/codec.h"\n',
    "src/daemon/CMakeLists.txt": "add_executable(daemon main.cpp)\n",
    "src/daemon/main.cpp": 'const char* home() { return getenv("HOME"); }\n',
    "src/postgres/client/CMakeLists.txt": "tandem_module(client SOURCES client.cpp)\n",
    "src/postgres/client/client.cpp": "#include <libpq-fe.h>\n",
    "extension/CMakeLists.txt": "add_pg_extension(tandem SOURCES shell/a.cpp)\n",
    "extension/shell/a.cpp": '#include "postgres.h"\n#include "catalog/pg_type.h"\n'
                             '#include "route/facade.h"\n#include "shell/b.h"\n',
    "src/route/facade.h": "#pragma once\n",
    "extension/shell/b.h": "#pragma once\n",
    "docs/page.md": "[the other](other.md), [far](https://example.org)\n",
    "docs/other.md": "text\n",
    "tools/tidy_allow.txt": "# nothing\n",
}

# name: (files to add or replace, what the one finding must hold)
PLANTED = {
    "include_of_a_higher_layer": (
        {"src/base/fine.cpp": '#include "mirror/session/runner.h"\n'},
        "src/base/fine.cpp:1: src/base may not include src/mirror"),
    "include_of_a_sibling": (
        {"src/mirror/a.h": '#include "route/tree/tree.h"\n'}, "src/mirror may not include src/route"),
    "inner_module_that_includes_its_neighbour": (
        {"src/clickhouse/codec/codec.h": '#include "clickhouse/client/client.h"\n'},
        "src/clickhouse/codec may not include src/clickhouse"),
    "codec_that_uses_the_network": (
        {"src/clickhouse/codec/codec.h": '#include "net/stream.h"\n'},
        "src/clickhouse/codec may not include src/net"),
    "codec_that_does_io": (
        {"src/clickhouse/codec/codec.h": "#include <sys/socket.h>\n"}, "does no I/O"),
    "module_without_a_row": ({"src/newcomer/a.h": "#pragma once\n"}, "no row of MODULES"),
    "extension_that_sees_the_core": (
        {"extension/remote/a.h": '#include "clickhouse/client/client.h"\n',
         "src/clickhouse/client/client.h": "#pragma once\n"},
        "extension/remote/a.h:1: the extension sees only facade.h files"),
    "container_in_any_folder_of_the_extension": (
        {"extension/fdw/a.h": "#include <vector>\n"}, "extension/fdw/a.h:1: banned"),
    "postgres_in_the_core": ({"src/base/a.h": '#include "postgres.h"\n'}, "only extension/ sees"),
    "libpq_outside_of_its_client": (
        {"src/mirror/a.h": '#include "libpq-fe.h"\n'}, "only the Postgres client sees libpq"),
    "environment": ({"src/base/a.h": 'auto x = getenv("X");\n'}, "only daemon and cli"),
    "c_string_function": ({"extension/shell/b.h": "inline void f() { strcpy(a, b); }\n"}, "snprintf"),
    "sleep": ({"test/a.h": "inline void f() { usleep(1); }\n"}, "wait for the thing itself"),
    "sleep_for": (
        {"src/base/a.h": "inline void f() { std::this_thread::sleep_for(time); }\n"},
        "wait for the thing itself"),
    "unchecked_mutex": ({"src/base/a.h": "std::mutex m;\n"}, "whose use clang checks"),
    "throw": ({"src/base/a.h": "inline void f() { throw 1; }\n"}, "return an Error"),
    "shell_command": ({"src/base/a.h": 'inline void f() { system("ls"); }\n'}, "no shell commands"),
    "note_to_self": ({"src/base/a.h": "// FIXME: later\n"}, "mend it"),
    "path_of_one_machine": ({"docs/other.md": "see /home/me\n"}, "no paths of one machine"),
    "long_file": ({"src/base/a.h": "int x;\n" * 801}, "file has 801 lines"),
    "long_line": ({"src/base/a.h": "int x" + "x" * 100 + ";\n"}, "columns, at most 100"),
    "long_function": ({"src/base/a.h": "void g() {\n" + LONG_BODY + "}\n"}, "a.h:1: function has 72 lines"),
    "long_body_in_a_class": (
        {"src/base/a.h": "class A {\n  public:\n    int g() const {\n" + LONG_BODY + "    }\n};\n"},
        "a.h:3: function has 72 lines"),
    "long_function_with_a_head_of_several_lines": (
        {"src/base/a.h": "Result<A> g(int a,\n            int b) {\n" + LONG_BODY + "}\n"},
        "a.h:1: function has 73 lines"),
    "long_function_with_a_lambda": (
        {"src/base/a.h": "void g() {\n    auto x = [&] {\n" + LONG_BODY + "    };\n}\n"},
        "a.h:1: function has 74 lines"),
    "try_in_braces": (
        {"src/base/a.h": "Status g() {\n    return S{a,\n             TRY(b())};\n}\n"},
        "a.h:3: TRY inside of braces"),
    "try_in_a_call_in_braces": (
        {"src/base/a.h": "Status g() {\n    use({.a = f(TRY(b()))});\n}\n"}, "a.h:2: TRY inside of braces"),
    "source_that_no_list_names": ({"src/base/lost.cpp": "\n"}, "no CMakeLists.txt names this file"),
    "source_named_in_another_folder": (
        {"src/daemon/fine.cpp": "\n"}, "src/daemon/fine.cpp:1: no CMakeLists.txt"),
    "source_whose_name_ends_like_another": (
        {"src/base/ne.cpp": "\n"}, "src/base/ne.cpp:1: no CMakeLists.txt"),
    "source_named_in_a_comment": (
        {"src/base/gone.cpp": "\n", "CMakeLists.txt": "# src/base/gone.cpp\n"}, "no CMakeLists.txt"),
    "dead_link": ({"docs/page.md": "[x](gone.md)\n"}, "dead link: gone.md"),
    "stale_generated_page": (
        {"tools/generate_x.py": "import sys\nsys.exit('x.md is stale')\n"}, "x.md is stale"),
    "reason_that_no_table_has": (
        {"src/route/reasons.def": "",
         "extension/shell/a.cpp": 'void f(X* failure) { set_failure(failure, "whim", "", ""); }\n'},
        "reason whim is not in"),
    "reason_that_nobody_gives": (
        {"src/route/reasons.def": 'TANDEM_REASON(Gone, "gone", "", "")\n'}, "nobody gives the reason gone"),
    "sqlstate_that_no_table_has": (
        {"src/base/errors.def": 'TANDEM_ERROR(A, "a", never, 70, "TD001", "x")\n',
         "src/catalog/a.sql": "RAISE EXCEPTION 'x' USING ERRCODE = 'TD002';\n"},
        "a.sql:1: TD002 is not in src/base/errors.def"),
    "workflow_that_calls_no_target": (
        {".github/workflows/ci.yml": "- run: cd x && make everything\n"}, "no target everything"),
    "workflow_that_calls_no_preset": (
        {".github/workflows/ci.yml": "- run: cmake --preset fast\n"}, "there is no preset fast"),
    "workflow_that_calls_no_tool": (
        {".github/workflows/ci.yml": "- run: tools/gone.sh\n"}, "there is no tools/gone.sh"),
    "tolerance_of_nothing": (
        {"tools/tidy_allow.txt": "src/base/fine.cpp: banned: gone\n"}, "nothing matches any more"),
}


def run(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        subprocess.run(["git", "-C", folder, "init", "-q"], check=True)
        subprocess.run(["git", "-C", folder, "add", "-A"], check=True)
        done = subprocess.run([sys.executable, TIDY, "--root", folder], capture_output=True, text=True)
        return done.returncode, (done.stdout + done.stderr).splitlines()


class Tidy(unittest.TestCase):
    maxDiff = None

    def test_clean_tree(self):
        self.assertEqual(run(CLEAN), (0, []))

    def test_planted_violations(self):
        for name, (files, expected) in PLANTED.items():
            with self.subTest(name):
                code, found = run(CLEAN | files)
                self.assertEqual((code, len(found)), (1, 1), found)
                self.assertIn(expected, found[0])

    def test_tolerated_violation(self):
        self.assertEqual(run(CLEAN | {
            "src/base/a.h": "inline void f() { throw 1; }\n",
            "tools/tidy_allow.txt": "src/base/a.h: banned: inline void f()\n"}), (0, []))


if __name__ == "__main__":
    unittest.main()
