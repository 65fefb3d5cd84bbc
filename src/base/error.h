// Error: one value for everything that can go wrong, with a stable code.
//
// Codes, retry classes, exit codes, SQLSTATEs and advice come from errors.def, the only table.
// An Error is cheap to move and owns its text. Not thread safe; pass it by value between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>

namespace tandem {

enum class ErrorCode : uint8_t {
#define TANDEM_ERROR(name, code, retry, exit, sqlstate, advice) k##name,
#include "base/errors.def"
#undef TANDEM_ERROR
};

enum class RetryClass : uint8_t {
    retry_call,         // the same call may succeed later
    retry_transaction,  // start again from the last checkpoint
    fix_first,          // an operator has to change something
    never,
};

struct ErrorInfo {
    std::string_view code;  // stable text, e.g. "slot_invalidated"
    RetryClass retry;
    int exit_code;
    std::string_view sqlstate;  // five characters
    std::string_view advice;
};

// Row of errors.def for a code.
const ErrorInfo& error_info(ErrorCode code);
// The code with that stable text, as the catalog keeps it.
std::optional<ErrorCode> find_error_code(std::string_view text);

class Error {
  public:
    Error(ErrorCode code, std::string message,
          std::source_location where = std::source_location::current())
        : code_(code), where_(where), message_(std::move(message)) {}

    ErrorCode code() const { return code_; }
    const ErrorInfo& info() const { return error_info(code_); }
    bool retryable() const {
        return info().retry == RetryClass::retry_call ||
               info().retry == RetryClass::retry_transaction;
    }
    // What went wrong, for the operator, outermost context first: "reading table x: ...".
    const std::string& message() const { return message_; }
    // The foreign system's own code: a ClickHouse exception code or 0.
    int foreign_code() const { return foreign_code_; }
    // SQLSTATE reported by Postgres, or that of the code.
    std::string_view sqlstate() const {
        return foreign_sqlstate_.empty() ? info().sqlstate : foreign_sqlstate_;
    }
    const std::source_location& where() const { return where_; }

    // Says what was being done: prepends "context: " to the message.
    Error&& context(std::string_view what) &&;
    Error&& with_foreign_code(int code) && {
        foreign_code_ = code;
        return std::move(*this);
    }
    Error&& with_sqlstate(std::string sqlstate) && {
        foreign_sqlstate_ = std::move(sqlstate);
        return std::move(*this);
    }

    // "message [code]. advice"
    std::string to_string() const;

  private:
    ErrorCode code_;
    int foreign_code_ = 0;
    std::source_location where_;
    std::string message_;
    std::string foreign_sqlstate_;
};

}  // namespace tandem
