// Must not compile: an exception in a shell file.
#include "extension/shell/pg.h"

void fail() {
    throw 1;
}
