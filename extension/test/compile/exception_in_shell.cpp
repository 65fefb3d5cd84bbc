// Must not compile: an exception in a shell file.
#include "shell/pg.h"

void fail() {
    throw 1;
}
