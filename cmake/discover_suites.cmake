# Read by ctest, with `binary`, `name` and `properties` set: one test per suite of a gtest binary, so that
# what the cases of a suite share (servers) starts once.
if(NOT EXISTS "${binary}")
  add_test("${name}_NOT_BUILT" "${binary}")
  return()
endif()
execute_process(COMMAND "${binary}" --gtest_list_tests OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
# A suite is a line like "layout." or "each/follows.  # TypeParam = int"; its cases are indented.
string(REGEX MATCHALL "\n[^ \n]+\\." suites "\n${listed}")
foreach(suite IN LISTS suites)
  string(STRIP "${suite}" suite)
  string(REGEX REPLACE "\\.$" "" title "${suite}")
  add_test("${name}.${title}" "${binary}" "--gtest_filter=${suite}*")
  set_tests_properties("${name}.${title}" PROPERTIES ${properties})
endforeach()
