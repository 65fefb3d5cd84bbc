// Values of parameters. Only types that Postgres comes with: an output function of anybody else's
// may raise an error, which would be the statement's.
#include "extension/shell/pg.h"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/params.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include "extension/telemetry/settings.h"
#include "extension/telemetry/statement.h"

namespace tandem::shell {

namespace {

constexpr size_t kValueMax = 512;
constexpr int32_t kNull = -1;

bool is_harmless(Oid type) {
    switch (type) {
        case BOOLOID:
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case FLOAT4OID:
        case FLOAT8OID:
        case NUMERICOID:
        case OIDOID:
        case DATEOID:
        case TIMEOID:
        case TIMETZOID:
        case TIMESTAMPOID:
        case TIMESTAMPTZOID:
        case INTERVALOID:
        case UUIDOID:
            return true;
        default:
            return false;
    }
}

bool is_shown(Oid type) {
    if (telemetry_parameters == kParametersMasked) return is_harmless(type);
    return type < FirstGenbkiObjectId && type != RECORDOID;
}

Text text_of_value(const ParamExternData& value) {
    if (!is_shown(value.ptype)) return "***";
    Oid output;
    bool varlena;
    getTypeOutputInfo(value.ptype, &output, &varlena);
    return telemetry::cut_utf8(OidOutputFunctionCall(output, value.value), kValueMax);
}

}  // namespace

void take_parameters(OpenStatement* statement, const ParamListInfoData* parameters) {
    // Variables of a function: fetching them is the function's business.
    if (parameters->paramFetch != nullptr) return;
    if (statement->parameters == nullptr)
        statement->parameters =
            static_cast<char*>(MemoryContextAlloc(TopMemoryContext, kParameterBytesMax));
    for (int i = 0; i < parameters->numParams; ++i) {
        const ParamExternData& value = parameters->params[i];
        bool null = value.isnull || !OidIsValid(value.ptype);
        Text text = null ? Text() : text_of_value(value);
        int32_t size = null ? kNull : static_cast<int32_t>(text.size());
        int needed = static_cast<int>(sizeof size + text.size());
        if (statement->parameter_bytes + needed > kParameterBytesMax) return;
        char* at = statement->parameters + statement->parameter_bytes;
        memcpy(at, &size, sizeof size);
        memcpy(at + sizeof size, text.data(), text.size());
        statement->parameter_bytes += needed;
        ++statement->parameter_count;
    }
}

}  // namespace tandem::shell
