# tools: command-line tools: one binary behind their names.
