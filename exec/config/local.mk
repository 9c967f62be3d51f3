# exec/config: reading and checking the config files; part of libexecutive.
config_sources = \
	%D%/crypto.c \
	%D%/environment.c \
	%D%/fixed.c \
	%D%/legacy.c %D%/legacy.h %D%/legacy_sections.c \
	%D%/links.c \
	%D%/logging.c \
	%D%/model.c %D%/model.h \
	%D%/nodes.c \
	%D%/publish.c \
	%D%/revise.c \
	%D%/schema.c \
	%D%/timers.c \
	%D%/tree.c %D%/tree.h \
	%D%/validate.c
