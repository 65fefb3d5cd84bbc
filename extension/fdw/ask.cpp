#include "extension/shell/pg.h"

extern "C" {
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/proc.h"
}

#include "extension/fdw/ask.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

constexpr uint64 kRunBytesMax = UINT64CONST(64) << 20;

}  // namespace

RemoteRun* ask_server(const Question& question) {
    Text* expected = make_array<Text>(static_cast<size_t>(question.columns));
    for (int i = 0; i < question.columns; ++i) expected[i] = "String";
    clickhouse::RunOptions options = {};
    options.sql = text_of(question.sql);
    options.expected = {expected, static_cast<uint32>(question.columns)};
    options.memory_max = kRunBytesMax;
    options.max_execution_ms = static_cast<uint64>(StatementTimeout);
    use_target_settings(*question.target, &options);
    Failure failure = {};
    RemoteRun* run =
        remote_start(*question.target, question.database, options, CurrentMemoryContext, &failure);
    if (run == nullptr) raise_remote(failure);
    return run;
}

bool next_answer(RemoteRun* run, int columns, const char** texts) {
    Failure failure = {};
    if (run->row >= run->block.rows && !remote_next_block(run, &failure)) {
        if (!run->done) raise_remote(failure);
        remote_stop(run);
        return false;
    }
    uint64 row = run->row++;
    for (int i = 0; i < columns; ++i) {
        const clickhouse::ColumnView& column = run->block.columns[static_cast<uint32>(i)];
        uint64 begin = row == 0 ? 0 : column.offsets[row - 1];
        texts[i] = pnstrdup(column.data + begin, column.offsets[row] - begin);
    }
    return true;
}

void tell_server(const CatalogTarget& target, const char* database, const char* sql) {
    RemoteRun* run = ask_server({&target, database, sql, 0});
    Failure failure = {};
    while (remote_next_block(run, &failure)) {
    }
    if (!run->done) raise_remote(failure);
    remote_stop(run);
}

const char* quoted_text(const char* text) {
    StringInfoData out;
    initStringInfo(&out);
    appendStringInfoChar(&out, '\'');
    for (; *text != '\0'; ++text) {
        if (*text == '\'' || *text == '\\') appendStringInfoChar(&out, '\\');
        appendStringInfoChar(&out, *text);
    }
    appendStringInfoChar(&out, '\'');
    return out.data;
}

}  // namespace tandem::shell
