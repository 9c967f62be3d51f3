/* The quorum service. */
#include "tests/fuzz/service.h"

FUZZ_SERVICE(quorum);
