/* The cfg service: status, shutdowns and reloads. */
#include "tests/fuzz/service.h"

FUZZ_SERVICE(cfg);
