#include "postgres/catalog.h"
