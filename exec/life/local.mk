# SPDX-License-Identifier: BSD-3-Clause
# exec/life: plugins that are loaded, replaced and unloaded while the daemon runs.
libcore_la_SOURCES += \
	%D%/plugin_life.c %D%/plugin_life.h %D%/plugin_life_private.h %D%/plugin_follow.c %D%/plugin_replace.c \
	%D%/plugin_trial.c %D%/plugin_trial.h %D%/map_options.c %D%/map_options.h
