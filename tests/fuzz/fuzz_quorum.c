/* SPDX-License-Identifier: BSD-3-Clause */
/* The quorum service. */
#include "tests/fuzz/service.h"

FUZZ_SERVICE(quorum);
