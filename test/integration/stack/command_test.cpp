// The command without servers: what it prints about itself.
#include <gtest/gtest.h>

#include <fstream>

#include "stack/machine/process.h"
#include "support/servers.h"

namespace tandem::test {
namespace {

std::string run(const std::vector<std::string>& arguments) {
    auto output = stack::run_program({.arguments = arguments}, std::chrono::seconds(30));
    EXPECT_TRUE(output.ok()) << output.error().to_string();
    return output.ok() ? *output : "";
}

// What bash offers after the words.
std::string completed(const std::string& words, int count) {
    auto directory = test_support::TestDirectory::create();
    EXPECT_TRUE(directory.ok());
    std::string script = (*directory)->path() + "/script";
    std::ofstream(script) << run({TANDEM_BINARY, "completion", "bash"}) << "COMP_WORDS=(" << words
                          << "); COMP_CWORD=" << count << "; _tandem; echo \"${COMPREPLY[*]}\"\n";
    return run({"/bin/bash", script});
}

TEST(command, completes_commands_and_options_in_bash) {
    EXPECT_EQ(completed("tandem mir", 1), "mirror\n");
    std::string actions = completed("tandem mirror ''", 2);
    for (const char* word : {"create", "alter", "add", "remove", "drop", "resync", "show"})
        EXPECT_NE(actions.find(word), std::string::npos) << actions;
    EXPECT_EQ(completed("tandem mirror create shop --batch-r", 4), "--batch-rows\n");
    EXPECT_EQ(completed("tandem _s", 1), "\n");
}

TEST(command, has_completion_for_every_shell_and_a_man_page) {
    for (const char* shell : {"bash", "zsh", "fish"}) {
        std::string script = run({TANDEM_BINARY, "completion", shell});
        for (const char* part : {"resync", "memory", "verify", "top", "diff", "factor"})
            EXPECT_NE(script.find(part), std::string::npos) << shell << " lacks " << part;
        EXPECT_EQ(script.find("_supervise"), std::string::npos) << shell;
    }
    std::string page = run({TANDEM_BINARY, "_man"});
    for (const char* part :
         {".TH TANDEM 1", "tandem mirror create name", "tandem mirror remove name", "tandem diff",
          "\\-\\-since", "\\-\\-snapshot\\-workers"})
        EXPECT_NE(page.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace tandem::test
