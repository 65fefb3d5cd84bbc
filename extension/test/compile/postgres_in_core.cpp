// Must not compile: a header of the Postgres server in the core.
#include "postgres.h"

int main() {
    return 0;
}
