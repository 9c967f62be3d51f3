# services/sam: supervision of one's own process: a library alone.
