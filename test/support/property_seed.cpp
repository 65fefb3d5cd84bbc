// Linked into every binary with property tests: they try the same values in every run, unless
// RC_PARAMS says otherwise, as tools/run_long_tests.sh does.
#include <cstdlib>

namespace {

[[maybe_unused]] const int g_fixed = setenv("RC_PARAMS", "seed=1", 0);

}  // namespace
