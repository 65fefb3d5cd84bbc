#include "route/rules/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tandem::route {
namespace {

// TANDEM_WRITE_DOCS=1 writes the page instead.
TEST(reference, page_is_that_of_the_table) {
    const char* path = TANDEM_SOURCE_DIRECTORY "/docs/reference/route-functions.md";
    if (std::getenv("TANDEM_WRITE_DOCS") != nullptr) std::ofstream(path) << reference_page();
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_EQ(text.str(), reference_page())
        << "run build/release/src/route/route_test with TANDEM_WRITE_DOCS=1";
}

}  // namespace
}  // namespace tandem::route
