#!/usr/bin/env python3
"""Records blocks from a real ClickHouse server into test/conformance/vectors.

    record.py http://host:port/

Each file is one Native block as of protocol revision 54488 with the columns v (the value) and
t (its text, from the server), so that vectors_test can check it without a server.
"""
import pathlib
import sys
import urllib.parse
import urllib.request

NULL_3 = "if(number % 3 = 0, NULL, {})"
SAMPLES = {
    "int8": ("Int8", "number - 10"), "int16": ("Int16", "number * 655 - 32768"),
    "int32": ("Int32", "toInt32(number) * -1000003"), "int64": ("Int64", "toInt64(number) * -4611686018427387"),
    "int128": ("Int128", "toInt128(number) * -170141183460469231"),
    "int256": ("Int256", "toInt256(number) * -57896044618658097"),
    "uint8": ("UInt8", "number"), "uint16": ("UInt16", "number * 3000"), "uint32": ("UInt32", "number"),
    "uint64": ("UInt64", "18446744073709551615 - number"),
    "uint128": ("UInt128", "bitShiftLeft(toUInt128(number), 119)"),
    "uint256": ("UInt256", "bitShiftLeft(toUInt256(number), 250)"),
    "float32": ("Float32", "number / 7"),
    "float64": ("Float64", "multiIf(number = 3, nan, number = 4, -inf, number * pow(10, number * 3 - 30))"),
    "bfloat16": ("BFloat16", "toBFloat16(number)"), "bool": ("Bool", "number % 2 = 0"),
    "string": ("String", "repeat(char(65 + number), number * 10)"),
    "fixed_string": ("FixedString(2)", "toString(number + 10)"),
    "date": ("Date", "number * 1000"), "date32": ("Date32", "toDate32('1900-01-01') + number * 5000"),
    "date_time": ("DateTime('UTC')", "number * 77777777"),
    "date_time64": ("DateTime64(6, 'UTC')", "toDateTime64('1950-01-01 00:00:00.123456', 6, 'UTC') + number"),
    "time": ("Time", "toTime(number * 360000 - 3600000)"), "time64": ("Time64(3)", "toTime64(number * 3600.125, 3)"),
    "decimal32": ("Decimal(9, 2)", "toDecimal32(number, 2) / -4"), "decimal64": ("Decimal(18, 5)", "number / 3"),
    "decimal128": ("Decimal(38, 10)", "toDecimal128(number, 10) / -3"),
    "decimal256": ("Decimal(76, 20)", "toDecimal256(number, 20) / -7"),
    "uuid": ("UUID", "reinterpretAsUUID(sipHash128(number))"), "ipv4": ("IPv4", "toIPv4(toUInt32(number * 167770))"),
    "ipv6": ("IPv6", "toIPv6(concat('2001:db8::', hex(number)))"),
    "enum8": ("Enum8('a' = -1, 'b\\'' = 2)", "if(number % 2 = 0, 'a', 'b\\'')"),
    "enum16": ("Enum16('a' = -1000, 'b' = 2)", "if(number % 2 = 0, 'a', 'b')"),
    "interval": ("IntervalDay", "toIntervalDay(number)"),
    "nullable": ("Nullable(Int32)", NULL_3.format("number")),
    "nullable_string": ("Nullable(String)", NULL_3.format("toString(number)")),
    "nullable_nothing": ("Nullable(Nothing)", "NULL"),
    "low_cardinality": ("LowCardinality(String)", "toString(number % 3)"),
    "low_cardinality_nullable": ("LowCardinality(Nullable(String))", NULL_3.format("toString(number % 4)")),
    "low_cardinality_array": ("Array(LowCardinality(Nullable(String)))", "arrayMap(x -> if(x = 1, NULL, toString(x)), range(number % 4))"),
    "low_cardinality_empty": ("Array(LowCardinality(String))", "[]"),
    "array": ("Array(Array(Nullable(Int8)))", "[[number, NULL], []]"),
    "tuple": ("Tuple(a Nullable(Int32), b Array(String))", "(NULL, [toString(number)])"),
    "tuple_empty": ("Tuple()", "tuple()"),
    "map": ("Map(LowCardinality(String), Array(UInt8))", "map('a', [number], toString(number), [])"),
    "nested": ("Nested(a Int8, b String)", "arrayMap(x -> (x, toString(x)), range(number % 4))"),
    "variant": ("Variant(LowCardinality(String), Tuple(a Int8, b LowCardinality(Nullable(String))), UInt64)",
                "multiIf(number % 3 = 0, NULL, number % 3 = 1, number::Variant(UInt64), (1, 'x')::Variant(Tuple(a Int8, b LowCardinality(Nullable(String)))))"),
    "json_text": ("JSON(a.b UInt32)", "concat('{\"a\":{\"b\":', toString(number), '},\"c\":[1,\"x\"]}')"),
    "dynamic_flat": ("Dynamic", "multiIf(number % 4 = 0, NULL, number % 4 = 1, toString(number)::Dynamic, number % 4 = 2, number::Dynamic, [number, 2]::Dynamic)"),
    "point": ("Point", "(number / 2, number / 3)"), "multi_polygon": ("MultiPolygon", "[[[(number / 2, 1)]], []]"),
    "simple_aggregate": ("SimpleAggregateFunction(anyLast, Nullable(String))", NULL_3.format("'x'")),
    "aggregate_state": (None, "SELECT sumState(number) AS v, '' AS t FROM numbers(3)"),
}
FLAT = {"output_format_native_write_json_as_string": 1,
        "output_format_native_use_flattened_dynamic_and_json_serialization": 1}
