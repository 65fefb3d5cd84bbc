#include "route/facade.h"

#include <memory>

#include "base/barrier.h"
#include "route/translate/translator.h"

namespace tandem::route {

struct Translation {
    Output output;
    TranslationResult result;
};

namespace {

void publish(Translation& translation) {
    const Output& output = translation.output;
    auto list = [](const auto& items) {
        return List<typename std::decay_t<decltype(items)>::value_type>{
            items.data(), static_cast<uint32_t>(items.size())};
    };
    translation.result = {.sql = output.sql,
                          .columns = list(output.columns),
                          .replacements = list(output.replacements),
                          .constants = list(output.constants),
                          .sorted = output.sorted,
                          .limited = output.limited,
                          .needs_utc = output.needs_utc};
}

void fill_refusal(Failure* failure, const Error& error, Reason reason) {
    fill_failure(failure, error);
    if (error.code() != ErrorCode::kNotRoutable) return;
    copy_text(failure->code, sizeof failure->code, reason_info(reason).code);
    copy_text(failure->advice, sizeof failure->advice, reason_info(reason).advice);
}

}  // namespace

Translation* translate(const Query& query, const TranslateOptions& options,
                       Failure* failure) noexcept {
    return barrier(failure, static_cast<Translation*>(nullptr), [&]() -> Translation* {
        Translator plain(options);
        Status status = plain.translate(query);
        Translator reserved(options, true);
        Translator& translator = plain.names_clash() ? reserved : plain;
        if (plain.names_clash()) status = reserved.translate(query);
        if (!status.ok()) {
            fill_refusal(failure, status.error(), translator.reason());
            return nullptr;
        }
        auto translation = std::make_unique<Translation>();
        translation->output = translator.take();
        publish(*translation);
        return translation.release();
    });
}

const TranslationResult& translation_result(const Translation& translation) noexcept {
    return translation.result;
}

void translation_free(Translation* translation) noexcept {
    delete translation;
}

}  // namespace tandem::route
