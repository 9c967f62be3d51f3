# SPDX-License-Identifier: BSD-3-Clause
# common: code that the daemon and its tools share. Each of them compiles it in.
holder_sources = %D%/holder.c %D%/holder.h
fixed_keys_sources = %D%/fixed_keys.c %D%/fixed_keys.h
thread_sources = %D%/thread.h
closer_sources = %D%/closer.c %D%/closer.h $(thread_sources)
standard_sources = %D%/standard.c %D%/standard.h
utf8_sources = %D%/utf8.c %D%/utf8.h
lookup_sources = %D%/lookup.c %D%/lookup.h $(thread_sources)
libcrypto_sources = %D%/crypto/late_library.c %D%/crypto/late_library.h %D%/crypto/libcrypto.c %D%/crypto/libcrypto.h
mac_sources = %D%/crypto/mac.c %D%/crypto/mac.h $(libcrypto_sources)
trust_sources = %D%/trust.c %D%/trust.h %D%/trust_open.c