# The same values in the other forms a server can choose.
VARIED = {
    "json_flat": ("json_text", {"output_format_native_use_flattened_dynamic_and_json_serialization": 1}, 54488),
    "json_v2": ("json_text", {}, 54488), "dynamic_v2": ("dynamic_flat", {}, 54488),
    "json_v1": ("json_text", {}, 54472), "dynamic_v1": ("dynamic_flat", {}, 54472),
}
SPARSE = """CREATE OR REPLACE TABLE sparse (n UInt64, a UInt8, b String, t Tuple(x UInt8, y String),
c Nullable(Int32)) ENGINE = MergeTree ORDER BY n SETTINGS ratio_of_defaults_for_sparse_serialization
= 0.5, nullable_serialization_version = 'allow_sparse'"""
FILL = """INSERT INTO sparse SELECT number, if(number % 100 = 7, number, 0), if(number % 50 = 3,
toString(number), ''), (number % 30 = 1, ''), if(number % 40 = 5, number, NULL) FROM numbers(200)"""


def ask(url, sql, **parameters):
    target = url + "?" + urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(target, sql.encode()) as answer:
        return answer.read()


def main():
    url = sys.argv[1]
    folder = pathlib.Path(__file__).parent / "vectors"
    folder.mkdir(exist_ok=True)

    def record(name, sql, settings, revision=54488):
        body = ask(url, sql, default_format="Native", client_protocol_version=revision,
                   allow_suspicious_low_cardinality_types=1, enable_time_time64_type=1, **settings)
        # Old revisions are named in the file name, so that the test knows how to read them.
        suffix = "" if revision == 54488 else f".{revision}"
        (folder / f"{name}{suffix}.native").write_bytes(body)

    def statement(name):
        type_name, expression = SAMPLES[name]
        if type_name is None:
            return expression
        literal = type_name.replace("\\", "\\\\").replace("'", "\\'")
        return (f"SELECT CAST({expression}, '{literal}') AS v, "
                f"if(isNull(v), 'NULL', toString(v)) AS t FROM numbers(20)")

    for name in SAMPLES:
        record(name, statement(name), FLAT)
    for name, (base, settings, revision) in VARIED.items():
        record(name, statement(base), settings, revision)
    ask(url, SPARSE)
    ask(url, FILL)
    for column in "abtc":
        record(f"sparse_{column}", f"SELECT sparse.{column} AS v, if(isNull(v), 'NULL', toString(v)) AS t "
               "FROM sparse ORDER BY n", FLAT)


if __name__ == "__main__":
    main()
