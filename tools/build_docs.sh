#!/usr/bin/env bash
# build_docs.sh [-p]: builds the documentation site from docs/ into build/docs/site; -p only puts the
# pages together. A dead link is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
source=build/docs/src
rm -rf "$source" build/docs/site
mkdir -p "$source/.vitepress"
(cd docs && git ls-files -- '*.md') | while read -r page; do
    mkdir -p "$source/$(dirname "$page")"
    cp "docs/$page" "$source/$page"
done
cp CHANGELOG.md "$source/changelog.md"
cp docs/site/config.mts "$source/.vitepress/config.mts"
# Outside of code, < is text.
find "$source" -name '*.md' -exec python3 - {} + <<'PYTHON'
import os, re, sys
for name in sys.argv[1:]:
    out, code = [], False
    folder = os.path.relpath(os.path.dirname(name), "build/docs/src")
    for line in open(name).read().splitlines():
        code ^= line.startswith("```")
        # What lies outside of docs/ is not on the site.
        line = re.sub(r"\[([^]]+)\]\((?![a-z]+:|#)([^)]+)\)", lambda m: m.group(0) if not
                      os.path.normpath(os.path.join(folder, m.group(2))).startswith("..") else m.group(1), line)
        if not code and not line.startswith("<!--"):
            parts = re.split(r"(`[^`]*`)", line)
            line = "".join(p if p.startswith("`") else re.sub(r"<(?!https?:)", "&lt;", p).replace("{{", "&#123;&#123;")
                           for p in parts)
            line = re.sub(r"(`[^`]*\{\{[^`]*`)", r"<code v-pre>\1</code>", line)
        out.append(line)
    open(name, "w").write("\n".join(out) + "\n")
PYTHON
[ "${1:-}" != -p ] || exit 0
cmp -s docs/site/package-lock.json build/docs/lock || {
    mkdir -p build/docs
    cp docs/site/package.json docs/site/package-lock.json docs/site/.npmrc build/docs/
    (cd build/docs && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || { tail -15 build/docs/npm.log >&2; exit 1; }
    cp docs/site/package-lock.json build/docs/lock
}
(cd build/docs && npx vitepress build src --outDir "$PWD/site") >build/docs/build.log 2>&1 ||
    { tail -40 build/docs/build.log >&2; exit 1; }
echo "build/docs/site: $(find build/docs/site -name '*.html' | wc -l) pages"
