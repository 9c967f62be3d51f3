# SPDX-License-Identifier: BSD-3-Clause
# exec/plugin: the loaded plugins, how they are found, checked and loaded.

# Where plugins come from: files and builtins, or builtins alone.
if STATIC_BINARY
plugin_open_sources = %D%/plugin_static.c
else
plugin_open_sources = %D%/plugin_open.c
endif
libcore_la_SOURCES += $(plugin_open_sources) \
	%D%/plugin.c %D%/plugin.h %D%/plugin_private.h %D%/plugin_check.c %D%/plugin_code.c %D%/plugin_code.h %D%/plugin_error.c \
	%D%/plugin_kind.c %D%/plugin_load.c \
	%D%/plugin_load.h %D%/plugin_name.c %D%/plugin_options.c %D%/plugin_options.h %D%/plugin_overrides.c \
	%D%/plugin_probe.c %D%/plugin_table.c %D%/plugin_watch.c %D%/plugin_watch.h
