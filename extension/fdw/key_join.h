// A join of rows that Postgres has with a foreign table: the keys of many rows are sent at once,
// and only the rows of the table that have one of them come back.
//
// Rows of the one side are collected in batches of work_mem. The keys of a batch are an array that
// the foreign scan takes as a parameter; what it sends is joined here, by hash, under all
// conditions of the join. So a key that ClickHouse finds too often costs time and nothing else.
#pragma once

extern "C" {
#include "nodes/extensible.h"
}

namespace tandem::shell {

// What the plan node carries: custom_plans are the side that brings keys and the foreign scan.
enum KeyJoinPrivate {
    kKeyJoinKind,         // IntList of one: JoinType, inner, left, semi or anti
    kKeyJoinHashes,       // OidList: hash functions of the keys here
    kKeyJoinOtherHashes,  // OidList: ... and of those there
    kKeyJoinCollations,   // OidList
    kKeyJoinSent,         // IntList: which keys of the foreign scan they are; -1: not sent
};

enum KeyJoinExpressions {
    kKeyJoinConditions,  // list of those that decide whether two rows fit
    kKeyJoinKeys,        // list, of the rows here
    kKeyJoinOtherKeys,   // list, parallel
};

// Bytes that a row takes in a batch besides its columns; keys that are sent at once, at most.
constexpr double kRowOverhead = 64;
constexpr int kKeysOfBatch = 50000;

extern const CustomScanMethods kKeyJoinMethods;
// Its paths, for every join; registers the methods.
void install_key_joins();

}  // namespace tandem::shell
