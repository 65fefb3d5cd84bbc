#include "types/mapping.h"

#include <gtest/gtest.h>

#include "types/postgres/parameter.h"
#include "types/postgres/test_values.h"

namespace tandem::types {
namespace {

PgType builtin(uint32_t oid, int32_t typmod = -1) {
    return MUST(builtin_type(Oid{oid}, typmod));  // the tests name OIDs of the table
}

Mapping map(PgType type, bool not_null = true) {
    type.not_null = not_null;
    return MUST(map_type(type));
}

PgTypePtr shared(PgType type) {
    return std::make_shared<const PgType>(std::move(type));
}

TEST(mapping, gives_numerics_a_decimal_that_holds_every_value) {
    struct Sample {
        int precision, scale;
        std::string_view type;
    };
    for (const Sample& sample : {Sample{10, 2, "Decimal(10, 2)"}, Sample{76, 0, "Decimal(76, 0)"},
                                 Sample{5, -3, "Decimal(8, 0)"}, Sample{2, 5, "Decimal(5, 5)"},
                                 Sample{77, 2, "String"}, Sample{70, -10, "String"}})
        EXPECT_EQ(
            map(builtin(1700, test::numeric_typmod(sample.precision, sample.scale))).type->name,
            sample.type);
    EXPECT_EQ(map(builtin(1700)).type->name, "String");
}

TEST(mapping, makes_columns_nullable_unless_they_are_keys_or_not_null) {
    PgType type = builtin(23);
    EXPECT_EQ(map(type, false).type->name, "Nullable(Int32)");
    EXPECT_EQ(map(type, true).type->name, "Int32");
    type.key = true;
    EXPECT_EQ(map(type, false).type->name, "Int32");
}

TEST(mapping, holds_only_flat_arrays_that_cannot_be_null_as_arrays) {
    PgType type = builtin(1007);
    EXPECT_EQ(map(type).type->name, "Array(Nullable(Int32))");
    EXPECT_EQ(map(type, false).type->name, "Nullable(String)");
    type.ndims = 2;
    EXPECT_EQ(map(type).type->name, "String");
    type.ndims = 1;
    type.key = true;
    EXPECT_EQ(map(type).type->name, "String");
}

TEST(mapping, follows_domains_to_their_base) {
    PgType domain{.oid = Oid{20000}, .kind = PgTypeKind::kDomain, .name = "price"};
    domain.below = shared(builtin(1700, test::numeric_typmod(12, 4)));
    EXPECT_EQ(map(domain).type->name, "Decimal(12, 4)");
}

TEST(mapping, asks_for_text_where_the_binary_form_is_unknown) {
    PgType unknown{.oid = Oid{20001}, .schema = "public", .name = "planet"};
    Mapping mapping = map(unknown);
    EXPECT_EQ(mapping.type->name, "String");
    EXPECT_FALSE(mapping.binary);
    EXPECT_TRUE(mapping.needs_text_stream);
    unknown.has_send = false;
    mapping = map(unknown);
    EXPECT_FALSE(mapping.binary);
    EXPECT_FALSE(mapping.needs_text_stream);
    EXPECT_NE(snapshot_select(mapping, "\"p\""), "\"p\"");
}

TEST(mapping, does_not_trust_the_name_of_an_extension_s_type_alone) {
    PgType type{.oid = Oid{20002}, .schema = "public", .name = "hstore"};
    EXPECT_FALSE(map(type).binary);
    type.extension = "hstore";
    EXPECT_TRUE(map(type).binary);
}

TEST(mapping, cannot_read_composites_with_names_of_objects_in_binary) {
    PgType row{.oid = Oid{20003}, .kind = PgTypeKind::kComposite, .name = "pair"};
    row.fields.push_back({"a", shared(builtin(23))});
    EXPECT_TRUE(map(row).binary);
    row.fields.push_back({"b", shared(builtin(2205))});
    EXPECT_FALSE(map(row).binary);
    EXPECT_TRUE(map(row).needs_text_stream);
}

TEST(mapping, refuses_pseudo_types) {
    PgType type{.oid = Oid{2249}, .kind = PgTypeKind::kPseudo, .name = "record"};
    auto mapping = map_type(type);
    ASSERT_FALSE(mapping.ok());
    EXPECT_EQ(mapping.error().code(), ErrorCode::kUnsupportedType);
}

// --- parameters ----------------------------------------------------------------------------------

TEST(parameter, gives_numerics_the_decimal_of_their_digits) {
    auto value = parameter_from_binary(Oid{1700}, -1, test::numeric("-12.340"));
    ASSERT_TRUE(value.ok()) << value.error().to_string();
    EXPECT_EQ(value->type, "Decimal(5, 3)");
    EXPECT_EQ(value->text, "-12.340");
    EXPECT_FALSE(parameter_from_binary(Oid{1700}, -1, test::numeric("NaN")).ok());
}

TEST(parameter, writes_values_as_clickhouse_reads_them) {
    auto moment = parameter_from_binary(Oid{1184}, -1, test::big<int64_t>(1'500'000));
    ASSERT_TRUE(moment.ok());
    EXPECT_EQ(moment->type, "DateTime64(6, 'UTC')");
    EXPECT_EQ(moment->text, "2000-01-01 00:00:01.5");
    auto yes = parameter_from_binary(Oid{16}, -1, "\1");
    ASSERT_TRUE(yes.ok());
    EXPECT_EQ(yes->text, "true");
    auto bytes = parameter_from_binary(Oid{17}, -1, std::string_view("\0\xff", 2));
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(bytes->text, std::string("\0\xff", 2));
}

TEST(parameter, has_none_for_what_clickhouse_cannot_hold) {
    auto infinity = parameter_from_binary(Oid{1114}, -1, test::big(INT64_MAX));
    ASSERT_FALSE(infinity.ok());
    EXPECT_EQ(infinity.error().code(), ErrorCode::kValueOutOfRange);
}

}  // namespace
}  // namespace tandem::types
