// Runs a fuzz target without libFuzzer: over every file of its corpus, then over a fixed number of
// simple mutations of them, the same in every run. This is what the tests do, in every build;
// libFuzzer itself searches for new inputs (make test-long).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

constexpr size_t kMutations = 100'000;  // of all files together

Input read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Input(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

void run(const Input& input) {
    // A copy of exactly the size, so that the sanitizer sees the first byte read behind it.
    std::vector<uint8_t> exact(input);
    exact.shrink_to_fit();
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void mutate(Input& input, std::mt19937& random) {
    const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t at = random() % input.size();
    switch (random() % 5) {
        case 0:
            input[at] = static_cast<uint8_t>(random());
            break;
        case 1:
            input[at] = telling[random() % sizeof telling];
            break;
        case 2:
            input[at] = static_cast<uint8_t>(input[at] ^ (1U << (random() % 8)));
            break;
        case 3:
            input.resize(at + 1);
            break;
        default:
            input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), input[at]);
            break;
    }
}

// Each from its own seed: the order of the files is the file system's.
void run_mutations(const Input& seed, size_t count) {
    std::mt19937 random(1);
    for (size_t n = 0; n < count && !seed.empty(); ++n) {
        Input input = seed;
        for (auto steps = 1 + random() % 3; steps != 0 && !input.empty(); --steps)
            mutate(input, random);
        run(input);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Input> seeds;
    for (int i = 1; i < argc; ++i)
        for (const auto& entry : std::filesystem::directory_iterator(argv[i]))
            seeds.push_back(read(entry.path()));
    if (seeds.empty()) return 1;
    for (const Input& seed : seeds) {
        run(seed);
        run_mutations(seed, kMutations / seeds.size());
    }
    std::printf("%zu files, %zu mutations of each\n", seeds.size(), kMutations / seeds.size());
    return 0;
}
