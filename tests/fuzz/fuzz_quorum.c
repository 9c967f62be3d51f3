/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz the service quorum. */
#include "tests/fuzz/service.h"

FUZZ_SERVICE(quorum);
