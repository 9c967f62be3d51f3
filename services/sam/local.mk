# services/sam: supervision of one's own process: a library alone.
include services/sam/lib/local.mk
include services/sam/man/local.mk
