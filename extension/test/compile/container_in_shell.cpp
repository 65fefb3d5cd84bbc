// Must not compile: a container in a shell file.
#include "extension/shell/pg.h"

#include <vector>

int count() {
    return static_cast<int>(std::vector<int>(3).size());
}
