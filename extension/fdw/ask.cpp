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

namespace {

// nullptr when it cannot be started.
RemoteRun* start_asking(const Question& question, Failure* failure) {
    Text* expected = make_array<Text>(static_cast<size_t>(question.columns));
    for (int i = 0; i < question.columns; ++i) expected[i] = "String";
    clickhouse::RunOptions options = {};
    options.sql = text_of(question.sql);
    options.expected = {expected, static_cast<uint32>(question.columns)};
    options.parameters = question.parameters;
    options.memory_max = kRunBytesMax;
    options.max_execution_ms = static_cast<uint64>(StatementTimeout);
    use_target_settings(*question.target, &options);
    return remote_start(*question.target, question.database, options, CurrentMemoryContext,
                        failure);
}

}  // namespace

RemoteRun* ask_server(const Question& question) {
    Failure failure = {};
    RemoteRun* run = start_asking(question, &failure);
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

bool try_to_tell_server(const Question& question, Failure* failure) {
    RemoteRun* run = start_asking(question, failure);
    if (run == nullptr) return false;
    while (remote_next_block(run, failure)) {
    }
    bool done = run->done;
    remote_stop(run);
    return done;
}

void tell_server(const Question& question) {
    Failure failure = {};
    if (!try_to_tell_server(question, &failure)) raise_remote(failure);
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
